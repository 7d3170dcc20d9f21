//! A lane: one thread with a store, a working set and a queue. It runs batches until the queue is closed and empty.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant as Stopwatch};

use paygen_core::ids::IdGenerator;
use paygen_core::time::Instant;
use paygen_core::work::Work;
use paygen_store::{Store, StoreError};

use super::batch::{Batch, Failed, describe};
use super::committer::{Committer, Decided, Unstored, answer};
use super::queue::{Queue, Room};
use super::{Published, Settings, Unanswered, Waiting};

/// Returns wall time.
pub type WallClock = Arc<dyn Fn() -> Instant + Send + Sync>;

/// How often a batch is retried when other nodes' commits conflict with it.
const MAX_CONFLICTS: u32 = 20;

/// A batch of this size is committed on the other thread even if nothing else is waiting yet.
const HANDED_OVER_FROM: usize = 8;

pub(super) struct Lane {
    queue: Arc<Queue>,
    store: Box<dyn Store>,
    /// Commits beside the lane, if the store can do that.
    committer: Option<Committer>,
    work: Work,
    batch: usize,
    cached_bytes: usize,
    wall: WallClock,
    ids: IdGenerator,
    published: Published,
}

impl Lane {
    pub(super) fn new(
        queue: Arc<Queue>,
        (store, committer): (Box<dyn Store>, Option<Committer>),
        (work, ids): (Work, IdGenerator),
        settings: &Settings,
        published: Published,
    ) -> Lane {
        Lane {
            queue,
            store,
            committer,
            work,
            batch: settings.batch,
            cached_bytes: settings.cached_bytes,
            wall: settings.wall.clone(),
            ids: ids.split(),
            published,
        }
    }

    pub(super) fn run(mut self) {
        while let Some((waiting, room)) = self.take() {
            match self.committer.take() {
                Some(mut committer) => {
                    self.serve_in_two_stages(&mut committer, waiting, room);
                    self.committer = Some(committer);
                }
                None => self.serve(waiting),
            }
            self.work.evict_transient();
            if let Some(forgotten) = self.work.evict_to_budget(self.cached_bytes) {
                // When no thread can be started, the closure, and with it the rows, is dropped here.
                let _ = std::thread::Builder::new().name("forget".to_owned()).spawn(move || drop(forgotten));
            }
        }
    }

    /// Waits for commands; meanwhile a commit may fail. Returns also the room that is left for more.
    fn take(&mut self) -> Option<(Vec<Waiting>, Room)> {
        let mut room = Room::beside_a_commit(self.batch);
        if let Some(committer) = &mut self.committer {
            let arrived = self.queue.take_while(|| committer.is_busy(), &mut room);
            if let Some(arrived) = arrived {
                return Some((arrived, room));
            }
            if let Err(unstored) = committer.wait() {
                self.fail(unstored);
            }
        }
        // No commit is under way, so nothing is added to this batch.
        self.queue.take(self.batch).map(|waiting| (waiting, room))
    }

    /// Decides commands, and more as they arrive, while the batch before is being committed; then has them committed.
    fn serve_in_two_stages(&mut self, committer: &mut Committer, mut next: Vec<Waiting>, mut room: Room) {
        let started = Stopwatch::now();
        let (mut waiting, mut answers) = (Vec::new(), Vec::new());
        let decided = loop {
            let decided = self.decide(&next);
            waiting.append(&mut next);
            match decided {
                Ok(decided) => answers.extend(decided),
                Err(_) => break false,
            }
            match self.queue.take_while(|| committer.is_busy(), &mut room) {
                Some(more) => next = more,
                None => break true,
            }
        };
        if let Err(unstored) = committer.wait() {
            // This batch was decided on changes that do not exist.
            self.fail(unstored);
            return self.serve(waiting);
        }
        if !decided {
            self.work.forget();
            return self.serve(waiting);
        }
        let batch = self.ids.next((self.wall)());
        let decided = Decided { waiting, answers, changes: self.work.take_changes(), batch, started };
        if decided.waiting.len() >= HANDED_OVER_FROM || !self.queue.is_empty() {
            committer.hand_over(decided);
        } else if let Err(unstored) = decided.store(&mut *self.store, &self.published) {
            self.fail(unstored);
        }
    }

    /// Runs commands on top of what is in memory.
    fn decide(&mut self, waiting: &[Waiting]) -> Result<Vec<super::Answer>, StoreError> {
        let wall = (self.wall)();
        let mut batch = Batch { waiting, work: &mut self.work, store: &mut *self.store, cautious: false, wrote: false };
        catch_unwind(AssertUnwindSafe(|| batch.decide(wall)))
            .unwrap_or_else(|panic| Err(StoreError::Fatal(describe(&*panic))))
    }

    /// Drops what was decided since the failed batch, and answers the batch.
    fn fail(&mut self, unstored: Unstored) {
        self.work.forget();
        let failed = self.what_failed(unstored.error);
        self.settle(unstored.waiting, Err(failed));
    }

    fn serve(&mut self, waiting: Vec<Waiting>) {
        let outcome = self.attempt(&waiting);
        self.settle(waiting, outcome);
    }

    fn settle(&mut self, waiting: Vec<Waiting>, outcome: Result<Vec<super::Answer>, Failed>) {
        match outcome {
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
                    self.published.batch(waiting.len(), started, clients, wrote);
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
                Err(error) => return Err(self.what_failed(error)),
            }
        }
    }

    fn what_failed(&self, error: StoreError) -> Failed {
        match error {
            StoreError::CommandFault(why) => Failed::CommandFault(why),
            StoreError::Fatal(why) => Failed::Fatal(why),
            error => {
                super::publish_writable(&self.published.writable, false);
                Failed::Unavailable(error.to_string())
            }
        }
    }
}

fn refuse(waiting: Vec<Waiting>, why: &Unanswered) {
    for waiting in waiting {
        let _ = waiting.reply.send(Err(why.clone()));
    }
}
