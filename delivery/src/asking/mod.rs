//! Questions to responders: a payment that a command left pending is asked about here, outside the engine, and settled by
//! a second command. Whoever submits payments uses two calls: [`Responders::asking`] before, and
//! [`Responders::settled`] after.
//!
//! Each question is a task of its own, so it goes on when its caller does not wait any more. At the deadline the task
//! settles without an answer and then waits a little longer, so that a late answer is at least known. A question whose
//! task is gone, because the server was killed, is settled by [`sweep`] of any server.

mod answer;
mod body;
mod breaker;
mod call;
mod faults;
mod increment;
mod judge;
mod known;
mod stream;
mod sweep;

use std::sync::Arc;
use std::time::Duration;

use paygen_core::authorizations::{Authorization, AuthorizationStatus, AuthorizationView, SettleAuthorization};
use paygen_core::ids::{AuthorizationId, CallId, CardId, ClientId, ResponderId};
use paygen_core::programs::Terms;
use paygen_core::record::Key;
use paygen_core::responders::{CallOutcome, CallResult, LATE_WINDOW_SECONDS, NoteResponder, Question, Responder};
use paygen_core::time::Instant;
use paygen_core::view::Pictured;
use paygen_core::work::Context;
use paygen_core::{Command, Outcome, Request};
use paygen_engine::clock::{BusinessClock, wall};
use paygen_engine::{Answer, Engine, Priority, Submission, Unanswered};
use paygen_store::{Reader, StoreError};
use paygen_vault::Vault;
use tokio::sync::oneshot;

use crate::sender::Sender;
pub use answer::{GivenAnswer, MAX_METADATA, MAX_METADATA_KEY, MAX_METADATA_VALUE, MAX_REASON};
use breaker::{Breakers, Change};
use faults::AllFaults;
pub use faults::Faults;
use known::{Known, Places};
pub use stream::Unanswerable;

/// How much longer than its deadline a question waits for an answer that decides nothing any more.
const LATE_WINDOW: Duration = Duration::from_secs(LATE_WINDOW_SECONDS as u64);

/// How often a settlement is submitted again when the engine has no room or the store cannot be written.
const MAX_TRIES: u32 = 20;
const RETRY_PAUSE: Duration = Duration::from_millis(50);

/// How often a responder that is not asked any more gets a test call.
const PROBE_INTERVAL: Duration = Duration::from_secs(1);

/// How often somebody who waits for another task's settlement looks.
const LOOK_INTERVAL: Duration = Duration::from_millis(25);

/// What questions need.
pub struct Parts {
    pub engine: Engine,
    pub reader: Reader,
    pub vault: Arc<Vault>,
    pub clock: BusinessClock,
    pub sender: Sender,
    pub terms: Arc<Terms>,
}

/// The questions of this server; clones share them.
#[derive(Clone)]
pub struct Responders(Arc<Shared>);

struct Shared {
    parts: Parts,
    known: Known,
    breakers: Breakers,
    faults: AllFaults,
    /// Of each responder, how many questions may still be opened.
    places: Places,
    /// The questions of the stream that this server asked.
    waiting: stream::Waiting,
}

/// Why a payment is not shown settled.
#[derive(Debug, thiserror::Error)]
pub enum Unsettled {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Engine(#[from] Unanswered),
    #[error("the authorization is gone")]
    Gone,
}

impl Responders {
    /// Reads the responders of all clients.
    pub async fn open(parts: Parts) -> Result<Responders, StoreError> {
        let known = Known::read(&parts.reader).await?;
        let (breakers, faults, places) = (Breakers::default(), AllFaults::default(), Places::default());
        let waiting = stream::Waiting::default();
        Ok(Responders(Arc::new(Shared { parts, known, breakers, faults, places, waiting })))
    }

    /// The allowed targets.
    pub fn targets(&self) -> &crate::targets::Targets {
        self.0.parts.sender.targets()
    }

    /// What a payment of this client is submitted with; `None` if nobody is to be asked.
    pub fn asking(&self, client: ClientId) -> Option<paygen_core::authorizations::Asking> {
        let responders = self.0.known.of(client)?;
        let call = CallId(self.0.known.new_id(self.0.parts.clock.now()));
        Some(paygen_core::authorizations::Asking { responders, call })
    }

    /// A new id for a responder.
    pub fn new_id(&self) -> paygen_core::ids::ResponderId {
        paygen_core::ids::ResponderId(self.0.known.new_id(self.0.parts.clock.now()))
    }

    /// Uses the responders as they are stored now. Other servers take up to [`known::REFRESH_INTERVAL`].
    pub async fn changed(&self) -> Result<(), StoreError> {
        self.0.known.refresh(&self.0.parts.reader).await
    }

    /// Refreshes what is known, and settles overdue questions, until the process stops.
    pub async fn run(self, stop: tokio::sync::watch::Receiver<bool>) {
        let (refreshing, sweeping) = (stop.clone(), stop);
        let probing = sweeping.clone();
        tokio::join!(
            self.0.known.run(&self.0.parts.reader, refreshing),
            self.probe(probing),
            sweep::run(&self, sweeping)
        );
    }

    /// The authorization once it is settled. If `call` is the one that it was opened with, the responder is asked;
    /// otherwise whoever opened it asks, and this waits.
    pub async fn settled(
        &self,
        client: ClientId,
        id: AuthorizationId,
        call: Option<CallId>,
    ) -> Result<Pictured<AuthorizationView>, Unsettled> {
        let key = Key::of(client, id.0);
        let Some(question) = self.0.parts.reader.get::<Question>(key).await? else {
            return self.shown(key).await;
        };
        if call != Some(question.call) {
            return self.wait(key, question.deadline).await;
        }
        let authorization = self.authorization(key).await?;
        let (told, settled) = oneshot::channel();
        tokio::spawn(self.clone().ask(question.clone(), authorization, told));
        match settled.await {
            Ok(settled) => settled,
            // The task ended without a settlement, which the sweeper makes.
            Err(_) => self.wait(key, question.deadline).await,
        }
    }

    async fn authorization(&self, key: Key) -> Result<Authorization, Unsettled> {
        self.0.parts.reader.get::<Authorization>(key).await?.ok_or(Unsettled::Gone)
    }

    async fn shown(&self, key: Key) -> Result<Pictured<AuthorizationView>, Unsettled> {
        Ok(AuthorizationView::of(&self.authorization(key).await?).into())
    }

    /// Waits for a settlement by another task or server. One that does not come is shown as it is.
    async fn wait(&self, key: Key, deadline: Instant) -> Result<Pictured<AuthorizationView>, Unsettled> {
        let until = deadline.plus_micros(3_000_000);
        loop {
            let found = self.authorization(key).await?;
            if found.status != AuthorizationStatus::Pending || wall() > until {
                return Ok(AuthorizationView::of(&found).into());
            }
            tokio::time::sleep(LOOK_INTERVAL).await;
        }
    }

    /// Asks, settles, tells, and records an answer that comes too late.
    async fn ask(
        self,
        question: Question,
        about: Authorization,
        told: oneshot::Sender<Result<Pictured<AuthorizationView>, Unsettled>>,
    ) {
        let card = about.card;
        let responder = self.0.known.find(question.client, question.responder);
        let Some(responder) = responder else {
            let settled = self.settle(&question, card, skipped("the responder was deleted")).await;
            let _ = told.send(settled);
            return;
        };
        let deadline = tokio::time::Instant::now() + until(question.deadline);
        let mut asking = tokio::spawn(call::make(self.clone(), responder.clone(), question.clone(), about));
        let result = match tokio::time::timeout_at(deadline, &mut asking).await {
            Ok(Ok(result)) => Some(result),
            Ok(Err(panicked)) => Some(skipped(&format!("asking failed: {panicked}"))),
            Err(_) => None,
        };
        let in_time = result.is_some();
        let result = result.unwrap_or_else(|| timed_out(&question));
        self.note(&responder, result.outcome);
        let settled = self.settle(&question, card, result).await;
        let _ = told.send(settled);
        if in_time {
            return;
        }
        match tokio::time::timeout(LATE_WINDOW, &mut asking).await {
            Ok(Ok(late)) if late.answer.is_some() => {
                if let Err(error) = self.settle(&question, card, late).await {
                    tracing::warn!(error = %error, responder = %question.responder, "a late answer is not recorded");
                }
            }
            Ok(_) => {}
            Err(_) => asking.abort(),
        }
    }

    /// Sets the faults of the sandbox for a responder; none removes them.
    pub fn set_faults(&self, responder: ResponderId, faults: Option<Faults>) {
        self.0.faults.set(responder, faults);
    }

    /// Counts a result for the responder's breaker, and tells the client when it opens. A responder without a URL has none.
    fn note(&self, responder: &Responder, outcome: CallOutcome) {
        if responder.url.is_none() {
            return;
        }
        let (client, responder) = (responder.client, responder.id);
        let failed = match outcome {
            CallOutcome::Skipped => return,
            CallOutcome::Approved | CallOutcome::Declined => false,
            CallOutcome::Error | CallOutcome::InvalidResponse | CallOutcome::Timeout => true,
        };
        if self.0.breakers.note(responder, failed) == Change::Opened {
            tracing::warn!(%client, %responder, "a responder fails repeatedly: its fallback decides until it answers");
            tokio::spawn(self.clone().tell(client, responder, true));
        }
    }

    async fn tell(self, client: ClientId, id: ResponderId, degraded: bool) {
        let command = Command::NoteResponder(NoteResponder { id, degraded });
        let told = self.0.parts.engine.run_background(Request::new(Context::system(client, ""), command)).await;
        if let Err(error) = told {
            tracing::warn!(error = %error, responder = %id, "the state of a responder is not told");
        }
    }

    /// Sends test calls to the responders that are not asked any more, once a second or less often, until the process
    /// stops.
    async fn probe(&self, mut stop: tokio::sync::watch::Receiver<bool>) {
        loop {
            tokio::select! {
                () = tokio::time::sleep(PROBE_INTERVAL) => {}
                () = paygen_engine::stopped(&mut stop) => return,
            }
            let probes = self.0.breakers.to_test().into_iter().map(|id| async move {
                let Some(responder) = self.0.known.by_id(id).filter(|found| found.url.is_some()) else {
                    self.0.breakers.forget(id);
                    return;
                };
                let call = self.test(&responder).await;
                let answered = matches!(call.outcome, CallOutcome::Approved | CallOutcome::Declined);
                if answered && self.0.breakers.close(id) == Change::Closed {
                    self.clone().tell(responder.client, id, false).await;
                }
            });
            futures_util::future::join_all(probes).await;
        }
    }

    /// Settles an authorization with a result.
    async fn settle(
        &self,
        question: &Question,
        card: Option<CardId>,
        result: CallResult,
    ) -> Result<Pictured<AuthorizationView>, Unsettled> {
        metrics::counter!("paygen_responder_calls_total", "outcome" => result.outcome.as_str()).increment(1);
        let (id, call, terms) = (question.authorization, question.call, self.0.parts.terms.clone());
        let command = SettleAuthorization { id, card, call, result, terms };
        let mut tries = 0;
        loop {
            let request = Request::new(
                Context::system(question.client, ""),
                Command::SettleAuthorization(Box::new(command.clone())),
            );
            let submission = Submission { request, idempotency: None, dry_run: false };
            match self.0.parts.engine.submit(Priority::Network, submission).await {
                Ok(
                    Answer::Decided(Ok(Outcome::Authorization(view)))
                    | Answer::Kept(Ok(Outcome::Authorization(view)), _),
                ) => {
                    return Ok(view);
                }
                Ok(other) => return Err(Unanswered::Internal(format!("a settlement came to {other:?}")).into()),
                Err(Unanswered::Overloaded | Unanswered::Unavailable(_)) if tries < MAX_TRIES => tries += 1,
                Err(error) => return Err(error.into()),
            }
            tokio::time::sleep(RETRY_PAUSE).await;
        }
    }
}

/// The time until an instant of wall time.
fn until(at: Instant) -> Duration {
    Duration::from_micros(u64::try_from(at.micros() - wall().micros()).unwrap_or(0))
}

fn skipped(why: &str) -> CallResult {
    CallResult {
        outcome: CallOutcome::Skipped,
        status: None,
        latency_ms: 0,
        answer: None,
        request: None,
        excerpt: None,
        error: Some(why.to_owned()),
    }
}

/// The result of a question that was not answered in time.
fn timed_out(question: &Question) -> CallResult {
    let waited = (wall().micros() - question.asked_at.micros()).max(0) / 1000;
    CallResult {
        outcome: CallOutcome::Timeout,
        status: None,
        latency_ms: waited,
        answer: None,
        request: None,
        excerpt: None,
        error: Some("no answer came in time".to_owned()),
    }
}

/// Signs a body for a responder.
fn signed(
    parts: &Parts,
    responder: &Responder,
    (id, event): (&str, &str),
    body: &[u8],
) -> Result<reqwest::header::HeaderMap, StoreError> {
    let credentials = crate::credentials::Credentials::of_responder(&parts.vault, responder)?;
    Ok(crate::message::signed_headers((event, id), &credentials, parts.clock.now(), body))
}
