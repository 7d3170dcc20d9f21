//! `GET /webhooks` and `GET /webhooks/{webhookId}`.

use axum::extract::State;
use axum::response::Response;
use paygen_core::Refusal;
use paygen_core::ids::WebhookId;
use paygen_core::webhooks::{Webhook, WebhookProgress, WebhookView};
use paygen_store::lists::webhooks as columns;

use crate::Api;
use crate::gate::{Caller, Unbound, WEBHOOKS_READ};
use crate::lists::{self, ListParams, ListSpec};
use crate::path::PathId;
use crate::problem::Problem;
use crate::query::{NoParams, Query};
use crate::reply::{self, Envelope, ListEnvelope};

const SPEC: ListSpec = ListSpec::of::<WebhookView>(columns::FIELDS);

/// List webhook endpoints
///
/// The client's endpoints, without their tokens and secrets.
#[utoipa::path(get, path = "/webhooks", tag = "Webhooks", operation_id = "listWebhooks",
    params(ListParams),
    responses((status = 200, description = "The endpoints.", body = ListEnvelope<WebhookView>)),
    security(("apiKey" = ["webhooks:read"]), ("bearer" = ["webhooks:read"])))]
pub async fn list_webhooks(
    State(app): State<Api>,
    Unbound(caller): Unbound<WEBHOOKS_READ>,
    Query(params): Query,
) -> Result<Response, Problem> {
    lists::answer::<columns::List, _>(&app, &caller, params, &SPEC, Vec::new(), |(webhook, progress)| {
        WebhookView::of(webhook, progress.failing_since)
    })
    .await
}

/// Retrieve a webhook endpoint
///
/// One endpoint, without its token and secret.
#[utoipa::path(get, path = "/webhooks/{webhookId}", tag = "Webhooks", operation_id = "getWebhook",
    params(("webhookId" = String, Path, description = "The endpoint.", pattern = "^[0-9a-f]{24}$")),
    responses((status = 200, description = "The endpoint.", body = Envelope<WebhookView>)),
    security(("apiKey" = ["webhooks:read"]), ("bearer" = ["webhooks:read"])))]
pub async fn get_webhook(
    State(app): State<Api>,
    Unbound(caller): Unbound<WEBHOOKS_READ>,
    PathId(id): PathId<WebhookId>,
    _: NoParams,
) -> Result<Response, Problem> {
    let (webhook, progress) = found(&app, &caller, id).await?;
    let view = WebhookView::of(&webhook, progress.failing_since);
    Ok(reply::versioned("Webhook fetched successfully.", webhook.version, &view))
}

pub(super) async fn found(app: &Api, caller: &Caller, id: WebhookId) -> Result<(Webhook, WebhookProgress), Problem> {
    let found = app.reader.webhook(caller.client, id).await?;
    Ok(found.ok_or(Refusal::WebhookNotFound)?)
}
