//! The amounts of clearings and refunds, in the card's and in the merchant's currency.
//!
//! The first of these applies: the message's billing amount, the message's rate, the rate of the authorization or
//! transaction it belongs to, the rate of the card's program. Parts are converted by the running total, as those of an
//! authorization.

use crate::authorizations::Authorization;
use crate::authorizations::pricing::{Part, in_merchant_currency, next_part, rest_of};
use crate::fields::not_negative;
use crate::messages::RequestedAmount;
use crate::programs::{ProgramTerms, billing, share, stated};
use crate::refusal::Refusal;
use crate::transactions::Transaction;

/// The part that a clearing posts; the whole outstanding amount if it states none. `None` if no rate is known.
pub(super) fn clearing(
    of: &Authorization,
    requested: Option<&RequestedAmount>,
    terms: &ProgramTerms,
) -> Result<Option<Part>, Refusal> {
    let Some(requested) = requested else {
        return Ok(Some(rest_of(of, of.outstanding)));
    };
    let minor = not_negative(requested.amount, requested.currency, "/amount")?;
    let own = requested.currency == of.merchant_currency;
    let amount = match stated(requested, of.currency)? {
        Some(amount) => Some(amount),
        None => match next_part(of, minor).filter(|_| own) {
            Some(amount) => Some(amount),
            None => billing(requested, of.currency, terms)?,
        },
    };
    Ok(amount.map(|amount| Part {
        amount,
        merchant_amount: minor,
        merchant_currency: requested.currency,
        settled: if own { minor } else { in_merchant_currency(of, amount) },
    }))
}

/// The part that a refund returns; all that is left if it states none. `None` if no rate is known.
pub(super) fn refund(
    of: &Transaction,
    requested: Option<&RequestedAmount>,
    terms: &ProgramTerms,
) -> Result<Option<Part>, Refusal> {
    let whole = of.amount.saturating_abs();
    let Some(requested) = requested else {
        let merchant = (of.merchant_amount - of.merchant_refunded).max(0);
        let amount = whole - of.refunded;
        return Ok(Some(Part {
            amount,
            merchant_amount: merchant,
            merchant_currency: of.merchant_currency,
            settled: merchant,
        }));
    };
    let minor = not_negative(requested.amount, requested.currency, "/amount")?;
    let own = requested.currency == of.merchant_currency;
    let running = |merchant: i64| match merchant {
        all if all == of.merchant_amount => Some(whole),
        part if of.merchant_currency == of.currency => Some(part),
        part if of.merchant_amount > 0 => share(part, whole, of.merchant_amount),
        _ => None,
    };
    let amount = match stated(requested, of.currency)? {
        Some(amount) => Some(amount),
        None if own => {
            let after = running(of.merchant_refunded.saturating_add(minor));
            let before = running(of.merchant_refunded);
            after.zip(before).map(|(after, before)| (after - before).max(0))
        }
        None => billing(requested, of.currency, terms)?,
    };
    Ok(amount.map(|amount| Part {
        amount,
        merchant_amount: minor,
        merchant_currency: requested.currency,
        settled: if own { minor } else { merchant_share(of, amount) },
    }))
}

/// Converts from the card's currency to the merchant's.
pub(super) fn merchant_share(of: &Transaction, amount: i64) -> i64 {
    let whole = of.amount.saturating_abs();
    if of.merchant_currency == of.currency || whole == 0 {
        return amount;
    }
    share(amount, of.merchant_amount, whole).unwrap_or(of.merchant_amount)
}
