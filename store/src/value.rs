//! Backend-neutral column values.

use std::borrow::Cow;

use paygen_core::ids::Id;
use paygen_core::time::Instant;

#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    Null,
    /// Integers, minor units, booleans as 0 and 1, times in microseconds.
    Integer(i64),
    /// A number for sorting only; amounts are never stored as one.
    Real(f64),
    Text(String),
    /// Ids, hashes, sealed content.
    Bytes(Vec<u8>),
}

/// The type of a column. Both backends store the same values in the same order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Type {
    Integer,
    Text,
    Bytes,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Column {
    pub name: &'static str,
    pub kind: Type,
}

impl From<i64> for Value {
    fn from(value: i64) -> Value {
        Value::Integer(value)
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Value {
        Value::Integer(i64::from(value))
    }
}

impl From<Instant> for Value {
    fn from(value: Instant) -> Value {
        Value::Integer(value.micros())
    }
}

impl From<Id> for Value {
    fn from(value: Id) -> Value {
        Value::Bytes(value.bytes().to_vec())
    }
}

impl From<&str> for Value {
    fn from(value: &str) -> Value {
        Value::Text(value.to_owned())
    }
}

impl From<String> for Value {
    fn from(value: String) -> Value {
        Value::Text(value)
    }
}

impl From<Vec<u8>> for Value {
    fn from(value: Vec<u8>) -> Value {
        Value::Bytes(value)
    }
}

impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Value {
        value.map_or(Value::Null, Into::into)
    }
}

/// A column value on its way into a statement. It borrows from the record where it can: a commit writes thousands of
/// them, and most are ids and texts that the record keeps anyway.
#[derive(Clone, Debug, PartialEq)]
pub enum Param<'a> {
    Null,
    Integer(i64),
    Text(Cow<'a, str>),
    Bytes(Cow<'a, [u8]>),
    Id(Id),
}

impl Param<'_> {
    pub(crate) fn into_value(self) -> Value {
        match self {
            Param::Null => Value::Null,
            Param::Integer(value) => Value::Integer(value),
            Param::Text(text) => Value::Text(text.into_owned()),
            Param::Bytes(bytes) => Value::Bytes(bytes.into_owned()),
            Param::Id(id) => Value::from(id),
        }
    }
}

impl From<i64> for Param<'_> {
    fn from(value: i64) -> Self {
        Param::Integer(value)
    }
}

impl From<bool> for Param<'_> {
    fn from(value: bool) -> Self {
        Param::Integer(i64::from(value))
    }
}

impl From<Instant> for Param<'_> {
    fn from(value: Instant) -> Self {
        Param::Integer(value.micros())
    }
}

impl From<Id> for Param<'_> {
    fn from(value: Id) -> Self {
        Param::Id(value)
    }
}

impl<'a> From<&'a str> for Param<'a> {
    fn from(value: &'a str) -> Self {
        Param::Text(Cow::Borrowed(value))
    }
}

impl<'a> From<&'a String> for Param<'a> {
    fn from(value: &'a String) -> Self {
        Param::Text(Cow::Borrowed(value))
    }
}

impl From<String> for Param<'_> {
    fn from(value: String) -> Self {
        Param::Text(Cow::Owned(value))
    }
}

impl<'a> From<&'a [u8]> for Param<'a> {
    fn from(value: &'a [u8]) -> Self {
        Param::Bytes(Cow::Borrowed(value))
    }
}

impl<'a, const SIZE: usize> From<&'a [u8; SIZE]> for Param<'a> {
    fn from(value: &'a [u8; SIZE]) -> Self {
        Param::Bytes(Cow::Borrowed(value))
    }
}

impl<'a> From<&'a Vec<u8>> for Param<'a> {
    fn from(value: &'a Vec<u8>) -> Self {
        Param::Bytes(Cow::Borrowed(value))
    }
}

impl From<Vec<u8>> for Param<'_> {
    fn from(value: Vec<u8>) -> Self {
        Param::Bytes(Cow::Owned(value))
    }
}

impl<'a, T: Into<Param<'a>>> From<Option<T>> for Param<'a> {
    fn from(value: Option<T>) -> Self {
        value.map_or(Param::Null, Into::into)
    }
}

impl<'a> From<&'a Option<String>> for Param<'a> {
    fn from(value: &'a Option<String>) -> Self {
        value.as_deref().into()
    }
}

impl<'a> From<&'a Option<Vec<u8>>> for Param<'a> {
    fn from(value: &'a Option<Vec<u8>>) -> Self {
        value.as_deref().into()
    }
}
