//! The seeded simulation on the real engine and the real stores: thousands of commands of all kinds from many clients,
//! several of one client in one batch, batches that fail before and after their commit, replays of answered commands.
//!
//! With one lane a seed reproduces a run: waiting commands are taken as one batch, and time stands still except for the
//! test clock. `PAYGEN_SIMULATION_SEED=n` sets the seed, `PAYGEN_SIMULATION_STEPS=n` the rounds of a run, and
//! `PAYGEN_SIMULATION_SEEDS=n` tries that many seeds in sequence.

use std::collections::HashMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::Poll;
use std::time::Duration;

use futures_util::future::maybe_done;
use paygen_core::clock::AdvanceClock;
use paygen_core::ids::{ClientId, Id, IdGenerator, TransferId};
use paygen_core::ledger::Verifier;
use paygen_core::testing::simulation::{Dice, Simulation, WALL};
use paygen_core::transfers::ReverseTransfer;
use paygen_core::work::{Changes, Context, KeySet, Work};
use paygen_core::{Command, Request};
use paygen_engine::{
    Answer, Bounds, Decision, Engine, KeepAnswer, Kept, Priority, Reply, Settings, Submission, Unanswered,
};
use paygen_store::{Database, Load, Store, StoreError, Target};

use crate::world::{Backend, World};

const CLIENTS: u64 = 16;
const ROUNDS: u64 = 500;
/// Rounds between two verifications of the whole ledger.
const VERIFIED: u64 = 100;

/// The fate of the next commit.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Fault {
    /// The process dies before it: nothing is stored.
    Before,
    /// The process dies after it: everything is stored, nobody was answered.
    After,
    /// Another writer conflicted.
    Conflict,
}

#[derive(Default)]
struct Seen {
    committed: Vec<Changes>,
    fault: Option<Fault>,
    /// The number of loads and commits, and their duration.
    loads: (u32, Duration),
    commits: (u32, Duration),
}

/// A store whose commits are recorded, and fail as scripted.
struct Watched {
    inner: Box<dyn Store>,
    seen: Arc<Mutex<Seen>>,
}

impl Store for Watched {
    fn is_only_writer(&self) -> bool {
        self.inner.is_only_writer()
    }

    fn load(&mut self, keys: &KeySet, work: &mut Work, how: Load) -> Result<(), StoreError> {
        let begun = std::time::Instant::now();
        let loaded = self.inner.load(keys, work, how);
        let loads = &mut lock(&self.seen).loads;
        *loads = (loads.0 + 1, loads.1 + begun.elapsed());
        loaded
    }

    fn commit(&mut self, changes: &mut Changes, batch: Id) -> Result<(), StoreError> {
        // Held through the commit, so that commits are recorded in their order.
        let mut seen = lock(&self.seen);
        let fault = seen.fault.take();
        let failed = || StoreError::Unavailable("the process died".to_owned());
        match fault {
            Some(Fault::Before) => return Err(failed()),
            Some(Fault::Conflict) => return Err(StoreError::Conflict("another writer".to_owned())),
            Some(Fault::After) | None => {}
        }
        let committed = changes.clone();
        let begun = std::time::Instant::now();
        self.inner.commit(changes, batch)?;
        seen.commits = (seen.commits.0 + 1, seen.commits.1 + begun.elapsed());
        seen.committed.push(committed);
        if fault.is_some() { Err(failed()) } else { Ok(()) }
    }

    fn abandon(&mut self) {
        self.inner.abandon();
    }
}

fn lock<T>(shared: &Mutex<T>) -> MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(|poison| poison.into_inner())
}

/// A command with the key under which its answer is kept.
#[derive(Clone)]
struct Sent {
    by: usize,
    key: [u8; 32],
    command: Command,
}

type Decisions = Arc<Mutex<HashMap<[u8; 32], Decision>>>;

struct Run {
    target: Target,
    lanes: usize,
    database: Database,
    engine: Engine,
    gate: Arc<AtomicBool>,
    seen: Arc<Mutex<Seen>>,
    /// The answer of each key.
    decisions: Decisions,
    opened: u32,
    keys: u64,
    dice: Dice,
    simulations: Vec<Simulation>,
    sent: Vec<Sent>,
    counted: (u64, u64),
}

impl Run {
    async fn new(seed: u64, target: Target, lanes: usize) -> Run {
        let (gate, seen) = (Arc::new(AtomicBool::new(false)), Arc::default());
        let (database, engine) = open(&target, lanes, &gate, &seen, 0).await;
        let client = |number: u64| {
            let [a, b] = [number.to_be_bytes()[7], 1];
            ClientId(Id::from_bytes([b, a, 0, 0, 0, 0, 0, 0, 0, 0, 0, a]))
        };
        let simulations = (0..CLIENTS).map(|number| Simulation::new(seed * 1_000 + number, client(number))).collect();
        let (decisions, dice) = (Decisions::default(), Dice(seed));
        Run {
            target,
            lanes,
            database,
            engine,
            gate,
            seen,
            decisions,
            opened: 0,
            keys: 0,
            dice,
            simulations,
            sent: Vec::new(),
            counted: (0, 0),
        }
    }

    /// Stops the engine, as a process ends, and starts another one on the same database.
    async fn reopen(self) -> Run {
        self.engine.drain().await;
        drop((self.engine, self.database));
        let opened = self.opened + 1;
        let (database, engine) = open(&self.target, self.lanes, &self.gate, &self.seen, opened).await;
        Run { database, engine, opened, ..self }
    }

    fn submission(&self, Sent { by, key, command }: &Sent) -> Submission {
        let context = Context::system(self.simulations[*by].client(), "");
        let (decisions, key) = (self.decisions.clone(), *key);
        let keep = move |decision: &Decision| {
            lock(&decisions).insert(key, decision.clone());
            let body = format!("{decision:?}").into_bytes();
            Some(Kept { reply: Reply { status: 200, body: body.clone(), etag: None }, sealed: body, subject: None })
        };
        let idempotency =
            KeepAnswer { key_hash: key, fingerprint: [1; 32], retention_seconds: 3_600, keep: Box::new(keep) };
        let request = Request::new(context, command.clone());
        Submission { request, idempotency: Some(idempotency), dry_run: false }
    }

    /// Submits everything at once, so that it waits as one batch, and returns the answers.
    async fn burst(&self, all: &[Sent]) -> Vec<Result<Answer, Unanswered>> {
        let mut calls = Vec::new();
        // A command that changes nothing keeps the lane busy until the others wait.
        let nothing = Command::ReverseTransfer(ReverseTransfer {
            id: TransferId(Id::from_bytes([0; 12])),
            amount: None,
            reason: None,
        });
        let request = Request::new(Context::system(self.simulations[0].client(), ""), nothing);
        let first = self.engine.submit(Priority::Api, Submission { request, idempotency: None, dry_run: true });
        let mut first = Box::pin(maybe_done(first));
        self.gate.store(true, Ordering::SeqCst);
        begin(&mut first).await;
        while self.engine.waiting() != [0; 3] {
            tokio::task::yield_now().await;
        }
        for sent in all {
            let mut call = Box::pin(maybe_done(self.engine.submit(priority(&sent.command), self.submission(sent))));
            begin(&mut call).await;
            calls.push(call);
        }
        self.gate.store(false, Ordering::SeqCst);
        first.as_mut().await;
        let mut answers = Vec::new();
        for mut call in calls {
            call.as_mut().await;
            answers.push(call.as_mut().take_output().expect("an answer"));
        }
        answers
    }

    /// The commands of each client in a round: one, or several at once; sometimes a repeat of an earlier one, or the
    /// same one twice.
    fn draw(&mut self) -> Vec<Sent> {
        let mut round = Vec::new();
        for by in 0..self.simulations.len() {
            let several = if self.dice.one_in(2) { 1 } else { 2 + self.dice.below(6) };
            for _ in 0..several {
                self.keys += 1;
                let mut key = [0; 32];
                key[..8].copy_from_slice(&self.keys.to_be_bytes());
                let sent = Sent { by, key, command: self.simulations[by].draw() };
                // With several lanes both would be decided, and the one that commits second would be decided again.
                if self.lanes == 1 && self.dice.one_in(20) {
                    round.push(sent.clone());
                }
                round.push(sent);
            }
        }
        for _ in 0..self.dice.below(3) {
            let back = usize::try_from(self.dice.below(200)).expect("small") + 1;
            round.extend(self.sent.len().checked_sub(back).map(|at| self.sent[at].clone()));
        }
        round
    }

    async fn round(mut self) -> Run {
        if self.dice.one_in(30) {
            self.advance().await;
        }
        let round = self.draw();
        let fault = match self.dice.below(40) {
            0..=3 => Some(Fault::Before),
            4..=5 => Some(Fault::After),
            6..=8 => Some(Fault::Conflict),
            _ => None,
        };
        lock(&self.seen).fault = fault;
        let mut waiting: Vec<Sent> = round.clone();
        let mut answered: HashMap<[u8; 32], String> = HashMap::new();
        while !waiting.is_empty() {
            let answers = self.burst(&waiting).await;
            let mut again = Vec::new();
            for (sent, answer) in waiting.into_iter().zip(answers) {
                let text = match answer {
                    Ok(Answer::Kept(decision, _)) => format!("{decision:?}"),
                    Ok(Answer::Replayed(kept)) => String::from_utf8(kept.body.clone()).expect("text"),
                    Ok(Answer::Decided(decision)) => panic!("the answer was not kept: {decision:?}"),
                    Err(Unanswered::Unavailable(_)) => {
                        again.push(sent);
                        continue;
                    }
                    Err(other) => panic!("{other:?}: {:?}", sent.command),
                };
                let first = lock(&self.decisions).get(&sent.key).map(|decision| format!("{decision:?}"));
                assert_eq!(Some(&text), first.as_ref(), "a repeat tells the same: {:?}", sent.command);
                let known = answered.insert(sent.key, text.clone());
                assert!(known.is_none_or(|known| known == text), "twice the same: {:?}", sent.command);
            }
            assert!(again.is_empty() || fault.is_some(), "nothing failed");
            if !again.is_empty() && fault == Some(Fault::After) {
                self = self.reopen().await;
            }
            waiting = again;
        }
        lock(&self.seen).fault = None;
        self.settle(round);
        if self.dice.one_in(60) { self.reopen().await } else { self }
    }

    /// Records the outcome of each client's commands, and checks it.
    fn settle(&mut self, round: Vec<Sent>) {
        let committed = std::mem::take(&mut lock(&self.seen).committed);
        for simulation in &mut self.simulations {
            committed.iter().for_each(|committed| simulation.learn(committed));
        }
        let known = self.sent.len().saturating_sub(400);
        let mut noted: Vec<[u8; 32]> = self.sent[known..].iter().map(|sent| sent.key).collect();
        for sent in round {
            if noted.contains(&sent.key) {
                continue;
            }
            noted.push(sent.key);
            let decision = lock(&self.decisions).get(&sent.key).cloned().expect("an answer");
            let outcome = decision.as_ref().ok();
            self.counted.0 += 1;
            self.counted.1 += u64::from(outcome.is_some());
            self.simulations[sent.by].note(sent.command.clone(), outcome);
            self.sent.push(sent);
        }
        self.simulations.iter_mut().for_each(Simulation::check);
    }

    async fn advance(&mut self) {
        let to = self.simulations[0].now().plus_seconds(i64::try_from(self.dice.below(40_000)).expect("small"));
        let command = Command::AdvanceClock(AdvanceClock { to, offset: None, strict: true });
        let request = Request::new(Context::system(self.simulations[0].client(), ""), command);
        self.engine.run_background(request).await.expect("an answer").expect("the clock moves");
        self.settle(Vec::new());
    }

    async fn verify(&self) {
        let report = self.database.verify_ledger(Verifier::default()).await.expect("the ledger is read");
        assert!(report.is_clean() && report.entries > 0, "{report:?}");
    }

    /// The store contains exactly what was committed.
    async fn compare(&self) {
        let mut keys = KeySet::default();
        self.simulations.iter().for_each(|simulation| keys.merge(simulation.keys()));
        let mut store = self.database.store().await.expect("a store");
        let load = move || {
            let mut work = Work::new(IdGenerator::new([9; 5], 0));
            store.load(&keys, &mut work, Load::Peek).expect("a load");
            work
        };
        let stored = tokio::task::spawn_blocking(load).await.expect("the load ran");
        for simulation in &self.simulations {
            simulation.check_all();
            simulation.assert_stored(&stored);
        }
    }
}

/// Polls a call once: afterwards it is in its queue, or already answered where no gate holds the lanes.
async fn begin<F: Future + Unpin>(call: &mut F) {
    std::future::poll_fn(|context| {
        let _ = Pin::new(&mut *call).poll(context);
        Poll::Ready(())
    })
    .await;
}

fn priority(command: &Command) -> Priority {
    match command {
        Command::Authorize(_) | Command::Clear(_) | Command::ReverseByReference(_) => Priority::Network,
        Command::ExpireAuthorization(_) => Priority::Background,
        _ => Priority::Api,
    }
}

async fn open(
    target: &Target,
    lanes: usize,
    gate: &Arc<AtomicBool>,
    seen: &Arc<Mutex<Seen>>,
    opened: u32,
) -> (Database, Engine) {
    let database = Database::open(target).await.expect("the database opens");
    let mut stores: Vec<(Box<dyn Store>, IdGenerator)> = Vec::new();
    for lane in 0..lanes {
        let [a, b, c, d] = opened.to_be_bytes();
        let lane = 100 + u8::try_from(lane).expect("few");
        let watched = Watched { inner: database.store().await.expect("a store"), seen: seen.clone() };
        stores.push((Box::new(watched), IdGenerator::new([lane, a, b, c, d], 0)));
    }
    let gate = if lanes == 1 { gate.clone() } else { Arc::default() };
    let wall = move || {
        while gate.load(Ordering::SeqCst) {
            std::thread::yield_now();
        }
        WALL
    };
    // Few rows stay cached, so that most are read again.
    let settings = Settings { batch: 256, bounds: Bounds::default(), cached_bytes: 200_000, wall: Arc::new(wall) };
    (database, Engine::start(stores, &settings).expect("the engine starts"))
}

/// Prints the seed when a check fails.
struct Told {
    seed: u64,
    round: u64,
}

impl Drop for Told {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("round {}: repeat with PAYGEN_SIMULATION_SEED={}", self.round, self.seed);
        }
    }
}

async fn simulate(backend: Backend, lanes: usize, seed: u64, rounds: u64) {
    let set = |name| std::env::var(name).ok().map(|text| text.parse::<u64>().expect("a number"));
    let first = set("PAYGEN_SIMULATION_SEED").unwrap_or(seed);
    let rounds = set("PAYGEN_SIMULATION_STEPS").unwrap_or(rounds);
    for seed in first..first + set("PAYGEN_SIMULATION_SEEDS").unwrap_or(1) {
        simulate_seed(backend, lanes, seed, rounds).await;
    }
}

async fn simulate_seed(backend: Backend, lanes: usize, seed: u64, rounds: u64) {
    let world = World::new(backend).await;
    let target = match &world.database_url {
        Some(url) => Target::Postgres(url.clone()),
        None => Target::Sqlite(world.dir.path().join("simulation.sqlite")),
    };
    let mut run = Run::new(seed, target, lanes).await;
    let mut received = Told { seed, round: 0 };
    let begun = std::time::Instant::now();
    for round in 1..=rounds {
        received.round = round;
        run = run.round().await;
        if round % VERIFIED == 0 {
            run.verify().await;
        }
    }
    run.verify().await;
    run.compare().await;
    let (commands, done) = run.counted;
    let (loads, commits) = {
        let seen = lock(&run.seen);
        (seen.loads, seen.commits)
    };
    println!("{backend:?}, {lanes} lanes: {commands} commands, {done} not refused, {:?}", begun.elapsed());
    println!("loads {loads:?}, commits {commits:?}");
    // A batch in which a command requests rows without end is run again one command at a time.
    assert!(lanes > 1 || u64::from(commits.0) <= rounds + rounds / 4 + 5, "batches were taken apart");
    run.engine.drain().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_happens_the_rules_hold_on_sqlite() {
    simulate(Backend::Sqlite, 1, 1, ROUNDS).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_happens_the_rules_hold_on_postgres() {
    simulate(Backend::Postgres, 1, 2, ROUNDS).await;
}

/// Two lanes take from the same clients at once; here a seed reproduces the commands, but not their order.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_happens_the_rules_hold_with_two_lanes() {
    simulate(Backend::Postgres, 2, 3, ROUNDS / 4).await;
}
