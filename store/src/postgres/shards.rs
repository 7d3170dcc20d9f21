//! Locks by which nodes share the webhook endpoints. They belong to a session, so a dead node's locks are free at once.

use tokio_postgres::Client;

use super::connection::{connect, explain};
use crate::StoreError;
use crate::shard::SHARDS;

/// The first key of the shards' advisory locks; the second is the shard.
const SHARD_LOCK: i32 = 0x7061_7903;

/// The first key of the lock that all nodes share, by which they are counted.
const PRESENCE_LOCK: i32 = 0x7061_7904;

/// The locks of this node.
pub struct ShardLocks {
    url: String,
    session: Option<Client>,
    held: [bool; SHARDS],
    /// Shards to be released at the next call, once their endpoints are idle.
    leaving: [bool; SHARDS],
}

impl ShardLocks {
    pub(super) fn new(url: &str) -> ShardLocks {
        ShardLocks { url: url.to_owned(), session: None, held: [false; SHARDS], leaving: [false; SHARDS] }
    }

    pub(crate) async fn held(&mut self) -> Result<[bool; SHARDS], StoreError> {
        let outcome = self.look().await;
        if outcome.is_err() {
            self.session = None;
        }
        outcome
    }

    async fn look(&mut self) -> Result<[bool; SHARDS], StoreError> {
        if self.session.as_ref().is_none_or(Client::is_closed) {
            let lost = self.held.contains(&true);
            (self.held, self.leaving, self.session) = ([false; SHARDS], [false; SHARDS], None);
            if lost {
                return Err(StoreError::Unavailable("the session that held the locks is gone".to_owned()));
            }
            let session = connect(&self.url).await?.0;
            let presence = session.execute("SELECT pg_advisory_lock_shared($1, 0)", &[&PRESENCE_LOCK]).await;
            presence.map_err(|error| explain(&error))?;
            self.session = Some(session);
        }
        let Some(session) = &self.session else { return Ok(self.held) };
        for shard in 0..SHARDS {
            if std::mem::take(&mut self.leaving[shard]) {
                let freed = session.execute("SELECT pg_advisory_unlock($1, $2)", &[&SHARD_LOCK, &(shard as i32)]).await;
                freed.map_err(|error| explain(&error))?;
            }
        }
        let share = SHARDS.div_ceil(nodes(session).await?);
        let mut count = self.held.iter().filter(|held| **held).count();
        for shard in 0..SHARDS {
            if count < share && !self.held[shard] {
                let row =
                    session.query_one("SELECT pg_try_advisory_lock($1, $2)", &[&SHARD_LOCK, &(shard as i32)]).await;
                self.held[shard] = row.map_err(|error| explain(&error))?.get(0);
                count += usize::from(self.held[shard]);
            }
        }
        for shard in (0..SHARDS).rev() {
            if count > share && self.held[shard] {
                (self.held[shard], self.leaving[shard]) = (false, true);
                count -= 1;
            }
        }
        Ok(self.held)
    }
}

/// The number of nodes, including this one.
async fn nodes(session: &Client) -> Result<usize, StoreError> {
    let sql = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND classid::bigint = $1 AND objid = 0
         AND objsubid = 2 AND granted AND database = (SELECT oid FROM pg_database WHERE datname = current_database())";
    let row = session.query_one(sql, &[&i64::from(PRESENCE_LOCK)]).await.map_err(|error| explain(&error))?;
    Ok(usize::try_from(row.get::<_, i64>(0)).unwrap_or(1).max(1))
}
