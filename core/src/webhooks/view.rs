//! What is shown of endpoints and attempts: neither token nor secret.

use serde::Serialize;

use super::{Attempt, AttemptOutcome, DisabledReason, Webhook};
use crate::audit::{Audited, Picture};
use crate::events::EventPart;
use crate::time::Instant;

/// A webhook endpoint.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Webhook)]
pub struct WebhookView {
    /// Id of the object: 24 lowercase hex characters.
    #[serde(rename = "_id")]
    #[schema(example = "665f1c4f4a4f4a4f4a4f4a4f", pattern = "^[0-9a-f]{24}$")]
    pub id: String,
    /// URL that events are sent to.
    #[schema(example = "https://api.example.com/paygen/events")]
    pub url: String,
    /// Subscribed event types; `*` means all.
    #[schema(example = json!(["transaction.created", "authorization.declined"]))]
    pub events: Vec<&'static str>,
    /// What it is for.
    #[schema(required = true, example = "Ledger service")]
    pub description: Option<String>,
    /// Whether events are sent.
    pub enabled: bool,
    /// Why the endpoint is disabled: on request, because it answered 410, or after five days without a success.
    #[schema(required = true)]
    pub disabled_reason: Option<DisabledReason>,
    /// Whether deliveries contain a token.
    pub has_token: bool,
    /// Time until which the previous secret also signs.
    #[schema(required = true, value_type = Option<String>, format = DateTime)]
    pub previous_secret_expires_at: Option<String>,
    /// Time since which deliveries have been failing; null if they succeed.
    #[schema(required = true, value_type = Option<String>, format = DateTime)]
    pub failing_since: Option<String>,
    /// Version of the object, from 1.
    #[schema(example = 1)]
    pub version: i64,
    /// Time of creation.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: String,
    /// Time of the last change.
    #[schema(value_type = String, format = DateTime)]
    pub updated_at: String,
}

impl EventPart for WebhookView {
    const NAME: &'static str = "webhook";
}

impl WebhookView {
    pub fn of(webhook: &Webhook, failing_since: Option<Instant>) -> WebhookView {
        WebhookView {
            id: webhook.id.to_string(),
            url: webhook.url.clone(),
            events: webhook.events.words(),
            description: webhook.description.clone(),
            enabled: webhook.enabled,
            disabled_reason: webhook.disabled_reason,
            has_token: webhook.has_token,
            previous_secret_expires_at: webhook.previous_until.map(|at| at.to_string()),
            failing_since: failing_since.map(|at| at.to_string()),
            version: webhook.version,
            created_at: webhook.created_at.to_string(),
            updated_at: webhook.updated_at.to_string(),
        }
    }
}

/// An attempt to deliver an event.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = DeliveryAttempt)]
pub struct AttemptView {
    /// Id of the object: 24 lowercase hex characters.
    #[serde(rename = "_id")]
    #[schema(example = "665f1c4f4a4f4a4f4a4f4a4f", pattern = "^[0-9a-f]{24}$")]
    pub id: String,
    /// The endpoint.
    #[schema(example = "665f1c4f4a4f4a4f4a4f4a50")]
    pub webhook_id: String,
    /// The event.
    #[schema(example = "665f1c4f4a4f4a4f4a4f4a51")]
    pub event_id: String,
    /// The event's type.
    #[schema(example = "transaction.created")]
    pub event_type: String,
    /// Number of the attempt, from 1.
    #[schema(example = 1)]
    pub attempt: i64,
    /// `succeeded` if the endpoint answered 2xx.
    pub outcome: AttemptOutcome,
    /// HTTP status of the response; null without a response.
    #[schema(required = true, example = 200)]
    pub status: Option<i64>,
    /// Duration in milliseconds.
    #[schema(example = 12)]
    pub latency_ms: i64,
    /// Beginning of the response body, at most 1,024 characters.
    #[schema(required = true, example = "ok")]
    pub response_excerpt: Option<String>,
    /// Error, if there was no response.
    #[schema(required = true)]
    pub error: Option<String>,
    /// Time of the next attempt; null after a success or the last attempt.
    #[schema(required = true, value_type = Option<String>, format = DateTime)]
    pub next_attempt_at: Option<String>,
    /// Time.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: String,
}

impl AttemptView {
    /// What is shown of an attempt.
    pub fn of(attempt: &Attempt) -> AttemptView {
        AttemptView {
            id: attempt.id.to_string(),
            webhook_id: attempt.webhook.to_string(),
            event_id: attempt.event.to_string(),
            event_type: attempt.kind.clone(),
            attempt: attempt.attempt,
            outcome: attempt.outcome,
            status: attempt.status,
            latency_ms: attempt.latency_ms,
            response_excerpt: attempt.excerpt.clone(),
            error: attempt.error.clone(),
            next_attempt_at: attempt.next_attempt_at.map(|at| at.to_string()),
            created_at: attempt.created_at.to_string(),
        }
    }
}

impl Audited for Webhook {
    const OBJECT: &'static str = "webhook";

    fn picture(&self) -> Picture {
        let shown = Picture::of(&WebhookView::of(self, None)).without(&["failingSince"]);
        // A URL may contain a credential.
        shown.hiding("url").with_hidden("credentials", &self.credentials)
    }
}
