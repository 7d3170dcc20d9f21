//! Connections to SQLite, conversion of values, and the meaning of errors.

use std::path::Path;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{Connection, ErrorCode, OpenFlags, ToSql};

use crate::StoreError;
use crate::value::{Param, Value};

/// A connection for writing: write-ahead log, every commit on disk before it returns.
pub(super) fn open_to_write(path: &Path) -> Result<Connection, StoreError> {
    let connection = Connection::open(path).map_err(|error| explain(&error))?;
    let set_up = || -> rusqlite::Result<()> {
        connection.busy_timeout(Duration::from_secs(5))?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
        connection.pragma_update(None, "synchronous", "FULL")?;
        // Checkpoints run on a connection of their own; on the writer they would increase its tail latency.
        connection.pragma_update(None, "wal_autocheckpoint", 0)?;
        connection.pragma_update(None, "cache_size", -32_768)?;
        connection.pragma_update(None, "temp_store", "MEMORY")?;
        connection.set_prepared_statement_cache_capacity(256);
        plan_once(&connection)?;
        Ok(())
    };
    set_up().map_err(|error| explain(&error))?;
    Ok(connection)
}

pub(super) fn open_to_read(path: &Path) -> Result<Connection, StoreError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags).map_err(|error| explain(&error))?;
    let set_up = || -> rusqlite::Result<()> {
        connection.busy_timeout(Duration::from_secs(5))?;
        connection.pragma_update(None, "query_only", true)?;
        // Every commit by another connection empties the cache, so a larger one would not help.
        connection.pragma_update(None, "cache_size", -4_096)?;
        connection.set_prepared_statement_cache_capacity(128);
        plan_once(&connection)?;
        let flags =
            rusqlite::functions::FunctionFlags::SQLITE_UTF8 | rusqlite::functions::FunctionFlags::SQLITE_DETERMINISTIC;
        connection.create_scalar_function("paygen_lower", 1, flags, |context| {
            Ok(context.get::<Option<String>>(0)?.map(|text| text.to_lowercase()))
        })
    };
    set_up().map_err(|error| explain(&error))?;
    Ok(connection)
}

/// Plans must not depend on bound values: otherwise a statement on a table with a partial index is prepared again for
/// each execution.
fn plan_once(connection: &Connection) -> rusqlite::Result<()> {
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true).map(|_| ())
}

pub(super) fn explain(error: &rusqlite::Error) -> StoreError {
    let rusqlite::Error::SqliteFailure(failure, _) = error else {
        return StoreError::CommandFault(error.to_string());
    };
    // After a failed fsync the state on disk is unknown: the kernel may have dropped dirty pages.
    if [rusqlite::ffi::SQLITE_IOERR_FSYNC, rusqlite::ffi::SQLITE_IOERR_DIR_FSYNC].contains(&failure.extended_code) {
        return StoreError::Fatal(error.to_string());
    }
    match failure.code {
        ErrorCode::ConstraintViolation | ErrorCode::TypeMismatch | ErrorCode::TooBig | ErrorCode::ApiMisuse => {
            StoreError::CommandFault(error.to_string())
        }
        ErrorCode::OperationInterrupted => StoreError::TooBroad,
        ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase => StoreError::Fatal(error.to_string()),
        _ => StoreError::Unavailable(error.to_string()),
    }
}

impl ToSql for Value {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Value::Null => ValueRef::Null,
            Value::Integer(value) => ValueRef::Integer(*value),
            Value::Real(value) => ValueRef::Real(*value),
            Value::Text(value) => ValueRef::Text(value.as_bytes()),
            Value::Bytes(value) => ValueRef::Blob(value),
        }))
    }
}

impl ToSql for Param<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Param::Null => ValueRef::Null,
            Param::Integer(value) => ValueRef::Integer(*value),
            Param::Text(text) => ValueRef::Text(text.as_bytes()),
            Param::Bytes(bytes) => ValueRef::Blob(bytes),
            Param::Id(id) => ValueRef::Blob(id.bytes()),
        }))
    }
}

/// `count` values of a row, beginning with a column.
pub(super) fn values(row: &rusqlite::Row<'_>, from: usize, count: usize) -> rusqlite::Result<Vec<Value>> {
    let value = |at| {
        Ok(match row.get_ref(at)? {
            ValueRef::Null => Value::Null,
            ValueRef::Integer(value) => Value::Integer(value),
            ValueRef::Real(value) => Value::Real(value),
            ValueRef::Text(value) => Value::Text(String::from_utf8_lossy(value).into_owned()),
            ValueRef::Blob(value) => Value::Bytes(value.to_vec()),
        })
    };
    (from..from + count).map(value).collect()
}

#[cfg(test)]
mod tests {
    use rusqlite::StatementStatus;

    use super::{open_to_read, open_to_write};

    #[test]
    fn a_statement_is_not_prepared_again_for_other_values() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("db");
        let writer = open_to_write(&path).expect("it opens");
        writer
            .execute_batch(
                "CREATE TABLE things (id, state); CREATE INDEX open_things ON things (id) WHERE state = 'open'",
            )
            .expect("a table");
        let reader = open_to_read(&path).expect("it opens");
        for connection in [&writer, &reader] {
            let mut statement =
                connection.prepare("SELECT id FROM things WHERE id = ?1 AND state = ?2").expect("a statement");
            for state in ["open", "done", "open"] {
                assert!(!statement.exists((1, state)).expect("it runs"));
            }
            assert_eq!(statement.get_status(StatementStatus::RePrepare), 0);
        }
    }
}
