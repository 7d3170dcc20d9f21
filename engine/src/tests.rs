//! The engine on a store that fails as scripted.

use std::collections::HashMap;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};

use paygen_core::access::Idempotency;
use paygen_core::accounts::CreateAccount;
use paygen_core::authorizations::Authorize;
use paygen_core::ids::{AccountId, CardHolderId, CardId, ClientId, Id, IdGenerator, ProgramId};
use paygen_core::messages::{
    AuthorizationType, Channel, Links, Match, Merchant, NetworkRequest, Presented, RequestedAmount, ThreeDs, Trace,
};
use paygen_core::money::{Category, Currency, Decimal};
use paygen_core::record::{Key, Record};
use paygen_core::table::{Access, Change};
use paygen_core::testing::a_new_account;
use paygen_core::time::Instant;
use paygen_core::transfers::CreateTransfer;
use paygen_core::work::{Changes, Context, KeySet, Work};
use paygen_core::{Command, Outcome, Refusal, Request};
use paygen_store::{Load, Store, StoreError};

use super::{Answer, Bounds, Engine, KeepAnswer, Kept, Priority, Reply, Settings, Submission, Unanswered};

/// A store that keeps only idempotency answers: every other row is absent until a command creates it in the working
/// set.
#[derive(Default)]
struct Scripted {
    answers: HashMap<Key, Idempotency>,
    /// The results of the next commits; success when the list is empty.
    commits: Arc<Mutex<Vec<StoreError>>>,
    /// When set, each commit waits for a message here.
    gate: Option<Receiver<()>>,
    /// Whether other writers use its database.
    is_shared: bool,
    /// How many network references each load looked for.
    looked_for: Arc<Mutex<Vec<usize>>>,
    /// When set, receives a message when a commit begins.
    entered: Option<tokio::sync::mpsc::UnboundedSender<()>>,
    /// When set, commits on another thread.
    second: Mutex<Option<Box<Scripted>>>,
}

impl Store for Scripted {
    fn is_only_writer(&self) -> bool {
        !self.is_shared
    }

    fn load(&mut self, keys: &KeySet, work: &mut Work, _: Load) -> Result<(), StoreError> {
        let mut asked = keys.clone();
        asked.merge(work.take_missing());
        self.looked_for.lock().expect("the loads").push(asked.network_references.len());
        macro_rules! absent {
            ($($field:ident: $record:ty),* $(,)?) => {
                $(for (key, _) in &asked.$field {
                    work.$field.load(*key, None, Access::Exclusive);
                })*
            };
        }
        paygen_core::for_each_table!(absent);
        for (key, _) in &asked.idempotency {
            work.idempotency.load(*key, self.answers.get(key).cloned(), Access::Exclusive);
        }
        Ok(())
    }

    fn commit(&mut self, changes: &mut Changes, _: Id) -> Result<(), StoreError> {
        if let Some(entered) = &self.entered {
            let _ = entered.send(());
        }
        if let Some(gate) = &self.gate {
            let _ = gate.recv();
        }
        let named = |name: &str| {
            changes.accounts.iter().any(|change| matches!(change, Change::Insert(row) if row.name == name))
        };
        if named("culprit") {
            return Err(StoreError::CommandFault("no such luck".to_owned()));
        }
        match self.commits.lock().expect("the script").pop() {
            Some(failure) => Err(failure),
            None => {
                let made = changes.idempotency.iter();
                self.answers.extend(made.filter_map(|change| match change {
                    Change::Insert(row) | Change::Update(row) => Some((row.key(), Idempotency::clone(row))),
                    Change::Delete(_) => None,
                }));
                Ok(())
            }
        }
    }

    fn second(&self) -> Option<Box<dyn Store>> {
        let second = self.second.lock().expect("the second").take();
        second.map(|store| -> Box<dyn Store> { store })
    }

    fn abandon(&mut self) {}
}

fn engine(store: Scripted, bounds: Bounds) -> Engine {
    let wall = Arc::new(|| Instant::from_micros(1_700_000_000_000_000));
    let settings = Settings { batch: 64, bounds, cached_bytes: 1_000_000, wall };
    let stores: Vec<(Box<dyn Store>, IdGenerator)> = vec![(Box::new(store), IdGenerator::new([1; 5], 0))];
    Engine::start(stores, &settings).expect("the engine starts")
}

fn submission(command: Command) -> Submission {
    let client = ClientId(Id::from_bytes([5; 12]));
    Submission { request: Request::new(Context::system(client, ""), command), idempotency: None, dry_run: false }
}

fn open(name: &str) -> Submission {
    submission(Command::CreateAccount(CreateAccount {
        name: name.to_owned(),
        balance: Decimal::new(10, 0),
        ..a_new_account()
    }))
}

async fn opened(engine: &Engine, submission: Submission) -> AccountId {
    match engine.submit(Priority::Api, submission).await {
        Ok(Answer::Decided(Ok(Outcome::Account(view))) | Answer::Kept(Ok(Outcome::Account(view)), _)) => {
            AccountId::parse(&view.id).expect("an id")
        }
        other => panic!("{other:?}"),
    }
}

fn transfer(from: AccountId, to: AccountId, amount: i64) -> Submission {
    submission(Command::CreateTransfer(CreateTransfer {
        from,
        to,
        amount: Decimal::new(amount, 0),
        reference: None,
        narration: None,
        metadata: None,
    }))
}

#[tokio::test]
async fn a_failed_commit_is_answered_and_forgotten() {
    let commits = Arc::new(Mutex::new(Vec::new()));
    let engine = engine(Scripted { commits: commits.clone(), ..Scripted::default() }, Bounds::default());
    let (from, to) = (opened(&engine, open("From")).await, opened(&engine, open("To")).await);
    commits.lock().expect("the script").push(StoreError::Unavailable("the disk is full".to_owned()));
    let refused = engine.submit(Priority::Api, transfer(from, to, 4)).await;
    assert!(matches!(refused, Err(Unanswered::Unavailable(_))), "{refused:?}");
    let writable = engine.writable();
    assert!(!*writable.borrow(), "a commit failed");
    let mut tried = open("Tried");
    tried.dry_run = true;
    engine.submit(Priority::Api, tried).await.expect("a dry run");
    assert!(!*writable.borrow(), "what stores nothing shows nothing");
    // This store has nothing on disk, so after the working set was dropped even the accounts are gone.
    let after = engine.submit(Priority::Api, transfer(from, to, 4)).await;
    assert!(matches!(&after, Ok(Answer::Decided(Err(refusal))) if refusal.code() == "account_not_found"), "{after:?}");
}

#[tokio::test]
async fn only_the_culprit_fails() {
    let (open_gate, gate) = channel();
    let engine = engine(Scripted { gate: Some(gate), ..Scripted::default() }, Bounds::default());
    let first = tokio::spawn({
        let engine = engine.clone();
        async move { engine.submit(Priority::Api, open("first")).await.map(|_| ()) }
    });
    let mut rest = Vec::new();
    for name in ["good", "culprit", "better"] {
        let engine = engine.clone();
        rest.push(tokio::spawn(async move { engine.submit(Priority::Api, open(name)).await.map(|_| ()) }));
    }
    while engine.waiting()[1] < 3 {
        tokio::task::yield_now().await;
    }
    open_all(&open_gate);
    assert_eq!(first.await.expect("it ran"), Ok(()));
    let mut failed = 0;
    for call in rest {
        failed += usize::from(matches!(call.await.expect("it ran"), Err(Unanswered::Internal(_))));
    }
    assert_eq!(failed, 1);
}

fn open_all(gate: &Sender<()>) {
    for _ in 0..100 {
        gate.send(()).expect("the store listens");
    }
}

#[tokio::test]
async fn a_full_queue_refuses_at_once_and_a_stopping_engine_finishes_what_waits() {
    let (open_gate, gate) = channel();
    let (entered, mut has_entered) = tokio::sync::mpsc::unbounded_channel();
    let store = Scripted { gate: Some(gate), entered: Some(entered), ..Scripted::default() };
    let engine = engine(store, Bounds { waiting: [2; 3] });
    let call = |engine: Engine| tokio::spawn(async move { engine.submit(Priority::Api, open("x")).await.map(|_| ()) });
    // The first is a batch of its own that waits in its commit; the next two fill the queue.
    let mut calls = vec![call(engine.clone())];
    has_entered.recv().await.expect("the first batch commits");
    calls.push(call(engine.clone()));
    calls.push(call(engine.clone()));
    while engine.waiting()[1] < 2 {
        tokio::task::yield_now().await;
    }
    let refused = engine.submit(Priority::Api, open("one too many")).await;
    assert!(matches!(refused, Err(Unanswered::Overloaded)), "{refused:?}");
    open_all(&open_gate);
    engine.drain().await;
    for call in calls {
        assert_eq!(call.await.expect("it ran"), Ok(()), "what waited was finished");
    }
    let late = engine.submit(Priority::Api, open("late")).await;
    assert!(matches!(late, Err(Unanswered::Draining)), "{late:?}");
}

type Call = tokio::task::JoinHandle<Result<Answer, Unanswered>>;

fn call(engine: &Engine, submission: Submission) -> Call {
    let engine = engine.clone();
    tokio::spawn(async move { engine.submit(Priority::Api, submission).await })
}

async fn until_waiting(engine: &Engine, commands: usize) {
    while engine.waiting()[1] != commands {
        tokio::task::yield_now().await;
    }
}

/// Commits accounts of these names on the other thread, and, while that waits, has the lane decide a transfer between two
/// older accounts. The commit ends with the failure, if there is one. Returns the answers: of the accounts, of the
/// transfer.
async fn overlapped(names: [&str; 8], failure: Option<StoreError>) -> (Vec<Result<Answer, Unanswered>>, Answer) {
    let commits = Arc::new(Mutex::new(Vec::new()));
    let (entered, mut has_entered) = tokio::sync::mpsc::unbounded_channel();
    let scripted = || {
        let (open_gate, gate) = channel();
        let store = Scripted {
            commits: commits.clone(),
            gate: Some(gate),
            entered: Some(entered.clone()),
            ..Scripted::default()
        };
        (store, open_gate)
    };
    let ((first, lane_gate), (second, second_gate)) = (scripted(), scripted());
    let engine = engine(Scripted { second: Mutex::new(Some(Box::new(second))), ..first }, Bounds::default());
    let mut made = Vec::new();
    for name in ["From", "To"] {
        lane_gate.send(()).expect("the lane's store listens");
        made.push(opened(&engine, open(name)).await);
        has_entered.recv().await.expect("it was committed by the lane");
    }
    // While the lane commits this one, all others arrive, and are one batch.
    let alone = call(&engine, open("Alone"));
    has_entered.recv().await.expect("the lane commits");
    let accounts = names.map(|name| call(&engine, open(name)));
    until_waiting(&engine, names.len()).await;
    lane_gate.send(()).expect("the lane's store listens");
    has_entered.recv().await.expect("the other thread commits");
    let transfer = call(&engine, transfer(made[0], made[1], 4));
    until_waiting(&engine, 0).await;
    assert!(alone.await.expect("it ran").is_ok());
    assert!(!transfer.is_finished() && accounts.iter().all(|account| !account.is_finished()), "nothing is stored");
    commits.lock().expect("the script").extend(failure);
    open_all(&second_gate);
    open_all(&lane_gate);
    let mut answers = Vec::new();
    for account in accounts {
        answers.push(account.await.expect("it ran"));
    }
    (answers, transfer.await.expect("it ran").expect("an answer"))
}

const NAMES: [&str; 8] = ["a", "b", "c", "d", "e", "f", "g", "h"];

#[tokio::test]
async fn a_batch_is_decided_while_the_one_before_is_committed() {
    let (accounts, transfer) = overlapped(NAMES, None).await;
    assert!(accounts.iter().all(|account| matches!(account, Ok(Answer::Decided(Ok(Outcome::Account(_)))))));
    assert!(matches!(transfer, Answer::Decided(Ok(Outcome::Transfer(_)))), "{transfer:?}");
}

/// This store has nothing on disk, so after the working set was dropped the accounts of the transfer are gone.
fn was_decided_again(transfer: &Answer) -> bool {
    matches!(transfer, Answer::Decided(Err(refusal)) if refusal.code() == "account_not_found")
}

#[tokio::test]
async fn what_was_decided_on_changes_that_were_not_stored_is_decided_again() {
    let (accounts, transfer) = overlapped(NAMES, Some(StoreError::Unavailable("the disk is full".to_owned()))).await;
    assert!(accounts.iter().all(|account| matches!(account, Err(Unanswered::Unavailable(_)))));
    assert!(was_decided_again(&transfer), "{transfer:?}");
}

#[tokio::test]
async fn the_culprit_of_a_batch_that_was_overlapped_fails_alone() {
    let (accounts, transfer) = overlapped(["a", "b", "culprit", "d", "e", "f", "g", "h"], None).await;
    for (at, account) in accounts.iter().enumerate() {
        match account {
            Err(Unanswered::Internal(_)) if at == 2 => {}
            Ok(Answer::Decided(Ok(Outcome::Account(_)))) if at != 2 => {}
            other => panic!("{at}: {other:?}"),
        }
    }
    assert!(was_decided_again(&transfer), "{transfer:?}");
}

fn kept(mut submission: Submission, fingerprint: u8) -> Submission {
    submission.idempotency = Some(KeepAnswer {
        key_hash: [1; 32],
        fingerprint: [fingerprint; 32],
        retention_seconds: 60,
        keep: Box::new(|decision| {
            let status = if decision.is_ok() { 201 } else { 422 };
            let reply = Reply { status, body: b"body".to_vec(), etag: None };
            Some(Kept { reply, sealed: b"sealed".to_vec(), subject: None })
        }),
    });
    submission
}

#[tokio::test]
async fn a_key_is_answered_once_and_a_dry_run_not_at_all() {
    let engine = engine(Scripted::default(), Bounds::default());
    let mut dry = kept(open("dry"), 1);
    dry.dry_run = true;
    let account = opened(&engine, dry).await;
    let absent = engine.submit(Priority::Api, transfer(account, account, 1)).await;
    assert!(
        matches!(&absent, Ok(Answer::Decided(Err(refusal))) if refusal.code() == "account_not_found"),
        "{absent:?}"
    );
    opened(&engine, kept(open("kept"), 1)).await;
    let again = engine.submit(Priority::Api, kept(open("kept"), 1)).await;
    assert!(matches!(&again, Ok(Answer::Replayed(answer)) if answer.body == b"sealed"), "{again:?}");
    let other = engine.submit(Priority::Api, kept(open("other"), 2)).await;
    assert!(
        matches!(&other, Ok(Answer::Decided(Err(refusal))) if refusal.code() == "idempotency_key_reused"),
        "{other:?}"
    );
}

/// A payment with a number that is of no card here.
fn unknown_card() -> Submission {
    let nothing = Match::NotGiven;
    let text = |text: &str| text.to_owned();
    let request = NetworkRequest {
        presented: Presented { card: None, expiry: nothing, cvv: nothing, pin: nothing, pin_sealed: None, links: None },
        channel: Channel::Web,
        kind: AuthorizationType::Purchase,
        requested: RequestedAmount {
            amount: Decimal::new(10, 0),
            currency: Currency::find("USD", Category::Fiat).expect("USD"),
            billing: None,
            rate: None,
        },
        merchant: Merchant::default(),
        three_ds: ThreeDs::None,
        partial_allowed: false,
        estimated: false,
        risk_score: None,
        trace: Trace { stan: text("1"), rrn: text("2"), transaction_id: text("3"), authorization_code: None },
    };
    let authorize = Authorize { request, advice: None, terms: Arc::default(), asking: None };
    submission(Command::Authorize(Box::new(authorize)))
}

/// How often each of two stores was asked for rows since the last time.
fn loads(looked_for: &[Arc<Mutex<Vec<usize>>>; 2]) -> [usize; 2] {
    looked_for.each_ref().map(|loads| std::mem::take(&mut *loads.lock().expect("the loads")).len())
}

#[tokio::test]
async fn payments_of_one_account_run_in_one_lane_once_it_is_known() {
    let looked_for: [Arc<Mutex<Vec<usize>>>; 2] = Default::default();
    let store = |looked_for: &Arc<Mutex<Vec<usize>>>| -> Box<dyn Store> {
        Box::new(Scripted { is_shared: true, looked_for: looked_for.clone(), ..Scripted::default() })
    };
    let ids = IdGenerator::new([1; 5], 0);
    let stores = looked_for.each_ref().map(|looked_for| (store(looked_for), ids.clone()));
    let wall = Arc::new(|| Instant::from_micros(1_700_000_000_000_000));
    let settings = Settings { batch: 64, bounds: Bounds::default(), cached_bytes: 1_000_000, wall };
    let engine = Engine::start(stores.into(), &settings).expect("the engine starts");
    let id = |number: u8| Id::from_bytes([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, number]);
    let pay = async |card: u8, links: Option<Links>| {
        let mut payment = unknown_card();
        if let Command::Authorize(authorize) = &mut payment.request.command {
            authorize.request.presented.card = Some(CardId(id(card)));
            authorize.request.presented.links = links;
            authorize.request.trace.transaction_id = format!("{card} {}", links.is_some());
        }
        let decided = engine.submit(Priority::Network, payment).await;
        let is_unknown = |refusal: &Refusal| refusal.code() == "card_not_found";
        assert!(matches!(&decided, Ok(Answer::Decided(Err(refusal))) if is_unknown(refusal)), "{decided:?}");
    };
    let account = AccountId(id(200));
    let program = ProgramId(id(202));
    let links = Links { card_holder: CardHolderId(id(201)), account, funds: account.into(), program };
    for card in 1..9 {
        pay(card, Some(links)).await;
    }
    assert!(loads(&looked_for).iter().all(|loads| *loads > 0), "by the cards at first");
    for card in 1..9 {
        pay(card, None).await;
    }
    assert!(loads(&looked_for).contains(&0), "by the account");
}

#[tokio::test]
async fn references_of_a_new_message_are_looked_for_once_one_was_taken_or_nothing_is_stored() {
    let looked_for = Arc::new(Mutex::new(Vec::new()));
    let commits = Arc::new(Mutex::new(vec![StoreError::Conflict("taken".to_owned())]));
    let store = Scripted { commits, is_shared: true, looked_for: looked_for.clone(), ..Scripted::default() };
    let engine = engine(store, Bounds::default());
    let decided = |answer| matches!(answer, Ok(Answer::Decided(Ok(Outcome::Authorization(_)))));
    assert!(decided(engine.submit(Priority::Api, unknown_card()).await));
    assert_eq!(std::mem::take(&mut *looked_for.lock().expect("the loads")), [0, 2]);
    assert!(decided(engine.submit(Priority::Api, unknown_card()).await));
    assert_eq!(std::mem::take(&mut *looked_for.lock().expect("the loads")), [0]);
    assert!(decided(engine.submit(Priority::Api, Submission { dry_run: true, ..unknown_card() }).await));
    assert_eq!(looked_for.lock().expect("the loads").last(), Some(&2));
}
