//! Questions to responders without a URL. The question is an event, and the answer a call to any server: it is stored with
//! the question, and about an authorization it settles it in the same commit. The server that asks is woken by a call that
//! it got itself, and looks for one that another server got.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use paygen_core::authorizations::AnswerQuestion;
use paygen_core::ids::{CallId, ClientId, ResponderId};
use paygen_core::money::Currency;
use paygen_core::record::Key;
use paygen_core::responders::{
    AnswerWord, AskThroughStream, CallOutcome, CallResult, CalledAbout, CloseQuestion, Responder, StreamedQuestion,
};
use paygen_core::work::Context;
use paygen_core::{Command, Refusal, Request};
use paygen_engine::clock::wall;
use paygen_engine::{Answer, Priority, Submission, Unanswered};
use paygen_store::StoreError;
use tokio::sync::Notify;

use super::answer::{self, Bounds, GivenAnswer};
use super::judge::{Sent, judged, outcome_of};
use super::{LOOK_INTERVAL, Responders, Unsettled, skipped};
use crate::sender::Asked;

/// How long after its deadline a question is still waited for: whoever asks has given up by then.
const GRACE_MICROS: i64 = 250_000;

/// Of each question that this server asks, what wakes the task that waits.
#[derive(Default)]
pub(super) struct Waiting(Mutex<HashMap<CallId, Arc<Notify>>>);

impl Waiting {
    fn begin(&self, call: CallId) -> Waiter<'_> {
        let woken = Arc::new(Notify::new());
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(call, woken.clone());
        Waiter { all: self, call, woken }
    }

    fn wake(&self, call: CallId) {
        if let Some(waiting) = self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&call) {
            waiting.notify_one();
        }
    }
}

/// A task that waits for an answer.
struct Waiter<'a> {
    all: &'a Waiting,
    call: CallId,
    woken: Arc<Notify>,
}

impl Drop for Waiter<'_> {
    fn drop(&mut self) {
        self.all.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.call);
    }
}

/// Why an answer is not taken before any rule looks at it.
#[derive(Debug, thiserror::Error)]
pub enum Unanswerable {
    /// What is wrong with `approvedAmount`.
    #[error("approvedAmount {0}")]
    Amount(String),
    #[error(transparent)]
    Unsettled(#[from] Unsettled),
}

impl From<StoreError> for Unanswerable {
    fn from(error: StoreError) -> Unanswerable {
        Unanswerable::Unsettled(error.into())
    }
}

/// Asks, and waits for the answer.
pub(super) async fn ask(responders: &Responders, responder: &Responder, sent: Sent) -> CallResult {
    let request = String::from_utf8(sent.body).unwrap_or_default();
    let bounds = sent.bounds;
    let question = StreamedQuestion {
        client: responder.client,
        id: sent.id,
        responder: responder.id,
        about: sent.about,
        authorization: sent.authorization,
        currency: bounds.map_or(Currency::us_dollar(), |bounds| bounds.currency),
        approvable: bounds.map_or(0, |bounds| bounds.approvable),
        partial_allowed: bounds.is_some_and(|bounds| bounds.partial_allowed),
        asked_at: wall(),
        deadline: sent.deadline,
        request: request.clone(),
        result: None,
    };
    let waiter = responders.0.waiting.begin(sent.id);
    let command = Command::AskThroughStream(Box::new(AskThroughStream { question }));
    match submit(responders, responder.client, command).await {
        Ok(Ok(())) => {}
        Ok(Err(Refusal::ResponderNotFound)) => return skipped("the responder was deleted"),
        Ok(Err(refusal)) => return failed(request, refusal.to_string()),
        Err(error) => return failed(request, error.to_string()),
    }
    let until = sent.deadline.plus_micros(GRACE_MICROS);
    while wall() <= until {
        tokio::select! {
            () = waiter.woken.notified() => {}
            () = tokio::time::sleep(LOOK_INTERVAL) => {}
        }
        match responders.streamed(responder.client, sent.id).await {
            Ok(found) => {
                if let Some(result) = found.and_then(|found| found.result) {
                    return result;
                }
            }
            Err(error) => tracing::warn!(error = %error, "an answer cannot be looked for"),
        }
    }
    let error = Some("no answer came in time".to_owned());
    CallResult { outcome: CallOutcome::Timeout, request: Some(request), error, ..skipped("") }
}

fn failed(request: String, why: String) -> CallResult {
    let error = Some(format!("the question could not be asked: {why}"));
    CallResult { outcome: CallOutcome::Error, request: Some(request), error, ..skipped("") }
}

/// Ends a question that nobody answered in time; the answer, if one came in the last moment.
pub(super) async fn close(
    responders: &Responders,
    client: ClientId,
    call: CallId,
    timed_out: CallResult,
) -> CallResult {
    let command = Command::CloseQuestion(Box::new(CloseQuestion { call, result: timed_out.clone() }));
    match submit(responders, client, command).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::warn!(error = %error, "a question stays open"),
        Err(error) => tracing::warn!(error = %error, "a question stays open"),
    }
    match responders.streamed(client, call).await {
        Ok(found) => found.and_then(|found| found.result).unwrap_or(timed_out),
        Err(_) => timed_out,
    }
}

async fn submit(
    responders: &Responders,
    client: ClientId,
    command: Command,
) -> Result<Result<(), Refusal>, Unanswered> {
    let request = Request::new(Context::system(client, ""), command);
    let submission = Submission { request, idempotency: None, dry_run: false };
    match responders.0.parts.engine.submit(Priority::Network, submission).await? {
        Answer::Decided(decision) | Answer::Kept(decision, _) => Ok(decision.map(drop)),
        other => Err(Unanswered::Internal(format!("a question came to {other:?}"))),
    }
}

impl Responders {
    async fn streamed(&self, client: ClientId, call: CallId) -> Result<Option<StreamedQuestion>, StoreError> {
        self.0.parts.reader.get::<StreamedQuestion>(Key::of(client, call.0)).await
    }

    /// The command that answers a question of the stream. Faults of the sandbox are applied here, by the server that gets
    /// the answer; a dry run has none.
    pub async fn answering(
        &self,
        (client, responder, call): (ClientId, ResponderId, CallId),
        decision: AnswerWord,
        given: GivenAnswer,
        dry_run: bool,
    ) -> Result<AnswerQuestion, Unanswerable> {
        let found = self.streamed(client, call).await?.filter(|found| found.responder == responder);
        let asked = found.as_ref().filter(|found| found.about != CalledAbout::Test);
        let bounds = asked.map(|found| Bounds {
            approvable: found.approvable,
            currency: found.currency,
            partial_allowed: found.partial_allowed,
        });
        let answer = given.checked(decision, bounds).map_err(Unanswerable::Amount)?;
        let mut result = CallResult { outcome: outcome_of(&answer), answer: Some(answer), error: None, ..skipped("") };
        let is_open = found.as_ref().is_some_and(|found| found.result.is_none());
        if let Some(faults) = self.0.faults.draw(responder).filter(|_| is_open && !dry_run) {
            let plain = Asked { status: 200, body: Vec::new(), is_whole: true };
            let changed = faults.apply(Ok(plain)).await;
            let answered = result.answer.take();
            result = judged(result, changed, |asked| match (asked.body.is_empty(), answered) {
                (true, Some(answer)) => Ok(answer),
                _ => answer::read(&asked.body, bounds),
            });
            result.status = faults.status.map(i64::from);
        }
        let at = wall();
        let authorization = found.as_ref().and_then(|found| found.authorization);
        if let Some(found) = found {
            result.latency_ms = (at.micros() - found.asked_at.micros()).max(0) / 1000;
            // What comes after the deadline does not decide, even if nothing else has decided yet.
            let late = found.about == CalledAbout::Authorization && at > found.deadline;
            if let Some(id) = authorization.filter(|_| late && is_open) {
                self.wait(Key::of(client, id.0), found.deadline).await?;
            }
            result.request = Some(found.request);
        }
        let terms = self.0.parts.terms.clone();
        Ok(AnswerQuestion { responder, call, authorization, at, result, terms })
    }

    /// Wakes the task that asked, if it is on this server.
    pub fn answered(&self, call: CallId) {
        self.0.waiting.wake(call);
    }
}
