//! Columns of webhook endpoints, deliveries and attempts.

use paygen_core::webhooks::{
    Attempt, AttemptOutcome, Delivery, DeliveryStatus, DisabledReason, Subscriptions, Webhook, WebhookProgress,
};

use super::{Keyed, stored};

stored!(Webhook, "webhooks", key 2, {
    "client" Bytes = |w| w.client.0,
    "id" Bytes = |w| w.id.0,
    "url" Text = |w| &w.url,
    "events" Text = |w| w.events.to_string(),
    "description" Text = |w| &w.description,
    "enabled" Integer = |w| i64::from(w.enabled),
    "disabled_reason" Text = |w| w.disabled_reason.map(|reason| reason.as_str().to_owned()),
    "credentials" Bytes = |w| &w.credentials,
    "has_token" Integer = |w| i64::from(w.has_token),
    "previous_until" Integer = |w| w.previous_until,
    "event_seq" Integer = |w| w.event_seq,
    "version" Integer = |w| w.version,
    "created_at" Integer = |w| w.created_at,
    "updated_at" Integer = |w| w.updated_at,
}, |row| Webhook {
    client: row.id()?,
    id: row.id()?,
    url: row.text()?,
    events: row.word(Subscriptions::parse)?,
    description: row.optional_text()?,
    enabled: row.boolean()?,
    disabled_reason: row.optional_word(DisabledReason::parse)?,
    credentials: row.bytes()?,
    has_token: row.boolean()?,
    previous_until: row.optional_time()?,
    event_seq: row.integer()?,
    version: row.integer()?,
    created_at: row.time()?,
    updated_at: row.time()?,
});
impl Keyed for Webhook {}

stored!(WebhookProgress, "webhook_progress", key 2, {
    "client" Bytes = |p| p.client.0,
    "id" Bytes = |p| p.id.0,
    "cursor_position" Integer = |p| p.cursor,
    "since" Integer = |p| p.since,
    "failing_since" Integer = |p| p.failing_since,
    "recover_from" Integer = |p| p.recover_from,
    "recover_to" Integer = |p| p.recover_to,
}, |row| WebhookProgress {
    client: row.id()?,
    id: row.id()?,
    cursor: row.optional_integer()?,
    since: row.time()?,
    failing_since: row.optional_time()?,
    recover_from: row.optional_integer()?,
    recover_to: row.optional_integer()?,
});
impl Keyed for WebhookProgress {}

stored!(Delivery, "deliveries", key 2, {
    "client" Bytes = |d| d.client.0,
    "id" Bytes = |d| paygen_core::record::Record::key(d).id.as_slice().to_vec(),
    "webhook" Bytes = |d| d.webhook.0,
    "event" Bytes = |d| d.event.0,
    "object_id" Bytes = |d| d.object_id,
    "position" Integer = |d| d.position,
    "status" Text = |d| d.status.as_str(),
    "attempts" Integer = |d| d.attempts,
    "next_attempt_at" Integer = |d| d.next_attempt_at,
    "created_at" Integer = |d| d.created_at,
}, |row| Delivery {
    client: row.id()?,
    webhook: { row.skip()?; row.id()? },
    event: row.id()?,
    object_id: row.id()?,
    position: row.integer()?,
    status: row.word(DeliveryStatus::parse)?,
    attempts: row.integer()?,
    next_attempt_at: row.optional_time()?,
    created_at: row.time()?,
});
impl Keyed for Delivery {}

stored!(Attempt, "delivery_attempts", key 2, {
    "client" Bytes = |a| a.client.0,
    "id" Bytes = |a| a.id.0,
    "webhook" Bytes = |a| a.webhook.0,
    "event" Bytes = |a| a.event.0,
    "kind" Text = |a| &a.kind,
    "attempt" Integer = |a| a.attempt,
    "outcome" Text = |a| a.outcome.as_str(),
    "status" Integer = |a| a.status,
    "latency_ms" Integer = |a| a.latency_ms,
    "excerpt" Text = |a| &a.excerpt,
    "error" Text = |a| &a.error,
    "next_attempt_at" Integer = |a| a.next_attempt_at,
    "created_at" Integer = |a| a.created_at,
}, |row| Attempt {
    client: row.id()?,
    id: row.id()?,
    webhook: row.id()?,
    event: row.id()?,
    kind: row.text()?,
    attempt: row.integer()?,
    outcome: row.word(AttemptOutcome::parse)?,
    status: row.optional_integer()?,
    latency_ms: row.integer()?,
    excerpt: row.optional_text()?,
    error: row.optional_text()?,
    next_attempt_at: row.optional_time()?,
    created_at: row.time()?,
});
