//! The SQLite backend: one writer that owns the file, separate connections for reading, and checkpoints on a connection
//! of their own.

mod checkpoint;
mod connection;
mod flusher;
mod journal;
mod look_ups;
mod numbers;
mod periodic;
mod read;
pub(crate) mod snapshot;
#[cfg(test)]
mod tests;
mod write;
mod write_back;
mod writer;

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::StoreError;
use crate::migrations::{self, Dialect};
use crate::value::Value;

use periodic::Periodic;
pub(crate) use read::Pool;
pub use write::SqliteStore;
use writer::Writer;

/// In tables without rowids, the rest of a row longer than a quarter of a page takes a page of its own.
const DIALECT: Dialect = Dialect {
    name: "sqlite",
    int: "INTEGER",
    text: "TEXT",
    bytes: "BLOB",
    table_options: "STRICT, WITHOUT ROWID",
    long_rows: "STRICT",
};

pub(crate) struct Sqlite {
    path: PathBuf,
    readers: Arc<Pool>,
    /// Present if this process may write. Dropped in this order: flush the cache, empty the log, then let another
    /// process write.
    writer: Option<(Arc<Writer>, Periodic, Periodic)>,
    /// Prevents a second server.
    _lock: Option<File>,
}

impl Sqlite {
    /// Opens the file for writing by this process alone, creates it if it is missing, and migrates it.
    pub(crate) fn open(path: &Path) -> Result<Sqlite, StoreError> {
        let lock = take_lock(path)?;
        must_not_be_emptied(path)?;
        migrate(path).map_err(|error| at_start(path, error))?;
        let writer = Arc::new(Writer::new(path)?);
        let readers = Arc::new(Pool::new(path, Some(writer.clone())));
        let flusher = flusher::start(writer.clone())?;
        let checkpoints = checkpoint::start(path, writer.clone())?;
        Ok(Sqlite { path: path.to_owned(), readers, writer: Some((writer, flusher, checkpoints)), _lock: Some(lock) })
    }

    /// Opens the file for reading while a server may be running.
    pub(crate) fn open_read_only(path: &Path) -> Result<Sqlite, StoreError> {
        must_exist(path)?;
        must_not_be_emptied(path)?;
        must_be_current(path)?;
        Ok(Sqlite { path: path.to_owned(), readers: Arc::new(Pool::new(path, None)), writer: None, _lock: None })
    }

    fn writer(&self) -> Result<&Arc<Writer>, StoreError> {
        let writer = self.writer.as_ref().map(|(writer, _, _)| writer);
        writer.ok_or_else(|| StoreError::Unavailable("the database was opened to be read only".to_owned()))
    }

    pub(crate) fn store(&self) -> Result<SqliteStore, StoreError> {
        Ok(SqliteStore::new(&self.path, self.writer()?.clone()))
    }

    /// Runs one statement.
    pub(crate) fn execute(&self, sql: &str, params: &[Value]) -> Result<(), StoreError> {
        self.writer()?.execute(sql, params)
    }

    /// Runs statements in one transaction; each must return a row. Returns whether all did.
    pub(crate) fn execute_all(&self, statements: &[(&str, Vec<Value>)]) -> Result<bool, StoreError> {
        self.writer()?.execute_all(statements)
    }

    /// Balances that are only in a running server's journal; empty in the server itself.
    pub(crate) fn balances_beside(&self) -> Result<Vec<Vec<Value>>, StoreError> {
        if self.writer.is_some() {
            return Ok(Vec::new());
        }
        self.readers.with(|connection| journal::balances(connection).map_err(|error| connection::explain(&error)))
    }

    pub(crate) fn readers(&self) -> Arc<Pool> {
        self.readers.clone()
    }
}

/// The error if the file cannot be written at the start. SQLite reports a full disk as "disk I/O error" as well.
fn at_start(path: &Path, error: StoreError) -> StoreError {
    match error {
        StoreError::Unavailable(why) if ["disk I/O error", "full"].iter().any(|sign| why.contains(sign)) => {
            StoreError::Unfit(format!(
                "{} cannot be written: {why}. Most likely the disk is full: see `df {}`, make room, and start again.",
                path.display(),
                path.parent().unwrap_or(path).display()
            ))
        }
        other => other,
    }
}

fn must_exist(path: &Path) -> Result<(), StoreError> {
    if path.exists() {
        return Ok(());
    }
    Err(StoreError::Unfit(format!("{} does not exist. Name the data directory with --data-dir.", path.display())))
}

/// Refuses to start without an existing database.
pub(crate) fn must_be_there(path: &Path) -> Result<(), StoreError> {
    if path.exists() {
        return must_not_be_emptied(path);
    }
    Err(StoreError::Unfit(format!(
        "there is no database at {}. If there was one, look whether its volume is mounted and whether --data-dir names the \
         right directory. If it is to be a new one, make it with `paygen migrate`.",
        path.display()
    )))
}

/// Refuses a file that SQLite would treat as a new database although there was one: an empty file, or a log without a
/// file.
pub(crate) fn must_not_be_emptied(path: &Path) -> Result<(), StoreError> {
    let size = |path: &Path| std::fs::metadata(path).map(|file| file.len()).ok();
    let log = checkpoint::wal_of(path);
    let what = match (size(path), size(&log)) {
        (Some(0), _) => format!("{} is empty", path.display()),
        (None, Some(bytes)) if bytes > 0 => format!("{} is there, but {} is not", log.display(), path.display()),
        _ => return Ok(()),
    };
    Err(StoreError::Unfit(format!(
        "{what}: the database was emptied or lost, and nothing is begun in its place. Restore a backup to another data \
         directory, or, to begin anew, move what is left of it away."
    )))
}

/// Refuses the schema of another version.
fn must_be_current(path: &Path) -> Result<(), StoreError> {
    let connection = connection::open_to_read(path)?;
    let applied = || -> rusqlite::Result<Vec<(i64, String)>> {
        if !connection.table_exists(None, "schema_migrations")? {
            return Ok(Vec::new());
        }
        let mut statement = connection.prepare("SELECT number, checksum FROM schema_migrations ORDER BY number")?;
        statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?.collect()
    };
    let applied = applied().map_err(|error| connection::explain(&error))?;
    let pending = migrations::pending(&applied).map_err(StoreError::Unfit)?;
    if pending.is_empty() {
        return Ok(());
    }
    Err(StoreError::Unfit(format!(
        "the schema of {} is older than this binary: start a server with it, or run `paygen migrate`.",
        path.display()
    )))
}

fn take_lock(path: &Path) -> Result<File, StoreError> {
    let unusable = |error: std::io::Error| {
        StoreError::Unfit(format!("the data directory of {} cannot be used: {error}", path.display()))
    };
    if let Some(directory) = path.parent() {
        std::fs::create_dir_all(directory).map_err(unusable)?;
    }
    let lock_path = path.with_extension("lock");
    let lock = File::options().create(true).truncate(false).write(true).open(&lock_path).map_err(unusable)?;
    lock.try_lock().map_err(|_| {
        StoreError::Unfit(format!(
            "another paygen process uses {}. Stop it, choose another data directory with --data-dir, or use PostgreSQL, \
             which several servers can share.",
            path.display()
        ))
    })?;
    Ok(lock)
}

/// Runs the pending migrations and returns their names.
pub(crate) fn migrate(path: &Path) -> Result<Vec<&'static str>, StoreError> {
    let mut connection = connection::open_to_write(path)?;
    let transaction = connection
        .transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)
        .map_err(|error| connection::explain(&error))?;
    let run = || -> Result<Vec<&'static str>, rusqlite::Error> {
        // The journal of a killed server belongs to the schema before the migrations.
        journal::replay(&transaction)?;
        transaction.execute_batch(
            "CREATE TABLE IF NOT EXISTS schema_migrations (number INTEGER NOT NULL PRIMARY KEY, name TEXT NOT NULL,
             checksum TEXT NOT NULL) STRICT",
        )?;
        let mut statement = transaction.prepare("SELECT number, checksum FROM schema_migrations ORDER BY number")?;
        let applied = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
        let applied = applied.collect::<Result<Vec<(i64, String)>, _>>()?;
        let pending = migrations::pending(&applied).map_err(rusqlite::Error::InvalidParameterName)?;
        for migration in pending {
            transaction.execute_batch(&migration.sql(&DIALECT))?;
            transaction.execute(
                "INSERT INTO schema_migrations (number, name, checksum) VALUES (?1, ?2, ?3)",
                (migration.number, migration.name, migration.checksum()),
            )?;
        }
        Ok(pending.iter().map(|migration| migration.name).collect())
    };
    let names = run().map_err(|error| match error {
        rusqlite::Error::InvalidParameterName(why) => StoreError::Unfit(why),
        error => connection::explain(&error),
    })?;
    transaction.commit().map_err(|error| connection::explain(&error))?;
    Ok(names)
}
