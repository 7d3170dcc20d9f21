//! Converting parts of an authorization between the card's and the merchant's currency.
//!
//! Parts are converted by the running total, so that they add up to the whole: part n = round(total so far) −
//! round(total before).

use crate::authorizations::Authorization;
use crate::money::Currency;
use crate::programs::{convert, share};

/// A part of an authorization or transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Part {
    /// In minor units of the card's currency.
    pub(crate) amount: i64,
    /// In minor units of `merchant_currency`, as in the message.
    pub(crate) merchant_amount: i64,
    pub(crate) merchant_currency: Currency,
    /// The part in minor units of the currency in which the whole was requested.
    pub(crate) settled: i64,
}

/// The amount in the card's currency for a total in the merchant's.
fn total(of: &Authorization, merchant: i64) -> Option<i64> {
    if of.requested == 0 && of.merchant_amount > 0 {
        return None;
    }
    if merchant == of.merchant_amount {
        return Some(of.requested);
    }
    at_its_rate(of, merchant)
}

/// Converts from the merchant's currency at the authorization's rate, or at the ratio of its two amounts.
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

/// Converts the next part from the merchant's currency, by the running total.
pub(crate) fn next_part(of: &Authorization, merchant: i64) -> Option<i64> {
    let settled = settled(of);
    Some((total(of, settled.checked_add(merchant)?)? - total(of, settled)?).max(0))
}

/// Converts a whole amount from the merchant's currency, at the authorization's rate.
pub(crate) fn whole(of: &Authorization, merchant: i64) -> Option<i64> {
    total(of, merchant).map(|amount| if merchant > 0 { amount.max(1) } else { amount })
}

/// Converts an increment from the merchant's currency, by the running total.
pub(crate) fn increase(of: &Authorization, merchant: i64) -> Option<i64> {
    let after = at_its_rate(of, of.merchant_amount.checked_add(merchant)?)?;
    Some((after - of.requested).max(i64::from(merchant > 0)))
}

/// How much was cleared or reversed, in the merchant's currency. Older rows did not count it; for them it is computed.
fn settled(of: &Authorization) -> i64 {
    if of.merchant_settled > 0 { of.merchant_settled } else { in_merchant_currency(of, of.cleared + of.reversed) }
}

/// Converts from the card's currency to the merchant's.
pub(crate) fn in_merchant_currency(of: &Authorization, amount: i64) -> i64 {
    if of.merchant_currency == of.currency || of.requested == 0 {
        return amount;
    }
    share(amount, of.merchant_amount, of.requested).unwrap_or(of.merchant_amount)
}

/// Adds a part to what was cleared or reversed.
pub(crate) fn add_settled(of: &mut Authorization, part: i64) {
    of.merchant_settled = settled(of).saturating_add(part);
}

/// A part that is given in the card's currency. The last part is whatever is left in the merchant's currency.
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
