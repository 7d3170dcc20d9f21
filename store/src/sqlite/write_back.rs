//! Lazily written rows: a commit appends what became of them to the journal and keeps them in memory; they are written
//! to their tables later, many at a time and in the order of their keys, so that rows of the same page are written once.
//!
//! What is pending stands in two generations. New rows go into `fresh`. When writing down begins, `fresh` becomes `old`;
//! once all of `old` is in its tables, the journal rows it came from are deleted in the same transaction as its last rows.
//! After a crash the journal is replayed. Whoever reads a row by its key looks here first; whoever reads these tables
//! otherwise has everything written down first.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use foldhash::fast::RandomState;
use paygen_core::record::Key;
use paygen_core::table::Change;
use rusqlite::{Connection, params_from_iter};

use super::connection::explain;
use super::journal::{self, TABLES, WriteBackTable, decode, encode, entry};
use crate::StoreError;
use crate::records::Keyed;
use crate::value::Value;

/// So many pending rows are written down without waiting for their age.
const FLUSH_AT_ROWS: usize = 60_000;

/// With more pending rows a commit writes some down itself, so that memory is bounded and writing keeps up.
const MAX_PENDING_ROWS: usize = 180_000;

/// Pending rows are not kept waiting longer.
const MAX_PENDING_AGE: Duration = Duration::from_secs(2);

/// How many rows are written in one transaction: commits wait for it.
const ROWS_PER_FLUSH: usize = 400;

/// Rows of each table by key, encoded.
type Rows = [HashMap<Key, Box<[u8]>, RandomState>; TABLES];

/// What is in the journal, and not yet in its table.
#[derive(Default)]
struct Pending {
    fresh: Rows,
    old: Rows,
    since: Option<Instant>,
    /// How often rows left for their tables.
    flushes: u64,
}

fn count(rows: &Rows) -> usize {
    rows.iter().map(HashMap::len).sum()
}

/// The part of `old` that is still to be written.
struct Flush {
    /// The last journal row it comes from.
    through: i64,
    /// In descending order: what is next stands last.
    keys: Vec<(usize, Key)>,
}

/// How far writing down is; only whoever may write has it.
#[derive(Default)]
pub(super) struct Progress {
    flush: Option<Flush>,
    /// The newest journal row.
    pub(super) last: i64,
    /// All journal rows up to this one are written down.
    pub(super) written: i64,
    /// The last journal row's bytes: large enough for the next one, mostly.
    entry: Vec<u8>,
}

/// What a commit did to lazily written tables.
#[derive(Default)]
pub(super) struct WriteBackChanges {
    rows: [Vec<(Key, Box<[u8]>)>; TABLES],
    /// Rows that go, by the values of their keys. They are deleted at once, with nothing pending that would bring them back.
    deletions: Vec<(usize, Vec<Value>)>,
}

impl WriteBackChanges {
    /// Takes a table's changes, which must be of a lazily written one.
    pub(super) fn collect<R: Keyed>(&mut self, place: usize, changes: Vec<Change<R>>) -> Result<(), StoreError> {
        for change in changes {
            let row = match change {
                Change::Insert(row) | Change::Update(row) => row,
                Change::Delete(key) => {
                    self.deletions.push((place, R::key_values(&key)));
                    continue;
                }
            };
            // The schema would only refuse it when it is written down, after it was acknowledged.
            if !row.is_sound() {
                return Err(StoreError::CommandFault(format!("a row of {} breaks a rule of the schema", R::TABLE)));
            }
            self.rows[place].push((row.key(), encode(&row.write())));
        }
        Ok(())
    }
}

/// The rows that are pending, and how they are written.
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

    /// The pending row of a key; none when what the table has is the truth.
    pub(super) fn find(&self, place: usize, key: &Key) -> Option<Vec<Value>> {
        let pending = self.pending();
        let found = pending.fresh[place].get(key).or_else(|| pending.old[place].get(key))?;
        decode(found, self.tables[place].columns)
    }

    /// Writes a commit's changes to the journal, in its transaction; rows that go leave their tables.
    pub(super) fn write(
        &self,
        connection: &Connection,
        changes: &WriteBackChanges,
        progress: &mut Progress,
    ) -> rusqlite::Result<()> {
        for (place, key) in &changes.deletions {
            connection.prepare_cached(&self.tables[*place].delete)?.execute(params_from_iter(key))?;
        }
        let rows = changes.rows.each_ref().map(|rows| rows.iter().map(|(_, row)| &**row).collect());
        entry(&self.tables, rows, &mut progress.entry);
        if !progress.entry.is_empty() {
            // Numbers go on even when the journal is empty: what was written down is told by them.
            let next = progress.last + 1;
            connection
                .prepare_cached("INSERT INTO journal (id, rows) VALUES (?1, ?2)")?
                .execute((next, &progress.entry))?;
        }
        Ok(())
    }

    /// Takes over what was committed.
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

    /// Whether a commit must write some rows down before its changes are written.
    pub(super) fn must_flush_before(&self, changes: &WriteBackChanges) -> bool {
        let pending = self.count_pending();
        pending > if changes.deletions.is_empty() { MAX_PENDING_ROWS } else { 0 }
    }

    /// How many rows are pending.
    pub(super) fn count_pending(&self) -> usize {
        let pending = self.pending();
        count(&pending.fresh) + count(&pending.old)
    }

    /// How often rows were written down until now.
    pub(super) fn flushes(&self) -> u64 {
        self.pending().flushes
    }

    /// Whether enough is pending, or has been for long enough.
    pub(super) fn is_due(&self) -> bool {
        let pending = self.pending();
        count(&pending.fresh) >= FLUSH_AT_ROWS || pending.since.is_some_and(|since| since.elapsed() >= MAX_PENDING_AGE)
    }

    /// Whether what is pending will be due.
    #[cfg(test)]
    pub(super) fn will_be_due(&self) -> bool {
        self.pending().since.is_some()
    }

    /// Begins with what is fresh, when nothing is under way.
    fn start_flush(&self, progress: &mut Progress) {
        let mut pending = self.pending();
        if progress.flush.is_some() || count(&pending.fresh) == 0 {
            return;
        }
        let Pending { fresh, old, since, .. } = &mut *pending;
        std::mem::swap(fresh, old);
        *since = None;
        let keys = old.iter().enumerate().flat_map(|(place, rows)| rows.keys().map(move |key| (place, *key)));
        let mut keys: Vec<_> = keys.collect();
        keys.sort_unstable_by(|a, b| b.cmp(a));
        progress.flush = Some(Flush { through: progress.last, keys });
    }

    /// Writes the next rows down, in a transaction of its own.
    pub(super) fn flush_some(&self, connection: &Connection, progress: &mut Progress) -> Result<(), StoreError> {
        self.start_flush(progress);
        let Some(flush) = &mut progress.flush else { return Ok(()) };
        let left = flush.keys.len().saturating_sub(ROWS_PER_FLUSH);
        let rows_of_flush = &flush.keys[left..];
        let rows: Vec<(usize, Vec<Value>)> = {
            let pending = self.pending();
            // One that changed again is in a journal row that stays.
            let current = rows_of_flush.iter().filter(|(place, key)| !pending.fresh[*place].contains_key(key));
            let row = |(place, key): &(usize, Key)| {
                Some((*place, decode(pending.old[*place].get(key)?, self.tables[*place].columns)?))
            };
            current.filter_map(row).collect()
        };
        let write = || -> rusqlite::Result<()> {
            let transaction = connection.unchecked_transaction()?;
            for (place, values) in rows.iter().rev() {
                connection.prepare_cached(&self.tables[*place].put)?.execute(params_from_iter(values))?;
            }
            if left == 0 {
                connection.execute("DELETE FROM journal WHERE id <= ?1", [flush.through])?;
            }
            transaction.commit()
        };
        let written = write().map_err(|error| explain(&error));
        let mut pending = self.pending();
        if written.is_err() {
            // It is tried again in time, though nothing else be written until then.
            pending.since.get_or_insert_with(Instant::now);
            return written;
        }
        pending.flushes += 1;
        for (place, key) in rows_of_flush {
            pending.old[*place].remove(key);
        }
        flush.keys.truncate(left);
        if left == 0 {
            progress.written = flush.through;
            progress.flush = None;
        }
        Ok(())
    }
}
