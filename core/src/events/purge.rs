//! Forgetting old events, where the operator limits how long they are kept.

use crate::ids::{ClientId, Id};
use crate::record::Key;
use crate::refusal::Stop;
use crate::verb::Verb;
use crate::work::Work;

/// Forgets old events.
#[derive(Clone, Debug)]
pub struct PurgeEvents {
    /// Which. Nothing is checked again: events do not change, and what was old stays old.
    pub keys: Vec<Key>,
}

impl Verb for PurgeEvents {
    type Answer = u64;

    fn home(&self) -> Option<Id> {
        None
    }

    fn prefetch(&self, _: &mut Work, _: ClientId) {}

    fn run(&self, work: &mut Work) -> Result<u64, Stop> {
        purge_events(work, self)
    }
}

/// Forgets them; tells how many.
fn purge_events(work: &mut Work, command: &PurgeEvents) -> Result<u64, Stop> {
    work.appended.deleted_events.extend(&command.keys);
    Ok(command.keys.len() as u64)
}
