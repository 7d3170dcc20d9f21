//! Recording the results of the delivery worker: attempts, retries, and the endpoint's cursor.

use super::manage::{disable, find, must_be_enabled};
use super::{Attempt, AttemptOutcome, Delivery, DeliveryStatus, DisabledReason, FAILING_SECONDS, WebhookProgress};
use crate::ids::{AttemptId, ClientId, EventId, Id, WebhookId};
use crate::record::Key;
use crate::refusal::Stop;
use crate::table::Access;
use crate::time::Instant;
use crate::verb::Verb;
use crate::work::Work;

/// What follows an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    Done,
    Retry(Instant),
    GiveUp,
}

/// The result of an attempt.
#[derive(Clone, Debug)]
pub struct DeliveryResult {
    pub event: EventId,
    pub kind: String,
    pub object_id: Id,
    pub position: i64,
    /// Whether the delivery has a row.
    pub has_row: bool,
    /// From 1.
    pub attempt: i64,
    pub status: Option<i64>,
    /// In milliseconds.
    pub latency_ms: i64,
    pub excerpt: Option<String>,
    pub error: Option<String>,
    /// Business time.
    pub at: Instant,
    pub next: Next,
}

/// A delivery to be made later.
#[derive(Clone, Debug)]
pub struct Queued {
    pub event: EventId,
    pub object_id: Id,
    pub position: i64,
    /// `None` while an earlier event of the object has to be delivered first.
    pub at: Option<Instant>,
}

/// Records attempts and their consequences.
#[derive(Clone, Debug)]
pub struct RecordDeliveries {
    pub id: WebhookId,
    pub results: Vec<DeliveryResult>,
    /// Events that wait for an earlier event of their object.
    pub parked: Vec<Queued>,
    pub cursor: Option<i64>,
}

/// Queues events for another delivery.
#[derive(Clone, Debug)]
pub struct QueueDeliveries {
    pub id: WebhookId,
    pub events: Vec<Queued>,
    /// The position that a recovery has reached; `None` if this is not a recovery.
    pub recovered: Option<i64>,
}

/// Delivers an event again.
#[derive(Clone, Debug)]
pub struct ResendEvent {
    pub event: EventId,
    pub object_id: Id,
    pub position: i64,
    pub webhooks: Vec<WebhookId>,
}

/// Deletes old failed deliveries, deliveries of deleted endpoints, and old attempts.
#[derive(Clone, Debug)]
pub struct PurgeDeliveries {
    pub keys: Vec<Key>,
    /// Attempts. Not checked again: what was old is still old.
    pub attempts: Vec<Key>,
    /// Older deliveries are deleted.
    pub before: Instant,
}

impl Verb for RecordDeliveries {
    type Answer = u64;

    fn home(&self) -> Option<Id> {
        Some(self.id.0)
    }

    fn prefetch(&self, work: &mut Work, client: ClientId) {
        work.webhook_progress.prefetch(Key::of(client, self.id.0), Access::Exclusive);
    }

    fn run(&self, work: &mut Work) -> Result<u64, Stop> {
        record_deliveries(work, self)
    }
}

/// Returns how many attempts were recorded. A deleted endpoint's deliveries are dropped.
fn record_deliveries(work: &mut Work, command: &RecordDeliveries) -> Result<u64, Stop> {
    let client = work.client();
    let key = Key::of(client, command.id.0);
    let rows = command.results.iter().filter(|result| result.has_row || result.next != Next::Done);
    let rows = rows.map(|result| result.event).chain(command.parked.iter().map(|parked| parked.event));
    for event in rows {
        work.deliveries.prefetch(Delivery::key_of(client, command.id, event), Access::Exclusive);
    }
    let Some(progress) = work.webhook_progress.get_for_update(key)? else { return Ok(0) };
    let mut progress = (*progress).clone();
    let mut gone = false;
    for result in &command.results {
        update_delivery(work, command.id, result)?;
        follow(&mut progress, result);
        gone |= result.status == Some(410);
    }
    for parked in &command.parked {
        queue(work, command.id, parked)?;
    }
    let failing = progress.failing_since.is_some_and(|since| since.plus_seconds(FAILING_SECONDS) <= work.now());
    let reason = if gone { Some(DisabledReason::Gone) } else { failing.then_some(DisabledReason::Failing) };
    if reason.is_some() {
        work.webhooks.prefetch(key, Access::Exclusive);
        work.webhooks.get_for_update(key)?;
    }
    // A server that has lost its shard may still submit an older cursor; the cursor only moves forward.
    progress.cursor = progress.cursor.max(command.cursor);
    work.webhook_progress.put(progress);
    for result in &command.results {
        log_attempt(work, command.id, result);
    }
    if let Some(reason) = reason {
        disable(work, command.id, reason)?;
    }
    Ok(command.results.len() as u64)
}

/// Updates the delivery's row after an attempt.
fn update_delivery(work: &mut Work, webhook: WebhookId, result: &DeliveryResult) -> Result<(), Stop> {
    let key = Delivery::key_of(work.client(), webhook, result.event);
    if result.next == Next::Done && !result.has_row {
        return Ok(());
    }
    // If the delivery was queued again during the attempt, it stays pending.
    let stored = work.deliveries.get_for_update(key)?;
    let pending = stored.as_ref().filter(|row| row.status == DeliveryStatus::Pending);
    if pending.is_some_and(|row| row.next_attempt_at.is_some_and(|at| at > result.at)) {
        return Ok(());
    }
    let (status, next_attempt_at) = match result.next {
        Next::Done => {
            if stored.is_some() {
                work.deliveries.delete(key);
            }
            return Ok(());
        }
        Next::Retry(at) => (DeliveryStatus::Pending, Some(at)),
        Next::GiveUp => (DeliveryStatus::Failed, None),
    };
    let created_at = stored.map_or(work.now(), |row| row.created_at);
    work.deliveries.put(Delivery {
        client: work.client(),
        webhook,
        event: result.event,
        object_id: result.object_id,
        position: result.position,
        status,
        attempts: result.attempt,
        next_attempt_at,
        created_at,
    });
    Ok(())
}

fn follow(progress: &mut WebhookProgress, result: &DeliveryResult) {
    match result.next {
        Next::Done => progress.failing_since = None,
        Next::Retry(_) | Next::GiveUp => progress.failing_since = progress.failing_since.or(Some(result.at)),
    }
}

fn log_attempt(work: &mut Work, webhook: WebhookId, result: &DeliveryResult) {
    let (outcome, next_attempt_at) = match result.next {
        Next::Done => (AttemptOutcome::Succeeded, None),
        Next::Retry(at) => (AttemptOutcome::Failed, Some(at)),
        Next::GiveUp => (AttemptOutcome::Failed, None),
    };
    let attempt = Attempt {
        client: work.client(),
        id: AttemptId(work.new_id()),
        webhook,
        event: result.event,
        kind: result.kind.clone(),
        attempt: result.attempt,
        outcome,
        status: result.status,
        latency_ms: result.latency_ms,
        excerpt: result.excerpt.clone(),
        error: result.error.clone(),
        next_attempt_at,
        created_at: result.at,
    };
    work.appended.attempts.push(attempt);
}

/// Queues a delivery. A pending one keeps its number of attempts.
fn queue(work: &mut Work, webhook: WebhookId, queued: &Queued) -> Result<(), Stop> {
    let client = work.client();
    let found = work.deliveries.get_for_update(Delivery::key_of(client, webhook, queued.event))?;
    let pending = found.filter(|row| row.status == DeliveryStatus::Pending);
    let row = match pending {
        Some(row) => Delivery { next_attempt_at: queued.at.or(row.next_attempt_at), ..(*row).clone() },
        None => Delivery {
            client,
            webhook,
            event: queued.event,
            object_id: queued.object_id,
            position: queued.position,
            status: DeliveryStatus::Pending,
            attempts: 0,
            next_attempt_at: queued.at,
            created_at: work.now(),
        },
    };
    work.deliveries.put(row);
    Ok(())
}

impl Verb for QueueDeliveries {
    type Answer = u64;

    fn home(&self) -> Option<Id> {
        Some(self.id.0)
    }

    fn prefetch(&self, _: &mut Work, _: ClientId) {}

    fn run(&self, work: &mut Work) -> Result<u64, Stop> {
        queue_deliveries(work, self)
    }
}

/// Returns how many were queued.
fn queue_deliveries(work: &mut Work, command: &QueueDeliveries) -> Result<u64, Stop> {
    let client = work.client();
    for queued in &command.events {
        work.deliveries.prefetch(Delivery::key_of(client, command.id, queued.event), Access::Exclusive);
    }
    let (webhook, progress) = find(work, command.id)?;
    must_be_enabled(&webhook)?;
    for queued in &command.events {
        queue(work, command.id, queued)?;
    }
    if let Some(recovered) = command.recovered.filter(|_| progress.recover_from.is_some()) {
        let over = progress.recover_to.is_none_or(|to| recovered >= to);
        work.webhook_progress.put(WebhookProgress {
            recover_from: (!over).then_some(recovered),
            recover_to: progress.recover_to.filter(|_| !over),
            ..(*progress).clone()
        });
    }
    Ok(command.events.len() as u64)
}

impl Verb for ResendEvent {
    type Answer = u64;

    fn home(&self) -> Option<Id> {
        Some(self.event.0)
    }

    fn prefetch(&self, _: &mut Work, _: ClientId) {}

    fn run(&self, work: &mut Work) -> Result<u64, Stop> {
        resend(work, self)
    }
}

/// The endpoints must be enabled. Returns how many there are.
fn resend(work: &mut Work, command: &ResendEvent) -> Result<u64, Stop> {
    let now = work.now();
    for webhook in &command.webhooks {
        let (found, _) = find(work, *webhook)?;
        must_be_enabled(&found)?;
    }
    for webhook in &command.webhooks {
        let (event, object_id, position) = (command.event, command.object_id, command.position);
        queue(work, *webhook, &Queued { event, object_id, position, at: Some(now) })?;
    }
    Ok(command.webhooks.len() as u64)
}

impl Verb for PurgeDeliveries {
    type Answer = u64;

    fn home(&self) -> Option<Id> {
        None
    }

    fn prefetch(&self, _: &mut Work, _: ClientId) {}

    fn run(&self, work: &mut Work) -> Result<u64, Stop> {
        purge_deliveries(work, self)
    }
}

/// Each delivery is checked again. Returns how many rows were deleted.
fn purge_deliveries(work: &mut Work, command: &PurgeDeliveries) -> Result<u64, Stop> {
    for key in &command.keys {
        work.deliveries.prefetch(*key, Access::Exclusive);
    }
    let mut over = Vec::new();
    for key in &command.keys {
        let Some(row) = work.deliveries.get_for_update(*key)? else { continue };
        let orphaned = work.webhooks.get(Key::of(row.client, row.webhook.0))?.is_none();
        if orphaned || (row.status == DeliveryStatus::Failed && row.created_at < command.before) {
            over.push(*key);
        }
    }
    let count = (over.len() + command.attempts.len()) as u64;
    work.appended.deleted_attempts.extend(&command.attempts);
    over.into_iter().for_each(|key| work.deliveries.delete(key));
    Ok(count)
}
