//! Values in answers and events: pictures of objects, exact amounts and free-form JSON.

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use serde::{Serialize, Serializer};
use serde_json::value::{RawValue, to_raw_value};
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{AdditionalProperties, ObjectBuilder, Schema, Type};
use utoipa::{PartialSchema, ToSchema};

use crate::money::{Currency, Decimal, format_minor};

/// A view with its JSON, made once: an event carries it, and the answer is the same bytes.
#[derive(Clone, Debug)]
pub struct Pictured<V>(Arc<(V, Box<RawValue>)>);

impl<V> Pictured<V> {
    pub fn json(&self) -> &RawValue {
        &self.0.1
    }
}

impl<V: Serialize> From<V> for Pictured<V> {
    /// # Panics
    ///
    /// If the view cannot be written as JSON, which is a defect.
    fn from(view: V) -> Pictured<V> {
        let json = to_raw_value(&view).expect("a view is plain JSON");
        Pictured(Arc::new((view, json)))
    }
}

impl<V> Deref for Pictured<V> {
    type Target = V;

    fn deref(&self) -> &V {
        &self.0.0
    }
}

impl<V> Serialize for Pictured<V> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.json().serialize(serializer)
    }
}

/// An amount, written digit by digit as a JSON number in major units: exact for every reader of decimals.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Money {
    minor: i64,
    exponent: u8,
}

impl Money {
    /// An amount given in minor units.
    pub fn new(minor: i64, currency: Currency) -> Money {
        Money { minor, exponent: currency.exponent() }
    }

    /// An amount given in major units, without a currency.
    pub fn of(amount: Decimal) -> Money {
        Money { minor: amount.to_minor(amount.scale()).unwrap_or_default(), exponent: amount.scale() }
    }

    pub fn minor(self) -> i64 {
        self.minor
    }
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&format_minor(self.minor, self.exponent))
    }
}

impl Serialize for Money {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let unit = 10i64.pow(u32::from(self.exponent));
        if self.minor % unit == 0 {
            return serializer.serialize_i64(self.minor / unit);
        }
        let text = format_minor(self.minor, self.exponent);
        let raw: &RawValue = serde_json::from_str(&text).map_err(serde::ser::Error::custom)?;
        raw.serialize(serializer)
    }
}

impl PartialSchema for Money {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::Number)
            .description(Some("An amount in major units of the currency, exact."))
            .examples([serde_json::json!(12.5)])
            .into()
    }
}

impl ToSchema for Money {}

/// A number that is no amount, such as a rate or a percentage, written digit by digit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Figure(pub Decimal);

impl Serialize for Figure {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let digits = self.0.digits();
        let raw: &RawValue = serde_json::from_str(digits.trimmed()).map_err(serde::ser::Error::custom)?;
        raw.serialize(serializer)
    }
}

impl PartialSchema for Figure {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::Number)
            .description(Some("A decimal number, exact."))
            .examples([serde_json::json!(1.5)])
            .into()
    }
}

impl ToSchema for Figure {}

/// A free-form JSON object, kept and shown as it was sent; `{}` when there is none.
#[derive(Clone, Debug)]
pub struct Free(Box<RawValue>);

impl Free {
    /// From stored JSON text.
    pub fn object(json: Option<&str>) -> Free {
        let text = json.unwrap_or("{}").to_owned();
        Free(RawValue::from_string(text).unwrap_or_else(|_| RawValue::NULL.to_owned()))
    }
}

impl Serialize for Free {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl PartialSchema for Free {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::Object)
            .description(Some("Your own data, any JSON object."))
            .additional_properties(Some(AdditionalProperties::FreeForm(true)))
            .into()
    }
}

impl ToSchema for Free {}
