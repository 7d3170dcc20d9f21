//! Deleting old events, where the operator limits their retention.

use crate::ids::{ClientId, Id};
use crate::record::Key;
use crate::refusal::Stop;
use crate::verb::Verb;
use crate::work::Work;

/// Deletes old events.
#[derive(Clone, Debug)]
pub struct PurgeEvents {
    /// Not checked again: events never change, so what was old is still old.
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

/// Returns how many events are deleted.
fn purge_events(work: &mut Work, command: &PurgeEvents) -> Result<u64, Stop> {
    work.appended.deleted_events.extend(&command.keys);
    Ok(command.keys.len() as u64)
}
