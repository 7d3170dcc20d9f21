//! One endpoint's deliveries: events read in order, one request in flight for each object, what came of them recorded
//! together with how far the endpoint is.
//!
//! Everything here is in memory and can be lost at any moment: on a start the cursor says where to read on and the rows
//! in `deliveries` what is still to be tried. An event whose attempt was not yet recorded is delivered again.
//!
//! Bounds: [`FRESH`] events read and not sent, [`ROWS`] deliveries that wait (then reading pauses until some are done
//! or given up), `max_in_flight` requests, [`UNRECORDED`] results.

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
const PAGE: u32 = 500;

/// Events that may be read and not sent yet.
const FRESH: usize = 1000;

/// Deliveries that may wait to be tried again, or behind one that does.
const ROWS: usize = 10_000;

/// Results that may wait to be recorded.
const UNRECORDED: usize = 2000;

/// Results in one command.
const RECORDED_AT_ONCE: usize = 500;

/// How often business time is looked at, as it can jump.
const TICK: Duration = Duration::from_millis(250);

/// How many retries are remembered for whoever moves the test clock.
const RETRIED: usize = 1000;

/// How long nothing is tried after the store or the engine was not available.
const PAUSE: Duration = Duration::from_millis(200);

/// How long a cursor that moved goes unsaved at the most.
const SAVED_EVERY: Duration = Duration::from_secs(30);

/// How far a cursor may move before it is saved by itself.
const UNSAVED: i64 = 1000;

/// What an endpoint is told.
pub(super) enum Message {
    /// Its settings or a recovery may have changed, and whether deliveries may have been asked for.
    Look(Box<(Webhook, paygen_core::webhooks::WebhookProgress)>, bool),
    /// Its settings have changed; answered once they are taken over.
    Reload(oneshot::Sender<()>),
    /// When is something due next?
    NextDue(oneshot::Sender<Option<Instant>>),
    /// Try what is due at this instant, with this limit; tells how many failed.
    RunDue(Instant, Duration, oneshot::Sender<Ran>),
    /// Send nothing more, record what is in flight, and end.
    Stop,
}

/// What trying what was due came to.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Ran {
    /// How many were tried.
    pub tried: u64,
    /// How many of them failed.
    pub failed: u64,
}

struct Finished {
    object: Id,
    kind: String,
    at: Instant,
    /// What came of it; nothing when the event was deleted before.
    outcome: Result<Option<Sent>, StoreError>,
}

struct Asked {
    objects: HashSet<Id>,
    deadline: tokio::time::Instant,
    ran: Ran,
    reply: oneshot::Sender<Ran>,
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
    /// Positions of events that are neither recorded nor of no concern.
    open: BTreeSet<i64>,
    order: Order,
    sending: JoinSet<Finished>,
    limits: HashMap<Id, Duration>,
    results: Vec<DeliveryResult>,
    recording: Option<JoinHandle<Result<(), Unanswered>>>,
    unrecorded: Option<RecordDeliveries>,
    /// Events whose rows in the store do not show yet what came of them.
    unsettled: HashSet<EventId>,
    saved_at: tokio::time::Instant,
    recovery: Option<(i64, i64)>,
    asked: Option<Asked>,
    /// When deliveries were tried again of late, and whether they failed.
    retried: VecDeque<(Instant, bool)>,
    /// Nothing is sent: the endpoint answered 410, or is being stopped.
    halted: bool,
    stopping: bool,
}

impl Endpoint {
    /// The endpoint as its rows say it stands.
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
            asked: None,
            retried: VecDeque::new(),
            halted: false,
            stopping: false,
            shared,
        };
        let pending = endpoint.shared.reader.pending_deliveries(client, id, 2 * ROWS as u32).await?;
        pending.iter().for_each(|row| endpoint.order.take_row(row));
        Ok(endpoint)
    }

    /// Delivers until it is told to stop, or its handle is dropped.
    pub(super) async fn run(mut self, mut messages: mpsc::Receiver<Message>) {
        let mut tail = self.shared.tail.subscribe(self.client);
        let mut tick = tokio::time::interval(TICK);
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            if let Err(error) = self.read().await {
                tracing::warn!(error = %error, webhook = %self.id, "deliveries wait for the store");
                tokio::time::sleep(PAUSE).await;
            }
            self.order.wake(self.shared.clock.now());
            self.answer_if_over();
            self.send();
            self.record();
            if self.stopping && self.sending.is_empty() && self.recording.is_none() {
                return;
            }
            let has_room = !self.stopping && self.has_room();
            tokio::select! {
                Some(finished) = self.sending.join_next() => match finished {
                    Ok(finished) => self.finish(finished),
                    // A defect of ours lost track of an object: begun anew, the rows tell where things stand.
                    Err(_) => self.stopping = true,
                },
                recorded = recorded(&mut self.recording) => self.recorded(recorded).await,
                changed = tail.changed(), if has_room => match changed {
                    Ok(()) => self.more = true,
                    Err(_) => self.stopping = true,
                },
                message = messages.recv(), if !self.stopping => self.hear(message).await,
                _ = tick.tick() => {}
            }
        }
    }

    fn has_room(&self) -> bool {
        self.order.fresh() < FRESH && self.order.rows() < ROWS
    }

    /// Reads the next events, or the next ones to be recovered.
    async fn read(&mut self) -> Result<(), StoreError> {
        if self.halted || self.stopping {
            return Ok(());
        }
        if self.more && self.has_room() {
            metrics::counter!("paygen_event_reads_total", "reader" => "webhook").increment(1);
            let page = self.shared.reader.events_after(self.client, self.read_to, PAGE).await?;
            self.more = page.len() == PAGE as usize;
            page.into_iter().for_each(|event| self.take(event));
        }
        if let Some((from, to)) = self.recovery
            && self.order.rows() < ROWS
        {
            self.recover(from, to).await?;
        }
        Ok(())
    }

    /// Takes an event that was read.
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
            && self.results.len() < UNRECORDED
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

    /// Takes in what came of a request.
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
        let Some(item) = self.order.under_way(object) else { return };
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
            self.retried.truncate(RETRIED - 1);
            self.retried.push_front((at, next != Next::Done));
        }
        self.answer(object, next != Next::Done);
    }

    /// Gives the results to the engine, one command at a time.
    fn record(&mut self) {
        if self.recording.is_some() {
            return;
        }
        let command = match self.unrecorded.take() {
            Some(command) => command,
            None => {
                let taken = self.results.len().min(RECORDED_AT_ONCE);
                let results: Vec<DeliveryResult> = self.results.drain(..taken).collect();
                // A row that waits behind an attempt is never stored before the attempt's own.
                let parked = if self.results.is_empty() { self.order.take_parked() } else { Vec::new() };
                for position in results.iter().map(|r| r.position).chain(parked.iter().map(|p| p.position)) {
                    self.open.remove(&position);
                }
                let cursor = self.open.first().map_or(self.read_to, |first| first - 1);
                let is_due = self.stopping || self.saved_at.elapsed() > SAVED_EVERY;
                let is_far = cursor >= self.saved + UNSAVED || (is_due && cursor > self.saved);
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
                    // Two attempts of one event can be under way to the record: the later one keeps it unsettled.
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
                tokio::time::sleep(PAUSE).await;
            }
        }
    }

    async fn hear(&mut self, message: Option<Message>) {
        match message {
            Some(Message::Look(now, asked)) => {
                let (webhook, progress) = *now;
                self.recovery = progress.recover_from.zip(progress.recover_to);
                self.renew(webhook);
                if asked {
                    self.look().await;
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
                // What fell due a moment ago by itself counts too.
                let objects = self.order.retrying();
                let mut ran = Ran::default();
                for (_, failed) in self.retried.iter().filter(|(at, _)| *at >= now) {
                    ran.tried += 1;
                    ran.failed += u64::from(*failed);
                }
                self.retried.clear();
                if objects.is_empty() || self.halted || self.stopping {
                    let _ = reply.send(ran);
                    return;
                }
                self.limits.extend(objects.iter().map(|object| (*object, limit)));
                let deadline = tokio::time::Instant::now() + limit + TICK;
                self.asked = Some(Asked { objects, deadline, ran, reply });
            }
            Some(Message::Stop) | None => self.stopping = true,
        }
    }

    /// Goes by these settings from now on, unless it knows newer ones.
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
        let Some(asked) = &mut self.asked else { return };
        if asked.objects.remove(&object) {
            asked.ran.tried += 1;
            asked.ran.failed += u64::from(failed);
        }
        self.answer_if_over();
    }

    /// Answers whoever waits for due deliveries; those that are still under way count as failed.
    fn answer_if_over(&mut self) {
        let Some(asked) = &mut self.asked else { return };
        if asked.deadline <= tokio::time::Instant::now() {
            let late = asked.objects.drain().count() as u64;
            asked.ran.tried += late;
            asked.ran.failed += late;
        }
        if asked.objects.is_empty()
            && let Some(asked) = self.asked.take()
        {
            let _ = asked.reply.send(asked.ran);
        }
    }

    /// Looks for deliveries that were asked for through the API.
    async fn look(&mut self) {
        let now = self.shared.clock.now();
        let mut after = None;
        while self.order.rows() < 2 * ROWS {
            let page = self.shared.reader.due_deliveries(self.client, self.id, now, after, PAGE).await;
            let rows = match page {
                Ok(rows) => rows,
                Err(error) => {
                    return tracing::warn!(error = %error, webhook = %self.id, "due deliveries cannot be read");
                }
            };
            rows.iter().filter(|row| !self.unsettled.contains(&row.event)).for_each(|row| self.order.take_row(row));
            after = rows.last().and_then(|row| Some((row.next_attempt_at?, row.position)));
            if rows.len() < PAGE as usize {
                return;
            }
        }
    }

    /// A step of a recovery: finds what was missed and puts it up for delivery.
    async fn recover(&mut self, from: i64, to: i64) -> Result<(), StoreError> {
        let missed = self.shared.reader.missed_events(self.client, self.id, from, to, PAGE).await?;
        let is_last = missed.len() < PAGE as usize;
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

    /// The row that was made for a delivery.
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

/// A number from 0 to 1.
fn chance() -> f64 {
    f64::from(u32::from_be_bytes(paygen_vault::random_bytes())) / f64::from(u32::MAX)
}
