//! Answers to questions that were asked through the stream of events. The answer about an authorization settles it in the
//! same commit; the one about an increment or a test waits in the question's row for the server that asks.

use std::sync::Arc;

use serde::Serialize;

use super::settle::{SettleAuthorization, settle};
use crate::ids::{AuthorizationId, CallId, ClientId, Id, ResponderId};
use crate::programs::Terms;
use crate::record::Key;
use crate::refusal::{Refusal, Stop};
use crate::responders::{
    AnswerView, CallOutcome, CallResult, CalledAbout, LATE_WINDOW_SECONDS, StreamedQuestion, find_responder,
};
use crate::table::Access;
use crate::time::Instant;
use crate::verb::Verb;
use crate::work::Work;

/// Answers a question, once.
#[derive(Clone, Debug)]
pub struct AnswerQuestion {
    pub responder: ResponderId,
    pub call: CallId,
    /// What it is about, as far as it is known before.
    pub authorization: Option<AuthorizationId>,
    /// When the answer came, in wall time.
    pub at: Instant,
    pub result: CallResult,
    pub terms: Arc<Terms>,
}

/// A question that was answered.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = AnsweredQuestion)]
pub struct AnsweredView {
    /// The call.
    #[schema(example = "665f1c4f4a4f4a4f4a4f4a50")]
    pub call_id: String,
    /// The responder.
    #[schema(example = "665f1c4f4a4f4a4f4a4f4a4f")]
    pub responder_id: String,
    /// What it was about.
    #[serde(rename = "type")]
    pub about: CalledAbout,
    /// The authorization; null for tests.
    #[schema(required = true)]
    pub authorization_id: Option<String>,
    /// What the call came to: what was answered, unless a fault of the sandbox changed it.
    pub outcome: CallOutcome,
    /// Duration in milliseconds.
    #[schema(example = 84)]
    pub latency_ms: i64,
    /// Whether the authorization was decided before, so that the answer changes nothing.
    pub late: bool,
    /// The answer.
    #[schema(required = true)]
    pub answer: Option<AnswerView>,
}

impl Verb for AnswerQuestion {
    type Answer = AnsweredView;

    fn home(&self) -> Option<Id> {
        self.authorization.map(|id| id.0)
    }

    fn prefetch(&self, work: &mut Work, client: ClientId) {
        work.streamed_questions.prefetch(Key::of(client, self.call.0), Access::Exclusive);
    }

    fn run(&self, work: &mut Work) -> Result<AnsweredView, Stop> {
        let key = Key::of(work.client(), self.call.0);
        let found = work.streamed_questions.get_for_update(key)?;
        let Some(question) = found.filter(|question| question.responder == self.responder) else {
            return Err(not_open(work, self)?.into());
        };
        match &question.result {
            Some(result) if result.outcome == CallOutcome::Timeout => return Err(Refusal::QuestionClosed.into()),
            Some(_) => return Err(Refusal::QuestionAnswered.into()),
            None => {}
        }
        let until = match question.about {
            CalledAbout::Authorization => question.deadline.plus_seconds(i64::from(LATE_WINDOW_SECONDS)),
            CalledAbout::Increment | CalledAbout::Test => question.deadline,
        };
        if self.at > until {
            return Err(Refusal::QuestionClosed.into());
        }
        let mut late = false;
        if let Some(id) = question.authorization.filter(|_| question.about == CalledAbout::Authorization) {
            let open = work.responder_questions.get_for_update(Key::of(work.client(), id.0))?;
            late = self.at > question.deadline || open.is_none_or(|open| open.call != self.call);
            if late {
                // The fallback decides, if nothing has decided yet.
                self.settle(work, id, self.timed_out(&question))?;
            }
            self.settle(work, id, self.result.clone())?;
        }
        work.streamed_questions.put(StreamedQuestion { result: Some(self.result.clone()), ..(*question).clone() });
        Ok(AnsweredView {
            call_id: self.call.to_string(),
            responder_id: self.responder.to_string(),
            about: question.about,
            authorization_id: question.authorization.map(|id| id.to_string()),
            outcome: self.result.outcome,
            latency_ms: self.result.latency_ms,
            late,
            answer: self.result.answer.as_ref().map(|answer| AnswerView::of(answer, question.currency)),
        })
    }
}

impl AnswerQuestion {
    fn settle(&self, work: &mut Work, id: AuthorizationId, result: CallResult) -> Result<(), Stop> {
        let terms = self.terms.clone();
        settle(work, &SettleAuthorization { id, card: None, call: self.call, result, terms }).map(drop)
    }

    /// What the call came to at its deadline.
    fn timed_out(&self, question: &StreamedQuestion) -> CallResult {
        CallResult {
            outcome: CallOutcome::Timeout,
            status: None,
            latency_ms: (question.deadline.micros() - question.asked_at.micros()) / 1000,
            answer: None,
            request: Some(question.request.clone()),
            excerpt: None,
            error: Some("no answer came in time".to_owned()),
        }
    }
}

/// Why there is no such question to answer. The log knows those whose rows are gone.
fn not_open(work: &mut Work, command: &AnswerQuestion) -> Result<Refusal, Stop> {
    let responder = find_responder(work, command.responder)?;
    if responder.url.is_some() {
        return Ok(Refusal::ResponderHasUrl);
    }
    // Held to be changed, because a settlement of the same batch may put it.
    let logged = work.responder_calls.get_for_update(Key::of(work.client(), command.call.0))?;
    Ok(match logged.filter(|call| call.responder == command.responder) {
        Some(call) if call.answer.is_some() => Refusal::QuestionAnswered,
        Some(_) => Refusal::QuestionClosed,
        None => Refusal::QuestionNotFound,
    })
}
