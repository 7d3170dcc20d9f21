//! Managing endpoints: creating, changing, deleting, rotating secrets, testing, recovering.

use std::sync::Arc;

use serde::Serialize;

use super::{DisabledReason, Subscriptions, Webhook, WebhookProgress, WebhookView};
use crate::events::{EventPart, EventType, Owner, emit};
use crate::fields::{Echo, check_read_only, check_version};
use crate::ids::{ClientId, Id, WebhookId};
use crate::record::Key;
use crate::refusal::{Refusal, Stop};
use crate::verb::Verb;
use crate::work::Work;

#[derive(Clone, Debug)]
pub struct CreateWebhook {
    /// Chosen beforehand, because secrets are sealed for it.
    pub id: WebhookId,
    pub url: String,
    pub events: Subscriptions,
    pub description: Option<String>,
    pub enabled: bool,
    /// Sealed.
    pub credentials: Vec<u8>,
    pub has_token: bool,
}

/// New sealed credentials, and those that they replace.
#[derive(Clone, Debug)]
pub struct ChangedCredentials {
    /// As read before. If they have changed, the command is refused as stale.
    pub before: Vec<u8>,
    pub after: Vec<u8>,
    pub has_token: bool,
}

/// Changes an endpoint; `None` keeps, `Some(None)` clears.
#[derive(Clone, Debug)]
pub struct UpdateWebhook {
    pub id: WebhookId,
    pub url: Option<String>,
    pub events: Option<Subscriptions>,
    pub description: Option<Option<String>>,
    pub enabled: Option<bool>,
    pub credentials: Option<ChangedCredentials>,
    /// Read-only fields that were sent; they must equal the stored ones.
    pub echo: Echo,
    pub if_match: Option<i64>,
}

/// Deletes an endpoint. The log of its attempts remains.
#[derive(Clone, Debug)]
pub struct DeleteWebhook {
    pub id: WebhookId,
    pub if_match: Option<i64>,
}

/// Replaces the signing secret. The previous one also signs for a while.
#[derive(Clone, Debug)]
pub struct RotateWebhookSecret {
    pub id: WebhookId,
    pub credentials: ChangedCredentials,
    /// How long the previous secret also signs; 0 ends it at once.
    pub overlap_seconds: i64,
}

/// Sends a test event to the endpoint.
#[derive(Clone, Debug)]
pub struct TestWebhook {
    pub id: WebhookId,
}

/// Delivers again what failed or was never attempted, in a range of positions.
#[derive(Clone, Debug)]
pub struct RecoverWebhook {
    pub id: WebhookId,
    /// Exclusive.
    pub after: i64,
    /// Inclusive; an existing position.
    pub to: i64,
}

/// The content of a test event.
#[derive(Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = WebhookTestMessage)]
pub struct TestMessage {
    /// That it is a test.
    pub message: &'static str,
}

impl EventPart for TestMessage {
    const NAME: &'static str = "test";
}

impl TestMessage {
    pub(crate) fn new() -> TestMessage {
        TestMessage { message: "A test of this endpoint." }
    }
}

impl Verb for CreateWebhook {
    type Answer = WebhookView;

    fn home(&self) -> Option<Id> {
        None
    }

    fn prefetch(&self, _: &mut Work, _: ClientId) {}

    fn run(&self, work: &mut Work) -> Result<WebhookView, Stop> {
        create(work, self)
    }
}

/// The endpoint receives events from now on.
fn create(work: &mut Work, command: &CreateWebhook) -> Result<WebhookView, Stop> {
    let now = work.now();
    let webhook = Webhook {
        client: work.client(),
        id: command.id,
        url: command.url.clone(),
        events: command.events.clone(),
        description: command.description.clone(),
        enabled: command.enabled,
        disabled_reason: (!command.enabled).then_some(DisabledReason::Requested),
        credentials: command.credentials.clone(),
        has_token: command.has_token,
        previous_until: None,
        event_seq: 0,
        version: 1,
        created_at: now,
        updated_at: now,
    };
    let progress = WebhookProgress {
        client: webhook.client,
        id: webhook.id,
        cursor: None,
        since: now,
        failing_since: None,
        recover_from: None,
        recover_to: None,
    };
    let view = WebhookView::of(&webhook, progress.failing_since);
    work.webhooks.put(webhook);
    work.webhook_progress.put(progress);
    Ok(view)
}

impl Verb for UpdateWebhook {
    type Answer = WebhookView;

    fn home(&self) -> Option<Id> {
        Some(self.id.0)
    }

    fn prefetch(&self, _: &mut Work, _: ClientId) {}

    fn run(&self, work: &mut Work) -> Result<WebhookView, Stop> {
        update(work, self)
    }
}

/// An endpoint that is enabled again receives events from now on; missed events can be recovered.
fn update(work: &mut Work, command: &UpdateWebhook) -> Result<WebhookView, Stop> {
    let (webhook, progress) = find(work, command.id)?;
    check_version(command.if_match, webhook.version)?;
    check_read_only(&command.echo, &WebhookView::of(&webhook, progress.failing_since))?;
    let now = work.now();
    let enabled = command.enabled.unwrap_or(webhook.enabled);
    let mut changed = Webhook {
        url: command.url.clone().unwrap_or_else(|| webhook.url.clone()),
        events: command.events.clone().unwrap_or_else(|| webhook.events.clone()),
        description: command.description.clone().unwrap_or_else(|| webhook.description.clone()),
        enabled,
        ..(*webhook).clone()
    };
    if let Some(credentials) = &command.credentials {
        replace(&mut changed, credentials)?;
    }
    let mut moved = (*progress).clone();
    let ends = webhook.enabled && !enabled;
    if enabled != webhook.enabled {
        changed.disabled_reason = ends.then_some(DisabledReason::Requested);
    }
    if enabled && !webhook.enabled {
        (moved.cursor, moved.since) = (None, now);
    }
    if enabled && (!webhook.enabled || changed.url != webhook.url) {
        moved.failing_since = None;
    }
    if changed != *webhook {
        changed.version += 1;
        changed.updated_at = now;
    }
    let view = WebhookView::of(&changed, moved.failing_since);
    work.webhooks.put(changed);
    work.webhook_progress.put(moved);
    if ends {
        emit(work, Owner::Webhook(command.id), EventType::WebhookDisabled, view.clone())?;
    }
    Ok(view)
}

fn replace(webhook: &mut Webhook, credentials: &ChangedCredentials) -> Result<(), Stop> {
    if webhook.credentials != credentials.before {
        return Err(Refusal::Stale.into());
    }
    webhook.credentials = credentials.after.clone();
    webhook.has_token = credentials.has_token;
    Ok(())
}

/// Disables a failing endpoint.
pub(super) fn disable(work: &mut Work, webhook: WebhookId, reason: DisabledReason) -> Result<(), Stop> {
    let (webhook, progress) = find(work, webhook)?;
    if !webhook.enabled {
        return Ok(());
    }
    let disabled = Webhook {
        enabled: false,
        disabled_reason: Some(reason),
        version: webhook.version + 1,
        updated_at: work.now(),
        ..(*webhook).clone()
    };
    let view = WebhookView::of(&disabled, progress.failing_since);
    work.webhooks.put(disabled);
    emit(work, Owner::Webhook(webhook.id), EventType::WebhookDisabled, view).map(|_| ())
}

impl Verb for DeleteWebhook {
    type Answer = WebhookView;

    fn home(&self) -> Option<Id> {
        Some(self.id.0)
    }

    fn prefetch(&self, _: &mut Work, _: ClientId) {}

    fn run(&self, work: &mut Work) -> Result<WebhookView, Stop> {
        delete(work, self)
    }
}

fn delete(work: &mut Work, command: &DeleteWebhook) -> Result<WebhookView, Stop> {
    let (webhook, progress) = find(work, command.id)?;
    check_version(command.if_match, webhook.version)?;
    let key = Key::of(work.client(), command.id.0);
    work.webhooks.delete(key);
    work.webhook_progress.delete(key);
    Ok(WebhookView::of(&webhook, progress.failing_since))
}

impl Verb for RotateWebhookSecret {
    type Answer = WebhookView;

    fn home(&self) -> Option<Id> {
        Some(self.id.0)
    }

    fn prefetch(&self, _: &mut Work, _: ClientId) {}

    fn run(&self, work: &mut Work) -> Result<WebhookView, Stop> {
        rotate_secret(work, self)
    }
}

fn rotate_secret(work: &mut Work, command: &RotateWebhookSecret) -> Result<WebhookView, Stop> {
    let (webhook, progress) = find(work, command.id)?;
    let now = work.now();
    let overlaps = command.overlap_seconds > 0;
    let mut rotated = Webhook {
        previous_until: overlaps.then(|| now.plus_seconds(command.overlap_seconds)),
        version: webhook.version + 1,
        updated_at: now,
        ..(*webhook).clone()
    };
    replace(&mut rotated, &command.credentials)?;
    let view = WebhookView::of(&rotated, progress.failing_since);
    work.webhooks.put(rotated);
    Ok(view)
}

impl Verb for TestWebhook {
    type Answer = crate::ids::Id;

    fn home(&self) -> Option<Id> {
        Some(self.id.0)
    }

    fn prefetch(&self, _: &mut Work, _: ClientId) {}

    fn run(&self, work: &mut Work) -> Result<crate::ids::Id, Stop> {
        test(work, self)
    }
}

/// Returns the id of the test event.
fn test(work: &mut Work, command: &TestWebhook) -> Result<crate::ids::Id, Stop> {
    let (webhook, _) = find(work, command.id)?;
    must_be_enabled(&webhook)?;
    emit(work, Owner::Webhook(command.id), EventType::WebhookTest, TestMessage::new())?;
    let event = work.appended.events.last().expect("an event was emitted");
    Ok(event.id.0)
}

impl Verb for RecoverWebhook {
    type Answer = WebhookView;

    fn home(&self) -> Option<Id> {
        Some(self.id.0)
    }

    fn prefetch(&self, _: &mut Work, _: ClientId) {}

    fn run(&self, work: &mut Work) -> Result<WebhookView, Stop> {
        recover(work, self)
    }
}

/// Starts a recovery, or widens the current one. The delivery worker finds the missing events.
fn recover(work: &mut Work, command: &RecoverWebhook) -> Result<WebhookView, Stop> {
    let (webhook, progress) = find(work, command.id)?;
    must_be_enabled(&webhook)?;
    let recovering = WebhookProgress {
        recover_from: Some(progress.recover_from.map_or(command.after, |from| from.min(command.after))),
        recover_to: Some(progress.recover_to.map_or(command.to, |to| to.max(command.to))),
        ..(*progress).clone()
    };
    let view = WebhookView::of(&webhook, recovering.failing_since);
    work.webhook_progress.put(recovering);
    Ok(view)
}

pub(super) fn must_be_enabled(webhook: &Webhook) -> Result<(), Stop> {
    if webhook.enabled { Ok(()) } else { Err(Refusal::WebhookDisabled.into()) }
}

pub(super) fn find(work: &mut Work, id: WebhookId) -> Result<(Arc<Webhook>, Arc<WebhookProgress>), Stop> {
    let key = Key::of(work.client(), id.0);
    work.webhook_progress.prefetch(key, crate::table::Access::Exclusive);
    let webhook = work.webhooks.get_for_update(key)?.ok_or(Refusal::WebhookNotFound)?;
    let progress = work.webhook_progress.get_for_update(key)?.ok_or(Refusal::WebhookNotFound)?;
    Ok((webhook, progress))
}
