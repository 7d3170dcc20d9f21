//! One call: sent, read and judged.

use std::time::Instant as Stopwatch;

use paygen_core::authorizations::Authorization;
use paygen_core::ids::{CallId, ClientId, ResponderId};
use paygen_core::money::Currency;
use paygen_core::responders::{
    CallOutcome, CallResult, CalledAbout, Question, Responder, ResponderCall, ResponderStatus,
};
use paygen_core::time::Instant;
use paygen_engine::clock::wall;

use super::answer::{self, Bounds};
use super::judge::{Sent, judged};
use super::{Responders, body, signed, skipped, stream};

/// Upper bound on an answer's body.
const MAX_ANSWER_BYTES: usize = 16 * 1024;

/// Asks about a pending authorization.
pub(super) async fn make(
    responders: Responders,
    responder: Responder,
    question: Question,
    about: Authorization,
) -> CallResult {
    let _place = match place(&responders, &responder) {
        Ok(place) => place,
        Err(why) => return skipped(why),
    };
    let Some(decided) = about.decided.first() else { return skipped("there is no decision to ask about") };
    let bounds = Bounds {
        approvable: decided.approved,
        currency: about.currency,
        partial_allowed: decided.request.partial_allowed,
    };
    let sent = Sent {
        id: question.call,
        about: CalledAbout::Authorization,
        authorization: Some(question.authorization),
        deadline: question.deadline,
        body: body::of_authorization(&question, &about),
        bounds: Some(bounds),
    };
    send(&responders, &responder, sent).await
}

/// A place among the open questions, or why it is not asked.
pub(super) fn place(
    responders: &Responders,
    responder: &Responder,
) -> Result<tokio::sync::OwnedSemaphorePermit, &'static str> {
    if responder.status() == ResponderStatus::Paused {
        return Err("the responder is paused");
    }
    if responder.url.is_some() && responders.0.breakers.is_open(responder.id) {
        return Err("the responder is degraded: it failed repeatedly");
    }
    responders.0.places.take(responder.id).ok_or("too many questions to the responder are open")
}

/// Asks and judges what comes of it. There is no time limit here.
async fn send(responders: &Responders, responder: &Responder, sent: Sent) -> CallResult {
    let Some(url) = &responder.url else { return stream::ask(responders, responder, sent).await };
    let Sent { id, about, body, bounds, .. } = sent;
    let started = Stopwatch::now();
    let mut result = skipped("");
    result.request = String::from_utf8(body.clone()).ok();
    let parts = &responders.0.parts;
    let asked = match signed(parts, responder, (&id.to_string(), about.as_str()), &body) {
        Ok(headers) => parts.sender.ask(url, headers, body, MAX_ANSWER_BYTES).await,
        Err(error) => Err(error.to_string()),
    };
    let asked = match responders.0.faults.draw(responder.id) {
        Some(faults) => faults.apply(asked).await,
        None => asked,
    };
    result.latency_ms = i64::try_from(started.elapsed().as_millis()).unwrap_or(i64::MAX);
    judged(result, asked, |asked| match asked.is_whole {
        true => answer::read(&asked.body, bounds),
        false => Err(format!("the body is longer than {MAX_ANSWER_BYTES} bytes")),
    })
}

/// Asks within the responder's time limit.
pub(super) async fn send_in_time(responders: &Responders, responder: &Responder, sent: Sent) -> CallResult {
    let limit = std::time::Duration::from_millis(u64::try_from(responder.timeout_ms).unwrap_or(0));
    let (id, request) = (sent.id, String::from_utf8(sent.body.clone()).ok());
    if let Ok(result) = tokio::time::timeout(limit, send(responders, responder, sent)).await {
        return result;
    }
    let timed_out = CallResult {
        outcome: CallOutcome::Timeout,
        latency_ms: responder.timeout_ms,
        request,
        error: Some("no answer came in time".to_owned()),
        ..skipped("")
    };
    match responder.url {
        Some(_) => timed_out,
        None => stream::close(responders, responder.client, id, timed_out).await,
    }
}

impl Responders {
    /// Makes a test call, which has to be answered like a question.
    pub async fn test(&self, responder: &Responder) -> ResponderCall {
        let (client, now) = (responder.client, self.0.parts.clock.now());
        let id = CallId(self.0.known.new_id(now));
        let deadline = wall().plus_micros(responder.timeout_ms.saturating_mul(1000));
        let body = body::of_test(&id.to_string(), deadline);
        let sent = Sent { id, about: CalledAbout::Test, authorization: None, deadline, body, bounds: None };
        let result = send_in_time(self, responder, sent).await;
        logged_test(client, id, responder.id, result, now)
    }
}

fn logged_test(
    client: ClientId,
    id: CallId,
    responder: ResponderId,
    result: CallResult,
    now: Instant,
) -> ResponderCall {
    ResponderCall {
        client,
        id,
        responder,
        about: CalledAbout::Test,
        authorization: None,
        outcome: result.outcome,
        decided_by: None,
        status: result.status,
        latency_ms: result.latency_ms,
        late: false,
        answer: result.answer,
        currency: Currency::us_dollar(),
        request: result.request,
        excerpt: result.excerpt,
        error: result.error,
        created_at: now,
    }
}
