//! Which endpoints a node serves: on SQLite all, on PostgreSQL those of the shards whose locks it holds.

use crate::StoreError;
use crate::postgres::ShardLocks;
use crate::shard::SHARDS;

/// The shards of this node.
pub struct Shards(pub(crate) Option<ShardLocks>);

impl Shards {
    /// Which of them this node may serve until the next call. What it no longer names must have come to rest before
    /// that call, when its lock is given up. After an error none is held.
    pub async fn held(&mut self) -> Result<[bool; SHARDS], StoreError> {
        match &mut self.0 {
            None => Ok([true; SHARDS]),
            Some(locks) => locks.held().await,
        }
    }
}
