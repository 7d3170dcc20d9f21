//! The write-back cache for tables that are small, hot and scattered (balances, counters, network references).
//!
//! A commit appends the changed rows to the journal, in its own transaction, and keeps them in memory. They are flushed
//! to their tables later, many at once and in key order, so that rows of one page are written together.
//!
//! Pending rows are in two generations. New rows enter `fresh`. When a flush starts, `fresh` becomes `old`; the
//! transaction that writes the last row of `old` also deletes the journal rows it came from. After a crash the journal
//! is replayed. Look-ups by key search the cache first. Any other statement on these tables flushes first.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use foldhash::fast::RandomState;
use paygen_core::ids::ClientId;
use paygen_core::record::Key;
use paygen_core::table::Change;
use paygen_core::work::Changes;
use rusqlite::{Connection, params_from_iter};

use super::connection::explain;
use super::journal::{self, TABLES, WriteBackTable, decode, encode, entry};
use super::look_ups::{AuthorizationLookUp, LineLookUp};
use crate::StoreError;
use crate::records::{Keyed, Stored};
use crate::value::Value;

/// A flush starts at this number of pending rows, whatever their age.
const FLUSH_AT_ROWS: usize = 60_000;

/// With more pending rows than this, a commit flushes some itself, so that memory stays bounded.
const MAX_PENDING_ROWS: usize = 180_000;

/// A flush starts when rows have been pending for this long.
const MAX_PENDING_AGE: Duration = Duration::from_secs(2);

/// How many rows one transaction of a flush writes. Commits wait for it.
const ROWS_PER_FLUSH: usize = 400;

/// Encoded rows of each table by key.
type Rows = [HashMap<Key, Box<[u8]>, RandomState>; TABLES];

/// Rows that are in the journal and not yet in their table.
#[derive(Default)]
struct Pending {
    fresh: Rows,
    old: Rows,
    since: Option<Instant>,
    /// How often rows were flushed.
    flushes: u64,
}

fn count(rows: &Rows) -> usize {
    rows.iter().map(HashMap::len).sum()
}

/// A running flush: the part of `old` that is still to be written.
struct Flush {
    /// The last journal row that `old` comes from.
    through: i64,
    /// In descending order, so that the next keys are at the end.
    keys: Vec<(usize, Key)>,
}

/// The progress of flushing. It belongs to whoever holds the writing connection.
pub(super) struct Progress {
    flush: Option<Flush>,
    /// The newest journal row.
    pub(super) last: i64,
    /// All journal rows up to this one are flushed.
    pub(super) written: i64,
    /// A buffer for encoding the next journal row.
    entry: Vec<u8>,
}

impl Progress {
    /// The journal is empty. Its numbers begin with the time, so that they are above those of the process before: a
    /// reader beside the server reads the journal from the number that it has seen.
    pub(super) fn beginning() -> Progress {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let last = i64::try_from(since.as_micros()).unwrap_or(0);
        Progress { flush: None, last, written: last, entry: Vec::new() }
    }
}

/// A commit's changes to cached tables.
#[derive(Default)]
pub(super) struct WriteBackChanges {
    rows: [Vec<(Key, Box<[u8]>)>; TABLES],
    /// Deleted rows. They are deleted from their table at once, when no pending row could bring them back.
    deletions: Vec<(usize, Vec<Value>)>,
}

impl WriteBackChanges {
    /// Adds the changes of a cached table; `place` is its index.
    pub(super) fn collect<R: Keyed>(&mut self, index: usize, changes: &[Change<R>]) -> Result<(), StoreError> {
        for change in changes {
            let row = match change {
                Change::Insert(row) | Change::Update(row) => row,
                Change::Delete(key) => {
                    self.deletions.push((index, R::key_values(key)));
                    continue;
                }
            };
            // The schema would only refuse the row when it is flushed, after it was acknowledged.
            if !row.is_sound() {
                return Err(StoreError::CommandFault(format!("a row of {} breaks a rule of the schema", R::TABLE)));
            }
            self.rows[index].push((row.key(), encode(&row.write())));
        }
        Ok(())
    }

    /// Adds the look-ups of appended lines and new authorizations.
    pub(super) fn collect_look_ups(&mut self, changes: &Changes) {
        for look_up in changes.appended.lines.iter().map(LineLookUp::of) {
            self.rows[journal::LINES].push((look_up.key(), encode(&look_up.write())));
        }
        for change in &changes.authorizations {
            if let Change::Insert(made) = change
                && let Some(look_up) = AuthorizationLookUp::of(made)
            {
                self.rows[journal::AUTHORIZATIONS].push((look_up.key(), encode(&look_up.write())));
            }
        }
    }
}

/// The cache.
pub(super) struct WriteBack {
    tables: [WriteBackTable; TABLES],
    pending: Mutex<Pending>,
}

impl WriteBack {
    pub(super) fn new() -> WriteBack {
        WriteBack { tables: journal::tables(), pending: Mutex::default() }
    }

    fn pending(&self) -> MutexGuard<'_, Pending> {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The pending row of a key; `None` if the table has the current one.
    pub(super) fn find(&self, index: usize, key: &Key) -> Option<Vec<Value>> {
        let pending = self.pending();
        let found = pending.fresh[index].get(key).or_else(|| pending.old[index].get(key))?;
        decode(found, self.tables[index].columns)
    }

    /// Writes a commit's changes to the journal, in its transaction; deletes go to the tables.
    pub(super) fn write(
        &self,
        connection: &Connection,
        changes: &WriteBackChanges,
        progress: &mut Progress,
    ) -> rusqlite::Result<()> {
        for (index, key) in &changes.deletions {
            connection.prepare_cached(self.tables[*index].delete)?.execute(params_from_iter(key))?;
        }
        let rows = changes.rows.each_ref().map(|rows| rows.iter().map(|(_, row)| &**row).collect());
        entry(&self.tables, rows, &mut progress.entry);
        if !progress.entry.is_empty() {
            // Numbers continue even when the journal is empty: they identify what is flushed.
            let next = progress.last + 1;
            connection
                .prepare_cached("INSERT INTO journal (id, rows) VALUES (?1, ?2)")?
                .execute((next, &progress.entry))?;
        }
        Ok(())
    }

    /// Adds the rows of a successful commit to the cache.
    pub(super) fn add_committed(&self, changes: WriteBackChanges, progress: &mut Progress) {
        if changes.rows.iter().all(Vec::is_empty) {
            return;
        }
        progress.last += 1;
        let mut pending = self.pending();
        pending.since.get_or_insert_with(Instant::now);
        for (rows, changed) in pending.fresh.iter_mut().zip(changes.rows) {
            rows.extend(changed);
        }
    }

    /// Whether a commit must flush some rows before it writes its changes.
    pub(super) fn must_flush_before(&self, changes: &WriteBackChanges) -> bool {
        let pending = self.count_pending();
        pending > if changes.deletions.is_empty() { MAX_PENDING_ROWS } else { 0 }
    }

    pub(super) fn count_pending(&self) -> usize {
        let pending = self.pending();
        count(&pending.fresh) + count(&pending.old)
    }

    /// Whether look-ups of an account or card are pending.
    pub(super) fn has_look_ups(&self, index: usize, client: ClientId, of: &[u8]) -> bool {
        let pending = self.pending();
        let is_of = |key: &Key| key.client == client && key.id.as_slice().starts_with(of);
        [&pending.fresh, &pending.old].into_iter().any(|rows| rows[index].keys().any(is_of))
    }

    pub(super) fn flushes(&self) -> u64 {
        self.pending().flushes
    }

    /// Whether enough rows are pending, or have been for long enough.
    pub(super) fn is_due(&self) -> bool {
        let pending = self.pending();
        count(&pending.fresh) >= FLUSH_AT_ROWS || pending.since.is_some_and(|since| since.elapsed() >= MAX_PENDING_AGE)
    }

    /// Whether a flush will become due.
    #[cfg(test)]
    pub(super) fn will_be_due(&self) -> bool {
        self.pending().since.is_some()
    }

    /// Starts a flush of the fresh rows, unless one is running.
    fn start_flush(&self, progress: &mut Progress) {
        let mut pending = self.pending();
        if progress.flush.is_some() || count(&pending.fresh) == 0 {
            return;
        }
        let Pending { fresh, old, since, .. } = &mut *pending;
        std::mem::swap(fresh, old);
        *since = None;
        let keys = old.iter().enumerate().flat_map(|(index, rows)| rows.keys().map(move |key| (index, *key)));
        let mut keys: Vec<_> = keys.collect();
        keys.sort_unstable_by(|a, b| b.cmp(a));
        progress.flush = Some(Flush { through: progress.last, keys });
    }

    /// Writes the next rows of the flush, in a transaction of its own.
    pub(super) fn flush_some(&self, connection: &Connection, progress: &mut Progress) -> Result<(), StoreError> {
        self.start_flush(progress);
        let Some(flush) = &mut progress.flush else { return Ok(()) };
        let left = flush.keys.len().saturating_sub(ROWS_PER_FLUSH);
        let rows_of_flush = &flush.keys[left..];
        let rows: Vec<(usize, Vec<Value>)> = {
            let pending = self.pending();
            // A row that changed again is in a journal row that is not deleted yet.
            let current = rows_of_flush.iter().filter(|(index, key)| !pending.fresh[*index].contains_key(key));
            let row = |(index, key): &(usize, Key)| {
                Some((*index, decode(pending.old[*index].get(key)?, self.tables[*index].columns)?))
            };
            current.filter_map(row).collect()
        };
        let write = || -> rusqlite::Result<()> {
            let transaction = connection.unchecked_transaction()?;
            for (index, values) in rows.iter().rev() {
                connection.prepare_cached(&self.tables[*index].put)?.execute(params_from_iter(values))?;
            }
            if left == 0 {
                connection.execute("DELETE FROM journal WHERE id <= ?1", [flush.through])?;
            }
            transaction.commit()
        };
        let written = write().map_err(|error| explain(&error));
        let mut pending = self.pending();
        if written.is_err() {
            // Makes the flush due again, even if nothing else is written.
            pending.since.get_or_insert_with(Instant::now);
            return written;
        }
        pending.flushes += 1;
        for (index, key) in rows_of_flush {
            pending.old[*index].remove(key);
        }
        flush.keys.truncate(left);
        if left == 0 {
            progress.written = flush.through;
            progress.flush = None;
        }
        Ok(())
    }
}
