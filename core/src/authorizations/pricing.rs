//! What a message costs in the card's currency.
//!
//! In this order: the billing amount of the message, its rate, the rate of the authorization or transaction it belongs to,
//! the rate of the programme. Parts of one amount are converted by the running total, so that they add up to the whole:
//! part n = round(total so far) − round(total before).

use crate::authorizations::terms::{Terms, convert, divide_half_even};
use crate::authorizations::{Asked, Authorization, Posted};
use crate::money::{Currency, Decimal, LARGEST_MINOR};
use crate::refusal::Refusal;

/// A part of an authorization or of a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Part {
    /// In minor units of the card's currency.
    pub(super) amount: i64,
    /// In minor units of the merchant's currency, as the message has it.
    pub(super) merchant_amount: i64,
    /// That currency.
    pub(super) merchant_currency: Currency,
    /// The same in the merchant's currency of what it is a part of.
    pub(super) settled: i64,
}

/// What is asked for in the card's currency; none when no rate is known. What is not nothing is at least one minor unit.
pub(super) fn billing(asked: &Asked, card: Currency, terms: &Terms) -> Result<Option<i64>, Refusal> {
    if let Some(amount) = said(asked, card)? {
        return Ok(Some(amount));
    }
    match terms.rate(asked.currency, card) {
        Some(rate) => at_rate(asked, rate, card).map(Some),
        None => Ok(None),
    }
}

/// What the message itself says of its amount in the card's currency.
fn said(asked: &Asked, card: Currency) -> Result<Option<i64>, Refusal> {
    let minor = crate::accounts::not_negative(asked.amount, asked.currency, "/amount")?;
    let same = asked.currency == card;
    if let Some(billing) = asked.billing {
        let billing = crate::accounts::not_negative(billing, card, "/billingAmount")?;
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
    let minor = crate::accounts::not_negative(asked.amount, asked.currency, "/amount")?;
    let converted = convert(minor, asked.currency, rate, card).filter(|amount| *amount <= LARGEST_MINOR);
    let converted = converted.ok_or(Refusal::AmountTooLarge { field: "/amount" })?;
    Ok(if minor > 0 { converted.max(1) } else { converted })
}

/// The rate that an authorization's parts are converted at, when its amount was converted by one.
pub(super) fn rate(asked: &Asked, card: Currency, terms: &Terms) -> Option<Decimal> {
    if asked.billing.is_some() || asked.currency == card {
        return None;
    }
    asked.rate.or_else(|| terms.rate(asked.currency, card))
}

/// A share of an amount: `whole × of ÷ all`, half to even.
fn share(whole: i64, of: i64, all: i64) -> Option<i64> {
    let value = divide_half_even(i128::from(whole) * i128::from(of), i128::from(all));
    i64::try_from(value).ok().filter(|value| *value <= LARGEST_MINOR)
}

/// What so much of an authorization in the merchant's currency is in the card's.
fn total(of: &Authorization, merchant: i64) -> Option<i64> {
    if of.asked == 0 && of.merchant_amount > 0 {
        return None;
    }
    if merchant == of.merchant_amount {
        return Some(of.asked);
    }
    at_its_rate(of, merchant)
}

/// An amount in the merchant's currency at the rate of an authorization; without one, at that between its two sides.
fn at_its_rate(of: &Authorization, merchant: i64) -> Option<i64> {
    if of.merchant_currency == of.currency {
        return Some(merchant);
    }
    match of.rate {
        Some(rate) => convert(merchant, of.merchant_currency, rate, of.currency),
        None if of.merchant_amount > 0 && of.asked > 0 => share(merchant, of.asked, of.merchant_amount),
        None => None,
    }
}

/// What the next part of an authorization in the merchant's currency is in the card's, by the running total.
pub(super) fn next_part(of: &Authorization, merchant: i64) -> Option<i64> {
    let settled = settled(of);
    Some((total(of, settled.checked_add(merchant)?)? - total(of, settled)?).max(0))
}

/// What an authorization is in the card's currency when it is so much in the merchant's, at its own rate.
pub(super) fn whole(of: &Authorization, merchant: i64) -> Option<i64> {
    total(of, merchant).map(|amount| if merchant > 0 { amount.max(1) } else { amount })
}

/// How much more an authorization is in the card's currency when so much more is asked for in the merchant's.
pub(super) fn increase(of: &Authorization, merchant: i64) -> Option<i64> {
    let after = at_its_rate(of, of.merchant_amount.checked_add(merchant)?)?;
    Some((after - of.asked).max(i64::from(merchant > 0)))
}

/// How much of an authorization in the merchant's currency was collected or taken back. Rows from before this was counted
/// have nothing there: then it is the share.
fn settled(of: &Authorization) -> i64 {
    if of.merchant_settled > 0 { of.merchant_settled } else { in_merchant_currency(of, of.cleared + of.reversed) }
}

/// What an amount of an authorization in the card's currency is in the merchant's.
pub(super) fn in_merchant_currency(of: &Authorization, amount: i64) -> i64 {
    if of.merchant_currency == of.currency || of.asked == 0 {
        return amount;
    }
    share(amount, of.merchant_amount, of.asked).unwrap_or(of.merchant_amount)
}

/// Counts a part of an authorization as settled.
pub(super) fn settle(of: &mut Authorization, part: i64) {
    of.merchant_settled = settled(of).saturating_add(part);
}

/// What is collected: all that is open where nothing is asked for. None when no rate is known.
pub(super) fn clearing(of: &Authorization, asked: Option<&Asked>, terms: &Terms) -> Result<Option<Part>, Refusal> {
    let Some(asked) = asked else {
        return Ok(Some(rest_of(of, of.open)));
    };
    let minor = crate::accounts::not_negative(asked.amount, asked.currency, "/amount")?;
    let own = asked.currency == of.merchant_currency;
    let amount = match said(asked, of.currency)? {
        Some(amount) => Some(amount),
        None => match next_part(of, minor).filter(|_| own) {
            Some(amount) => Some(amount),
            None => billing(asked, of.currency, terms)?,
        },
    };
    Ok(amount.map(|amount| Part {
        amount,
        merchant_amount: minor,
        merchant_currency: asked.currency,
        settled: if own { minor } else { in_merchant_currency(of, amount) },
    }))
}

/// A part of an authorization that is known in the card's currency; the last one is all that is left in the merchant's.
pub(super) fn rest_of(of: &Authorization, amount: i64) -> Part {
    let whole = of.approved == of.asked && of.cleared + of.reversed + amount == of.approved;
    let merchant = if of.asked == 0 {
        return Part { amount, merchant_amount: amount, merchant_currency: of.currency, settled: 0 };
    } else if whole {
        (of.merchant_amount - settled(of)).max(0)
    } else {
        in_merchant_currency(of, amount)
    };
    Part { amount, merchant_amount: merchant, merchant_currency: of.merchant_currency, settled: merchant }
}

/// What is given back of a transaction: all that is left where nothing is asked for. None when no rate is known.
pub(super) fn refund(of: &Posted, asked: Option<&Asked>, terms: &Terms) -> Result<Option<Part>, Refusal> {
    let whole = of.amount.saturating_abs();
    let Some(asked) = asked else {
        let merchant = (of.merchant_amount - of.merchant_refunded).max(0);
        let amount = whole - of.refunded;
        return Ok(Some(Part {
            amount,
            merchant_amount: merchant,
            merchant_currency: of.merchant_currency,
            settled: merchant,
        }));
    };
    let minor = crate::accounts::not_negative(asked.amount, asked.currency, "/amount")?;
    let own = asked.currency == of.merchant_currency;
    let running = |merchant: i64| match merchant {
        all if all == of.merchant_amount => Some(whole),
        part if of.merchant_currency == of.currency => Some(part),
        part if of.merchant_amount > 0 => share(part, whole, of.merchant_amount),
        _ => None,
    };
    let amount = match said(asked, of.currency)? {
        Some(amount) => Some(amount),
        None if own => {
            let after = running(of.merchant_refunded.saturating_add(minor));
            let before = running(of.merchant_refunded);
            after.zip(before).map(|(after, before)| (after - before).max(0))
        }
        None => billing(asked, of.currency, terms)?,
    };
    Ok(amount.map(|amount| Part {
        amount,
        merchant_amount: minor,
        merchant_currency: asked.currency,
        settled: if own { minor } else { merchant_share(of, amount) },
    }))
}

/// What an amount of a transaction in the card's currency is in the merchant's.
pub(super) fn merchant_share(of: &Posted, amount: i64) -> i64 {
    let whole = of.amount.saturating_abs();
    if of.merchant_currency == of.currency || whole == 0 {
        return amount;
    }
    share(amount, of.merchant_amount, whole).unwrap_or(of.merchant_amount)
}
