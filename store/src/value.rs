//! The backend-neutral value: what a record writes of itself and reads back, whatever the database.

use paygen_core::ids::Id;
use paygen_core::time::Instant;

/// A value of a column.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// Nothing.
    Null,
    /// Integers, minor units, booleans as 0 and 1, times as microseconds.
    Integer(i64),
    /// A number to sort by; never an amount that is kept.
    Real(f64),
    /// Text.
    Text(String),
    /// Bytes: ids, hashes, sealed content.
    Bytes(Vec<u8>),
}

/// The database type of a column: chosen so that both backends keep the same values in the same order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Type {
    /// `INTEGER` / `bigint`.
    Integer,
    /// `TEXT` / `text COLLATE "C"`.
    Text,
    /// `BLOB` / `bytea`.
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
