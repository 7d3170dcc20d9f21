//! The engine: bounded queues → load → decide → one durable commit → answers.
//!
//! Commands wait in three bounded queues (network messages, API calls, background work); a full queue refuses at once.
//! A lane takes the waiting commands as one batch, loads their rows, runs every command, and commits once. No answer is
//! sent before its batch is durable. SQLite has one lane, which decides the next batch while the one before is committed.
//! PostgreSQL has several; see [`Verb::home`](paygen_core::verb::Verb::home) for what runs on one lane.

mod batch;
pub mod clock;
mod commits;
mod committer;
mod lane;
pub mod measures;
mod queue;
pub mod recovery;
pub mod schedule;
pub mod sequencer;
pub mod tail;
#[cfg(test)]
mod tests;

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use paygen_core::access::Idempotency;
use paygen_core::hints::Hints;
use paygen_core::ids::{CardHolderId, ClientId, Id, IdGenerator};
use paygen_core::record::Key;
use paygen_core::work::Work;
use paygen_core::{Outcome, Refusal, Request};
use paygen_store::Store;
use tokio::sync::oneshot;

pub use commits::Commits;
pub use lane::WallClock;
use queue::Queue;
pub use queue::{Bounds, Priority};

/// Ends the process after a failure of the store that leaves its content on disk unknown: anything decided from here on
/// could build on rows that were never written.
pub fn stop_process(why: &str) -> ! {
    tracing::error!(error = why, "the store failed: stopping, because what is on disk is unknown");
    std::process::exit(70);
}

/// Waits until the process stops: until `true` is sent, or the sender is dropped.
pub async fn stopped(stop: &mut tokio::sync::watch::Receiver<bool>) {
    let _ = stop.wait_for(|stop| *stop).await;
}

/// The result of a command.
pub type Decision = Result<Outcome, Refusal>;

/// The answer to a submission.
#[derive(Debug)]
pub enum Answer {
    Decided(Decision),
    /// Decided now; the answer is kept for replays.
    Kept(Decision, Reply),
    /// The idempotency key was used before: this is the kept answer.
    Replayed(Arc<Idempotency>),
}

/// An answer as it is sent, rendered once and kept for replays.
#[derive(Clone, Debug)]
pub struct Reply {
    pub status: u16,
    pub body: Vec<u8>,
    /// The object's version, for the `ETag`.
    pub etag: Option<i64>,
}

/// Why a submission has no answer.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Unanswered {
    #[error("too many commands are waiting")]
    Overloaded,
    #[error("the process is stopping")]
    Draining,
    /// The store could not commit the batch; nothing of this command is stored.
    #[error("{0}")]
    Unavailable(String),
    /// A defect in our code: this command alone failed, and nothing of it is stored.
    #[error("{0}")]
    Internal(String),
}

/// An answer to keep for replays.
pub struct Kept {
    pub reply: Reply,
    /// The body as it is stored: sealed.
    pub sealed: Vec<u8>,
    /// The card holder under whose key the body is sealed, when it contains their personal data.
    pub subject: Option<CardHolderId>,
}

/// Renders a decision as the answer to keep; `None` when it is not kept.
pub type Keep = Box<dyn Fn(&Decision) -> Option<Kept> + Send>;

/// The idempotency of a request: a repeat with the same key gets the first answer.
pub struct KeepAnswer {
    /// SHA-256 of the idempotency key.
    pub key_hash: [u8; 32],
    /// Keyed hash of method, path and parsed content.
    pub fingerprint: [u8; 32],
    pub retention_seconds: i64,
    pub keep: Keep,
}

/// A command on its way through the engine.
pub struct Submission {
    pub request: Request,
    pub idempotency: Option<KeepAnswer>,
    /// Every rule is checked, nothing is stored.
    pub dry_run: bool,
}

pub(crate) struct Waiting {
    submission: Box<Submission>,
    reply: oneshot::Sender<Result<Answer, Unanswered>>,
}

/// A handle to the running engine; clones share it.
#[derive(Clone)]
pub struct Engine {
    shared: Arc<Shared>,
}

struct Shared {
    lanes: Vec<Arc<Queue>>,
    threads: std::sync::Mutex<Vec<std::thread::JoinHandle<()>>>,
    next: AtomicUsize,
    hints: Hints,
    committed: Commits,
    writable: tokio::sync::watch::Sender<bool>,
}

/// Where a lane publishes what it committed.
#[derive(Clone)]
struct Published {
    committed: Commits,
    writable: tokio::sync::watch::Sender<bool>,
}

impl Published {
    /// A batch is about to be answered; `wrote` if it changed anything.
    fn batch(&self, commands: usize, started: std::time::Instant, clients: HashSet<ClientId>, wrote: bool) {
        metrics::histogram!("paygen_engine_batch_commands").record(commands as f64);
        metrics::histogram!("paygen_engine_batch_seconds").record(started.elapsed().as_secs_f64());
        self.committed.add(clients);
        if wrote {
            publish_writable(&self.writable, true);
        }
    }
}

fn publish_writable(known: &tokio::sync::watch::Sender<bool>, writable: bool) {
    let changed = known.send_if_modified(|before| std::mem::replace(before, writable) != writable);
    if changed && writable {
        tracing::info!("the store can be written again");
    }
}

/// How the engine is built.
pub struct Settings {
    /// Upper bound on the commands of a batch.
    pub batch: usize,
    pub bounds: Bounds,
    /// Approximate budget for rows cached between batches, where the store allows caching.
    pub cached_bytes: usize,
    pub wall: WallClock,
}

impl Engine {
    /// Starts one lane for each store, each on its own thread with its own id generator.
    pub fn start(stores: Vec<(Box<dyn Store>, IdGenerator)>, settings: &Settings) -> std::io::Result<Engine> {
        let (committed, hints) = (Commits::default(), Hints::default());
        let (writable, _) = tokio::sync::watch::channel(true);
        let mut lanes = Vec::new();
        let mut threads = Vec::new();
        for (number, (store, ids)) in stores.into_iter().enumerate() {
            let queue = Arc::new(Queue::new(settings.bounds));
            let published = Published { committed: committed.clone(), writable: writable.clone() };
            let committer = match store.second() {
                Some(store) => {
                    let name = format!("commit-{number}");
                    Some(committer::Committer::start(store, queue.clone(), published.clone(), name)?)
                }
                None => None,
            };
            let mut work = Work::new(ids.clone());
            work.hints = hints.clone();
            let lane = lane::Lane::new(queue.clone(), (store, committer), (work, ids), settings, published);
            threads.push(std::thread::Builder::new().name(format!("engine-{number}")).spawn(move || lane.run())?);
            lanes.push(queue);
        }
        let threads = std::sync::Mutex::new(threads);
        Ok(Engine {
            shared: Arc::new(Shared { lanes, threads, next: AtomicUsize::new(0), hints, committed, writable }),
        })
    }

    /// Submits a command and waits for its answer, which is durable when it arrives.
    pub async fn submit(&self, priority: Priority, submission: Submission) -> Result<Answer, Unanswered> {
        let lane = self.lane_of(&submission.request);
        let (reply, answer) = oneshot::channel();
        lane.push(priority, Waiting { submission: Box::new(submission), reply })?;
        answer.await.unwrap_or_else(|_| Err(Unanswered::Unavailable("the engine stopped".to_owned())))
    }

    /// Submits background work and waits for its decision.
    pub async fn run_background(&self, request: Request) -> Result<Decision, Unanswered> {
        let submission = Submission { request, idempotency: None, dry_run: false };
        match self.submit(Priority::Background, submission).await? {
            Answer::Decided(decision) | Answer::Kept(decision, _) => Ok(decision),
            Answer::Replayed(_) => Err(Unanswered::Internal("background work was replayed".to_owned())),
        }
    }

    /// Commands of a card go to the lane of the account that pays, while it is known: payments of one account would wait
    /// for each other's locks in several lanes. When it becomes known, commands that were submitted before may still wait
    /// in another lane.
    fn lane_of(&self, request: &Request) -> &Arc<Queue> {
        let lanes = &self.shared.lanes;
        if let [only] = lanes.as_slice() {
            return only;
        }
        let payer = |home: Id| self.shared.hints.payer(Key::of(request.context.client, home));
        let number = match request.command.home().map(|home| payer(home).map_or(home, |payer| payer.0)) {
            Some(home) => home.bytes().iter().fold(0usize, |sum, byte| sum.wrapping_mul(31) + usize::from(*byte)),
            None => self.shared.next.fetch_add(1, Ordering::Relaxed),
        };
        &lanes[number % lanes.len()]
    }

    /// Notifications of commits, for the single consumer.
    pub fn commits(&self) -> Commits {
        self.shared.committed.clone()
    }

    /// Whether the store is writable: the last commit succeeded, or a later probe did.
    pub fn writable(&self) -> tokio::sync::watch::Receiver<bool> {
        self.shared.writable.subscribe()
    }

    /// Records whether the store could be written.
    pub fn note_writable(&self, writable: bool) {
        publish_writable(&self.shared.writable, writable);
    }

    /// The number of waiting commands, by priority.
    pub fn waiting(&self) -> [usize; 3] {
        let depths = self.shared.lanes.iter().map(|lane| lane.depths());
        depths.fold([0; 3], |sum, depth| std::array::from_fn(|at| sum[at] + depth[at]))
    }

    /// Closes the queues, finishes the waiting commands, and stops the lanes.
    pub async fn drain(&self) {
        for lane in &self.shared.lanes {
            lane.close();
        }
        let threads = std::mem::take(&mut *self.shared.threads.lock().unwrap_or_else(|poison| poison.into_inner()));
        let joined = tokio::task::spawn_blocking(move || {
            for thread in threads {
                if thread.join().is_err() {
                    tracing::error!("an engine lane panicked");
                }
            }
        });
        if joined.await.is_err() {
            tracing::error!("waiting for the engine lanes failed");
        }
    }
}
