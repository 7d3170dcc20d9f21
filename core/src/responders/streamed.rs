//! Questions to responders without a URL, in the sandbox: each is an event, and is answered by a call. A row keeps what the
//! answer is checked against, and the answer itself, because the call may reach another server than the one that asks.

use serde::Serialize;

use super::manage::find;
use super::{CallResult, CalledAbout};
use crate::events::{EventPart, EventType, Owner, emit};
use crate::ids::{AuthorizationId, CallId, ClientId, Id, ResponderId};
use crate::money::Currency;
use crate::record::{Key, Kind, Record};
use crate::refusal::Stop;
use crate::table::Access;
use crate::time::Instant;
use crate::verb::Verb;
use crate::view::Free;
use crate::work::Work;

/// How long after the deadline an answer about an authorization is still recorded.
pub const LATE_WINDOW_SECONDS: u32 = 5;

/// A question that is asked by an event.
#[derive(Clone, Debug, PartialEq)]
pub struct StreamedQuestion {
    pub client: ClientId,
    pub id: CallId,
    pub responder: ResponderId,
    pub about: CalledAbout,
    /// `None` for tests.
    pub authorization: Option<AuthorizationId>,
    pub currency: Currency,
    /// The most that an answer may approve, in minor units.
    pub approvable: i64,
    /// Whether less may be approved.
    pub partial_allowed: bool,
    /// Wall time.
    pub asked_at: Instant,
    /// Wall time.
    pub deadline: Instant,
    /// What a URL would be sent, as JSON.
    pub request: String,
    /// The answer, or that none came in time.
    pub result: Option<CallResult>,
}

impl Record for StreamedQuestion {
    const KIND: Kind = Kind::StreamedQuestion;
    const TRANSIENT: bool = true;
    const HEAP_BYTES: usize = 4096;

    fn key(&self) -> Key {
        Key::of(self.client, self.id.0)
    }
}

/// A question to a responder without a URL.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ResponderQuestion)]
pub struct QuestionView {
    /// The call: what an answer names.
    #[schema(example = "665f1c4f4a4f4a4f4a4f4a50")]
    pub call_id: String,
    /// What it is about.
    #[serde(rename = "type")]
    pub about: CalledAbout,
    /// The authorization; null for tests.
    #[schema(required = true)]
    pub authorization_id: Option<String>,
    /// When the answer no longer counts.
    #[schema(value_type = String, format = DateTime)]
    pub deadline_at: String,
    /// The body that a URL would be sent.
    #[schema(value_type = Free)]
    pub request: Free,
}

impl EventPart for QuestionView {
    const NAME: &'static str = "question";
}

impl QuestionView {
    pub fn of(question: &StreamedQuestion) -> QuestionView {
        QuestionView {
            call_id: question.id.to_string(),
            about: question.about,
            authorization_id: question.authorization.map(|id| id.to_string()),
            deadline_at: question.deadline.to_string(),
            request: Free::object(Some(&question.request)),
        }
    }
}

/// Asks: stores the question and emits `responder.question`.
#[derive(Clone, Debug)]
pub struct AskThroughStream {
    pub question: StreamedQuestion,
}

/// Ends a question that was not answered in time. The answer of one that was stays.
#[derive(Clone, Debug)]
pub struct CloseQuestion {
    pub call: CallId,
    pub result: CallResult,
}

/// Deletes old questions.
#[derive(Clone, Debug)]
pub struct PurgeStreamedQuestions {
    pub keys: Vec<Key>,
}

impl Verb for AskThroughStream {
    type Answer = u64;

    fn home(&self) -> Option<Id> {
        Some(self.question.responder.0)
    }

    fn prefetch(&self, work: &mut Work, client: ClientId) {
        work.responders.prefetch(Key::of(client, self.question.responder.0), Access::Exclusive);
    }

    fn run(&self, work: &mut Work) -> Result<u64, Stop> {
        find(work, self.question.responder)?;
        // Whoever asks has given up.
        if work.wall() > self.question.deadline {
            return Ok(0);
        }
        work.streamed_questions.put(self.question.clone());
        let owner = Owner::Responder(self.question.responder);
        emit(work, owner, EventType::ResponderQuestion, QuestionView::of(&self.question))?;
        Ok(1)
    }
}

impl Verb for CloseQuestion {
    type Answer = u64;

    fn home(&self) -> Option<Id> {
        None
    }

    fn prefetch(&self, work: &mut Work, client: ClientId) {
        work.streamed_questions.prefetch(Key::of(client, self.call.0), Access::Exclusive);
    }

    fn run(&self, work: &mut Work) -> Result<u64, Stop> {
        let found = work.streamed_questions.get_for_update(Key::of(work.client(), self.call.0))?;
        let Some(open) = found.filter(|question| question.result.is_none()) else { return Ok(0) };
        work.streamed_questions.put(StreamedQuestion { result: Some(self.result.clone()), ..(*open).clone() });
        Ok(1)
    }
}

impl Verb for PurgeStreamedQuestions {
    type Answer = u64;

    fn home(&self) -> Option<Id> {
        None
    }

    fn prefetch(&self, work: &mut Work, _: ClientId) {
        self.keys.iter().for_each(|key| work.streamed_questions.prefetch(*key, Access::Exclusive));
    }

    fn run(&self, work: &mut Work) -> Result<u64, Stop> {
        let mut found = Vec::new();
        for key in &self.keys {
            found.extend(work.streamed_questions.get_for_update(*key)?.map(|_| *key));
        }
        found.iter().for_each(|key| work.streamed_questions.delete(*key));
        Ok(found.len() as u64)
    }
}
