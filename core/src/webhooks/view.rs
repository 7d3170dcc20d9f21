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
    /// Its id.
    #[serde(rename = "_id")]
    #[schema(example = "665f1c4f4a4f4a4f4a4f4a4f", pattern = "^[0-9a-f]{24}$")]
    pub id: String,
    /// Where events are sent.
    #[schema(example = "https://api.example.com/paygen/events")]
    pub url: String,
    /// The types of events that are sent; `*` stands for all.
    #[schema(example = json!(["transaction.created", "authorization.declined"]))]
    pub events: Vec<&'static str>,
    /// What it is for.
    #[schema(required = true, example = "Ledger service")]
    pub description: Option<String>,
    /// Whether anything is sent.
    pub enabled: bool,
    /// Why not: its owner said so, it answered 410, or nothing succeeded there for five days.
    #[schema(required = true)]
    pub disabled_reason: Option<DisabledReason>,
    /// Whether deliveries carry a token.
    pub has_token: bool,
    /// Until when the secret before the present one signs too.
    #[schema(required = true, value_type = Option<String>, format = DateTime)]
    pub previous_secret_expires_at: Option<String>,
    /// Since when no delivery succeeded, while deliveries fail.
    #[schema(required = true, value_type = Option<String>, format = DateTime)]
    pub failing_since: Option<String>,
    /// Counts changes.
    #[schema(example = 1)]
    pub version: i64,
    /// When it was made.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: String,
    /// When it last changed.
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
    /// Its id.
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
    /// Its number, from 1.
    #[schema(example = 1)]
    pub attempt: i64,
    /// What it came to: `succeeded` when the endpoint answered 2xx.
    pub outcome: AttemptOutcome,
    /// The HTTP status of the answer; null when there was none.
    #[schema(required = true, example = 200)]
    pub status: Option<i64>,
    /// How long it took, in milliseconds.
    #[schema(example = 12)]
    pub latency_ms: i64,
    /// How the answer's body begins, at most 1,024 characters.
    #[schema(required = true, example = "ok")]
    pub response_excerpt: Option<String>,
    /// Why there was no answer.
    #[schema(required = true)]
    pub error: Option<String>,
    /// When it is tried again; null when it succeeded or was the last attempt.
    #[schema(required = true, value_type = Option<String>, format = DateTime)]
    pub next_attempt_at: Option<String>,
    /// When.
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
