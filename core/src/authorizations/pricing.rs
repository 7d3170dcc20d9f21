//! Parts of an authorization in the card's currency and in the merchant's.
//!
//! Parts are converted by the running total, so that they add up to the whole:
//! part n = round(total so far) − round(total before).

use crate::authorizations::Authorization;
use crate::money::Currency;
use crate::programs::{convert, share};

/// A part of an authorization or of a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Part {
    /// In minor units of the card's currency.
    pub(crate) amount: i64,
    /// In minor units of the merchant's currency, as the message has it.
    pub(crate) merchant_amount: i64,
    /// That currency.
    pub(crate) merchant_currency: Currency,
    /// The same in the merchant's currency of what it is a part of.
    pub(crate) settled: i64,
}

/// What so much of an authorization in the merchant's currency is in the card's.
fn total(of: &Authorization, merchant: i64) -> Option<i64> {
    if of.requested == 0 && of.merchant_amount > 0 {
        return None;
    }
    if merchant == of.merchant_amount {
        return Some(of.requested);
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
        None if of.merchant_amount > 0 && of.requested > 0 => share(merchant, of.requested, of.merchant_amount),
        None => None,
    }
}

/// What the next part of an authorization in the merchant's currency is in the card's, by the running total.
pub(crate) fn next_part(of: &Authorization, merchant: i64) -> Option<i64> {
    let settled = settled(of);
    Some((total(of, settled.checked_add(merchant)?)? - total(of, settled)?).max(0))
}

/// What an authorization is in the card's currency when it is so much in the merchant's, at its own rate.
pub(crate) fn whole(of: &Authorization, merchant: i64) -> Option<i64> {
    total(of, merchant).map(|amount| if merchant > 0 { amount.max(1) } else { amount })
}

/// How much more an authorization is in the card's currency when so much more is asked for in the merchant's.
pub(crate) fn increase(of: &Authorization, merchant: i64) -> Option<i64> {
    let after = at_its_rate(of, of.merchant_amount.checked_add(merchant)?)?;
    Some((after - of.requested).max(i64::from(merchant > 0)))
}

/// How much of an authorization in the merchant's currency was collected or taken back. Rows from before this was counted
/// have nothing there: then it is the share.
fn settled(of: &Authorization) -> i64 {
    if of.merchant_settled > 0 { of.merchant_settled } else { in_merchant_currency(of, of.cleared + of.reversed) }
}

/// What an amount of an authorization in the card's currency is in the merchant's.
pub(crate) fn in_merchant_currency(of: &Authorization, amount: i64) -> i64 {
    if of.merchant_currency == of.currency || of.requested == 0 {
        return amount;
    }
    share(amount, of.merchant_amount, of.requested).unwrap_or(of.merchant_amount)
}

/// Counts a part of an authorization as settled.
pub(crate) fn add_settled(of: &mut Authorization, part: i64) {
    of.merchant_settled = settled(of).saturating_add(part);
}

/// A part of an authorization that is known in the card's currency; the last one is all that is left in the merchant's.
pub(crate) fn rest_of(of: &Authorization, amount: i64) -> Part {
    let whole = of.approved == of.requested && of.cleared + of.reversed + amount == of.approved;
    let merchant = if of.requested == 0 {
        return Part { amount, merchant_amount: amount, merchant_currency: of.currency, settled: 0 };
    } else if whole {
        (of.merchant_amount - settled(of)).max(0)
    } else {
        in_merchant_currency(of, amount)
    };
    Part { amount, merchant_amount: merchant, merchant_currency: of.merchant_currency, settled: merchant }
}
