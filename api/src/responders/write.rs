//! Responders: create, update, delete; rotate secrets; test.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use paygen_app::Environment;
use paygen_core::authorizations::AnsweredView;
use paygen_core::ids::ResponderId;
use paygen_core::responders::{
    CallView, ChangedSecret, ChangedSettings, CreateResponder, DeleteResponder, MAX_RESPONDERS, ResponderKind,
    ResponderSettings, ResponderView, RotateResponderSecret, UpdateResponder, VerifyResponder,
};
use paygen_core::view::Pictured;
use paygen_core::{Command, Outcome};
use paygen_delivery::asking::{GivenAnswer, Unanswerable};
use paygen_delivery::credentials::Credentials;
use serde::Serialize;

use super::bodies::{
    self, AnswerQuestionBody, CreateResponderBody, RotateResponderSecretBody, UpdateResponderBody, replaced,
    unless_wrong,
};
use super::read::found;
use crate::Api;
use crate::body::{Body, Change, NoBody};
use crate::fields;
use crate::gate::{RESPONDERS_WRITE, Unbound};
use crate::path::PathId;
use crate::problem::{FieldProblem, Problem};
use crate::reply::Envelope;
use crate::webhooks::bodies::TargetUrl;
use crate::write::{IfMatch, Success, Write, WriteParams};

/// The default of `timeoutMs`.
const TIMEOUT_MS: i64 = 1500;

/// A responder with its signing secret, which is shown only once.
#[derive(Clone, Serialize, utoipa::ToSchema)]
#[schema(as = NewResponder)]
pub struct NewResponderView {
    #[serde(flatten)]
    shown: ResponderView,
    /// The signing secret (Standard Webhooks). Store it now, it is shown only once: in the answer to a repeat and in a
    /// dry run it is null.
    #[schema(example = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", required = true)]
    secret: Option<String>,
}

fn shown(outcome: &Outcome) -> Option<Pictured<ResponderView>> {
    match outcome {
        Outcome::Responder(view) => Some(view.clone()),
        _ => None,
    }
}

/// An answer that shows the signing secret, this once.
fn with_secret(status: StatusCode, message: &'static str, credentials: &Credentials) -> Success<NewResponderView> {
    let secret = zeroize::Zeroizing::new(credentials.secret().to_owned());
    let show = move |outcome: &Outcome| {
        shown(outcome).map(|shown| NewResponderView { shown: (*shown).clone(), secret: Some(secret.to_string()) })
    };
    Success::new(status, message, show).shown_once(|view| NewResponderView { secret: None, ..view })
}

/// Whether this server may call the URL, or may do without one.
fn check(app: &Api, url: Option<&TargetUrl>) -> Result<(), Problem> {
    match url {
        Some(url) => app.responders.targets().check(url.as_str()).map(drop).map_err(|why| {
            let fault = FieldProblem::new("/url", "invalid", why);
            Problem::invalid(vec![fault])
        }),
        None if app.environment == Environment::Production => {
            let why = "is required: only a sandbox asks through its stream of events";
            Err(Problem::invalid(vec![FieldProblem::new("/url", "required", why)]))
        }
        None => Ok(()),
    }
}

/// Create a responder
///
/// It is pending, and not asked, until it has answered a test call (`POST /responders/{responderId}/test`). The answer
/// shows the signing secret, only once. In the sandbox the URL may be left out: then its questions are events of the type
/// `responder.question`, which `POST /responders/{responderId}/answers` answers.
#[utoipa::path(post, path = "/responders", tag = "Responders", operation_id = "createResponder",
    request_body = CreateResponderBody,
    params(WriteParams),
    responses((status = 201, description = "The responder with its secret.", body = Envelope<NewResponderView>)),
    security(("apiKey" = ["responders:write"]), ("bearer" = ["responders:write"])))]
pub async fn create_responder(
    State(app): State<Api>,
    Unbound(caller): Unbound<RESPONDERS_WRITE>,
    write: Write,
    body: Body<CreateResponderBody>,
) -> Result<Response, Problem> {
    let Body { value, canonical } = body;
    check(&app, value.url.as_ref())?;
    let mut faults = Vec::new();
    let settings = ResponderSettings {
        scope: bodies::scope(value.scope),
        ask: bodies::ask(value.ask, &mut faults),
        increments: value.increments.unwrap_or_default(),
        on_silence: value.on_silence.unwrap_or_default(),
        fallback: bodies::fallback(value.fallback, &mut faults),
    };
    unless_wrong(faults)?;
    if app.reader.responders_of(caller.client).await?.len() >= MAX_RESPONDERS {
        let message = format!("A client has at most {MAX_RESPONDERS} responders. Delete one that is not used.");
        let full = Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "too_many_responders", message);
        return write.or_replay(&app, &caller, &canonical, full).await;
    }
    let id = app.responders.new_id();
    let credentials = Credentials::new(None);
    let command = Command::CreateResponder(Box::new(CreateResponder {
        id,
        kind: value.kind.unwrap_or(ResponderKind::Authorization),
        url: value.url.map(|url| url.as_str().to_owned()),
        description: value.description.map(String::from).filter(|text| !text.is_empty()),
        timeout_ms: value.timeout_ms.map_or(TIMEOUT_MS, |timeout| timeout.0),
        settings,
        credentials: credentials.seal_for_responder(&app.vault, caller.client, id),
    }));
    let success = with_secret(StatusCode::CREATED, "Responder created successfully.", &credentials);
    let answer = write.perform(&app, &caller, &canonical, command, success).await?;
    app.responders.changed().await?;
    Ok(answer)
}

/// Update a responder
///
/// Omitted fields keep their values. Another URL has to answer a test call before it is asked. Other servers of the same
/// database use the change within a second.
#[utoipa::path(put, path = "/responders/{responderId}", tag = "Responders", operation_id = "updateResponder",
    request_body = UpdateResponderBody,
    params(("responderId" = String, Path, description = "The responder.", pattern = "^[0-9a-f]{24}$"), WriteParams, IfMatch),
    responses((status = 200, description = "The responder.", body = Envelope<ResponderView>)),
    security(("apiKey" = ["responders:write"]), ("bearer" = ["responders:write"])))]
pub async fn update_responder(
    State(app): State<Api>,
    Unbound(caller): Unbound<RESPONDERS_WRITE>,
    PathId(id): PathId<ResponderId>,
    write: Write,
    body: Body<UpdateResponderBody>,
) -> Result<Response, Problem> {
    let Body { value, canonical } = body;
    let url = match value.url {
        Change::Keep => None,
        Change::Clear => Some(None),
        Change::Set(url) => Some(Some(url)),
    };
    if let Some(url) = &url {
        check(&app, url.as_ref())?;
    }
    let mut faults = Vec::new();
    let settings = ChangedSettings {
        scope: replaced(value.scope, bodies::scope),
        ask: replaced(value.ask, |given| bodies::ask(given, &mut faults)),
        increments: value.increments,
        on_silence: value.on_silence,
        fallback: replaced(value.fallback, |given| bodies::fallback(given, &mut faults)),
    };
    unless_wrong(faults)?;
    let description = value.description.into_option();
    let command = Command::UpdateResponder(Box::new(UpdateResponder {
        id,
        url: url.map(|url| url.map(|url| url.as_str().to_owned())),
        description: description.map(|text: Option<String>| text.filter(|text| !text.is_empty())),
        switch: value.status.map(|status| status.0),
        timeout_ms: value.timeout_ms.map(|timeout| timeout.0),
        settings,
        echo: fields::echo([], value.echo),
        if_match: write.if_match,
    }));
    let success = Success::new(StatusCode::OK, "Responder updated successfully.", shown);
    let answer = write.perform(&app, &caller, &canonical, command, success).await?;
    app.responders.changed().await?;
    Ok(answer)
}

/// Delete a responder
///
/// It is not asked any more. Questions that are open are still answered; its calls remain listed.
#[utoipa::path(delete, path = "/responders/{responderId}", tag = "Responders", operation_id = "deleteResponder",
    params(("responderId" = String, Path, description = "The responder.", pattern = "^[0-9a-f]{24}$"), WriteParams, IfMatch),
    responses((status = 200, description = "The deleted responder.", body = Envelope<ResponderView>)),
    security(("apiKey" = ["responders:write"]), ("bearer" = ["responders:write"])))]
pub async fn delete_responder(
    State(app): State<Api>,
    Unbound(caller): Unbound<RESPONDERS_WRITE>,
    PathId(id): PathId<ResponderId>,
    write: Write,
    _body: NoBody,
) -> Result<Response, Problem> {
    let command = Command::DeleteResponder(DeleteResponder { id, if_match: write.if_match });
    let success = Success::new(StatusCode::OK, "Responder deleted successfully.", shown);
    let answer = write.perform(&app, &caller, "", command, success).await?;
    app.responders.changed().await?;
    Ok(answer)
}

/// Rotate a responder's secret
///
/// The answer shows the new secret, only once. Questions are signed with both secrets until the overlap ends.
#[utoipa::path(post, path = "/responders/{responderId}/rotate-secret", tag = "Responders",
    operation_id = "rotateResponderSecret",
    request_body = RotateResponderSecretBody,
    params(("responderId" = String, Path, description = "The responder.", pattern = "^[0-9a-f]{24}$"), WriteParams),
    responses((status = 200, description = "The responder with its new secret.", body = Envelope<NewResponderView>)),
    security(("apiKey" = ["responders:write"]), ("bearer" = ["responders:write"])))]
pub async fn rotate_responder_secret(
    State(app): State<Api>,
    Unbound(caller): Unbound<RESPONDERS_WRITE>,
    PathId(id): PathId<ResponderId>,
    write: Write,
    body: Body<RotateResponderSecretBody>,
) -> Result<Response, Problem> {
    let overlap_seconds = body.value.overlap_seconds.map_or(86_400, |seconds| seconds.0);
    let prepared = || async {
        let responder = found(&app, &caller, id).await?;
        let new = Credentials::of_responder(&app.vault, &responder)?.rotated();
        let after = new.seal_for_responder(&app.vault, caller.client, id);
        let secret = ChangedSecret { before: responder.credentials, after };
        let command = Command::RotateResponderSecret(RotateResponderSecret { id, secret, overlap_seconds });
        Ok((command, with_secret(StatusCode::OK, "Responder secret rotated successfully.", &new)))
    };
    let answer = write.prepare(&app, &caller, &body.canonical, prepared).await?;
    app.responders.changed().await?;
    Ok(answer)
}

/// Test a responder
///
/// Sends a signed test question and waits for the answer, within the responder's time limit. A pending responder that
/// answers it with a decision, whichever, becomes active. Without a URL the question is an event.
#[utoipa::path(post, path = "/responders/{responderId}/test", tag = "Responders", operation_id = "testResponder",
    params(("responderId" = String, Path, description = "The responder.", pattern = "^[0-9a-f]{24}$"), WriteParams),
    responses((status = 200, description = "The call, and what it came to.", body = Envelope<CallView>)),
    security(("apiKey" = ["responders:write"]), ("bearer" = ["responders:write"])))]
pub async fn test_responder(
    State(app): State<Api>,
    Unbound(caller): Unbound<RESPONDERS_WRITE>,
    PathId(id): PathId<ResponderId>,
    write: Write,
    _body: NoBody,
) -> Result<Response, Problem> {
    write.no_dry_run("a test calls the responder")?;
    if let Some(answer) = write.replay_if_kept(&app, &caller, "").await? {
        return Ok(answer);
    }
    let responder = found(&app, &caller, id).await?;
    let call = app.responders.test(&responder).await;
    let view = CallView::of(&call);
    let show = move |outcome: &Outcome| matches!(outcome, Outcome::Responder(_)).then(|| view.clone());
    let command = Command::VerifyResponder(Box::new(VerifyResponder { id, url: responder.url, call }));
    let success = Success::new(StatusCode::OK, "Responder tested.", show);
    let answer = write.perform(&app, &caller, "", command, success).await?;
    app.responders.changed().await?;
    Ok(answer)
}

/// Answer a question
///
/// Answers a question of a responder without a URL, in the sandbox: what the event `responder.question` asks. It has the
/// members of an answer over HTTP, and the call's id. The first answer counts; one that is refused with a 400 leaves the
/// question open. About an authorization, an answer is recorded for 5 seconds after its deadline, as `late`.
#[utoipa::path(post, path = "/responders/{responderId}/answers", tag = "Responders", operation_id = "answerQuestion",
    request_body = AnswerQuestionBody,
    params(("responderId" = String, Path, description = "The responder.", pattern = "^[0-9a-f]{24}$"), WriteParams),
    responses((status = 200, description = "What the answer came to.", body = Envelope<AnsweredView>)),
    security(("apiKey" = ["responders:write"]), ("bearer" = ["responders:write"])))]
pub async fn answer_question(
    State(app): State<Api>,
    Unbound(caller): Unbound<RESPONDERS_WRITE>,
    PathId(id): PathId<ResponderId>,
    write: Write,
    body: Body<AnswerQuestionBody>,
) -> Result<Response, Problem> {
    let Body { value, canonical } = body;
    if let Some(answer) = write.replay_if_kept(&app, &caller, canonical.as_ref()).await? {
        return Ok(answer);
    }
    let call = value.call_id;
    let given = GivenAnswer {
        approved_amount: value.approved_amount,
        reason: value.reason.map(String::from),
        metadata: value.metadata.unwrap_or_default().0,
    };
    let answering = app.responders.answering((caller.client, id, call), value.decision, given, write.dry_run).await;
    let command = answering.map_err(|why| match why {
        Unanswerable::Amount(why) => Problem::invalid(vec![FieldProblem::new("/approvedAmount", "range", why)]),
        Unanswerable::Unsettled(error) => Problem::from(error),
    })?;
    let show = |outcome: &Outcome| match outcome {
        Outcome::Answered(view) => Some((**view).clone()),
        _ => None,
    };
    let success = Success::new(StatusCode::OK, "Question answered.", show);
    let command = Command::AnswerQuestion(Box::new(command));
    let answer = write.perform(&app, &caller, &canonical, command, success).await?;
    app.responders.answered(call);
    Ok(answer)
}
