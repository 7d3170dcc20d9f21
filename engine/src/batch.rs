//! One batch: load, run, run again with what was missing, commit.
//!
//! With a store that is the only writer, rows in memory are the truth: each round loads all that the waiting
//! commands lacked, and runs those again. With several nodes on one database the batch first runs on rows locked
//! in one order; when a command turns out to need more, everything is given up, the rest is found out by reading
//! without locks, and the batch starts again with the larger set.

use std::any::Any;
use std::collections::HashSet;
use std::panic::{AssertUnwindSafe, catch_unwind};

use paygen_core::access::Idempotency;
use paygen_core::clock::Clock;
use paygen_core::ids::{ClientId, Id};
use paygen_core::record::Key;
use paygen_core::table::Access;
use paygen_core::time::Instant;
use paygen_core::work::{KeySet, Work};
use paygen_core::{Refusal, Stop, execute};
use paygen_store::{Load, Store, StoreError};

use super::{Answer, Kept, Submission, Waiting};

/// Loads needed by one command are few; more rounds than this mean that rows are asked for without end.
const ROUNDS: usize = 64;

/// How often rows are looked at without locks until they fit together.
const PEEKS: usize = 5;

/// Why a batch failed as a whole.
pub(super) enum Failed {
    CommandFault(String),
    Unavailable(String),
    Fatal(String),
}

pub(super) struct Batch<'a> {
    pub(super) waiting: &'a [Waiting],
    pub(super) work: &'a mut Work,
    pub(super) store: &'a mut dyn Store,
    /// Whether something was committed.
    pub(super) wrote: bool,
}

impl Batch<'_> {
    /// Runs and commits the batch; the answers are durable and in the order of the commands. Beside them, the clients whose
    /// events were committed.
    pub(super) fn run(&mut self, wall: Instant, batch_id: Id) -> Result<(Vec<Answer>, HashSet<ClientId>), StoreError> {
        let answers = if self.store.is_only_writer() { self.decide(wall)? } else { self.decide_under_locks(wall)? };
        if self.work.has_changes() {
            self.store.commit(self.work, batch_id)?;
            self.wrote = true;
        } else {
            self.store.abandon();
        }
        let clients = self.work.appended.events.iter().map(|event| event.client).collect();
        self.work.mark_stored();
        Ok((answers, clients))
    }

    fn decide(&mut self, wall: Instant) -> Result<Vec<Answer>, StoreError> {
        self.begin(wall);
        self.finish_rounds(Load::Peek)
    }

    fn decide_under_locks(&mut self, wall: Instant) -> Result<Vec<Answer>, StoreError> {
        self.work.forget();
        self.begin(wall);
        let mut keys = self.work.take_missing();
        for _ in 0..ROUNDS {
            self.store.load(&keys, self.work, Load::Hold)?;
            let mut answers = self.no_answers();
            self.round(&mut answers)?;
            let missing = self.work.take_missing();
            if missing.is_empty() {
                return all(answers);
            }
            self.store.abandon();
            keys.merge(self.work.wanted());
            keys.merge(missing);
            keys.merge(self.find_out(wall)?);
            self.work.forget();
            self.begin(wall);
            self.work.take_missing();
        }
        Err(endless())
    }

    /// Everything the batch will need, as far as reading without locks can tell.
    ///
    /// Rows that are read one after another need not fit together: another node may commit in between. A command that
    /// trips over that is no defect, so it is looked again; what it asked for until then is known.
    fn find_out(&mut self, wall: Instant) -> Result<KeySet, StoreError> {
        let mut found = KeySet::default();
        for _ in 0..PEEKS {
            self.work.forget();
            self.begin(wall);
            let outcome = self.finish_rounds(Load::Peek);
            found.merge(self.work.wanted());
            match outcome {
                Ok(_) => break,
                Err(StoreError::CommandFault(_)) => self.work.roll_back(),
                Err(error) => return Err(error),
            }
        }
        // Whether a command is at fault shows on the locked rows.
        Ok(found)
    }

    fn begin(&mut self, wall: Instant) {
        self.work.begin_batch(wall);
        self.work.clock.prefetch(Clock::singleton_key(), Access::Shared);
        for Waiting { submission, .. } in self.waiting {
            let context = &submission.request.context;
            submission.request.command.prefetch(self.work, context);
            if let Some(idempotency) = &submission.idempotency {
                let key = Key::hashed(context.client, &idempotency.key_hash);
                self.work.idempotency.prefetch(key, Access::Exclusive);
            }
        }
    }

    fn finish_rounds(&mut self, how: Load) -> Result<Vec<Answer>, StoreError> {
        let mut answers = self.no_answers();
        for _ in 0..ROUNDS {
            let missing = self.work.take_missing();
            if !missing.is_empty() {
                self.store.load(&missing, self.work, how)?;
            }
            self.round(&mut answers)?;
            if answers.iter().all(Option::is_some) {
                return all(answers);
            }
        }
        Err(endless())
    }

    fn no_answers(&self) -> Vec<Option<Answer>> {
        self.waiting.iter().map(|_| None).collect()
    }

    /// Runs every command that has no answer yet; one waits while an earlier one with the same home waits.
    fn round(&mut self, answers: &mut [Option<Answer>]) -> Result<(), StoreError> {
        let mut blocked = HashSet::new();
        for (waiting, answer) in self.waiting.iter().zip(answers) {
            let home = waiting.submission.request.command.home();
            if answer.is_some() || home.is_some_and(|home| blocked.contains(&home)) {
                continue;
            }
            match catch_unwind(AssertUnwindSafe(|| perform(self.work, &waiting.submission))) {
                Ok(Ok(done)) => *answer = Some(done),
                Ok(Err(_missing)) => blocked.extend(home),
                Err(panic) => return Err(StoreError::CommandFault(describe(&*panic))),
            }
        }
        Ok(())
    }
}

struct Missing;

/// Runs one command, or finds the answer kept from the first time.
fn perform(work: &mut Work, submission: &Submission) -> Result<Answer, Missing> {
    let request = &submission.request;
    let client = request.context.client;
    let idempotency = submission.idempotency.as_ref().filter(|_| !submission.dry_run);
    if let Some(wish) = idempotency {
        let kept = work.idempotency.get_for_update(Key::hashed(client, &wish.key_hash)).map_err(|_| Missing)?;
        match kept {
            Some(kept) if kept.expires_at > work.wall() && kept.fingerprint == wish.fingerprint => {
                return Ok(Answer::Replayed(kept));
            }
            Some(kept) if kept.expires_at > work.wall() => {
                return Ok(Answer::Decided(Err(Refusal::IdempotencyKeyReused)));
            }
            _ => {}
        }
    }
    let decision = match execute(work, request) {
        Ok(outcome) => Ok(outcome),
        Err(Stop::Refused(refusal)) => Err(refusal),
        Err(Stop::Missing) => return Err(Missing),
    };
    if submission.dry_run {
        work.roll_back_dry_run();
        return Ok(Answer::Decided(decision));
    }
    let kept = idempotency.and_then(|wish| (wish.keep)(&decision).map(|kept| (wish, kept)));
    let answer = match kept {
        Some((wish, Kept { reply, sealed, subject })) => {
            let wall = work.wall();
            work.idempotency.put(Idempotency {
                client,
                key_hash: wish.key_hash,
                fingerprint: wish.fingerprint,
                status: i64::from(reply.status),
                body: sealed,
                subject,
                etag: reply.etag,
                created_at: wall,
                expires_at: wall.plus_seconds(wish.retention_seconds),
            });
            Answer::Kept(decision, reply)
        }
        None => Answer::Decided(decision),
    };
    work.keep();
    Ok(answer)
}

fn all(answers: Vec<Option<Answer>>) -> Result<Vec<Answer>, StoreError> {
    answers.into_iter().collect::<Option<Vec<Answer>>>().ok_or_else(endless)
}

fn endless() -> StoreError {
    StoreError::CommandFault("a command keeps asking for rows".to_owned())
}

pub(super) fn describe(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "a panic".to_owned())
}
