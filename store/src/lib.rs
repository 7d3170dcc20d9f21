//! The memory of Paygen: one seam, two backends (SQLite and PostgreSQL), one conformance suite.
//!
//! Writing goes through a [`Store`], one for each lane of the engine; reading rows and lists for answers goes
//! through a [`Reader`], beside the engine and without locks. Each record says its columns once, in `records/`;
//! both backends are generic over that.

mod database;
pub mod figures;
mod installation;
pub mod lists;
mod migrations;
mod postgres;
pub mod query;
mod reader;
pub mod records;
mod sealing;
mod shard;
mod shards;
mod snapshot;
mod sql;
mod sqlite;
mod statements;
mod target;
mod tls;
mod totals;
mod turns;
pub mod value;
mod vault_keys;
mod verify;
mod webhooks;

use paygen_core::ids::Id;
use paygen_core::work::{KeySet, Work};

pub use database::Database;
pub use installation::Installation;
#[doc(hidden)]
pub use postgres::{Listener, News, Sequencer};
pub use reader::{NumberedCard, Reader};
pub use shard::{SHARDS, shard_of};
pub use shards::Shards;
pub use snapshot::{Applied, CopiedTable, NamedDocument, Restoration, Snapshot, SnapshotError};
pub use sql::{Listed, Pending};
pub use target::Target;
pub use tls::tls_client;
pub use vault_keys::VaultKeyRow;

/// How rows are loaded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Load {
    /// To find out what a batch needs: no locks, nothing holds until the commit.
    Peek,
    /// To decide on: opens the batch's transaction where none is open and locks each row as it is wanted, in the
    /// one order (kind, client, id). The rows stay as they are until `commit` or `abandon`.
    Hold,
}

/// Why the store could not do what it was asked.
#[derive(Clone, Debug, thiserror::Error)]
pub enum StoreError {
    /// Another node was in the way: drop everything, load and run again.
    #[error("conflict: {0}")]
    Conflict(String),
    /// The database refused something of this batch: run its commands one at a time, so that only the culprit fails.
    #[error("refused by the database: {0}")]
    CommandFault(String),
    /// The store cannot be reached or is full: nothing of the batch is stored; callers are told to come back.
    #[error("the store is unavailable: {0}")]
    Unavailable(String),
    /// The database cannot be used as it is: the message tells an operator why, and the way out.
    #[error("{0}")]
    Unfit(String),
    /// What is on disk can no longer be known: the process must stop.
    #[error("the store failed: {0}")]
    Fatal(String),
    /// The place a list should go on from is none of its own.
    #[error("the cursor does not fit the list")]
    InvalidCursor,
    /// A list took longer than it may.
    #[error("the query took too long")]
    TooBroad,
    /// As many reads are under way as may be, and waiting for one of them to end took too long.
    #[error("too many reads are under way")]
    Busy,
}

/// The write side: loads rows into a working set, and commits what a batch did to it.
pub trait Store: Send {
    /// Whether this store is the only writer there can be, so that rows in memory stay true between batches and
    /// `Peek` loads may be decided on at once.
    fn is_only_writer(&self) -> bool;

    /// Loads rows, or the news that there are none, into the working set.
    fn load(&mut self, keys: &KeySet, work: &mut Work, how: Load) -> Result<(), StoreError>;

    /// Writes what differs from what is stored, with the batch's id, in one transaction; durable when it returns.
    /// After an error nothing of the batch is stored, and the transaction is over.
    fn commit(&mut self, work: &mut Work, batch: Id) -> Result<(), StoreError>;

    /// Gives up the open transaction, if any.
    fn abandon(&mut self);
}

/// Turns rows that are followed by their sort values into a page.
fn page<L: Listed>(
    mut found: Vec<Vec<value::Value>>,
    query: &query::ListQuery,
    total: Option<u64>,
    pending: &sql::Pending<'_>,
) -> Result<query::Page<L::Row>, StoreError> {
    let columns = L::columns().1;
    let more = found.len() > query.limit as usize;
    found.truncate(query.limit as usize);
    let mut next = None;
    let mut rows = Vec::with_capacity(found.len());
    for mut values in found {
        let keys = values.split_off(columns);
        rows.push(L::read(values, pending).map_err(|error| StoreError::CommandFault(error.to_string()))?);
        next = Some(keys);
    }
    let keyset = matches!(query.paging, query::Paging::After(_));
    Ok(query::Page { rows, total, next: next.filter(|_| keyset && more) })
}
