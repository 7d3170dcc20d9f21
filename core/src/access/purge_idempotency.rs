//! Deleting stored responses when their retention ends.

use crate::ids::{ClientId, Id};
use crate::record::Key;
use crate::refusal::Stop;
use crate::verb::Verb;
use crate::work::Work;

/// Deletes stored responses that are past their retention.
#[derive(Clone, Debug)]
pub struct PurgeIdempotency {
    /// Candidates; each is checked again.
    pub keys: Vec<Key>,
}

impl Verb for PurgeIdempotency {
    type Answer = u64;

    fn home(&self) -> Option<Id> {
        None
    }

    fn prefetch(&self, _: &mut Work, _: ClientId) {}

    fn run(&self, work: &mut Work) -> Result<u64, Stop> {
        purge_idempotency(work, self)
    }
}

/// Returns how many were deleted.
fn purge_idempotency(work: &mut Work, command: &PurgeIdempotency) -> Result<u64, Stop> {
    let mut over = Vec::new();
    for key in &command.keys {
        work.idempotency.prefetch(*key, crate::table::Access::Exclusive);
    }
    for key in &command.keys {
        let found = work.idempotency.get_for_update(*key)?;
        if found.is_some_and(|answer| answer.expires_at <= work.wall()) {
            over.push(*key);
        }
    }
    for key in &over {
        work.idempotency.delete(*key);
    }
    Ok(over.len() as u64)
}
