//! Converting values to and from PostgreSQL: single values, and columns of many rows as arrays.

use tokio_postgres::Row;
use tokio_postgres::types::private::BytesMut;
use tokio_postgres::types::{IsNull, ToSql, Type as Oid, to_sql_checked};

use crate::StoreError;
use crate::records::Stored;
use crate::value::{Type, Value};

type Failure = Box<dyn std::error::Error + Sync + Send>;

impl ToSql for Value {
    fn to_sql(&self, kind: &Oid, out: &mut BytesMut) -> Result<IsNull, Failure> {
        match self {
            Value::Null => Ok(IsNull::Yes),
            Value::Integer(value) => value.to_sql(kind, out),
            Value::Real(value) => value.to_sql(kind, out),
            Value::Text(value) => value.to_sql(kind, out),
            Value::Bytes(value) => value.to_sql(kind, out),
        }
    }

    fn accepts(kind: &Oid) -> bool {
        [Oid::INT8, Oid::FLOAT8, Oid::TEXT, Oid::BYTEA].contains(kind)
    }

    to_sql_checked!();
}

/// The type that a value is cast to.
pub(super) fn cast(value: &Value) -> &'static str {
    match value {
        Value::Null | Value::Text(_) => "text",
        Value::Integer(_) => "bigint",
        Value::Real(_) => "double precision",
        Value::Bytes(_) => "bytea",
    }
}

/// Replaces `?1` placeholders by PostgreSQL's, each cast to the type of its value.
pub(super) fn placeholders(sql: &str, params: &[Value]) -> String {
    let mut text = sql.to_owned();
    for (number, value) in params.iter().enumerate().rev() {
        let at = number + 1;
        text = text.replace(&format!("?{at}"), &format!("${at}::{}", cast(value)));
    }
    text
}

pub(super) fn read(row: &Row) -> Result<Vec<Value>, StoreError> {
    let value = |(at, column): (usize, &tokio_postgres::Column)| {
        let kind = column.type_();
        let read = if *kind == Oid::INT8 {
            row.try_get::<_, Option<i64>>(at).map(Value::from)
        } else if *kind == Oid::BYTEA {
            row.try_get::<_, Option<Vec<u8>>>(at).map(Value::from)
        } else if *kind == Oid::FLOAT8 {
            row.try_get::<_, Option<f64>>(at).map(|real| real.map_or(Value::Null, Value::Real))
        } else {
            row.try_get::<_, Option<String>>(at).map(Value::from)
        };
        read.map_err(|error| StoreError::CommandFault(error.to_string()))
    };
    row.columns().iter().enumerate().map(value).collect()
}

/// One column of many rows.
#[derive(Debug)]
pub(super) enum Array {
    Integers(Vec<Option<i64>>),
    Texts(Vec<Option<String>>),
    Bytes(Vec<Option<Vec<u8>>>),
}

impl Array {
    fn new(kind: Type, rows: usize) -> Array {
        match kind {
            Type::Integer => Array::Integers(Vec::with_capacity(rows)),
            Type::Text => Array::Texts(Vec::with_capacity(rows)),
            Type::Bytes => Array::Bytes(Vec::with_capacity(rows)),
        }
    }

    fn push(&mut self, value: Value) {
        match (self, value) {
            (Array::Integers(values), Value::Integer(value)) => values.push(Some(value)),
            (Array::Texts(values), Value::Text(value)) => values.push(Some(value)),
            (Array::Bytes(values), Value::Bytes(value)) => values.push(Some(value)),
            (Array::Integers(values), _) => values.push(None),
            (Array::Texts(values), _) => values.push(None),
            (Array::Bytes(values), _) => values.push(None),
        }
    }

    pub(super) fn parameter(&self) -> &(dyn ToSql + Sync) {
        match self {
            Array::Integers(values) => values,
            Array::Texts(values) => values,
            Array::Bytes(values) => values,
        }
    }
}

pub(super) fn array_type(kind: Type) -> &'static str {
    match kind {
        Type::Integer => "bigint[]",
        Type::Text => "text[]",
        Type::Bytes => "bytea[]",
    }
}

/// Converts rows into one array per column; only key columns if `keys_only`.
pub(super) fn arrays<R: Stored>(rows: impl ExactSizeIterator<Item = Vec<Value>>, keys_only: bool) -> Vec<Array> {
    let columns = if keys_only { &R::COLUMNS[..R::KEY_COLUMNS] } else { R::COLUMNS };
    let mut arrays: Vec<Array> = columns.iter().map(|column| Array::new(column.kind, rows.len())).collect();
    for row in rows {
        for (array, value) in arrays.iter_mut().zip(row) {
            array.push(value);
        }
    }
    arrays
}
