//! Forgetting old events, where the operator limits how long they are kept.

use crate::record::Key;
use crate::refusal::Stop;
use crate::work::Work;

/// Forgets old events.
#[derive(Clone, Debug)]
pub struct PurgeEvents {
    /// Which. Nothing is checked again: events do not change, and what was old stays old.
    pub keys: Vec<Key>,
}

/// Forgets them; tells how many.
pub fn purge_events(work: &mut Work, command: &PurgeEvents) -> Result<u64, Stop> {
    work.appended.forgotten_events.extend(&command.keys);
    Ok(command.keys.len() as u64)
}
