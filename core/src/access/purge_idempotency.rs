//! Deleting kept answers when their retention ends.

use crate::record::Key;
use crate::refusal::Stop;
use crate::work::Work;

/// Forgets answers whose time is over.
#[derive(Clone, Debug)]
pub struct PurgeIdempotency {
    /// Candidates; each is checked again.
    pub keys: Vec<Key>,
}

/// Forgets them; tells how many.
pub fn purge_idempotency(work: &mut Work, command: &PurgeIdempotency) -> Result<u64, Stop> {
    let mut over = Vec::new();
    for key in &command.keys {
        work.idempotency.expect(*key, crate::table::Access::Exclusive);
    }
    for key in &command.keys {
        let found = work.idempotency.get_to_change(*key)?;
        if found.is_some_and(|answer| answer.expires_at <= work.wall()) {
            over.push(*key);
        }
    }
    for key in &over {
        work.idempotency.delete(*key);
    }
    Ok(over.len() as u64)
}
