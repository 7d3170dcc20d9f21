//! A lane: one thread with a store, a working set and a queue. It runs batches until the queue is closed and empty.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant as Stopwatch};

use paygen_core::ids::IdGenerator;
use paygen_core::time::Instant;
use paygen_core::work::Work;
use paygen_store::{Store, StoreError};

use super::batch::{Batch, Failed, describe};
use super::queue::Queue;
use super::{Commits, Settings, Unanswered, Waiting};

/// Returns wall time.
pub type WallClock = Arc<dyn Fn() -> Instant + Send + Sync>;

/// How often a batch is retried when other nodes' commits conflict with it.
const MAX_CONFLICTS: u32 = 20;

pub(super) struct Lane {
    queue: Arc<Queue>,
    store: Box<dyn Store>,
    work: Work,
    batch: usize,
    cached_bytes: usize,
    wall: WallClock,
    ids: IdGenerator,
    committed: Commits,
    writable: tokio::sync::watch::Sender<bool>,
}

impl Lane {
    pub(super) fn new(
        queue: Arc<Queue>,
        store: Box<dyn Store>,
        ids: IdGenerator,
        settings: &Settings,
        (committed, writable): (Commits, tokio::sync::watch::Sender<bool>),
    ) -> Lane {
        Lane {
            queue,
            store,
            work: Work::new(ids.clone()),
            batch: settings.batch,
            cached_bytes: settings.cached_bytes,
            wall: settings.wall.clone(),
            ids: ids.split(),
            committed,
            writable,
        }
    }

    pub(super) fn run(mut self) {
        while let Some(waiting) = self.queue.take(self.batch) {
            metrics::histogram!("paygen_engine_batch_commands").record(waiting.len() as f64);
            self.serve(waiting);
            self.work.evict_transient();
            if let Some(forgotten) = self.work.evict_to_budget(self.cached_bytes) {
                // When no thread can be started, the closure, and with it the rows, is dropped here.
                let _ = std::thread::Builder::new().name("forget".to_owned()).spawn(move || drop(forgotten));
            }
        }
    }

    fn serve(&mut self, waiting: Vec<Waiting>) {
        match self.attempt(&waiting) {
            Ok(answers) => answer(waiting, answers),
            Err(Failed::CommandFault(_)) if waiting.len() > 1 => {
                // One command of the batch fails for a reason no rule foresees. Run one by one, only that command
                // fails.
                for one in waiting {
                    self.serve(vec![one]);
                }
            }
            Err(Failed::CommandFault(why)) => {
                let what = waiting.first().map_or("", |waiting| waiting.submission.request.command.name());
                tracing::error!(command = what, error = %why, "a command failed because of a defect");
                refuse(waiting, &Unanswered::Internal(why));
            }
            Err(Failed::Unavailable(why)) => {
                tracing::error!(error = %why, commands = waiting.len(), "a batch could not be stored");
                refuse(waiting, &Unanswered::Unavailable(why));
            }
            Err(Failed::Fatal(why)) => {
                refuse(waiting, &Unanswered::Unavailable(why.clone()));
                super::stop_process(&why);
            }
        }
    }

    fn attempt(&mut self, waiting: &[Waiting]) -> Result<Vec<super::Answer>, Failed> {
        let wall = (self.wall)();
        let mut conflicts = 0;
        loop {
            let batch_id = self.ids.next(wall);
            let started = Stopwatch::now();
            let cautious = conflicts > 0;
            let mut batch = Batch { waiting, work: &mut self.work, store: &mut *self.store, cautious, wrote: false };
            // A panic outside a command is a defect of the store: caught, because otherwise the lane's thread would end
            // unnoticed.
            let outcome = catch_unwind(AssertUnwindSafe(|| batch.run(wall, batch_id)))
                .unwrap_or_else(|panic| Err(StoreError::Fatal(describe(&*panic))));
            let wrote = batch.wrote;
            if outcome.is_err() {
                self.store.abandon();
                self.work.forget();
            }
            match outcome {
                Ok((answers, clients)) => {
                    metrics::histogram!("paygen_engine_batch_seconds").record(started.elapsed().as_secs_f64());
                    self.committed.add(clients);
                    if wrote {
                        super::publish_writable(&self.writable, true);
                    }
                    return Ok(answers);
                }
                Err(StoreError::Conflict(why)) => {
                    conflicts += 1;
                    metrics::counter!("paygen_engine_conflicts_total").increment(1);
                    if conflicts >= MAX_CONFLICTS {
                        return Err(Failed::Unavailable(format!("other writers were in the way: {why}")));
                    }
                    std::thread::sleep(Duration::from_millis(u64::from(conflicts.min(10))));
                }
                Err(StoreError::CommandFault(why)) => return Err(Failed::CommandFault(why)),
                Err(StoreError::Fatal(why)) => return Err(Failed::Fatal(why)),
                Err(error) => {
                    super::publish_writable(&self.writable, false);
                    return Err(Failed::Unavailable(error.to_string()));
                }
            }
        }
    }
}

fn answer(waiting: Vec<Waiting>, answers: Vec<super::Answer>) {
    for (waiting, answer) in waiting.into_iter().zip(answers) {
        crate::measures::count(&waiting.submission, &answer);
        // The send fails when the caller no longer waits; the answer is then discarded.
        let _ = waiting.reply.send(Ok(answer));
    }
}

fn refuse(waiting: Vec<Waiting>, why: &Unanswered) {
    for waiting in waiting {
        let _ = waiting.reply.send(Err(why.clone()));
    }
}
