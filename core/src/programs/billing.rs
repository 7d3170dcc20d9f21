//! What a message costs in the card's currency: by its billing amount, by its rate, by the rate of the programme.

use crate::fields::not_negative;
use crate::messages::Asked;
use crate::money::{Currency, Decimal, LARGEST_MINOR};
use crate::programs::convert::{convert, divide_half_even};
use crate::programs::terms::Terms;
use crate::refusal::Refusal;

/// What is asked for in the card's currency; none when no rate is known. What is not nothing is at least one minor unit.
pub(crate) fn billing(asked: &Asked, card: Currency, terms: &Terms) -> Result<Option<i64>, Refusal> {
    if let Some(amount) = stated(asked, card)? {
        return Ok(Some(amount));
    }
    match terms.rate(asked.currency, card) {
        Some(rate) => at_rate(asked, rate, card).map(Some),
        None => Ok(None),
    }
}

/// What the message itself says of its amount in the card's currency.
pub(crate) fn stated(asked: &Asked, card: Currency) -> Result<Option<i64>, Refusal> {
    let minor = not_negative(asked.amount, asked.currency, "/amount")?;
    let same = asked.currency == card;
    if let Some(billing) = asked.billing {
        let billing = not_negative(billing, card, "/billingAmount")?;
        if same && billing != minor {
            return Err(Refusal::BillingMismatch { field: "/billingAmount", currency: card });
        }
        if billing == 0 && minor > 0 {
            return Err(Refusal::AmountNotPositive { field: "/billingAmount" });
        }
        return Ok(Some(billing));
    }
    if let Some(rate) = asked.rate {
        if rate.is_negative() || rate.is_zero() {
            return Err(Refusal::AmountNotPositive { field: "/rate" });
        }
        if same && rate != Decimal::new(1, 0) {
            return Err(Refusal::BillingMismatch { field: "/rate", currency: card });
        }
        if !same {
            return at_rate(asked, rate, card).map(Some);
        }
    }
    Ok(same.then_some(minor))
}

fn at_rate(asked: &Asked, rate: Decimal, card: Currency) -> Result<i64, Refusal> {
    let minor = not_negative(asked.amount, asked.currency, "/amount")?;
    let converted = convert(minor, asked.currency, rate, card).filter(|amount| *amount <= LARGEST_MINOR);
    let converted = converted.ok_or(Refusal::AmountTooLarge { field: "/amount" })?;
    Ok(if minor > 0 { converted.max(1) } else { converted })
}

/// The rate that an authorization's parts are converted at, when its amount was converted by one.
pub(crate) fn rate(asked: &Asked, card: Currency, terms: &Terms) -> Option<Decimal> {
    if asked.billing.is_some() || asked.currency == card {
        return None;
    }
    asked.rate.or_else(|| terms.rate(asked.currency, card))
}

/// A share of an amount: `whole × of ÷ all`, half to even.
pub(crate) fn share(whole: i64, of: i64, all: i64) -> Option<i64> {
    let value = divide_half_even(i128::from(whole) * i128::from(of), i128::from(all));
    i64::try_from(value).ok().filter(|value| *value <= LARGEST_MINOR)
}
