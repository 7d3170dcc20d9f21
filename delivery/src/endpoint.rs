//! One endpoint's deliveries: events are read in order, each object has at most one request in flight, and results are
//! recorded together with the endpoint's cursor.
//!
//! All state here is in memory and may be lost at any moment: on a start the cursor gives the position to resume from,
//! and the rows in `deliveries` the retries outstanding. An event whose attempt was not recorded is delivered again.
//!
//! Bounds: [`MAX_FRESH_EVENTS`] events read and not sent, [`MAX_ROWS`] waiting deliveries (then reading pauses until
//! some are done or given up), `max_in_flight` requests, [`MAX_UNRECORDED_RESULTS`] results.

use std::collections::{BTreeSet, HashMap, HashSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use paygen_core::events::Event;
use paygen_core::ids::{ClientId, EventId, Id, WebhookId};
use paygen_core::record::Key;
use paygen_core::time::Instant;
use paygen_core::webhooks::{
    Delivery, DeliveryResult, DeliveryStatus, Next, QueueDeliveries, Queued, RecordDeliveries, Webhook,
};
use paygen_core::work::Context;
use paygen_core::{Command, Request};
use paygen_store::StoreError;
use tokio::sync::{mpsc, oneshot};
use tokio::task::{JoinHandle, JoinSet};

use super::credentials::Credentials;
use super::message;
use super::order::Order;
use super::sender::Sent;
use super::shared::Shared;
use paygen_engine::Unanswered;

/// Events read at a time.
const EVENTS_PER_PAGE: u32 = 500;

/// Upper bound on the events read and not yet sent.
const MAX_FRESH_EVENTS: usize = 1000;

/// Upper bound on the deliveries that wait for a retry, or for an earlier delivery that does.
const MAX_ROWS: usize = 10_000;

/// Upper bound on the results waiting to be recorded.
const MAX_UNRECORDED_RESULTS: usize = 2000;

/// Upper bound on the results of one command.
const RESULTS_PER_COMMAND: usize = 500;

/// How often business time is read, because it can be advanced.
const TICK_INTERVAL: Duration = Duration::from_millis(250);

/// Upper bound on the retries remembered for [`Message::RunDue`].
const MAX_RETRIED: usize = 1000;

/// Pause after the store or the engine was unavailable.
const RETRY_PAUSE: Duration = Duration::from_millis(200);

/// Longest time an advanced cursor stays unsaved.
const SAVE_INTERVAL: Duration = Duration::from_secs(30);

/// How many positions the cursor may advance before it is saved without results.
const MAX_UNSAVED_POSITIONS: i64 = 1000;

/// A message to an endpoint's task.
pub(super) enum Message {
    /// The settings or the recovery may have changed; the flag says whether deliveries may have been requested.
    Update(Box<(Webhook, paygen_core::webhooks::WebhookProgress)>, bool),
    /// The settings changed; answered once they are in use.
    Reload(oneshot::Sender<()>),
    /// Asks when the next delivery is due.
    NextDue(oneshot::Sender<Option<Instant>>),
    /// Attempts what is due at this instant, with this time limit; answers with the counts.
    RunDue(Instant, Duration, oneshot::Sender<DueCounts>),
    /// Ends the task: no further requests; those in flight are recorded.
    Stop,
}

/// The result of [`Message::RunDue`].
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct DueCounts {
    pub attempted: u64,
    pub failed: u64,
}

struct Finished {
    object: Id,
    kind: String,
    at: Instant,
    /// The result of the request; `None` when the event was deleted first.
    outcome: Result<Option<Sent>, StoreError>,
}

struct DueRun {
    objects: HashSet<Id>,
    deadline: tokio::time::Instant,
    counts: DueCounts,
    reply: oneshot::Sender<DueCounts>,
}

pub(super) struct Endpoint {
    shared: Arc<Shared>,
    client: ClientId,
    id: WebhookId,
    webhook: Arc<Webhook>,
    credentials: Arc<Credentials>,
    since: Instant,
    read_to: i64,
    saved: i64,
    more: bool,
    /// Positions of events whose result is not recorded yet.
    open: BTreeSet<i64>,
    order: Order,
    sending: JoinSet<Finished>,
    limits: HashMap<Id, Duration>,
    results: Vec<DeliveryResult>,
    recording: Option<JoinHandle<Result<(), Unanswered>>>,
    unrecorded: Option<RecordDeliveries>,
    /// Events whose rows in the store do not include their latest result.
    unsettled: HashSet<EventId>,
    saved_at: tokio::time::Instant,
    recovery: Option<(i64, i64)>,
    due_run: Option<DueRun>,
    /// When deliveries were last retried, and whether they failed.
    retried: VecDeque<(Instant, bool)>,
    /// Sending stopped: the endpoint answered 410, or the engine is draining.
    halted: bool,
    stopping: bool,
}

impl Endpoint {
    /// The endpoint in the state of its rows.
    pub(super) async fn open(
        shared: Arc<Shared>,
        webhook: Webhook,
        progress: &paygen_core::webhooks::WebhookProgress,
    ) -> Result<Endpoint, StoreError> {
        let (client, id) = (webhook.client, webhook.id);
        let read_to = match progress.cursor {
            Some(cursor) => cursor,
            None => shared.reader.position_before(client, progress.since).await?,
        };
        let credentials = Arc::new(Credentials::open(&shared.vault, &webhook)?);
        let mut endpoint = Endpoint {
            client,
            id,
            credentials,
            webhook: Arc::new(webhook),
            since: progress.since,
            read_to,
            saved: progress.cursor.unwrap_or(-1),
            more: true,
            open: BTreeSet::new(),
            order: Order::default(),
            sending: JoinSet::new(),
            limits: HashMap::new(),
            results: Vec::new(),
            recording: None,
            unrecorded: None,
            unsettled: HashSet::new(),
            saved_at: tokio::time::Instant::now(),
            recovery: progress.recover_from.zip(progress.recover_to),
            due_run: None,
            retried: VecDeque::new(),
            halted: false,
            stopping: false,
            shared,
        };
        let pending = endpoint.shared.reader.pending_deliveries(client, id, 2 * MAX_ROWS as u32).await?;
        pending.iter().for_each(|row| endpoint.order.take_row(row));
        Ok(endpoint)
    }

    /// Delivers until it is stopped or its handle is dropped.
    pub(super) async fn run(mut self, mut messages: mpsc::Receiver<Message>) {
        let mut tail = self.shared.tail.subscribe(self.client);
        let mut tick = tokio::time::interval(TICK_INTERVAL);
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            if let Err(error) = self.read().await {
                tracing::warn!(error = %error, webhook = %self.id, "deliveries wait for the store");
                tokio::time::sleep(RETRY_PAUSE).await;
            }
            self.order.wake(self.shared.clock.now());
            self.answer_if_complete();
            self.send();
            self.record();
            if self.stopping && self.sending.is_empty() && self.recording.is_none() {
                return;
            }
            let has_room = !self.stopping && self.has_room();
            tokio::select! {
                Some(finished) = self.sending.join_next() => match finished {
                    Ok(finished) => self.finish(finished),
                    // A panic of a request's task loses track of its object: the endpoint is restarted from its rows.
                    Err(_) => self.stopping = true,
                },
                recorded = recorded(&mut self.recording) => self.recorded(recorded).await,
                changed = tail.changed(), if has_room => match changed {
                    Ok(()) => self.more = true,
                    Err(_) => self.stopping = true,
                },
                message = messages.recv(), if !self.stopping => self.handle(message).await,
                _ = tick.tick() => {}
            }
        }
    }

    fn has_room(&self) -> bool {
        self.order.fresh() < MAX_FRESH_EVENTS && self.order.rows() < MAX_ROWS
    }

    /// Reads the next events, or the next ones to recover.
    async fn read(&mut self) -> Result<(), StoreError> {
        if self.halted || self.stopping {
            return Ok(());
        }
        if self.more && self.has_room() {
            metrics::counter!("paygen_event_reads_total", "reader" => "webhook").increment(1);
            let page = self.shared.reader.events_after(self.client, self.read_to, EVENTS_PER_PAGE).await?;
            self.more = page.len() == EVENTS_PER_PAGE as usize;
            page.into_iter().for_each(|event| self.take(event));
        }
        if let Some((from, to)) = self.recovery
            && self.order.rows() < MAX_ROWS
        {
            self.recover(from, to).await?;
        }
        Ok(())
    }

    /// Queues an event that was read.
    fn take(&mut self, event: Event) {
        let Some(position) = event.position else { return };
        self.read_to = position;
        if event.created_at < self.since || !self.webhook.wants(&event) {
            return;
        }
        if self.order.take(event, position) {
            self.open.insert(position);
        }
    }

    /// Sends what is ready, within the bounds.
    fn send(&mut self) {
        while !self.halted
            && !self.stopping
            && self.sending.len() < self.shared.settings.max_in_flight
            && self.results.len() < MAX_UNRECORDED_RESULTS
        {
            let Some((object, item)) = self.order.begin() else { return };
            let limit = self.limits.remove(&object).unwrap_or(self.shared.settings.timeout);
            let (shared, webhook, credentials) = (self.shared.clone(), self.webhook.clone(), self.credentials.clone());
            let (client, id, event) = (self.client, item.id, item.event.clone());
            self.sending.spawn(async move {
                let at = shared.clock.now();
                let event = match event {
                    Some(event) => Ok(Some(event)),
                    None => shared.reader.event(client, id).await.map(|event| event.map(Arc::new)),
                };
                let (kind, outcome) = match event {
                    Ok(Some(event)) => {
                        let (headers, body) = message::of(&event, &shared.environment, &credentials, at);
                        let sent = shared.sender.send(&webhook.url, headers, body, limit).await;
                        (event.kind.clone(), Ok(Some(sent)))
                    }
                    Ok(None) => (String::new(), Ok(None)),
                    Err(error) => (String::new(), Err(error)),
                };
                Finished { object, kind, at, outcome }
            });
        }
    }

    /// Handles the result of a request.
    fn finish(&mut self, finished: Finished) {
        let Finished { object, kind, at, outcome } = finished;
        let retry = &self.shared.settings.retry;
        let (sent, is_gone) = match outcome {
            Ok(Some(sent)) => (sent, false),
            Ok(None) => {
                let error = Some("the event was deleted before it was delivered".to_owned());
                (Sent { error, ..Sent::default() }, true)
            }
            Err(error) => {
                tracing::warn!(error = %error, webhook = %self.id, "an event cannot be read");
                self.order.put_off(object, at.plus_seconds(1));
                return;
            }
        };
        let Some(item) = self.order.in_flight(object) else { return };
        let attempt = item.attempts + 1;
        let next = if sent.succeeded() {
            Next::Done
        } else if is_gone {
            Next::GiveUp
        } else {
            retry.after_failure(attempt, at, sent.retry_after, chance())
        };
        self.halted |= sent.status == Some(410);
        metrics::counter!("paygen_delivery_attempts_total", "outcome" => if next == Next::Done { "succeeded" } else { "failed" })
            .increment(1);
        self.unsettled.insert(item.id);
        self.results.push(DeliveryResult {
            event: item.id,
            kind,
            object_id: object,
            position: item.position,
            has_row: item.has_row,
            attempt,
            status: sent.status.map(i64::from),
            latency_ms: i64::try_from(sent.latency.as_millis()).unwrap_or(i64::MAX),
            excerpt: sent.excerpt,
            error: sent.error,
            at,
            next,
        });
        self.order.finish(object, attempt, next);
        if attempt > 1 {
            self.retried.truncate(MAX_RETRIED - 1);
            self.retried.push_front((at, next != Next::Done));
        }
        self.answer(object, next != Next::Done);
    }

    /// Submits results to the engine, one command at a time.
    fn record(&mut self) {
        if self.recording.is_some() {
            return;
        }
        let command = match self.unrecorded.take() {
            Some(command) => command,
            None => {
                let taken = self.results.len().min(RESULTS_PER_COMMAND);
                let results: Vec<DeliveryResult> = self.results.drain(..taken).collect();
                // A row that waits for an attempt is never stored before that attempt's own row.
                let parked = if self.results.is_empty() { self.order.take_parked() } else { Vec::new() };
                for position in results.iter().map(|r| r.position).chain(parked.iter().map(|p| p.position)) {
                    self.open.remove(&position);
                }
                let cursor = self.open.first().map_or(self.read_to, |first| first - 1);
                let is_due = self.stopping || self.saved_at.elapsed() > SAVE_INTERVAL;
                let is_far = cursor >= self.saved + MAX_UNSAVED_POSITIONS || (is_due && cursor > self.saved);
                if results.is_empty() && parked.is_empty() && !is_far {
                    return;
                }
                RecordDeliveries { id: self.id, results, parked, cursor: Some(cursor) }
            }
        };
        self.unrecorded = Some(command.clone());
        let (engine, client) = (self.shared.engine.clone(), self.client);
        self.recording = Some(tokio::spawn(async move {
            let request = Request::new(Context::system(client, ""), Command::RecordDeliveries(command));
            match engine.run_background(request).await? {
                Ok(_) => Ok(()),
                Err(refusal) => Err(Unanswered::Internal(refusal.to_string())),
            }
        }));
    }

    async fn recorded(&mut self, outcome: Result<(), Unanswered>) {
        self.recording = None;
        match outcome {
            Ok(()) => {
                if let Some(done) = self.unrecorded.take() {
                    self.saved = done.cursor.unwrap_or(self.saved).max(self.saved);
                    self.saved_at = tokio::time::Instant::now();
                    // Two results of one event can be on their way to the store: the later one keeps it unsettled.
                    let later: HashSet<EventId> = self.results.iter().map(|result| result.event).collect();
                    for result in done.results.iter().filter(|result| !later.contains(&result.event)) {
                        self.unsettled.remove(&result.event);
                    }
                }
            }
            Err(Unanswered::Draining) => {
                self.unrecorded = None;
                (self.stopping, self.halted) = (true, true);
                self.results.clear();
            }
            Err(error) => {
                tracing::warn!(error = %error, webhook = %self.id, "deliveries wait to be recorded");
                tokio::time::sleep(RETRY_PAUSE).await;
            }
        }
    }

    async fn handle(&mut self, message: Option<Message>) {
        match message {
            Some(Message::Update(now, requested)) => {
                let (webhook, progress) = *now;
                self.recovery = progress.recover_from.zip(progress.recover_to);
                self.renew(webhook);
                if requested {
                    self.queue_requested().await;
                }
            }
            Some(Message::Reload(reply)) => {
                match self.shared.reader.get::<Webhook>(Key::of(self.client, self.id.0)).await {
                    Ok(Some(webhook)) => self.renew(webhook),
                    Ok(None) => {}
                    Err(error) => tracing::warn!(error = %error, webhook = %self.id, "its settings cannot be read"),
                }
                let _ = reply.send(());
            }
            Some(Message::NextDue(reply)) => {
                let _ = reply.send(self.order.next_due());
            }
            Some(Message::RunDue(now, limit, reply)) => {
                self.order.wake(now);
                // Retries made since this instant count too.
                let objects = self.order.retrying();
                let mut counts = DueCounts::default();
                for (_, failed) in self.retried.iter().filter(|(at, _)| *at >= now) {
                    counts.attempted += 1;
                    counts.failed += u64::from(*failed);
                }
                self.retried.clear();
                if objects.is_empty() || self.halted || self.stopping {
                    let _ = reply.send(counts);
                    return;
                }
                self.limits.extend(objects.iter().map(|object| (*object, limit)));
                let deadline = tokio::time::Instant::now() + limit + TICK_INTERVAL;
                self.due_run = Some(DueRun { objects, deadline, counts, reply });
            }
            Some(Message::Stop) | None => self.stopping = true,
        }
    }

    /// Uses these settings from now on, unless newer ones are in use.
    fn renew(&mut self, webhook: Webhook) {
        let is_known = webhook.version == self.webhook.version && webhook.credentials == self.webhook.credentials;
        if is_known || webhook.version < self.webhook.version {
            return;
        }
        match Credentials::open(&self.shared.vault, &webhook) {
            Ok(credentials) => self.credentials = Arc::new(credentials),
            Err(error) => tracing::error!(error = %error, webhook = %self.id, "credentials do not open"),
        }
        self.webhook = Arc::new(webhook);
    }

    fn answer(&mut self, object: Id, failed: bool) {
        let Some(run) = &mut self.due_run else { return };
        if run.objects.remove(&object) {
            run.counts.attempted += 1;
            run.counts.failed += u64::from(failed);
        }
        self.answer_if_complete();
    }

    /// Answers a pending [`Message::RunDue`] once it is complete or late; requests still in flight then count as
    /// failed.
    fn answer_if_complete(&mut self) {
        let Some(run) = &mut self.due_run else { return };
        if run.deadline <= tokio::time::Instant::now() {
            let late = run.objects.drain().count() as u64;
            run.counts.attempted += late;
            run.counts.failed += late;
        }
        if run.objects.is_empty()
            && let Some(run) = self.due_run.take()
        {
            let _ = run.reply.send(run.counts);
        }
    }

    /// Queues deliveries that were requested through the API.
    async fn queue_requested(&mut self) {
        let now = self.shared.clock.now();
        let mut after = None;
        while self.order.rows() < 2 * MAX_ROWS {
            let page = self.shared.reader.due_deliveries(self.client, self.id, now, after, EVENTS_PER_PAGE).await;
            let rows = match page {
                Ok(rows) => rows,
                Err(error) => {
                    return tracing::warn!(error = %error, webhook = %self.id, "due deliveries cannot be read");
                }
            };
            rows.iter().filter(|row| !self.unsettled.contains(&row.event)).for_each(|row| self.order.take_row(row));
            after = rows.last().and_then(|row| Some((row.next_attempt_at?, row.position)));
            if rows.len() < EVENTS_PER_PAGE as usize {
                return;
            }
        }
    }

    /// One step of a recovery: finds missed events and queues them for delivery.
    async fn recover(&mut self, from: i64, to: i64) -> Result<(), StoreError> {
        let missed = self.shared.reader.missed_events(self.client, self.id, from, to, EVENTS_PER_PAGE).await?;
        let is_last = missed.len() < EVENTS_PER_PAGE as usize;
        let reached = if is_last { to } else { missed.last().and_then(|event| event.position).unwrap_or(to) };
        let now = self.shared.clock.now();
        let wanted = missed.iter().filter(|event| self.webhook.wants(event));
        let events: Vec<Queued> = wanted
            .filter(|event| event.position.is_some_and(|at| at <= self.read_to && !self.open.contains(&at)))
            .filter(|event| !self.unsettled.contains(&event.id))
            .filter_map(|event| {
                Some(Queued { event: event.id, object_id: event.object_id, position: event.position?, at: Some(now) })
            })
            .collect();
        let queued = events.clone();
        let command = QueueDeliveries { id: self.id, events, recovered: Some(reached) };
        let request = Request::new(Context::system(self.client, ""), Command::QueueDeliveries(command));
        match self.shared.engine.run_background(request).await {
            Ok(Ok(_)) => {
                self.recovery = (!is_last).then_some((reached, to));
                queued.iter().for_each(|queued| self.order.take_row(&self.row_of(queued, now)));
                Ok(())
            }
            Ok(Err(_)) => {
                self.recovery = None;
                Ok(())
            }
            Err(error) => Err(StoreError::Unavailable(error.to_string())),
        }
    }

    /// The row that the command stored for a delivery.
    fn row_of(&self, queued: &Queued, now: Instant) -> Delivery {
        Delivery {
            client: self.client,
            webhook: self.id,
            event: queued.event,
            object_id: queued.object_id,
            position: queued.position,
            status: DeliveryStatus::Pending,
            attempts: 0,
            next_attempt_at: queued.at,
            created_at: now,
        }
    }
}

async fn recorded(recording: &mut Option<JoinHandle<Result<(), Unanswered>>>) -> Result<(), Unanswered> {
    match recording {
        Some(running) => running.await.unwrap_or_else(|error| Err(Unanswered::Internal(error.to_string()))),
        None => std::future::pending().await,
    }
}

/// A random number from 0 to 1.
fn chance() -> f64 {
    f64::from(u32::from_be_bytes(paygen_vault::random_bytes())) / f64::from(u32::MAX)
}
