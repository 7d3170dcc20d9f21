//! Telling the client how a responder is, degraded or recovered, and forgetting old calls.

use super::ResponderView;
use super::manage::find;
use crate::events::{EventType, Owner, emit};
use crate::ids::{ClientId, Id, ResponderId};
use crate::record::Key;
use crate::refusal::Stop;
use crate::table::Access;
use crate::verb::Verb;
use crate::work::Work;

/// Emits `responder.degraded` or `responder.recovered`.
#[derive(Clone, Debug)]
pub struct NoteResponder {
    pub id: ResponderId,
    pub degraded: bool,
}

impl Verb for NoteResponder {
    type Answer = u64;

    fn home(&self) -> Option<Id> {
        Some(self.id.0)
    }

    fn prefetch(&self, _: &mut Work, _: ClientId) {}

    fn run(&self, work: &mut Work) -> Result<u64, Stop> {
        let found = find(work, self.id)?;
        let kind = if self.degraded { EventType::ResponderDegraded } else { EventType::ResponderRecovered };
        emit(work, Owner::Responder(self.id), kind, ResponderView::of(&found))?;
        Ok(1)
    }
}

/// Deletes calls past their retention.
#[derive(Clone, Debug)]
pub struct PurgeCalls {
    pub keys: Vec<Key>,
}

impl Verb for PurgeCalls {
    type Answer = u64;

    fn home(&self) -> Option<Id> {
        None
    }

    fn prefetch(&self, work: &mut Work, _: ClientId) {
        self.keys.iter().for_each(|key| work.responder_calls.prefetch(*key, Access::Exclusive));
    }

    fn run(&self, work: &mut Work) -> Result<u64, Stop> {
        let mut found = Vec::new();
        for key in &self.keys {
            found.extend(work.responder_calls.get_for_update(*key)?.map(|_| *key));
        }
        found.iter().for_each(|key| work.responder_calls.delete(*key));
        Ok(found.len() as u64)
    }
}
