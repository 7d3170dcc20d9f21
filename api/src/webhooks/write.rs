//! Webhook endpoints: create, update, delete; rotate secrets; request tests and recoveries.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use paygen_core::ids::{Id, WebhookId};
use paygen_core::view::Pictured;
use paygen_core::webhooks::{
    ChangedCredentials, CreateWebhook, DeleteWebhook, RecoverWebhook, RotateWebhookSecret, TestWebhook, UpdateWebhook,
    Webhook, WebhookView,
};
use paygen_core::{Command, Outcome};
use serde::Serialize;

use super::bodies::{
    CreateWebhookBody, RecoverBody, RotateSecretBody, TargetUrl, Token, UpdateWebhookBody, subscriptions,
};
use super::read::found;
use crate::Api;
use crate::body::{Body, Change, NoBody};
use crate::fields;
use crate::gate::{Caller, Unbound, WEBHOOKS_WRITE};
use crate::path::PathId;
use crate::problem::{FieldProblem, Problem};
use crate::reply::Envelope;
use crate::write::{IfMatch, Success, Write, WriteParams};
use paygen_app::new_id_maker;
use paygen_delivery::credentials::Credentials;

/// Upper bound on the endpoints of a client.
const MOST: usize = 100;

/// A webhook endpoint with its signing secret, which is shown only once.
#[derive(Clone, Serialize, utoipa::ToSchema)]
#[schema(as = NewWebhook)]
pub struct NewWebhookView {
    #[serde(flatten)]
    shown: WebhookView,
    /// The signing secret (Standard Webhooks). Store it now, it is shown only once: in the answer to a repeat and in a
    /// dry run it is null.
    #[schema(example = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", required = true)]
    secret: Option<String>,
}

/// The test event.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct WebhookTest {
    /// Id of the event; `GET /events/{eventId}/deliveries` lists its delivery attempts.
    #[schema(example = "665f1c4f4a4f4a4f4a4f4a4f", pattern = "^[0-9a-f]{24}$")]
    event_id: String,
}

fn shown(outcome: &Outcome) -> Option<Pictured<WebhookView>> {
    match outcome {
        Outcome::Webhook(view) => Some(view.clone()),
        _ => None,
    }
}

/// An answer that shows the signing secret, this once.
fn with_secret(status: StatusCode, message: &'static str, credentials: &Credentials) -> Success<NewWebhookView> {
    let secret = zeroize::Zeroizing::new(credentials.secret().to_owned());
    let show = move |outcome: &Outcome| {
        shown(outcome).map(|shown| NewWebhookView { shown: (*shown).clone(), secret: Some(secret.to_string()) })
    };
    Success::new(status, message, show).shown_once(|view| NewWebhookView { secret: None, ..view })
}

/// Whether this server may call the URL.
fn check(app: &Api, url: Option<&TargetUrl>) -> Result<(), Problem> {
    let Some(url) = url else { return Ok(()) };
    let refused = |why| Problem::invalid(vec![FieldProblem::new("/url", "invalid", why)]);
    app.deliveries.targets().check(url.as_str()).map(|_| ()).map_err(refused)
}

/// Create a webhook endpoint
///
/// Later events of the subscribed types are sent to the URL. The answer shows the signing secret, only once.
#[utoipa::path(post, path = "/webhooks", tag = "Webhooks", operation_id = "createWebhook",
    request_body = CreateWebhookBody,
    params(WriteParams),
    responses((status = 201, description = "The endpoint with its secret.", body = Envelope<NewWebhookView>)),
    security(("apiKey" = ["webhooks:write"]), ("bearer" = ["webhooks:write"])))]
pub async fn create_webhook(
    State(app): State<Api>,
    Unbound(caller): Unbound<WEBHOOKS_WRITE>,
    write: Write,
    body: Body<CreateWebhookBody>,
) -> Result<Response, Problem> {
    let value = body.value;
    check(&app, Some(&value.url))?;
    if app.reader.webhooks_of(caller.client).await?.len() >= MOST {
        let message = format!("A client has at most {MOST} webhook endpoints. Delete one that is not used.");
        let full = Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "too_many_webhooks", message);
        return write.or_replay(&app, &caller, &body.canonical, full).await;
    }
    let id = WebhookId(new_id_maker().next(app.clock.now()));
    let credentials = Credentials::new(value.token.as_ref().map(Token::expose));
    let command = Command::CreateWebhook(Box::new(CreateWebhook {
        id,
        url: value.url.as_str().to_owned(),
        events: subscriptions(&value.events),
        description: value.description.map(String::from).filter(|text| !text.is_empty()),
        enabled: value.enabled.unwrap_or(true),
        credentials: credentials.seal(&app.vault, caller.client, id),
        has_token: value.token.is_some(),
    }));
    let success = with_secret(StatusCode::CREATED, "Webhook created successfully.", &credentials);
    let answer = write.perform(&app, &caller, &body.canonical, command, success).await;
    app.deliveries.changed(caller.client);
    answer
}

/// Update a webhook endpoint
///
/// Omitted fields keep their values; null removes the token or the description. An endpoint that is enabled again gets
/// later events only: use recover for those it missed.
#[utoipa::path(put, path = "/webhooks/{webhookId}", tag = "Webhooks", operation_id = "updateWebhook",
    request_body = UpdateWebhookBody,
    params(("webhookId" = String, Path, description = "The endpoint.", pattern = "^[0-9a-f]{24}$"), WriteParams, IfMatch),
    responses((status = 200, description = "The endpoint.", body = Envelope<WebhookView>)),
    security(("apiKey" = ["webhooks:write"]), ("bearer" = ["webhooks:write"])))]
pub async fn update_webhook(
    State(app): State<Api>,
    Unbound(caller): Unbound<WEBHOOKS_WRITE>,
    PathId(id): PathId<WebhookId>,
    write: Write,
    mut body: Body<UpdateWebhookBody>,
) -> Result<Response, Problem> {
    check(&app, body.value.url.as_ref())?;
    let echo = fields::echo([], std::mem::take(&mut body.value.echo));
    let prepared = || async {
        let token = match &body.value.token {
            Change::Keep => None,
            Change::Clear => Some(None),
            Change::Set(token) => Some(Some(token.expose())),
        };
        let credentials = match token {
            None => None,
            Some(token) => Some(changed(&app, &caller, id, |credentials| credentials.with_token(token)).await?.1),
        };
        let description = body.value.description.clone().into_option();
        let command = Command::UpdateWebhook(Box::new(UpdateWebhook {
            id,
            url: body.value.url.as_ref().map(|url| url.as_str().to_owned()),
            events: body.value.events.as_ref().map(subscriptions),
            description: description.map(|text: Option<String>| text.filter(|text| !text.is_empty())),
            enabled: body.value.enabled,
            credentials,
            echo: echo.clone(),
            if_match: write.if_match,
        }));
        let success = Success::new(StatusCode::OK, "Webhook updated successfully.", shown);
        Ok((command, success))
    };
    let answer = write.prepare(&app, &caller, &body.canonical, prepared).await?;
    app.deliveries.renewed(caller.client, id).await;
    Ok(answer)
}

/// The endpoint's credentials, changed and sealed again.
async fn changed(
    app: &Api,
    caller: &Caller,
    id: WebhookId,
    change: impl FnOnce(Credentials) -> Credentials,
) -> Result<(Credentials, ChangedCredentials), Problem> {
    let (webhook, _): (Webhook, _) = found(app, caller, id).await?;
    let credentials = change(Credentials::open(&app.vault, &webhook)?);
    let after = credentials.seal(&app.vault, caller.client, id);
    let has_token = credentials.token().is_some();
    Ok((credentials, ChangedCredentials { before: webhook.credentials, after, has_token }))
}

/// Delete a webhook endpoint
///
/// No more events are sent to it, and pending deliveries are dropped. Its delivery attempts remain listed.
#[utoipa::path(delete, path = "/webhooks/{webhookId}", tag = "Webhooks", operation_id = "deleteWebhook",
    params(("webhookId" = String, Path, description = "The endpoint.", pattern = "^[0-9a-f]{24}$"), WriteParams, IfMatch),
    responses((status = 200, description = "The deleted endpoint.", body = Envelope<WebhookView>)),
    security(("apiKey" = ["webhooks:write"]), ("bearer" = ["webhooks:write"])))]
pub async fn delete_webhook(
    State(app): State<Api>,
    Unbound(caller): Unbound<WEBHOOKS_WRITE>,
    PathId(id): PathId<WebhookId>,
    write: Write,
    _body: NoBody,
) -> Result<Response, Problem> {
    let command = Command::DeleteWebhook(DeleteWebhook { id, if_match: write.if_match });
    let success = Success::new(StatusCode::OK, "Webhook deleted successfully.", shown);
    let answer = write.perform(&app, &caller, "", command, success).await;
    app.deliveries.changed(caller.client);
    answer
}

/// Rotate a webhook's secret
///
/// The answer shows the new secret, only once. Deliveries are signed with both secrets until the overlap ends.
#[utoipa::path(post, path = "/webhooks/{webhookId}/rotate-secret", tag = "Webhooks",
    operation_id = "rotateWebhookSecret",
    request_body = RotateSecretBody,
    params(("webhookId" = String, Path, description = "The endpoint.", pattern = "^[0-9a-f]{24}$"), WriteParams),
    responses((status = 200, description = "The endpoint with its new secret.", body = Envelope<NewWebhookView>)),
    security(("apiKey" = ["webhooks:write"]), ("bearer" = ["webhooks:write"])))]
pub async fn rotate_webhook_secret(
    State(app): State<Api>,
    Unbound(caller): Unbound<WEBHOOKS_WRITE>,
    PathId(id): PathId<WebhookId>,
    write: Write,
    body: Body<RotateSecretBody>,
) -> Result<Response, Problem> {
    let overlap_seconds = body.value.overlap_seconds.map_or(86_400, |seconds| seconds.0);
    let prepared = || async {
        let (new, credentials) = changed(&app, &caller, id, Credentials::rotated).await?;
        let command = Command::RotateWebhookSecret(RotateWebhookSecret { id, credentials, overlap_seconds });
        let success = with_secret(StatusCode::OK, "Webhook secret rotated successfully.", &new);
        Ok((command, success))
    };
    let answer = write.prepare(&app, &caller, &body.canonical, prepared).await?;
    app.deliveries.renewed(caller.client, id).await;
    Ok(answer)
}

/// Test a webhook endpoint
///
/// Sends a `webhook.test` event to this endpoint only, whatever its subscriptions.
#[utoipa::path(post, path = "/webhooks/{webhookId}/test", tag = "Webhooks", operation_id = "testWebhook",
    params(("webhookId" = String, Path, description = "The endpoint.", pattern = "^[0-9a-f]{24}$"), WriteParams),
    responses((status = 202, description = "The test event will be delivered.", body = Envelope<WebhookTest>)),
    security(("apiKey" = ["webhooks:write"]), ("bearer" = ["webhooks:write"])))]
pub async fn test_webhook(
    State(app): State<Api>,
    Unbound(caller): Unbound<WEBHOOKS_WRITE>,
    PathId(id): PathId<WebhookId>,
    write: Write,
    _body: NoBody,
) -> Result<Response, Problem> {
    let event_of = |outcome: &Outcome| match outcome {
        Outcome::Id(id) => Some(WebhookTest { event_id: Id::to_string(id) }),
        _ => None,
    };
    let success = Success::new(StatusCode::ACCEPTED, "Webhook test sent.", event_of);
    write.perform(&app, &caller, "", Command::TestWebhook(TestWebhook { id }), success).await
}

/// Recover a webhook endpoint
///
/// Delivers events since a time whose delivery failed or was never attempted, because the endpoint was disabled or did
/// not exist yet. Only subscribed events are sent; those already delivered are not sent again.
#[utoipa::path(post, path = "/webhooks/{webhookId}/recover", tag = "Webhooks", operation_id = "recoverWebhook",
    request_body = RecoverBody,
    params(("webhookId" = String, Path, description = "The endpoint.", pattern = "^[0-9a-f]{24}$"), WriteParams),
    responses((status = 202, description = "The recovery has started.", body = Envelope<WebhookView>)),
    security(("apiKey" = ["webhooks:write"]), ("bearer" = ["webhooks:write"])))]
pub async fn recover_webhook(
    State(app): State<Api>,
    Unbound(caller): Unbound<WEBHOOKS_WRITE>,
    PathId(id): PathId<WebhookId>,
    write: Write,
    body: Body<RecoverBody>,
) -> Result<Response, Problem> {
    let days = app.settings.attempt_retention_days;
    if days > 0 && body.value.since < app.clock.now().plus_seconds(-86_400 * i64::from(days)) {
        let message = format!("must be within the last {days} days, for which deliveries are on record");
        return Err(Problem::invalid(vec![FieldProblem::new("/since", "range", message)]));
    }
    let after = app.reader.position_before(caller.client, body.value.since).await?;
    let newest = app.reader.newest_event(caller.client).await?;
    let to = newest.and_then(|event| event.position).unwrap_or(0);
    let command = Command::RecoverWebhook(RecoverWebhook { id, after, to });
    let success = Success::new(StatusCode::ACCEPTED, "Webhook recovery started.", shown);
    let answer = write.perform(&app, &caller, &body.canonical, command, success).await;
    app.deliveries.changed(caller.client);
    answer
}
