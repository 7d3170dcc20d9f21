//! Managing responders: creating, changing, deleting, rotating secrets, and noting that a test call was answered.

use std::sync::Arc;

use super::{
    CallOutcome, Fallback, OnSilence, Responder, ResponderCall, ResponderKind, ResponderSettings, ResponderSwitch,
    ResponderView,
};
use crate::approvals::{ApprovalAction, Ask};
use crate::fields::{Echo, check_read_only, check_version};
use crate::ids::{ClientId, Id, ResponderId};
use crate::record::Key;
use crate::refusal::{Refusal, Stop};
use crate::verb::Verb;
use crate::work::Work;

/// Upper bound on the responders of a client.
pub const MAX_RESPONDERS: usize = 100;

#[derive(Clone, Debug)]
pub struct CreateResponder {
    /// Chosen beforehand, because the secret is sealed for it.
    pub id: ResponderId,
    pub kind: ResponderKind,
    /// `None`: it is asked through the stream of events.
    pub url: Option<String>,
    pub description: Option<String>,
    pub timeout_ms: i64,
    pub settings: ResponderSettings,
    /// Sealed.
    pub credentials: Vec<u8>,
}

/// A new sealed secret, and the one it replaces.
#[derive(Clone, Debug)]
pub struct ChangedSecret {
    /// As read before. If it has changed, the command is refused as stale.
    pub before: Vec<u8>,
    pub after: Vec<u8>,
}

/// Changes a responder; `None` keeps, `Some(None)` clears.
#[derive(Clone, Debug)]
pub struct UpdateResponder {
    pub id: ResponderId,
    /// Another URL, or none, has to answer a test call before it is asked.
    pub url: Option<Option<String>>,
    pub description: Option<Option<String>>,
    pub switch: Option<ResponderSwitch>,
    pub timeout_ms: Option<i64>,
    pub settings: ChangedSettings,
    /// Read-only fields that were sent; they must equal the stored ones.
    pub echo: Echo,
    pub if_match: Option<i64>,
}

/// The parts of the settings that are replaced.
#[derive(Clone, Debug, Default)]
pub struct ChangedSettings {
    pub scope: Option<super::ResponderScope>,
    pub ask: Option<super::Ask>,
    pub increments: Option<super::IncrementRule>,
    pub on_silence: Option<super::OnSilence>,
    pub fallback: Option<super::Fallback>,
}

/// Deletes a responder. Questions that are open are still answered; the log of its calls remains.
#[derive(Clone, Debug)]
pub struct DeleteResponder {
    pub id: ResponderId,
    pub if_match: Option<i64>,
}

/// Replaces the signing secret. The previous one also signs for a while.
#[derive(Clone, Debug)]
pub struct RotateResponderSecret {
    pub id: ResponderId,
    pub secret: ChangedSecret,
    /// 0 ends the previous secret at once.
    pub overlap_seconds: i64,
}

/// Records a test call. If it was answered, the responder is verified.
#[derive(Clone, Debug)]
pub struct VerifyResponder {
    pub id: ResponderId,
    /// The URL that was called. If it has changed, the responder is not verified.
    pub url: Option<String>,
    pub call: ResponderCall,
}

impl Verb for CreateResponder {
    type Answer = ResponderView;

    fn home(&self) -> Option<Id> {
        None
    }

    fn prefetch(&self, _: &mut Work, _: ClientId) {}

    fn approvals(&self) -> Vec<Ask> {
        vec![Ask::of(ApprovalAction::ResponderChange)]
    }

    fn run(&self, work: &mut Work) -> Result<ResponderView, Stop> {
        check_fallback(&self.settings)?;
        let now = work.now();
        let responder = Responder {
            client: work.client(),
            id: self.id,
            kind: self.kind,
            url: self.url.clone(),
            description: self.description.clone(),
            switch: ResponderSwitch::Active,
            verified_at: None,
            credentials: self.credentials.clone(),
            previous_until: None,
            timeout_ms: self.timeout_ms,
            settings: self.settings.clone(),
            event_seq: 0,
            version: 1,
            created_at: now,
            updated_at: now,
        };
        let view = ResponderView::of(&responder);
        work.responders.put(responder);
        Ok(view)
    }
}

impl Verb for UpdateResponder {
    type Answer = ResponderView;

    fn home(&self) -> Option<Id> {
        Some(self.id.0)
    }

    fn prefetch(&self, _: &mut Work, _: ClientId) {}

    fn approvals(&self) -> Vec<Ask> {
        vec![Ask::of(ApprovalAction::ResponderChange)]
    }

    fn run(&self, work: &mut Work) -> Result<ResponderView, Stop> {
        update(work, self)
    }
}

fn update(work: &mut Work, command: &UpdateResponder) -> Result<ResponderView, Stop> {
    let found = find(work, command.id)?;
    check_version(command.if_match, found.version)?;
    check_read_only(&command.echo, &ResponderView::of(&found))?;
    let mut changed = (*found).clone();
    if let Some(url) = command.url.as_ref().filter(|url| **url != found.url) {
        changed.url.clone_from(url);
        changed.verified_at = None;
    }
    if let Some(description) = &command.description {
        changed.description.clone_from(description);
    }
    changed.switch = command.switch.unwrap_or(found.switch);
    changed.timeout_ms = command.timeout_ms.unwrap_or(found.timeout_ms);
    let ChangedSettings { scope, ask, increments, on_silence, fallback } = command.settings.clone();
    let kept = found.settings.clone();
    changed.settings = ResponderSettings {
        scope: scope.unwrap_or(kept.scope),
        ask: ask.unwrap_or(kept.ask),
        increments: increments.unwrap_or(kept.increments),
        on_silence: on_silence.unwrap_or(kept.on_silence),
        fallback: fallback.unwrap_or(kept.fallback),
    };
    check_fallback(&changed.settings)?;
    Ok(keep(work, &found, changed))
}

/// A fallback without any rule would approve everything, which `onSilence: approve` says plainly.
fn check_fallback(settings: &ResponderSettings) -> Result<(), Refusal> {
    if settings.on_silence == OnSilence::Rules && settings.fallback == Fallback::default() {
        return Err(Refusal::FallbackRequired);
    }
    Ok(())
}

/// Stores a responder; its version counts changes.
fn keep(work: &mut Work, before: &Responder, mut changed: Responder) -> ResponderView {
    if changed != *before {
        changed.version += 1;
        changed.updated_at = work.now();
    }
    let view = ResponderView::of(&changed);
    work.responders.put(changed);
    view
}

impl Verb for DeleteResponder {
    type Answer = ResponderView;

    fn home(&self) -> Option<Id> {
        Some(self.id.0)
    }

    fn prefetch(&self, _: &mut Work, _: ClientId) {}

    fn approvals(&self) -> Vec<Ask> {
        vec![Ask::of(ApprovalAction::ResponderChange)]
    }

    fn run(&self, work: &mut Work) -> Result<ResponderView, Stop> {
        let found = find(work, self.id)?;
        check_version(self.if_match, found.version)?;
        work.responders.delete(Key::of(work.client(), self.id.0));
        Ok(ResponderView::of(&found))
    }
}

impl Verb for RotateResponderSecret {
    type Answer = ResponderView;

    fn home(&self) -> Option<Id> {
        Some(self.id.0)
    }

    fn prefetch(&self, _: &mut Work, _: ClientId) {}

    fn run(&self, work: &mut Work) -> Result<ResponderView, Stop> {
        let found = find(work, self.id)?;
        if found.credentials != self.secret.before {
            return Err(Refusal::Stale.into());
        }
        let mut changed = (*found).clone();
        changed.credentials.clone_from(&self.secret.after);
        let until = work.now().plus_seconds(self.overlap_seconds);
        changed.previous_until = (self.overlap_seconds > 0).then_some(until);
        Ok(keep(work, &found, changed))
    }
}

impl Verb for VerifyResponder {
    type Answer = ResponderView;

    fn home(&self) -> Option<Id> {
        Some(self.id.0)
    }

    fn prefetch(&self, _: &mut Work, _: ClientId) {}

    fn run(&self, work: &mut Work) -> Result<ResponderView, Stop> {
        let found = find(work, self.id)?;
        work.responder_calls.put(self.call.clone());
        let answered = matches!(self.call.outcome, CallOutcome::Approved | CallOutcome::Declined);
        if found.url != self.url || !answered || found.verified_at.is_some() {
            return Ok(ResponderView::of(&found));
        }
        let changed = Responder { verified_at: Some(work.now()), ..(*found).clone() };
        Ok(keep(work, &found, changed))
    }
}

pub(crate) fn find(work: &mut Work, id: ResponderId) -> Result<Arc<Responder>, Stop> {
    let found = work.responders.get_for_update(Key::of(work.client(), id.0))?;
    Ok(found.ok_or(Refusal::ResponderNotFound)?)
}
