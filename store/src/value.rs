//! Backend-neutral column values.

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
