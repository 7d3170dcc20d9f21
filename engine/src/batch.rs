//! One batch: load the rows, run every command, run again those that missed rows, commit once.
//!
//! With a store that is the only writer, the cached rows are authoritative: each round loads every row that the pending
//! commands missed and runs those commands again. With several nodes on one database, the batch first runs on rows
//! locked in a fixed order. When a command needs more rows, the locks are released, the complete row set is discovered
//! by reading without locks, and the batch restarts with the larger set. Both loops are bounded by `MAX_LOAD_ROUNDS`.

use std::any::Any;
use std::collections::HashSet;
use std::panic::{AssertUnwindSafe, catch_unwind};

use paygen_core::access::Idempotency;
use paygen_core::clock::Clock;
use paygen_core::ids::{ClientId, Id};
use paygen_core::record::Key;
use paygen_core::table::Access;
use paygen_core::time::Instant;
use paygen_core::work::{Changes, KeySet, Work};
use paygen_core::{Refusal, Stop, execute};
use paygen_store::{Load, Store, StoreError};

use super::{Answer, Kept, Submission, Waiting};

/// A command needs only a few loads; more rounds than this mean that it requests rows without end.
const MAX_LOAD_ROUNDS: usize = 64;

/// How often the row set is read without locks before the batch locks what it found.
const MAX_DISCOVERY_ROUNDS: usize = 5;

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
    /// Whether a commit of it found rows that it presumed absent: everything is looked for.
    pub(super) cautious: bool,
    /// Whether the batch was committed; false when it changed nothing.
    pub(super) wrote: bool,
}

impl Batch<'_> {
    /// Runs and commits the batch. Returns the answers, durable and in the order of the commands, and the clients whose
    /// events were committed.
    pub(super) fn run(&mut self, wall: Instant, batch_id: Id) -> Result<(Vec<Answer>, HashSet<ClientId>), StoreError> {
        let answers = if self.store.is_only_writer() { self.decide(wall)? } else { self.decide_under_locks(wall)? };
        let mut changes = self.work.take_changes();
        if changes.is_empty() {
            self.store.abandon();
        } else {
            self.store.commit(&mut changes, batch_id)?;
            self.wrote = true;
        }
        Ok((answers, clients_of(&changes)))
    }

    /// Runs the commands on rows that only this process changes.
    pub(super) fn decide(&mut self, wall: Instant) -> Result<Vec<Answer>, StoreError> {
        self.begin(wall);
        self.finish_rounds(Load::Peek)
    }

    fn decide_under_locks(&mut self, wall: Instant) -> Result<Vec<Answer>, StoreError> {
        self.work.presume(!self.cautious);
        self.work.forget();
        self.begin(wall);
        if self.read_unknown_cards()? {
            self.work.forget();
            self.begin(wall);
        }
        let mut keys = self.work.take_missing();
        for _ in 0..MAX_LOAD_ROUNDS {
            self.store.load(&keys, self.work, Load::Hold)?;
            let mut answers = self.no_answers();
            self.round(&mut answers)?;
            let mut missing = self.work.take_missing();
            let network_references: Vec<_> = self.work.network_references.unproven().collect();
            if missing.is_empty() && network_references.is_empty() {
                return all_answered(answers);
            }
            missing.merge(KeySet { network_references, ..KeySet::default() });
            // The rest is discovered from what is stored.
            self.work.presume(false);
            self.store.abandon();
            keys.merge(self.work.wanted());
            keys.merge(missing);
            keys.merge(self.discover_rows(wall)?);
            self.work.remember_cards();
            self.work.forget();
            self.begin(wall);
            self.work.take_missing();
        }
        Err(endless_loading())
    }

    /// Reads, without locks, the cards of which it is not known which rows go with them. Returns whether there were any.
    fn read_unknown_cards(&mut self) -> Result<bool, StoreError> {
        let mut cards: Vec<_> = self.work.hints.take_unknown().into_iter().map(|key| (key, Access::Shared)).collect();
        if cards.is_empty() {
            return Ok(false);
        }
        cards.sort_unstable_by_key(|(key, _)| *key);
        cards.dedup();
        self.store.load(&KeySet { cards, ..KeySet::default() }, self.work, Load::Peek)?;
        self.work.remember_cards();
        Ok(true)
    }

    /// Every row the batch will need, as far as reading without locks can show.
    ///
    /// Rows read one after another may be inconsistent, because another node can commit in between. A command that
    /// fails on such rows is not defective, so discovery runs again; the rows it requested until then are kept.
    fn discover_rows(&mut self, wall: Instant) -> Result<KeySet, StoreError> {
        let mut found = KeySet::default();
        for _ in 0..MAX_DISCOVERY_ROUNDS {
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
        // A command that is really defective fails again on the locked rows.
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
        for _ in 0..MAX_LOAD_ROUNDS {
            let missing = self.work.take_missing();
            if !missing.is_empty() {
                self.store.load(&missing, self.work, how)?;
            }
            self.round(&mut answers)?;
            if answers.iter().all(Option::is_some) {
                return all_answered(answers);
            }
        }
        Err(endless_loading())
    }

    fn no_answers(&self) -> Vec<Option<Answer>> {
        self.waiting.iter().map(|_| None).collect()
    }

    /// Runs every command without an answer. A command waits while an earlier one with the same home waits.
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

/// The clients whose events a batch contains.
pub(super) fn clients_of(changes: &Changes) -> HashSet<ClientId> {
    changes.appended.events.iter().map(|event| event.client).collect()
}

struct Missing;

/// Runs one command, or returns the answer kept under its idempotency key.
fn perform(work: &mut Work, submission: &Submission) -> Result<Answer, Missing> {
    let request = &submission.request;
    let client = request.context.client;
    let idempotency = submission.idempotency.as_ref().filter(|_| !submission.dry_run);
    if let Some(keep_answer) = idempotency {
        let kept = work.idempotency.get_for_update(Key::hashed(client, &keep_answer.key_hash)).map_err(|_| Missing)?;
        match kept {
            Some(kept) if kept.expires_at > work.wall() && kept.fingerprint == keep_answer.fingerprint => {
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
    let kept = idempotency.and_then(|keep_answer| (keep_answer.keep)(&decision).map(|kept| (keep_answer, kept)));
    let answer = match kept {
        Some((keep_answer, Kept { reply, sealed, subject })) => {
            let wall = work.wall();
            work.idempotency.put(Idempotency {
                client,
                key_hash: keep_answer.key_hash,
                fingerprint: keep_answer.fingerprint,
                status: i64::from(reply.status),
                body: sealed,
                subject,
                etag: reply.etag,
                created_at: wall,
                expires_at: wall.plus_seconds(keep_answer.retention_seconds),
            });
            Answer::Kept(decision, reply)
        }
        None => Answer::Decided(decision),
    };
    work.keep();
    Ok(answer)
}

fn all_answered(answers: Vec<Option<Answer>>) -> Result<Vec<Answer>, StoreError> {
    answers.into_iter().collect::<Option<Vec<Answer>>>().ok_or_else(endless_loading)
}

fn endless_loading() -> StoreError {
    StoreError::CommandFault("a command keeps asking for rows".to_owned())
}

pub(super) fn describe(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "a panic".to_owned())
}
