//! The write side: look-ups by key into the working set, and one transaction for each batch.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use paygen_core::events::Event;
use paygen_core::for_each_table;
use paygen_core::ids::{ClientId, Id};
use paygen_core::record::Key;
use paygen_core::table::{Access, Change, Table};
use paygen_core::work::{Changes, KeySet, Work};
use rusqlite::{CachedStatement, Connection, params_from_iter};

use super::connection::{explain, open_to_read, values};
use super::journal;
use super::write_back::{WriteBack, WriteBackChanges};
use super::writer::{Open, Writer};
use crate::records::{Keyed, Row, Stored};
use crate::sealing::{key_gone, relied_on};
use crate::value::Value;
use crate::{Load, Store, StoreError};

/// How many batch ids are kept; here only the newest one matters.
const COMMITS_KEPT: u64 = 1000;

/// How often rows are loaded while others are being flushed, before flushes have to wait.
const MAX_LOAD_ATTEMPTS: usize = 3;

/// A store that commits through the single writer and loads through a connection of its own, so that rows can be loaded
/// while another batch is being committed.
pub struct SqliteStore {
    writer: Arc<Writer>,
    path: PathBuf,
    reading: Option<Connection>,
}

impl SqliteStore {
    pub(super) fn new(path: &Path, writer: Arc<Writer>) -> SqliteStore {
        SqliteStore { writer, path: path.to_owned(), reading: None }
    }
}

/// Loads rows, from the write-back cache or from their table.
fn load_table<R: Keyed>(
    connection: &Connection,
    write_back: &WriteBack,
    keys: &[(Key, Access)],
    table: &mut Table<R>,
) -> Result<(), StoreError> {
    if keys.is_empty() {
        return Ok(());
    }
    let place = journal::index_of::<R>();
    let mut statement = connection.prepare_cached(&R::statements().select_by_key).map_err(|error| explain(&error))?;
    let mut stored = |key: &Key| -> rusqlite::Result<Option<Vec<Value>>> {
        let mut rows = statement.query(params_from_iter(R::key_values(key)))?;
        rows.next()?.map(|row| values(row, 0, R::COLUMNS.len())).transpose()
    };
    for (key, _) in keys {
        let found = match place.and_then(|place| write_back.find(place, key)) {
            Some(pending) => Some(pending),
            None => stored(key).map_err(|error| explain(&error))?,
        };
        let row = found.map(|values| R::read(&mut Row::of::<R>(values))).transpose()?;
        // The only writer may hold every row exclusively.
        table.load(*key, row, Access::Exclusive);
    }
    Ok(())
}

/// Writes a batch in its transaction: cached tables to the journal, all others directly.
fn write(
    open: &mut Open,
    write_back: &WriteBack,
    cached: &WriteBackChanges,
    changes: &mut Changes,
    batch: Id,
) -> rusqlite::Result<()> {
    let Open { connection, positions, commits, progress } = open;
    connection.prepare_cached("BEGIN IMMEDIATE")?.execute([])?;
    macro_rules! write_tables {
        ($($field:ident: $record:ty),* $(,)?) => {
            $(if journal::index_of::<$record>().is_none() {
                write_changes::<$record>(connection, &changes.$field)?;
            })*
        };
    }
    for_each_table!(write_tables);
    write_back.write(connection, cached, progress)?;
    for id in relied_on(changes) {
        connection.prepare_cached("SELECT 1 FROM vault_keys WHERE id = ?1")?.query_row([id], |_| Ok(()))?;
    }
    append(connection, &changes.appended.entries)?;
    append(connection, &changes.appended.lines)?;
    append(connection, &changes.appended.system_lines)?;
    position(connection, positions, &mut changes.appended.events)?;
    append(connection, &changes.appended.events)?;
    append(connection, &changes.appended.audit)?;
    append(connection, &changes.appended.attempts)?;
    forget(connection, "events", &changes.appended.deleted_events)?;
    forget(connection, "delivery_attempts", &changes.appended.deleted_attempts)?;
    let mut commit = connection.prepare_cached("INSERT INTO commits (batch_id, committed_at) VALUES (?1, ?2)")?;
    commit.execute((batch.bytes().as_slice(), changes.wall.micros()))?;
    *commits += 1;
    if commits.is_multiple_of(COMMITS_KEPT) {
        connection.execute("DELETE FROM commits WHERE batch_id <> ?1", [batch.bytes().as_slice()])?;
    }
    connection.prepare_cached("COMMIT")?.execute([]).map(|_| ())
}

impl SqliteStore {
    pub(super) fn commit_all(&self, changes: &mut Changes, batch: Id) -> Result<(), StoreError> {
        let Writer { write_back, .. } = &*self.writer;
        let mut cached = WriteBackChanges::default();
        macro_rules! collect {
            ($($field:ident: $record:ty),* $(,)?) => {
                $(if let Some(place) = journal::index_of::<$record>() {
                    cached.collect::<$record>(place, &changes.$field)?;
                })*
            };
        }
        for_each_table!(collect);
        cached.collect_look_ups(changes);
        let mut open = self.writer.open_for_a_batch();
        self.writer.check()?;
        let Open { connection, progress, .. } = &mut *open;
        while write_back.must_flush_before(&cached) {
            self.writer.note(write_back.flush_some(connection, progress))?;
        }
        let Err(error) = write(&mut open, write_back, &cached, changes, batch) else {
            write_back.add_committed(cached, &mut open.progress);
            self.writer.numbers.note_committed(&changes.card_fingerprints);
            return Ok(());
        };
        self.writer.note(self.give_up(&mut open, error))
    }

    fn load_once(&mut self, keys: &KeySet, work: &mut Work) -> Result<(), StoreError> {
        let connection = match &mut self.reading {
            Some(connection) => connection,
            None => self.reading.insert(open_to_read(&self.path)?),
        };
        // A single transaction for all look-ups; separate ones would each lock and unlock the log.
        let reading = connection.unchecked_transaction().map_err(|error| explain(&error))?;
        macro_rules! load_tables {
            ($($field:ident: $record:ty),* $(,)?) => {
                $(load_table::<$record>(&reading, &self.writer.write_back, &keys.$field, &mut work.$field)?;)*
            };
        }
        for_each_table!(load_tables);
        reading.finish().map_err(|error| explain(&error))
    }

    /// Rolls back after a failed statement, and returns the meaning of the failure.
    fn give_up(&self, open: &mut Open, error: rusqlite::Error) -> Result<(), StoreError> {
        open.positions.clear();
        // Some errors have already rolled back.
        if !open.connection.is_autocommit()
            && let Err(worse) = open.connection.execute_batch("ROLLBACK")
        {
            return Err(StoreError::Fatal(format!("{error}; and then: {worse}")));
        }
        match error {
            // Only the look-up of a data key must return a row.
            rusqlite::Error::QueryReturnedNoRows => Err(key_gone()),
            error => Err(explain(&error)),
        }
    }
}

impl Store for SqliteStore {
    fn is_only_writer(&self) -> bool {
        true
    }

    fn load(&mut self, keys: &KeySet, work: &mut Work, _how: Load) -> Result<(), StoreError> {
        let writer = self.writer.clone();
        let mut nothing_is_flushed = None;
        for attempt in 1.. {
            let flushes = writer.write_back.flushes();
            self.load_once(keys, work)?;
            // A row that was flushed meanwhile may be missing in the cache already, and in the table as it was read.
            if writer.write_back.flushes() == flushes {
                break;
            }
            if attempt == MAX_LOAD_ATTEMPTS {
                nothing_is_flushed = Some(writer.open_for_a_batch());
            }
        }
        drop(nothing_is_flushed);
        Ok(())
    }

    fn commit(&mut self, changes: &mut Changes, batch: Id) -> Result<(), StoreError> {
        self.commit_all(changes, batch)
    }

    fn second(&self) -> Option<Box<dyn Store>> {
        Some(Box::new(SqliteStore::new(&self.path, self.writer.clone())))
    }

    fn abandon(&mut self) {}
}

fn write_changes<R: Keyed>(connection: &Connection, changes: &[Change<R>]) -> rusqlite::Result<()> {
    if changes.is_empty() {
        return Ok(());
    }
    let statements = R::statements();
    let prepare = |sql: &'static str| connection.prepare_cached(sql);
    let (mut insert, mut update, mut delete) = (None, None, None);
    for change in changes {
        match change {
            Change::Insert(row) => run(&mut insert, || prepare(&statements.insert), row.write())?,
            Change::Update(row) => run(&mut update, || prepare(&statements.update), row.write())?,
            Change::Delete(key) => run(&mut delete, || prepare(&statements.delete), R::key_values(key))?,
        };
    }
    Ok(())
}

/// Executes a statement that is prepared when it is first needed.
fn run<'c, P: rusqlite::ToSql>(
    statement: &mut Option<CachedStatement<'c>>,
    prepare: impl FnOnce() -> rusqlite::Result<CachedStatement<'c>>,
    params: Vec<P>,
) -> rusqlite::Result<()> {
    let statement = match statement {
        Some(statement) => statement,
        None => statement.insert(prepare()?),
    };
    statement.execute(params_from_iter(params)).map(|_| ())
}

fn append<R: Stored>(connection: &Connection, rows: &[R]) -> rusqlite::Result<()> {
    if rows.is_empty() {
        return Ok(());
    }
    let mut statement = connection.prepare_cached(&R::statements().insert)?;
    for row in rows {
        statement.execute(params_from_iter(row.write()))?;
    }
    Ok(())
}

fn forget(connection: &Connection, table: &str, keys: &[Key]) -> rusqlite::Result<()> {
    if keys.is_empty() {
        return Ok(());
    }
    let sql = format!("DELETE FROM {table} WHERE client = ?1 AND id = ?2");
    let mut statement = connection.prepare_cached(&sql)?;
    for key in keys {
        statement.execute((key.client.0.bytes().as_slice(), key.id.as_slice()))?;
    }
    Ok(())
}

/// Assigns each event the next position of its client. Events of one object are in the order of their sequence.
fn position(
    connection: &Connection,
    positions: &mut HashMap<ClientId, i64>,
    events: &mut [Event],
) -> rusqlite::Result<()> {
    for event in events {
        let last = match positions.get(&event.client) {
            Some(last) => *last,
            None => {
                let mut newest = connection.prepare_cached(
                    "SELECT coalesce(max(position), 0) FROM events WHERE client = ?1 AND position IS NOT NULL",
                )?;
                newest.query_row([Value::from(event.client.0)], |row| row.get(0))?
            }
        };
        event.position = Some(last + 1);
        positions.insert(event.client, last + 1);
    }
    Ok(())
}
