//! Loading rows by their keys: one statement for each kind and client, in the order in which rows are locked.

use std::collections::HashMap;

use paygen_core::ids::ClientId;
use paygen_core::record::{Key, Kind};
use paygen_core::table::{Access, Table};
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, Error, Statement};

use super::values::read;
use super::write::Session;
use crate::records::{Keyed, Row};
use crate::{Load, StoreError};

/// A statement that loads rows of a kind.
pub(super) struct Plan<'a> {
    statement: Statement,
    /// Of the rows, where it is part of their key.
    client: Option<ClientId>,
    ids: Vec<&'a [u8]>,
}

impl Plan<'_> {
    pub(super) async fn run(&self, client: &Client) -> Result<Vec<tokio_postgres::Row>, Error> {
        let whose = self.client.as_ref().map(|client| client.0.bytes().as_slice());
        let params: Vec<&(dyn ToSql + Sync)> = match &whose {
            Some(whose) => vec![whose, &self.ids],
            None => vec![&self.ids],
        };
        client.query(&self.statement, &params).await
    }
}

/// All rows of a kind are locked with the strongest access among them.
fn lock_of(keys: &[(Key, Access)], how: Load) -> Access {
    if how == Load::Peek {
        // Rows read without locks are never committed, so every change may be tried on them.
        return Access::Exclusive;
    }
    keys.iter().map(|(_, access)| *access).max().unwrap_or(Access::Shared)
}

/// Adds the statements that load rows of a kind, given their keys in order. Returns their number.
pub(super) async fn plan<'a, R: Keyed>(
    session: &mut Session,
    keys: &'a [(Key, Access)],
    how: Load,
    plans: &mut Vec<Plan<'a>>,
) -> Result<usize, StoreError> {
    if keys.is_empty() {
        return Ok(0);
    }
    let texts = &R::statements().many;
    let sql = match (how, lock_of(keys, how)) {
        (Load::Peek, _) => &texts.read,
        // Every batch of every node reads the clock; locking it would serialize all of them.
        (Load::Hold, Access::Shared) if R::KIND == Kind::Clock => &texts.read,
        (Load::Hold, Access::Shared) => &texts.read_for_share,
        (Load::Hold, Access::Exclusive) => &texts.read_for_update,
    };
    let statement = session.prepare(sql).await?;
    let before = plans.len();
    let of_clients = R::KEY_COLUMNS > 1;
    for own in keys.chunk_by(|(one, _), (next, _)| !of_clients || one.client == next.client) {
        plans.push(Plan {
            statement: statement.clone(),
            client: own.first().filter(|_| of_clients).map(|(key, _)| key.client),
            ids: own.iter().map(|(key, _)| key.id.as_slice()).collect(),
        });
    }
    Ok(plans.len() - before)
}

/// Puts loaded rows into their table, and the absence of the others.
pub(super) fn supply<R: Keyed>(
    keys: &[(Key, Access)],
    loaded: impl Iterator<Item = Vec<tokio_postgres::Row>>,
    how: Load,
    table: &mut Table<R>,
) -> Result<(), StoreError> {
    let held = lock_of(keys, how);
    let mut found = HashMap::new();
    for row in loaded.flatten() {
        let record = R::read(&mut Row::of::<R>(read(&row)?))?;
        found.insert(record.key(), record);
    }
    for (key, _) in keys {
        table.load(*key, found.remove(key), held);
    }
    Ok(())
}
