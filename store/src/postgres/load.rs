//! Loading rows by their keys: one statement for each kind and client, in the order in which rows are locked.
//!
//! Cards, their secrets, card holders and accounts are mostly read beside a row that is locked anyway, their *guard*:
//! the counters of the card or card holder, the balance of the account. A batch that may change such a row locks its
//! guard as well. So who holds the guard exclusively reads the row without a lock, after all locks were taken: nobody
//! changes it before the guard is released. Of rows that were seen before only the version is read (see `seen.rs`).

use std::collections::HashMap;
use std::sync::Arc;

use paygen_core::ids::{ClientId, Id};
use paygen_core::record::{Key, KeyBytes, Kind, Record};
use paygen_core::table::{Access, Table};
use paygen_core::work::{KeySet, Work};
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, Error, Statement};

use super::seen::Seen;
use super::session::Session;
use super::values::read_first;
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

/// The statements of a load.
#[derive(Default)]
pub(super) struct Plans<'a> {
    /// In the order of the kinds.
    pub(super) locking: Vec<Plan<'a>>,
    /// Run after those that lock; with versions.
    pub(super) guarded: Vec<Plan<'a>>,
    /// Run then too: only the versions of rows that were seen before.
    pub(super) versions: Vec<Plan<'a>>,
}

/// The numbers of statements for one kind.
#[derive(Default)]
pub(super) struct Planned {
    pub(super) locking: usize,
    pub(super) guarded: usize,
    pub(super) versions: usize,
    /// The rows of which only the version is read, in order.
    seen: Vec<Key>,
}

/// The rows of a kind that a load returned, by kind of statement.
pub(super) struct Loaded {
    pub(super) locked: Vec<tokio_postgres::Row>,
    pub(super) guarded: Vec<tokio_postgres::Row>,
    pub(super) versions: Vec<tokio_postgres::Row>,
}

/// Adds the statements that load rows of a kind, given their keys in order. `guards` are the keys of their guards that
/// are locked exclusively.
pub(super) async fn plan<'a, R: Keyed>(
    session: &mut Session,
    seen: &mut Seen<R>,
    keys: &'a [(Key, Access)],
    guards: &[(Key, Access)],
    how: Load,
    plans: &mut Plans<'a>,
) -> Result<Planned, StoreError> {
    let texts = &R::statements().many;
    let lock = lock_of(keys, how);
    let sql = match (how, lock) {
        (Load::Peek, _) => &texts.read,
        // Every batch of every node reads the clock; locking it would serialize all of them.
        (Load::Hold, Access::Shared) if R::KIND == Kind::Clock => &texts.read,
        (Load::Hold, Access::Shared) => &texts.read_for_share,
        (Load::Hold, Access::Exclusive) => &texts.read_for_update,
    };
    // Programs are guarded by what their changes lock besides: a decision reads them after its counters were locked.
    let has_guard = |key: &Key| R::KIND == Kind::Program || guards.binary_search_by_key(key, |(key, _)| *key).is_ok();
    let is_guarded = |key: &Key| lock == Access::Shared && has_guard(key);
    let (guarded, locked): (Vec<&Key>, Vec<&Key>) = keys.iter().map(|(key, _)| key).partition(|key| is_guarded(key));
    let (known, guarded): (Vec<&Key>, Vec<&Key>) = guarded.into_iter().partition(|key| seen.has(key));
    let before = (plans.locking.len(), plans.guarded.len(), plans.versions.len());
    let keys_seen = known.iter().map(|key| **key).collect();
    for (keys, sql, plans) in [
        (locked, sql, &mut plans.locking),
        (guarded, &texts.read_with_version, &mut plans.guarded),
        (known, &texts.read_version, &mut plans.versions),
    ] {
        if keys.is_empty() {
            continue;
        }
        let statement = session.prepare(sql).await?;
        let of_clients = R::KEY_COLUMNS > 1;
        for own in keys.chunk_by(|one, next| !of_clients || one.client == next.client) {
            plans.push(Plan {
                statement: statement.clone(),
                client: own.first().filter(|_| of_clients).map(|key| key.client),
                ids: own.iter().map(|key| key.id.as_slice()).collect(),
            });
        }
    }
    Ok(Planned {
        locking: plans.locking.len() - before.0,
        guarded: plans.guarded.len() - before.1,
        versions: plans.versions.len() - before.2,
        seen: keys_seen,
    })
}

/// The keys that a load locks: those asked for, and the guards of the rows that may be changed.
pub(super) fn with_guards(keys: &KeySet) -> KeySet {
    let mut all = keys.clone();
    let of_changed = |rows: &[(Key, Access)]| {
        // All rows of a kind are held with the strongest access among them.
        let changed = if lock_of(rows, Load::Hold) == Access::Exclusive { rows } else { &[] };
        changed.iter().map(|(key, _)| (*key, Access::Exclusive)).collect::<Vec<_>>()
    };
    for rows in [&keys.cards, &keys.card_secrets, &keys.card_holders] {
        all.merge(KeySet { counters: of_changed(rows), ..KeySet::default() });
    }
    all.merge(KeySet { balances: of_changed(&keys.accounts), ..KeySet::default() });
    all
}

/// The guards of a kind's rows, among these keys, that are locked exclusively.
pub(super) fn guards_of<R: Record>(keys: &KeySet, how: Load) -> &[(Key, Access)] {
    let guards = match R::KIND {
        Kind::Card | Kind::CardSecret | Kind::CardHolder => &keys.counters,
        Kind::Account => &keys.balances,
        _ => return &[],
    };
    if how == Load::Hold && lock_of(guards, how) == Access::Exclusive { guards } else { &[] }
}

/// Rows that were read without a lock although their guard does not exist, so that it guards nothing.
pub(super) fn unguarded(keys: &KeySet, work: &Work) -> KeySet {
    let without = |rows: &[(Key, Access)], guards: &[(Key, Access)], has: &dyn Fn(Key) -> bool| {
        let read = |key: &Key| guards.binary_search_by_key(key, |(key, _)| *key).is_ok() && !has(*key);
        let shared = if lock_of(rows, Load::Hold) == Access::Shared { rows } else { &[] };
        shared.iter().filter(|(key, _)| read(key)).copied().collect::<Vec<_>>()
    };
    let counted = |key| work.counters.peek(key).is_some();
    let counters = guards_of::<paygen_core::cards::Card>(keys, Load::Hold);
    let balances = guards_of::<paygen_core::accounts::Account>(keys, Load::Hold);
    KeySet {
        cards: without(&keys.cards, counters, &counted),
        card_secrets: without(&keys.card_secrets, counters, &counted),
        card_holders: without(&keys.card_holders, counters, &counted),
        accounts: without(&keys.accounts, balances, &|key| work.balances.peek(key).is_some()),
        ..KeySet::default()
    }
}

/// Puts loaded rows into their table, and the absence of the others. Returns the keys of rows that have changed since they
/// were seen, or are gone: these must be loaded again.
pub(super) fn supply<R: Keyed>(
    keys: &[(Key, Access)],
    planned: &Planned,
    loaded: &Loaded,
    seen: &mut Seen<R>,
    how: Load,
    table: &mut Table<R>,
) -> Result<Vec<(Key, Access)>, StoreError> {
    let held = lock_of(keys, how);
    let record = |row| R::read(&mut Row::of::<R>(read_first(row, R::COLUMNS.len())?)).map_err(StoreError::from);
    let mut found = HashMap::new();
    for row in &loaded.locked {
        let record = record(row)?;
        found.insert(record.key(), Arc::new(record));
    }
    for row in &loaded.guarded {
        let record = Arc::new(record(row)?);
        seen.note(row.get(R::COLUMNS.len()), &record);
        found.insert(record.key(), record);
    }
    for row in &loaded.versions {
        // The key of a guarded kind is (client, id).
        let Some(client) = Id::from_slice(row.get(0)) else { continue };
        let key = Key { client: ClientId(client), id: KeyBytes::new(row.get(1)) };
        if let Some(row) = seen.row(&key, row.get(2)) {
            found.insert(key, row);
        }
    }
    let mut changed = Vec::new();
    for (key, access) in keys {
        match found.remove(key) {
            None if planned.seen.binary_search(key).is_ok() => {
                seen.forget(key);
                changed.push((*key, *access));
            }
            row => table.load_shared(*key, row, held),
        }
    }
    Ok(changed)
}
