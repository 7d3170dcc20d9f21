//! Storage: one interface, two backends (SQLite and PostgreSQL), one conformance suite.
//!
//! Writes go through a [`Store`], one for each lane of the engine. Reads for answers go through a [`Reader`], which
//! takes no locks and does not involve the engine. Each record declares its columns once, in `records/`; both backends
//! are generic over that declaration.

#![allow(missing_docs, reason = "names of fields say what they are; docs state units, bounds and rules")]

mod approvals;
mod database;
pub mod figures;
mod installation;
pub mod lists;
mod migrations;
mod people;
mod postgres;
pub mod query;
mod reader;
pub mod records;
mod responders;
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
use paygen_core::work::{Changes, KeySet, Work};

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
    /// To find out which rows a batch needs. Without locks: the rows may change before the commit.
    Peek,
    /// To decide on. Begins the batch's transaction if there is none and locks each row as requested, in one global
    /// order (kind, client, id). The rows do not change until `commit` or `abandon`.
    Hold,
}

/// Why the store could not do what was asked.
#[derive(Clone, Debug, thiserror::Error)]
pub enum StoreError {
    /// Another node interfered. The caller drops everything, loads again and runs the batch again.
    #[error("conflict: {0}")]
    Conflict(String),
    /// A command of the batch is at fault. The caller runs the commands one at a time, so that only that one fails.
    #[error("refused by the database: {0}")]
    CommandFault(String),
    /// The store cannot be reached, or is full. Nothing of the batch is stored; the request is retryable.
    #[error("the store is unavailable: {0}")]
    Unavailable(String),
    /// The database cannot be used as it is. The message tells the operator why, and what to do.
    #[error("{0}")]
    Unfit(String),
    /// The state on disk is unknown. The process must stop.
    #[error("the store failed: {0}")]
    Fatal(String),
    /// The cursor of a list request was not issued by that list.
    #[error("the cursor does not fit the list")]
    InvalidCursor,
    #[error("the query took too long")]
    TooBroad,
    /// Too many reads are under way, and waiting for one to end took too long.
    #[error("too many reads are under way")]
    Busy,
}

/// The write side: loads rows into a working set, and commits a batch's changes.
pub trait Store: Send {
    /// Whether no other process can write. Then rows in memory stay valid between batches, and rows loaded with `Peek`
    /// may be decided on.
    fn is_only_writer(&self) -> bool;

    /// Loads rows into the working set, or marks them as absent.
    fn load(&mut self, keys: &KeySet, work: &mut Work, how: Load) -> Result<(), StoreError>;

    /// Writes a batch's changes and its id in one transaction, durable on return. After an error nothing is stored and
    /// the transaction is over.
    fn commit(&mut self, changes: &mut Changes, batch: Id) -> Result<(), StoreError>;

    /// A second handle that commits on another thread while this one loads the rows of the next batch, if the store can
    /// do that. Rows of the batch that is being committed must not be loaded: they are found as they were before.
    fn second(&self) -> Option<Box<dyn Store>> {
        None
    }

    /// Rolls the open transaction back, if there is one.
    fn abandon(&mut self);
}

/// Builds a page from rows that are followed by their sort values.
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
