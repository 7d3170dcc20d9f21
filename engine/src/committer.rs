//! The second stage of a lane: commits a batch on a thread of its own while the lane decides the next one.
//!
//! The next batch is decided on what the batch before changed, so it counts only if that batch is stored: batches are
//! committed in the order in which they were decided, and when a commit fails, everything decided since is decided again.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;
use std::time::Instant as Stopwatch;

use paygen_core::ids::Id;
use paygen_core::work::Changes;
use paygen_store::{Store, StoreError};

use super::batch::{clients_of, describe};
use super::queue::Queue;
use super::{Answer, Published, Waiting};

/// A batch that was decided and is not stored yet.
pub(super) struct Decided {
    pub(super) waiting: Vec<Waiting>,
    pub(super) answers: Vec<Answer>,
    pub(super) changes: Changes,
    pub(super) batch: Id,
    pub(super) started: Stopwatch,
}

/// A batch that could not be stored.
pub(super) struct Unstored {
    pub(super) waiting: Vec<Waiting>,
    pub(super) error: StoreError,
}

impl Decided {
    /// Commits the batch, then answers its commands.
    pub(super) fn store(mut self, store: &mut dyn Store, published: &Published) -> Result<(), Unstored> {
        let writes = !self.changes.is_empty();
        if writes {
            // A panic is a defect of the store: caught, because otherwise the thread would end unnoticed.
            let commit = AssertUnwindSafe(|| store.commit(&mut self.changes, self.batch));
            let outcome = catch_unwind(commit).unwrap_or_else(|panic| Err(StoreError::Fatal(describe(&*panic))));
            if let Err(error) = outcome {
                return Err(Unstored { waiting: self.waiting, error });
            }
        }
        published.batch(self.waiting.len(), self.started, clients_of(&self.changes), writes);
        answer(self.waiting, self.answers);
        Ok(())
    }
}

/// Sends the answers of a stored batch.
pub(super) fn answer(waiting: Vec<Waiting>, answers: Vec<Answer>) {
    for (waiting, answer) in waiting.into_iter().zip(answers) {
        crate::measures::count(&waiting.submission, &answer);
        // The send fails when the caller no longer waits; the answer is then discarded.
        let _ = waiting.reply.send(Ok(answer));
    }
}

const THREAD_ENDED: &str = "the committing thread has ended";

/// Whether a batch is being committed. When the thread ends, even by a panic, the lane learns of it.
struct Busy {
    is_busy: Arc<AtomicBool>,
    queue: Arc<Queue>,
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.is_busy.store(false, Ordering::Release);
        self.queue.wake();
    }
}

pub(super) struct Committer {
    batches: Option<Sender<Decided>>,
    outcomes: Receiver<Result<(), Unstored>>,
    /// Whether a batch was handed over whose outcome was not taken.
    has_batch: bool,
    is_busy: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Committer {
    /// Starts the thread. It wakes the queue's consumer when a commit has ended.
    pub(super) fn start(
        mut store: Box<dyn Store>,
        queue: Arc<Queue>,
        published: Published,
        name: String,
    ) -> std::io::Result<Committer> {
        let (batches, decided) = channel::<Decided>();
        let (ended, outcomes) = channel();
        let is_busy = Arc::new(AtomicBool::new(false));
        let busy = Busy { is_busy: is_busy.clone(), queue };
        let thread = std::thread::Builder::new().name(name).spawn(move || {
            for batch in decided {
                let outcome = batch.store(&mut *store, &published);
                // Before the outcome can be taken: the lane marks the next batch as soon as it is.
                busy.is_busy.store(false, Ordering::Release);
                if ended.send(outcome).is_err() {
                    return;
                }
                busy.queue.wake();
            }
        })?;
        Ok(Committer { batches: Some(batches), outcomes, has_batch: false, is_busy, thread: Some(thread) })
    }

    /// Whether a batch is being committed.
    pub(super) fn is_busy(&self) -> bool {
        self.is_busy.load(Ordering::Acquire)
    }

    /// Hands a batch over. The outcome of the one before must have been taken.
    pub(super) fn hand_over(&mut self, batch: Decided) {
        self.is_busy.store(true, Ordering::Release);
        self.has_batch = true;
        if self.batches.as_ref().is_none_or(|batches| batches.send(batch).is_err()) {
            super::stop_process(THREAD_ENDED);
        }
    }

    /// Waits until the batch that was handed over is stored.
    pub(super) fn wait(&mut self) -> Result<(), Unstored> {
        if !std::mem::take(&mut self.has_batch) {
            return Ok(());
        }
        let ended = || StoreError::Fatal(THREAD_ENDED.to_owned());
        self.outcomes.recv().unwrap_or_else(|_| Err(Unstored { waiting: Vec::new(), error: ended() }))
    }
}

impl Drop for Committer {
    fn drop(&mut self) {
        drop(self.batches.take());
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("a committing thread panicked");
        }
    }
}
