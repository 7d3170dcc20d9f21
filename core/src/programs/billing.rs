//! The price of a message in the card's currency: its billing amount, or its rate, or the rate of the card's program.

use crate::fields::not_negative;
use crate::messages::RequestedAmount;
use crate::money::{Currency, Decimal, MAX_MINOR_UNITS};
use crate::programs::convert::{convert, divide_half_even};
use crate::programs::terms::ProgramTerms;
use crate::refusal::Refusal;

/// The amount in the card's currency; `None` if no rate is known. A positive amount is at least one minor unit.
pub(crate) fn billing(
    requested: &RequestedAmount,
    card: Currency,
    terms: &ProgramTerms,
) -> Result<Option<i64>, Refusal> {
    if let Some(amount) = stated(requested, card)? {
        return Ok(Some(amount));
    }
    match terms.rate(requested.currency, card) {
        Some(rate) => at_rate(requested, rate, card).map(Some),
        None => Ok(None),
    }
}

/// The amount in the card's currency, if the message itself states it.
pub(crate) fn stated(requested: &RequestedAmount, card: Currency) -> Result<Option<i64>, Refusal> {
    let minor = not_negative(requested.amount, requested.currency, "/amount")?;
    let same = requested.currency == card;
    if let Some(billing) = requested.billing {
        let billing = not_negative(billing, card, "/billingAmount")?;
        if same && billing != minor {
            return Err(Refusal::BillingMismatch { field: "/billingAmount", currency: card });
        }
        if billing == 0 && minor > 0 {
            return Err(Refusal::AmountNotPositive { field: "/billingAmount" });
        }
        return Ok(Some(billing));
    }
    if let Some(rate) = requested.rate {
        if rate.is_negative() || rate.is_zero() {
            return Err(Refusal::AmountNotPositive { field: "/rate" });
        }
        if same && rate != Decimal::new(1, 0) {
            return Err(Refusal::BillingMismatch { field: "/rate", currency: card });
        }
        if !same {
            return at_rate(requested, rate, card).map(Some);
        }
    }
    Ok(same.then_some(minor))
}

fn at_rate(requested: &RequestedAmount, rate: Decimal, card: Currency) -> Result<i64, Refusal> {
    let minor = not_negative(requested.amount, requested.currency, "/amount")?;
    converted(minor, requested.currency, rate, card).ok_or(Refusal::AmountTooLarge { field: "/amount" })
}

/// Minor units at a rate: of a positive amount at least one. `None` beyond what an amount may be.
pub(crate) fn converted(minor: i64, from: Currency, rate: Decimal, to: Currency) -> Option<i64> {
    let amount = convert(minor, from, rate, to).filter(|amount| *amount <= MAX_MINOR_UNITS)?;
    Some(if minor > 0 { amount.max(1) } else { amount })
}

/// The rate for later parts of an authorization; `None` if its amount was not converted by a rate.
pub(crate) fn rate(requested: &RequestedAmount, card: Currency, terms: &ProgramTerms) -> Option<Decimal> {
    if requested.billing.is_some() || requested.currency == card {
        return None;
    }
    requested.rate.or_else(|| terms.rate(requested.currency, card))
}

/// `whole × of ÷ all`, rounded half to even.
pub(crate) fn share(whole: i64, of: i64, all: i64) -> Option<i64> {
    let value = divide_half_even(i128::from(whole) * i128::from(of), i128::from(all));
    i64::try_from(value).ok().filter(|value| *value <= MAX_MINOR_UNITS)
}
