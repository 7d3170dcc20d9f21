//! Values in answers and events: exact amounts and free-form JSON.

use serde::{Serialize, Serializer};
use serde_json::value::RawValue;
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{AdditionalProperties, ObjectBuilder, Schema, Type};
use utoipa::{PartialSchema, ToSchema};

use crate::money::{Currency, format_minor};

/// An amount in major units, written digit by digit as a JSON number: exact for every reader of decimals.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Money(String);

impl Money {
    /// Formats an amount given in minor units.
    pub fn new(minor: i64, currency: Currency) -> Money {
        Money(format_minor(minor, currency.exponent()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Serialize for Money {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let raw = RawValue::from_string(self.0.clone()).map_err(serde::ser::Error::custom)?;
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
