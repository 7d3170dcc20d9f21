//! The engine: bounded queues → load → decide → one durable commit → answers.
//!
//! Commands wait in three bounded queues (network messages, the API, background work). A lane takes whatever is
//! waiting as one batch, loads the rows all of it needs, runs every command on them, and commits once. No answer
//! leaves before its batch is durable. SQLite has one lane; PostgreSQL has several, and an object's commands
//! always go to the same one.

mod batch;
pub mod clock;
mod commits;
mod lane;
pub mod measures;
mod queue;
pub mod recovery;
pub mod schedule;
pub mod sequencer;
pub mod tail;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use paygen_core::access::Idempotency;
use paygen_core::ids::{CardHolderId, IdGenerator};
use paygen_core::{Outcome, Refusal, Request};
use paygen_store::Store;
use tokio::sync::oneshot;

pub use commits::Commits;
pub use lane::WallClock;
use queue::Queue;
pub use queue::{Bounds, Priority};

/// The store failed for good: whatever this process would do next could build on what is not on disk.
pub fn stop_process(why: &str) -> ! {
    tracing::error!(error = why, "the store failed: stopping, because what is on disk is unknown");
    std::process::exit(70);
}

/// Waits until the process stops: until `true` is sent, or the sender is gone.
pub async fn stopped(stop: &mut tokio::sync::watch::Receiver<bool>) {
    let _ = stop.wait_for(|stop| *stop).await;
}

/// What a command came to.
pub type Decision = Result<Outcome, Refusal>;

/// The answer to a submission.
#[derive(Debug)]
pub enum Answer {
    /// It was decided now.
    Decided(Decision),
    /// It was decided now, and the answer was kept for repeats.
    Kept(Decision, Reply),
    /// The key was answered before: this is what was kept.
    Replayed(Arc<Idempotency>),
}

/// An answer as bytes, made once and kept for repeats.
#[derive(Clone, Debug)]
pub struct Reply {
    /// The HTTP status.
    pub status: u16,
    /// The body.
    pub body: Vec<u8>,
    /// The version for the `ETag`.
    pub etag: Option<i64>,
}

/// Why a submission has no answer.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Unanswered {
    /// The queue is full.
    #[error("too many commands are waiting")]
    Overloaded,
    /// The process is stopping.
    #[error("the process is stopping")]
    Draining,
    /// The store could not take the batch; nothing of this command is stored.
    #[error("{0}")]
    Unavailable(String),
    /// A defect of ours: this command alone failed, nothing of it is stored.
    #[error("{0}")]
    Internal(String),
}

/// An answer to be kept for repeats.
pub struct Kept {
    /// The answer.
    pub reply: Reply,
    /// Its body as it is kept: sealed.
    pub sealed: Vec<u8>,
    /// The card holder under whose key it is sealed, when it repeats their personal data.
    pub subject: Option<CardHolderId>,
}

/// Turns a decision into what is kept of it; `None` when it is not kept.
pub type Keep = Box<dyn Fn(&Decision) -> Option<Kept> + Send>;

/// The wish that a repeat of this request gets the first answer.
pub struct KeepAnswer {
    /// SHA-256 of the key.
    pub key_hash: [u8; 32],
    /// Keyed hash of method, path and parsed content.
    pub fingerprint: [u8; 32],
    /// How long the answer is kept.
    pub retention_seconds: i64,
    /// Makes the answer.
    pub keep: Keep,
}

/// A command on its way through the engine.
pub struct Submission {
    /// The command and who gives it.
    pub request: Request,
    /// The wish to be answered the same when repeated.
    pub idempotency: Option<KeepAnswer>,
    /// All rules, nothing stored.
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
    committed: Commits,
    writable: tokio::sync::watch::Sender<bool>,
}

fn note(known: &tokio::sync::watch::Sender<bool>, writable: bool) {
    let changed = known.send_if_modified(|before| std::mem::replace(before, writable) != writable);
    if changed && writable {
        tracing::info!("the store can be written again");
    }
}

/// How the engine is built.
pub struct Settings {
    /// How many commands a batch takes at the most.
    pub batch: usize,
    /// How many commands may wait.
    pub bounds: Bounds,
    /// About how many bytes of rows stay in memory between batches, where that is possible.
    pub cached_bytes: usize,
    /// Tells the time.
    pub wall: WallClock,
}

impl Engine {
    /// Starts one lane for each store, each on a thread of its own with ids of its own.
    pub fn start(stores: Vec<(Box<dyn Store>, IdGenerator)>, settings: &Settings) -> std::io::Result<Engine> {
        let committed = Commits::default();
        let (writable, _) = tokio::sync::watch::channel(true);
        let mut lanes = Vec::new();
        let mut threads = Vec::new();
        for (number, (store, ids)) in stores.into_iter().enumerate() {
            let queue = Arc::new(Queue::new(settings.bounds));
            let lane = lane::Lane::new(queue.clone(), store, ids, settings, (committed.clone(), writable.clone()));
            threads.push(std::thread::Builder::new().name(format!("engine-{number}")).spawn(move || lane.run())?);
            lanes.push(queue);
        }
        let threads = std::sync::Mutex::new(threads);
        Ok(Engine { shared: Arc::new(Shared { lanes, threads, next: AtomicUsize::new(0), committed, writable }) })
    }

    /// Submits a command and waits for its answer, which is durable when it comes.
    pub async fn submit(&self, priority: Priority, submission: Submission) -> Result<Answer, Unanswered> {
        let lane = self.lane_of(&submission.request);
        let (reply, answer) = oneshot::channel();
        lane.push(priority, Waiting { submission: Box::new(submission), reply })?;
        answer.await.unwrap_or_else(|_| Err(Unanswered::Unavailable("the engine stopped".to_owned())))
    }

    /// Submits background work.
    pub async fn run_background(&self, request: Request) -> Result<Decision, Unanswered> {
        let submission = Submission { request, idempotency: None, dry_run: false };
        match self.submit(Priority::Background, submission).await? {
            Answer::Decided(decision) | Answer::Kept(decision, _) => Ok(decision),
            Answer::Replayed(_) => Err(Unanswered::Internal("background work was replayed".to_owned())),
        }
    }

    fn lane_of(&self, request: &Request) -> &Arc<Queue> {
        let lanes = &self.shared.lanes;
        let number = match request.command.home() {
            Some(home) => home.bytes().iter().fold(0usize, |sum, byte| sum.wrapping_mul(31) + usize::from(*byte)),
            None => self.shared.next.fetch_add(1, Ordering::Relaxed),
        };
        &lanes[number % lanes.len()]
    }

    /// Word of whose events were committed, for the one who passes it on.
    pub fn commits(&self) -> Commits {
        self.shared.committed.clone()
    }

    /// Whether the store took the last commit, or could be written again since.
    pub fn writable(&self) -> tokio::sync::watch::Receiver<bool> {
        self.shared.writable.subscribe()
    }

    /// Takes in whether the store could be written.
    pub fn note_writable(&self, writable: bool) {
        note(&self.shared.writable, writable);
    }

    /// How many commands wait, by priority.
    pub fn waiting(&self) -> [usize; 3] {
        let depths = self.shared.lanes.iter().map(|lane| lane.depths());
        depths.fold([0; 3], |sum, depth| std::array::from_fn(|at| sum[at] + depth[at]))
    }

    /// Takes no more commands, finishes those that wait, and stops the lanes.
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
