//! The single writing connection and exclusive access to it.

use std::collections::HashMap;
use std::path::Path;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use paygen_core::ids::ClientId;
use rusqlite::hooks::Wal;
use rusqlite::{Connection, params_from_iter};

use super::connection::{explain, open_to_write};
use super::numbers::Numbers;
use super::write_back::{Progress, WriteBack};
use crate::StoreError;
use crate::value::Value;

pub(super) struct Writer {
    open: Mutex<Open>,
    pub(super) write_back: WriteBack,
    pub(super) numbers: Numbers,
    /// The failure after which the state on disk is unknown.
    failed: OnceLock<String>,
    /// How many batches wait for the connection.
    batches: AtomicUsize,
    /// How many pages the write-ahead log has.
    log_pages: Arc<AtomicU64>,
}

/// Approximate time that a batch takes to wake up.
const BATCH_WAKE_UP: Duration = Duration::from_micros(100);

/// What the exclusive access is about.
pub(super) struct Open {
    pub(super) connection: Connection,
    pub(super) positions: HashMap<ClientId, i64>,
    pub(super) commits: u64,
    pub(super) progress: Progress,
}

impl Writer {
    pub(super) fn new(path: &Path) -> Result<Writer, StoreError> {
        let mut connection = open_to_write(path)?;
        let log_pages = Arc::new(AtomicU64::new(0));
        let counted = log_pages.clone();
        let count = move |_: &mut Wal, pages: i32| {
            counted.store(u64::try_from(pages).unwrap_or(0), Ordering::Relaxed);
            Ok(())
        };
        connection.wal_hook(Some(count)).map_err(|error| explain(&error))?;
        let open = Open { connection, positions: HashMap::new(), commits: 0, progress: Progress::beginning() };
        Ok(Writer {
            open: Mutex::new(open),
            write_back: WriteBack::new(),
            numbers: Numbers::new(),
            failed: OnceLock::new(),
            batches: AtomicUsize::new(0),
            log_pages,
        })
    }

    /// Fails after a failure that left the state on disk unknown. A second fsync would succeed without saying what the
    /// first one lost.
    pub(super) fn check(&self) -> Result<(), StoreError> {
        self.failed.get().map_or(Ok(()), |why| Err(StoreError::Fatal(why.clone())))
    }

    /// Records such a failure, in whichever thread it happened, before another thread gets the connection.
    pub(super) fn note<T>(&self, outcome: Result<T, StoreError>) -> Result<T, StoreError> {
        if let Err(StoreError::Fatal(why)) = &outcome {
            self.failed.get_or_init(|| why.clone());
        }
        outcome
    }

    /// The pages of the write-ahead log after the last commit. SQLite begins the log again from its start when all of
    /// it is in the database.
    pub(super) fn log_pages(&self) -> u64 {
        self.log_pages.load(Ordering::Relaxed)
    }

    pub(super) fn open(&self) -> MutexGuard<'_, Open> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if !open.connection.is_autocommit() {
            // A panic left a transaction open. Later writes would become part of it and never be committed.
            open.positions.clear();
            if let Err(error) = open.connection.execute_batch("ROLLBACK") {
                tracing::error!(error = %error, "a transaction could not be given up");
            }
        }
        open
    }

    /// The connection for a batch. Flushes give way to it.
    pub(super) fn open_for_a_batch(&self) -> MutexGuard<'_, Open> {
        self.batches.fetch_add(1, Ordering::Relaxed);
        let open = self.open();
        self.batches.fetch_sub(1, Ordering::Relaxed);
        open
    }

    #[cfg(test)]
    pub(super) fn is_held(&self) -> bool {
        self.open.try_lock().is_err()
    }

    #[cfg(test)]
    pub(super) fn is_awaited(&self) -> bool {
        self.batches.load(Ordering::Relaxed) > 0
    }

    /// Lets a waiting batch have the connection: a thread that locks a mutex again at once would get it before the
    /// waiting one wakes up.
    pub(super) fn give_way(&self) {
        while self.batches.load(Ordering::Relaxed) > 0 {
            std::thread::sleep(BATCH_WAKE_UP);
        }
    }

    /// The connection, unless a failure has left the state on disk unknown.
    pub(super) fn open_whole(&self) -> Result<MutexGuard<'_, Open>, StoreError> {
        let open = self.open();
        self.check().map(|()| open)
    }

    /// Runs one statement.
    pub(super) fn execute(&self, sql: &str, params: &[Value]) -> Result<(), StoreError> {
        let open = self.open_whole()?;
        self.note(open.connection.execute(sql, params_from_iter(params)).map(|_| ()).map_err(|error| explain(&error)))
    }

    /// Runs statements in one transaction; each must return a row. Returns whether all did.
    pub(super) fn execute_all(&self, statements: &[(&str, Vec<Value>)]) -> Result<bool, StoreError> {
        let open = self.open_whole()?;
        let run = || -> rusqlite::Result<bool> {
            // Rolled back when dropped.
            let transaction = open.connection.unchecked_transaction()?;
            for (sql, params) in statements {
                if !transaction.prepare(sql)?.exists(params_from_iter(params))? {
                    return Ok(false);
                }
            }
            transaction.commit()?;
            Ok(true)
        };
        self.note(run().map_err(|error| explain(&error)))
    }
}
