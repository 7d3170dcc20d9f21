//! Checks of single fields that all nouns share: amounts, `If-Match`, and read-only fields that a client sent back.

use std::collections::BTreeMap;

use serde_json::value::RawValue;

use crate::money::{Currency, Decimal, MAX_MINOR_UNITS};
use crate::refusal::Refusal;

/// Converts an amount to minor units of the currency. The refusal names `field`.
pub fn minor(amount: Decimal, currency: Currency, field: &'static str) -> Result<i64, Refusal> {
    if amount.scale() > currency.exponent() {
        return Err(Refusal::AmountTooPrecise { field, currency });
    }
    let minor =
        amount.to_minor(currency.exponent()).filter(|minor| minor.unsigned_abs() <= MAX_MINOR_UNITS.unsigned_abs());
    minor.ok_or(Refusal::AmountTooLarge { field })
}

/// As [`minor`]; the amount must be positive.
pub(crate) fn positive(amount: Decimal, currency: Currency, field: &'static str) -> Result<i64, Refusal> {
    if amount.is_negative() || amount.is_zero() {
        return Err(Refusal::AmountNotPositive { field });
    }
    minor(amount, currency, field)
}

/// As [`minor`]; the amount must not be negative.
pub(crate) fn not_negative(amount: Decimal, currency: Currency, field: &'static str) -> Result<i64, Refusal> {
    if amount.is_negative() {
        return Err(Refusal::AmountNegative { field });
    }
    minor(amount, currency, field)
}

/// Refuses if `If-Match` names another version.
pub(crate) fn check_version(if_match: Option<i64>, current: i64) -> Result<(), Refusal> {
    match if_match {
        Some(wanted) if wanted != current => Err(Refusal::VersionMismatch { current }),
        _ => Ok(()),
    }
}

/// Read-only fields that a client sent back, by JSON pointer. They must equal the stored ones.
#[derive(Clone, Debug, Default)]
pub struct Echo {
    /// Amounts, compared as decimals: 12.50 equals 12.5.
    pub amounts: Vec<(&'static str, Decimal)>,
    pub others: Vec<(&'static str, serde_json::Value)>,
}

/// Refuses if a read-only field was sent with a value that differs from the shown one.
pub(crate) fn check_read_only(sent: &Echo, shown: &impl serde::Serialize) -> Result<(), Refusal> {
    if sent.amounts.is_empty() && sent.others.is_empty() {
        return Ok(());
    }
    let text = serde_json::to_string(shown).expect("a view is plain JSON");
    let amounts: BTreeMap<&str, &RawValue> = serde_json::from_str(&text).expect("a view is a JSON object");
    for (field, amount) in &sent.amounts {
        let stored = amounts.get(&field[1..]).and_then(|stored| Decimal::parse(stored.get()).ok());
        if stored != Some(*amount) {
            return Err(Refusal::ReadOnlyField { field });
        }
    }
    let shown: serde_json::Value = serde_json::from_str(&text).expect("a view is plain JSON");
    match sent.others.iter().find(|(field, value)| shown.pointer(field) != Some(value)) {
        Some((field, _)) => Err(Refusal::ReadOnlyField { field }),
        None => Ok(()),
    }
}

/// Treats an empty JSON object as absent: both are shown as `{}`, so writing an object back changes nothing.
pub(crate) fn unless_empty(object: Option<String>) -> Option<String> {
    object.filter(|text| text != "{}")
}
