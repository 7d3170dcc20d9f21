//! The statements of a commit, each over many rows.

use std::collections::BTreeMap;

use paygen_core::events::Event;
use paygen_core::for_each_table;
use paygen_core::ids::{ClientId, Id};
use paygen_core::record::Key;
use paygen_core::table::Change;
use paygen_core::work::Changes;
use tokio_postgres::error::SqlState;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, Error, Statement};

use super::connection::explain;
use super::values::{Column, columns};
use crate::StoreError;
use crate::records::{Keyed, Stored};
use crate::sealing::{key_gone, relied_on};
use crate::value::Param;

/// Fails, with a division by zero, if a key is gone.
const LOCK_DATA_KEYS: &str = "SELECT 1 / (count(*) = cardinality($1::text[]))::int
    FROM (SELECT 1 FROM vault_keys WHERE id = ANY($1::text[]) ORDER BY id FOR KEY SHARE) AS used";

const QUEUE_EVENTS: &str = "INSERT INTO event_queue (client, events, objects, sequences)
    VALUES ($1::bytea, $2::bytea[], $3::bytea[], $4::bigint[])";

const FORGET_POSITIONS: &str = "DELETE FROM event_positions p USING unnest($1::bytea[], $2::bytea[]) AS v(client, id)
    WHERE p.client = v.client AND p.event = v.id";

const FORGET_EVENTS: &str = "DELETE FROM events e USING unnest($1::bytea[], $2::bytea[]) AS v(client, id)
    WHERE e.client = v.client AND e.id = v.id";

const FORGET_ATTEMPTS: &str = "DELETE FROM delivery_attempts a USING unnest($1::bytea[], $2::bytea[]) AS v(client, id)
    WHERE a.client = v.client AND a.id = v.id";

const NOTE_BATCH: &str = "INSERT INTO commits (batch_id, committed_at) VALUES ($1::bytea, $2::bigint)";

/// A statement over many rows.
pub(super) struct Bulk<'a> {
    pub(super) sql: &'static str,
    params: Vec<Box<dyn ToSql + Sync + 'a>>,
    /// The error if it finds another number of rows than it must.
    otherwise: fn() -> StoreError,
}

impl<'a> Bulk<'a> {
    fn new(sql: &'static str, params: Vec<Box<dyn ToSql + Sync + 'a>>) -> Bulk<'a> {
        Bulk { sql, params, otherwise: row_gone }
    }

    fn of_columns(sql: &'static str, columns: Vec<Column<'a>>) -> Bulk<'a> {
        let boxed = |column| -> Box<dyn ToSql + Sync + 'a> { Box::new(column) };
        Bulk::new(sql, columns.into_iter().map(boxed).collect())
    }

    pub(super) async fn run(&self, client: &Client, statement: &Statement) -> Result<u64, Error> {
        let params: Vec<&(dyn ToSql + Sync)> = self.params.iter().map(|param| &**param as _).collect();
        client.execute(statement, &params).await
    }

    pub(super) fn explain(&self, error: &Error) -> StoreError {
        match error.code() {
            Some(code) if *code == SqlState::DIVISION_BY_ZERO => (self.otherwise)(),
            _ => explain(error),
        }
    }
}

fn row_gone() -> StoreError {
    StoreError::Conflict("a row was gone".to_owned())
}

/// The statements of a commit, in the order of the kinds.
pub(super) fn bulks(changes: &Changes, batch: Id) -> Vec<Bulk<'_>> {
    let mut bulks = Vec::new();
    let keys: Vec<String> = relied_on(changes).into_iter().collect();
    if !keys.is_empty() {
        bulks.push(Bulk { otherwise: key_gone, ..Bulk::new(LOCK_DATA_KEYS, vec![Box::new(keys)]) });
    }
    macro_rules! write_tables {
        ($($field:ident: $record:ty),* $(,)?) => {
            $(write_changes::<$record>(&mut bulks, &changes.$field);)*
        };
    }
    for_each_table!(write_tables);
    let appended = &changes.appended;
    append(&mut bulks, &appended.entries);
    append(&mut bulks, &appended.lines);
    append(&mut bulks, &appended.system_lines);
    append(&mut bulks, &appended.events);
    queue(&mut bulks, &appended.events);
    append(&mut bulks, &appended.audit);
    append(&mut bulks, &appended.attempts);
    forget(&mut bulks, FORGET_POSITIONS, &appended.deleted_events);
    forget(&mut bulks, FORGET_EVENTS, &appended.deleted_events);
    forget(&mut bulks, FORGET_ATTEMPTS, &appended.deleted_attempts);
    bulks.push(Bulk::new(NOTE_BATCH, vec![Box::new(Param::Id(batch)), Box::new(changes.wall.micros())]));
    bulks
}

fn write_changes<'a, R: Keyed>(bulks: &mut Vec<Bulk<'a>>, changes: &'a [Change<R>]) {
    let (mut inserts, mut updates, mut deletes): (Vec<&R>, Vec<&R>, Vec<&Key>) = (Vec::new(), Vec::new(), Vec::new());
    for change in changes {
        match change {
            Change::Insert(row) => inserts.push(row),
            Change::Update(row) => updates.push(row),
            Change::Delete(key) => deletes.push(key),
        }
    }
    let texts = &R::statements().many;
    if !inserts.is_empty() {
        bulks.push(Bulk::of_columns(&texts.insert, columns(inserts.into_iter())));
    }
    if !updates.is_empty() {
        let count = i64::try_from(updates.len()).unwrap_or(i64::MAX);
        let mut update = Bulk::of_columns(&texts.update, columns(updates.into_iter()));
        update.params.push(Box::new(count));
        bulks.push(update);
    }
    if !deletes.is_empty() {
        let mut keys = keys_of(deletes.into_iter());
        if R::KEY_COLUMNS == 1 {
            keys.remove(0);
        }
        bulks.push(Bulk::of_columns(&texts.delete, keys));
    }
}

fn append<'a, R: Stored>(bulks: &mut Vec<Bulk<'a>>, rows: &'a [R]) {
    if !rows.is_empty() {
        bulks.push(Bulk::of_columns(&R::statements().many.insert, columns(rows.iter())));
    }
}

/// Queues events for the sequencer.
fn queue<'a>(bulks: &mut Vec<Bulk<'a>>, events: &'a [Event]) {
    let mut clients: BTreeMap<ClientId, Vec<&Event>> = BTreeMap::new();
    for event in events {
        clients.entry(event.client).or_default().push(event);
    }
    for (client, events) in clients {
        let ids: Column<'_> = events.iter().map(|event| Param::Id(event.id.0)).collect();
        let objects: Column<'_> = events.iter().map(|event| Param::Id(event.object_id)).collect();
        let sequences: Vec<i64> = events.iter().map(|event| event.sequence).collect();
        let params: Vec<Box<dyn ToSql + Sync + 'a>> =
            vec![Box::new(Param::Id(client.0)), Box::new(ids), Box::new(objects), Box::new(sequences)];
        bulks.push(Bulk::new(QUEUE_EVENTS, params));
    }
}

fn forget<'a>(bulks: &mut Vec<Bulk<'a>>, sql: &'static str, keys: &'a [Key]) {
    if !keys.is_empty() {
        bulks.push(Bulk::of_columns(sql, keys_of(keys.iter())));
    }
}

/// The clients and ids of keys, as columns.
fn keys_of<'a>(keys: impl Iterator<Item = &'a Key>) -> Vec<Column<'a>> {
    let (clients, ids) = keys.map(|key| (Param::Id(key.client.0), Param::from(key.id.as_slice()))).unzip();
    vec![clients, ids]
}
