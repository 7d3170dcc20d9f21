//! Telling the client how a responder is: degraded, or recovered.

use super::ResponderView;
use super::manage::find;
use crate::events::{EventType, Owner, emit};
use crate::ids::{ClientId, Id, ResponderId};
use crate::refusal::Stop;
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
