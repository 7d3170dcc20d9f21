//! SQLite: one writer that owns the file, readers on their own connections, checkpoints off the writer.

mod checkpoint;
mod connection;
mod read;
mod write;

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::StoreError;
use crate::migrations::{self, Dialect};

pub(crate) use read::{Pool, list, rows};
pub use write::SqliteStore;

/// In a table without rowids a row of more than a quarter of a page takes a page of its own for the rest.
const DIALECT: Dialect = Dialect {
    int: "INTEGER",
    text: "TEXT",
    bytes: "BLOB",
    table_options: "STRICT, WITHOUT ROWID",
    long_rows: "STRICT",
};

/// An open database file.
pub(crate) struct Sqlite {
    path: PathBuf,
    readers: Arc<Pool>,
    /// Held while this process may write: it keeps a second server out.
    _lock: Option<File>,
    _checkpoints: Option<checkpoint::Checkpoints>,
}

impl Sqlite {
    /// Opens the file to be written by this process alone, makes it where it is missing, and migrates it.
    pub(crate) fn open(path: &Path) -> Result<Sqlite, StoreError> {
        let lock = take_lock(path)?;
        migrate(path)?;
        let readers = Arc::new(Pool::new(path));
        let checkpoints = checkpoint::Checkpoints::start(path)?;
        Ok(Sqlite { path: path.to_owned(), readers, _lock: Some(lock), _checkpoints: Some(checkpoints) })
    }

    /// Opens the file to be read beside a server.
    pub(crate) fn open_read_only(path: &Path) -> Result<Sqlite, StoreError> {
        if !path.exists() {
            return Err(StoreError::Unavailable(format!(
                "{} does not exist. Name the data directory with --data-dir.",
                path.display()
            )));
        }
        Ok(Sqlite { path: path.to_owned(), readers: Arc::new(Pool::new(path)), _lock: None, _checkpoints: None })
    }

    pub(crate) fn store(&self) -> Result<SqliteStore, StoreError> {
        SqliteStore::open(&self.path)
    }

    pub(crate) fn readers(&self) -> Arc<Pool> {
        self.readers.clone()
    }
}

fn take_lock(path: &Path) -> Result<File, StoreError> {
    let unusable = |error: std::io::Error| {
        StoreError::Unavailable(format!("the data directory of {} cannot be used: {error}", path.display()))
    };
    if let Some(directory) = path.parent() {
        std::fs::create_dir_all(directory).map_err(unusable)?;
    }
    let lock_path = path.with_extension("lock");
    let lock = File::options().create(true).truncate(false).write(true).open(&lock_path).map_err(unusable)?;
    lock.try_lock().map_err(|_| {
        StoreError::Unavailable(format!(
            "another paygen process uses {}. Stop it, choose another data directory with --data-dir, or use PostgreSQL, \
             which several servers can share.",
            path.display()
        ))
    })?;
    Ok(lock)
}

/// Runs the migrations that are still to be run; their names.
pub(crate) fn migrate(path: &Path) -> Result<Vec<&'static str>, StoreError> {
    let mut connection = connection::open_to_write(path)?;
    let transaction = connection
        .transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)
        .map_err(|error| connection::explain(&error))?;
    let run = || -> Result<Vec<&'static str>, rusqlite::Error> {
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
        rusqlite::Error::InvalidParameterName(why) => StoreError::Unavailable(why),
        error => connection::explain(&error),
    })?;
    transaction.commit().map_err(|error| connection::explain(&error))?;
    Ok(names)
}
