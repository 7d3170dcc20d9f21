//! The webhook endpoints that a node serves: all on SQLite; on PostgreSQL, those of the shards whose locks it holds.

use crate::StoreError;
use crate::postgres::ShardLocks;
use crate::shard::SHARDS;

pub struct Shards(pub(crate) Option<ShardLocks>);

impl Shards {
    /// The shards that this node may serve until the next call. The endpoints of shards that are no longer included
    /// must be idle before that call, which releases their locks. After an error none is held.
    pub async fn held(&mut self) -> Result<[bool; SHARDS], StoreError> {
        match &mut self.0 {
            None => Ok([true; SHARDS]),
            Some(locks) => locks.held().await,
        }
    }
}
