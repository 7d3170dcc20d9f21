//! Work that falls due: expiry, purges and deliveries, in the background as time passes, and in order when the test
//! clock is advanced.
//!
//! Candidates are found by reading beside the engine, and each command checks its candidate again. A stale candidate
//! therefore does no harm, and when two nodes find the same one it is carried out once.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use paygen_core::access::{ExpireApiKey, PurgeIdempotency, PurgeTokens};
use paygen_core::authorizations::ExpireAuthorization;
use paygen_core::cards::{PurgeRevealTokens, TOKEN_RETENTION_SECONDS};
use paygen_core::clock::AdvanceClock;
use paygen_core::events::PurgeEvents;
use paygen_core::ids::{ClientId, WebhookId};
use paygen_core::people::{EndSessions, IDLE_SECONDS};
use paygen_core::responders::{PurgeCalls, PurgeStreamedQuestions};
use paygen_core::time::Instant;
use paygen_core::webhooks::PurgeDeliveries;
use paygen_core::work::Context;
use paygen_core::{Command, Request};
use paygen_store::{Reader, StoreError};

use crate::clock::{BusinessClock, wall};
use crate::{Engine, Unanswered, stop_process};

/// How many due rows are read and handled in one step.
const ROWS_PER_STEP: u32 = 1000;

/// How often due work is looked for.
const TICK_INTERVAL: Duration = Duration::from_millis(500);

/// How many ticks pass between two purges of rows past their retention.
const TICKS_PER_PURGE: u32 = 120;

/// How long questions of the stream are kept after their deadline, in wall time: an answer that comes much too late is
/// still told so.
const QUESTION_RETENTION_SECONDS: i64 = 3600;

/// Time limits while the test clock is advanced: for one delivery, and for all of them together. What remains is
/// delivered by the usual retries.
const DELIVERY_TIMEOUT: Duration = Duration::from_secs(2);
const DELIVERIES_TIMEOUT: Duration = Duration::from_secs(15);

/// Upper bound on the steps of one purge of old deliveries.
const MAX_PURGE_STEPS: usize = 50;

/// Retention in days; 0 keeps for good.
#[derive(Clone, Copy, Debug)]
pub struct Retention {
    pub events: u32,
    /// Delivery attempts.
    pub attempts: u32,
}

/// Sends due work to others, outside the engine: deliveries to webhook endpoints.
pub trait Outbound: Send + Sync {
    /// When the next delivery falls due.
    fn next_due(&self) -> OutboundFuture<'_, Option<Instant>>;

    /// Sends what is due at `now`; each attempt takes at most `limit`.
    fn run_due(&self, now: Instant, limit: Duration) -> OutboundFuture<'_, Vec<EndpointAttempts>>;
}

/// A boxed future of an [`Outbound`].
pub type OutboundFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// The attempts made for one webhook endpoint.
#[derive(Clone, Copy, Debug)]
pub struct EndpointAttempts {
    pub client: ClientId,
    pub webhook: WebhookId,
    pub attempted: u64,
    /// How many of those attempts failed.
    pub failed: u64,
}

/// What was done while the test clock was advanced.
#[derive(Debug, Default)]
pub struct DueWork {
    /// How many due items were handled.
    pub done: u64,
    /// Endpoints whose last delivery failed.
    pub failing: Vec<EndpointAttempts>,
}

#[derive(Debug, thiserror::Error)]
pub enum ScheduleError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Engine(#[from] Unanswered),
}

/// Finds due work and carries it out.
#[derive(Clone)]
pub struct Schedule {
    engine: Engine,
    reader: Reader,
    clock: BusinessClock,
    outbound: Arc<dyn Outbound>,
    retention: Retention,
    /// Held while the test clock is advanced: work that falls due meanwhile is done there, in order, and counted.
    advancing: Arc<tokio::sync::Mutex<()>>,
}

impl Schedule {
    pub fn new(
        engine: Engine,
        reader: Reader,
        clock: BusinessClock,
        outbound: Arc<dyn Outbound>,
        retention: Retention,
    ) -> Schedule {
        Schedule { engine, reader, clock, outbound, retention, advancing: Arc::default() }
    }

    /// Runs until the process stops.
    pub async fn run(self, mut stop: tokio::sync::watch::Receiver<bool>) {
        let mut ticks = tokio::time::interval(TICK_INTERVAL);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut until_purge = 0;
        loop {
            tokio::select! {
                _ = ticks.tick() => {}
                () = crate::stopped(&mut stop) => return,
            }
            let ticked = self.tick(until_purge == 0).await;
            if let Err(ScheduleError::Store(StoreError::Fatal(why))) = &ticked {
                // The store may have failed outside a commit, so no lane noticed.
                stop_process(why);
            }
            if let Err(error) = ticked {
                tracing::warn!(error = %error, "due work was postponed");
            }
            until_purge = (until_purge + 1) % TICKS_PER_PURGE;
        }
    }

    async fn tick(&self, purge: bool) -> Result<(), ScheduleError> {
        let Ok(_guard) = self.advancing.try_lock() else { return Ok(()) };
        // Another node may have advanced the clock.
        self.clock.learn(self.reader.clock().await?.offset);
        self.run_due(self.clock.now()).await?;
        if purge {
            self.purge().await?;
        }
        Ok(())
    }

    /// Does everything due at `now`; returns how much that was.
    async fn run_due(&self, now: Instant) -> Result<u64, ScheduleError> {
        let mut ran = 0;
        loop {
            let due = self.due(now, ROWS_PER_STEP).await?;
            let found = due.len();
            let mut done = 0;
            for (client, _, command) in due {
                done += self.submit(client, command).await?;
            }
            ran += done;
            // Candidates that no command handled wait for the next tick, so that this loop ends.
            if done == 0 || found < ROWS_PER_STEP as usize {
                return Ok(ran);
            }
        }
    }

    /// The commands due until an instant, at most `limit` of each kind, the earliest first.
    async fn due(&self, until: Instant, limit: u32) -> Result<Vec<(ClientId, Instant, Command)>, ScheduleError> {
        let keys = self.reader.due_api_keys(until, limit).await?;
        let holds = self.reader.due_authorizations(until, limit).await?;
        let keys = keys.into_iter().map(|(client, id, at)| (client, at, Command::ExpireApiKey(ExpireApiKey { id })));
        let holds = holds.into_iter().map(|(client, id, at)| {
            (client, at, Command::ExpireAuthorization(ExpireAuthorization { id, when_due: true }))
        });
        Ok(keys.chain(holds).collect())
    }

    /// Does everything that falls due until `target`, in order and each at its own instant; the clock then stands at
    /// the last of those instants. Returns how much was done, and the endpoints whose last delivery failed.
    pub async fn run_until(&self, target: Instant) -> Result<DueWork, ScheduleError> {
        let _guard = self.advancing.lock().await;
        let deadline = tokio::time::Instant::now() + DELIVERIES_TIMEOUT;
        let (mut ran, mut before) = (DueWork::default(), None);
        loop {
            let commands = self.due(target, 1).await?.into_iter().map(|(_, at, _)| at).min();
            let has_time = tokio::time::Instant::now() < deadline;
            let delivery = if has_time { self.outbound.next_due().await.filter(|at| *at <= target) } else { None };
            let Some(due) = commands.into_iter().chain(delivery).min() else { break };
            let at = due.max(self.clock.now());
            let moved = Command::AdvanceClock(AdvanceClock { to: at, offset: None, strict: false });
            let request = Request::new(Context::system(ClientId::INSTALLATION, ""), moved);
            if let Ok(paygen_core::Outcome::Clock(reading)) = self.engine.run_background(request).await? {
                self.clock.learn(reading.offset);
            }
            let mut done = self.run_due(at).await?;
            for tried in self.outbound.run_due(at, DELIVERY_TIMEOUT).await {
                done += tried.attempted;
                ran.failing.retain(|known| known.webhook != tried.webhook);
                ran.failing.extend((tried.failed > 0).then_some(tried));
            }
            ran.done += done;
            // Another node may have done it. What nobody handles waits for the next tick, so that this loop ends.
            if done == 0 && before == Some(due) {
                break;
            }
            before = Some(due);
        }
        Ok(ran)
    }

    async fn purge(&self) -> Result<(), ScheduleError> {
        let keys = self.reader.expired_idempotency(wall(), ROWS_PER_STEP).await?;
        if !keys.is_empty() {
            self.submit(ClientId::INSTALLATION, Command::PurgeIdempotency(PurgeIdempotency { keys })).await?;
        }
        let keys = self.reader.expired_tokens(wall(), ROWS_PER_STEP).await?;
        if !keys.is_empty() {
            self.submit(ClientId::INSTALLATION, Command::PurgeTokens(PurgeTokens { keys })).await?;
        }
        let before = self.clock.now().plus_seconds(-TOKEN_RETENTION_SECONDS);
        let keys = self.reader.expired_reveal_tokens(before, ROWS_PER_STEP).await?;
        if !keys.is_empty() {
            self.submit(ClientId::INSTALLATION, Command::PurgeRevealTokens(PurgeRevealTokens { keys })).await?;
        }
        let ids = self.reader.idle_sessions(wall().plus_seconds(-IDLE_SECONDS), ROWS_PER_STEP).await?;
        if !ids.is_empty() {
            self.submit(ClientId::INSTALLATION, Command::EndSessions(EndSessions { ids, user: None })).await?;
        }
        self.purge_questions().await?;
        self.purge_events().await?;
        self.purge_deliveries().await
    }

    /// Deletes old questions of the stream, in a bounded number of steps; the next purge continues.
    async fn purge_questions(&self) -> Result<(), ScheduleError> {
        let before = wall().plus_seconds(-QUESTION_RETENTION_SECONDS);
        for _ in 0..MAX_PURGE_STEPS {
            let keys = self.reader.old_streamed_questions(before, ROWS_PER_STEP).await?;
            if keys.is_empty() {
                break;
            }
            let command = Command::PurgeStreamedQuestions(PurgeStreamedQuestions { keys });
            self.submit(ClientId::INSTALLATION, command).await?;
        }
        Ok(())
    }

    /// Deletes old deliveries, attempts and calls of responders, in a bounded number of steps; the next purge continues.
    async fn purge_deliveries(&self) -> Result<(), ScheduleError> {
        if self.retention.attempts == 0 {
            return Ok(());
        }
        let before = self.clock.now().plus_seconds(-86_400 * i64::from(self.retention.attempts));
        for _ in 0..MAX_PURGE_STEPS {
            let keys = self.reader.old_deliveries(before, ROWS_PER_STEP).await?;
            let attempts = self.reader.old_attempts(before.plus_micros(-1), ROWS_PER_STEP).await?;
            if keys.is_empty() && attempts.is_empty() {
                break;
            }
            let command = PurgeDeliveries { keys, attempts, before };
            if self.submit(ClientId::INSTALLATION, Command::PurgeDeliveries(command)).await? == 0 {
                break;
            }
        }
        for _ in 0..MAX_PURGE_STEPS {
            let keys = self.reader.old_calls(before.plus_micros(-1), ROWS_PER_STEP).await?;
            if keys.is_empty() {
                break;
            }
            self.submit(ClientId::INSTALLATION, Command::PurgeCalls(PurgeCalls { keys })).await?;
        }
        Ok(())
    }

    /// Deletes the oldest events of each client, one step each; the next purge continues.
    async fn purge_events(&self) -> Result<(), ScheduleError> {
        if self.retention.events == 0 {
            return Ok(());
        }
        let until = self.clock.now().plus_seconds(-86_400 * i64::from(self.retention.events));
        for client in self.reader.clients().await? {
            let old = self.reader.old_events(client.id, until, ROWS_PER_STEP).await?;
            // Events that an endpoint has not received yet are kept.
            let delivered = self.reader.delivered_position(client.id).await?;
            let keys: Vec<_> = old.into_iter().take_while(|(_, at)| *at <= delivered).map(|(key, _)| key).collect();
            if !keys.is_empty() {
                self.submit(client.id, Command::PurgeEvents(PurgeEvents { keys })).await?;
            }
        }
        Ok(())
    }

    async fn submit(&self, client: ClientId, command: Command) -> Result<u64, ScheduleError> {
        let request = Request::new(Context::system(client, ""), command);
        match self.engine.run_background(request).await? {
            Ok(paygen_core::Outcome::Count(count)) => Ok(count),
            Ok(_) => Ok(1),
            Err(refusal) => {
                tracing::warn!(error = %refusal, "due work was refused");
                Ok(0)
            }
        }
    }
}
