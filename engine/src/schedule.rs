//! What falls due: by itself as time goes by, and in order when the test clock is moved.
//!
//! Candidates are found by reading beside the engine; each is checked again by its command, so a candidate that
//! is stale does no harm and two nodes finding the same one do it once.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use paygen_core::access::{ExpireApiKey, PurgeIdempotency, PurgeTokens};
use paygen_core::authorizations::ExpireAuthorization;
use paygen_core::cards::{PurgeRevealTokens, TOKEN_RETENTION_SECONDS};
use paygen_core::clock::AdvanceClock;
use paygen_core::events::PurgeEvents;
use paygen_core::ids::{ClientId, WebhookId};
use paygen_core::time::Instant;
use paygen_core::webhooks::PurgeDeliveries;
use paygen_core::work::Context;
use paygen_core::{Command, Request};
use paygen_store::{Reader, StoreError};

use crate::clock::{BusinessClock, wall};
use crate::{Engine, Unanswered, stop_process};

/// How many due rows are taken at a time.
const AT_A_TIME: u32 = 1000;

/// How often business time is looked at.
const TICK: Duration = Duration::from_millis(500);

/// Every so many ticks, what has outlived its retention is forgotten.
const TICKS_PER_PURGE: u32 = 120;

/// How long a delivery may take that falls due while the test clock is moved, and all of them together; what is left
/// then is tried as usual.
const DELIVERY: Duration = Duration::from_secs(2);
const DELIVERIES: Duration = Duration::from_secs(15);

/// How many steps of old deliveries are forgotten at a time.
const PURGES: usize = 50;

/// For how many days what is not needed any more is kept; for good when 0.
#[derive(Clone, Copy, Debug)]
pub struct Retention {
    /// Events.
    pub events: u32,
    /// Attempts to deliver them.
    pub attempts: u32,
}

/// What is sent to others when it falls due, outside the engine: deliveries to webhook endpoints.
pub trait Outbound: Send + Sync {
    /// When the next of it falls due.
    fn next_due(&self) -> Answering<'_, Option<Instant>>;

    /// Sends what is due at `now`; each attempt takes at most `limit`.
    fn run_due(&self, now: Instant, limit: Duration) -> Answering<'_, Vec<Tried>>;
}

/// A future of an [`Outbound`].
pub type Answering<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// The attempts made for one webhook endpoint.
#[derive(Clone, Copy, Debug)]
pub struct Tried {
    pub client: ClientId,
    pub webhook: WebhookId,
    /// Deliveries that were attempted.
    pub tried: u64,
    /// Of these, how many failed.
    pub failed: u64,
}

/// What fell due while the test clock was moved.
#[derive(Debug, Default)]
pub struct Ran {
    /// How much was done.
    pub done: u64,
    /// Deliveries that failed when they were last tried.
    pub failing: Vec<Tried>,
}

/// Why due work could not be done.
#[derive(Debug, thiserror::Error)]
pub enum ScheduleError {
    /// It could not be looked for.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// It could not be submitted.
    #[error(transparent)]
    Engine(#[from] Unanswered),
}

/// Finds and does what falls due.
#[derive(Clone)]
pub struct Schedule {
    engine: Engine,
    reader: Reader,
    clock: BusinessClock,
    outbound: Arc<dyn Outbound>,
    retention: Retention,
    /// Held while the test clock is moved: what falls due on the way is done there, in order, and counted.
    moving: Arc<tokio::sync::Mutex<()>>,
}

impl Schedule {
    /// A schedule over this engine and reader.
    pub fn new(
        engine: Engine,
        reader: Reader,
        clock: BusinessClock,
        outbound: Arc<dyn Outbound>,
        retention: Retention,
    ) -> Schedule {
        Schedule { engine, reader, clock, outbound, retention, moving: Arc::default() }
    }

    /// Runs until the process stops.
    pub async fn run(self, mut stop: tokio::sync::watch::Receiver<bool>) {
        let mut ticks = tokio::time::interval(TICK);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut until_purge = 0;
        loop {
            tokio::select! {
                _ = ticks.tick() => {}
                () = crate::stopped(&mut stop) => return,
            }
            let ticked = self.tick(until_purge == 0).await;
            if let Err(ScheduleError::Store(StoreError::Fatal(why))) = &ticked {
                // It may have failed while nobody wrote.
                stop_process(why);
            }
            if let Err(error) = ticked {
                tracing::warn!(error = %error, "due work was put off");
            }
            until_purge = (until_purge + 1) % TICKS_PER_PURGE;
        }
    }

    async fn tick(&self, purge: bool) -> Result<(), ScheduleError> {
        let Ok(_alone) = self.moving.try_lock() else { return Ok(()) };
        // Another node may have moved the clock.
        self.clock.learn(self.reader.clock().await?.offset);
        self.run_due(self.clock.now()).await?;
        if purge {
            self.purge().await?;
        }
        Ok(())
    }

    /// Does everything that is due at `now`; tells how much there was.
    async fn run_due(&self, now: Instant) -> Result<u64, ScheduleError> {
        let mut ran = 0;
        loop {
            let due = self.due(now, AT_A_TIME).await?;
            let found = due.len();
            let mut done = 0;
            for (client, _, command) in due {
                done += self.submit(client, command).await?;
            }
            ran += done;
            // Candidates that no command took are left for the next tick: no loop without an end.
            if done == 0 || found < AT_A_TIME as usize {
                return Ok(ran);
            }
        }
    }

    /// What is due until an instant, of each kind the most urgent first, with what is to be done about it.
    async fn due(&self, until: Instant, limit: u32) -> Result<Vec<(ClientId, Instant, Command)>, ScheduleError> {
        let keys = self.reader.due_api_keys(until, limit).await?;
        let holds = self.reader.due_authorizations(until, limit).await?;
        let keys = keys.into_iter().map(|(client, id, at)| (client, at, Command::ExpireApiKey(ExpireApiKey { id })));
        let holds = holds.into_iter().map(|(client, id, at)| {
            (client, at, Command::ExpireAuthorization(ExpireAuthorization { id, when_due: true }))
        });
        Ok(keys.chain(holds).collect())
    }

    /// Does what falls due until `target`, in order and each at its own instant; the clock then stands at the last
    /// of these instants. Tells how much was done, and which deliveries failed when they were last tried.
    pub async fn run_until(&self, target: Instant) -> Result<Ran, ScheduleError> {
        let _alone = self.moving.lock().await;
        let deadline = tokio::time::Instant::now() + DELIVERIES;
        let (mut ran, mut before) = (Ran::default(), None);
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
            for tried in self.outbound.run_due(at, DELIVERY).await {
                done += tried.tried;
                ran.failing.retain(|known| known.webhook != tried.webhook);
                ran.failing.extend((tried.failed > 0).then_some(tried));
            }
            ran.done += done;
            // Another node may have done it; what nobody does is left for the next tick: no loop without an end.
            if done == 0 && before == Some(due) {
                break;
            }
            before = Some(due);
        }
        Ok(ran)
    }

    async fn purge(&self) -> Result<(), ScheduleError> {
        let keys = self.reader.expired_idempotency(wall(), AT_A_TIME).await?;
        if !keys.is_empty() {
            self.submit(ClientId::INSTALLATION, Command::PurgeIdempotency(PurgeIdempotency { keys })).await?;
        }
        let keys = self.reader.expired_tokens(wall(), AT_A_TIME).await?;
        if !keys.is_empty() {
            self.submit(ClientId::INSTALLATION, Command::PurgeTokens(PurgeTokens { keys })).await?;
        }
        let before = self.clock.now().plus_seconds(-TOKEN_RETENTION_SECONDS);
        let keys = self.reader.expired_reveal_tokens(before, AT_A_TIME).await?;
        if !keys.is_empty() {
            self.submit(ClientId::INSTALLATION, Command::PurgeRevealTokens(PurgeRevealTokens { keys })).await?;
        }
        self.purge_events().await?;
        self.purge_deliveries().await
    }

    /// Forgets what was logged of deliveries long ago; what more there is goes with the next look.
    async fn purge_deliveries(&self) -> Result<(), ScheduleError> {
        if self.retention.attempts == 0 {
            return Ok(());
        }
        let before = self.clock.now().plus_seconds(-86_400 * i64::from(self.retention.attempts));
        for _ in 0..PURGES {
            let keys = self.reader.old_deliveries(before, AT_A_TIME).await?;
            let attempts = self.reader.old_attempts(before.plus_micros(-1), AT_A_TIME).await?;
            if keys.is_empty() && attempts.is_empty() {
                break;
            }
            let command = PurgeDeliveries { keys, attempts, before };
            if self.submit(ClientId::INSTALLATION, Command::PurgeDeliveries(command)).await? == 0 {
                break;
            }
        }
        Ok(())
    }

    /// Forgets each client's oldest events, a step at a time: what more there is goes with the next look.
    async fn purge_events(&self) -> Result<(), ScheduleError> {
        if self.retention.events == 0 {
            return Ok(());
        }
        let until = self.clock.now().plus_seconds(-86_400 * i64::from(self.retention.events));
        for client in self.reader.clients().await? {
            let old = self.reader.old_events(client.id, until, AT_A_TIME).await?;
            // What an endpoint has still to get is kept for it.
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
