//! `POST /events/{eventId}/resend`.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use paygen_core::ids::{EventId, WebhookId};
use paygen_core::webhooks::ResendEvent;
use paygen_core::{Command, Outcome};
use serde::Serialize;

use super::bodies::ResendBody;
use crate::Api;
use crate::body::Body;
use crate::events::event_not_found;
use crate::gate::{EVENTS_WRITE, Unbound};
use crate::path::PathId;
use crate::problem::Problem;
use crate::reply::Envelope;
use crate::write::{Success, Write, WriteParams};

/// An event that is redelivered.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Resent {
    /// The event.
    #[schema(example = "665f1c4f4a4f4a4f4a4f4a4f", pattern = "^[0-9a-f]{24}$")]
    event_id: String,
    /// Endpoints that the event is sent to.
    #[schema(example = json!(["665f1c4f4a4f4a4f4a4f4a50"]))]
    webhook_ids: Vec<String>,
}

/// Resend an event
///
/// Redelivers an event, to one endpoint or to every enabled endpoint that is subscribed to its type, with the same
/// `webhook-id`.
#[utoipa::path(post, path = "/events/{eventId}/resend", tag = "Events", operation_id = "resendEvent",
    request_body = ResendBody,
    params(("eventId" = String, Path, description = "The event.", pattern = "^[0-9a-f]{24}$"), WriteParams),
    responses((status = 202, description = "The event will be redelivered.", body = Envelope<Resent>)),
    security(("apiKey" = ["events:write"]), ("bearer" = ["events:write"])))]
pub async fn resend_event(
    State(app): State<Api>,
    Unbound(caller): Unbound<EVENTS_WRITE>,
    PathId(id): PathId<EventId>,
    write: Write,
    body: Body<ResendBody>,
) -> Result<Response, Problem> {
    let event = app.reader.event(caller.client, id).await?;
    let (event, position) = event.and_then(|event| event.position.map(|at| (event, at))).ok_or_else(event_not_found)?;
    let webhooks: Vec<WebhookId> = match body.value.webhook_id {
        Some(webhook) => vec![webhook],
        None => {
            let all = app.reader.webhooks_of(caller.client).await?;
            all.into_iter()
                .filter(|webhook| webhook.enabled && webhook.wants(&event))
                .map(|webhook| webhook.id)
                .collect()
        }
    };
    if webhooks.is_empty() {
        let message = format!("No enabled webhook endpoint is subscribed to {}.", event.kind);
        let nobody = Problem::new(StatusCode::CONFLICT, "no_webhook", message);
        return write.or_replay(&app, &caller, &body.canonical, nobody).await;
    }
    let resent = Resent { event_id: id.to_string(), webhook_ids: webhooks.iter().map(ToString::to_string).collect() };
    let show = move |outcome: &Outcome| matches!(outcome, Outcome::Count(_)).then(|| resent.clone());
    let command = ResendEvent { event: id, object_id: event.object_id, position, webhooks };
    let success = Success::new(StatusCode::ACCEPTED, "Event resend started.", show);
    let answer = write.perform(&app, &caller, &body.canonical, Command::ResendEvent(command), success).await;
    app.deliveries.changed(caller.client);
    answer
}
