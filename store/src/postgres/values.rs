//! Converting values to and from PostgreSQL: single values, and columns of many rows as arrays.

use tokio_postgres::Row;
use tokio_postgres::types::private::BytesMut;
use tokio_postgres::types::{IsNull, ToSql, Type as Oid, to_sql_checked};

use crate::StoreError;
use crate::records::Stored;
use crate::value::{Param, Value};

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
    read_first(row, row.len())
}

/// The values of the first columns.
pub(super) fn read_first(row: &Row, columns: usize) -> Result<Vec<Value>, StoreError> {
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
    row.columns().iter().take(columns).enumerate().map(value).collect()
}

impl ToSql for Param<'_> {
    fn to_sql(&self, kind: &Oid, out: &mut BytesMut) -> Result<IsNull, Failure> {
        match self {
            Param::Null => Ok(IsNull::Yes),
            Param::Integer(value) => value.to_sql(kind, out),
            Param::Text(value) => value.to_sql(kind, out),
            Param::Bytes(value) => value.to_sql(kind, out),
            Param::Id(id) => id.bytes().as_slice().to_sql(kind, out),
        }
    }

    fn accepts(kind: &Oid) -> bool {
        Value::accepts(kind)
    }

    to_sql_checked!();
}

/// A column of many rows.
pub(super) type Column<'a> = Vec<Param<'a>>;

/// The columns of rows; without the one that PostgreSQL keeps in another table.
pub(super) fn columns<'a, R: Stored>(rows: impl ExactSizeIterator<Item = &'a R>) -> Vec<Column<'a>> {
    let mut columns: Vec<Column<'a>> = R::COLUMNS.iter().map(|_| Vec::with_capacity(rows.len())).collect();
    for row in rows {
        for (column, value) in columns.iter_mut().zip(row.write()) {
            column.push(value);
        }
    }
    let written = |at: &usize| R::APART != Some(R::COLUMNS[*at].name);
    columns.into_iter().enumerate().filter(|(at, _)| written(at)).map(|(_, column)| column).collect()
}
