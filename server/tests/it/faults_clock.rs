//! Wall time goes back, as when a wrong clock is corrected: order, numbering, replays and books do not depend on it.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use paygen_core::accounts::CreateAccount;
use paygen_core::ids::{AccountId, ClientId, Id, IdGenerator};
use paygen_core::ledger::Verifier;
use paygen_core::money::Decimal;
use paygen_core::testing::a_new_account;
use paygen_core::testing::simulation::WALL;
use paygen_core::time::Instant;
use paygen_core::transfers::CreateTransfer;
use paygen_core::work::Context;
use paygen_core::{Command, Outcome, Request};
use paygen_engine::{Answer, Bounds, Engine, KeepAnswer, Kept, Priority, Reply, Settings, Submission};
use paygen_store::{Database, Target};

use crate::on_both_stores;
use crate::world::{Backend, World};

const HOUR: i64 = 3_600 * 1_000_000;
const CLIENT: ClientId = ClientId(Id::from_bytes([7; 12]));

/// A database with an engine whose clock the test sets.
struct Node {
    database: Database,
    engine: Engine,
    wall: Arc<AtomicI64>,
}

impl Node {
    async fn open(target: &Target, number: u8, at: i64) -> Node {
        let database = Database::open(target).await.expect("the database opens");
        let wall = Arc::new(AtomicI64::new(WALL.micros() + at));
        let received = wall.clone();
        let wall_clock = Arc::new(move || Instant::from_micros(received.load(Ordering::SeqCst)));
        let stores = vec![(database.store().await.expect("a store"), IdGenerator::new([number; 5], 0))];
        let settings = Settings { batch: 64, bounds: Bounds::default(), cached_bytes: 50_000, wall: wall_clock };
        Node { engine: Engine::start(stores, &settings).expect("the engine starts"), database, wall }
    }

    async fn give(&self, command: Command, key: u8) -> Answer {
        let keep = |_: &_| {
            let reply = Reply { status: 201, body: Vec::new(), etag: None };
            Some(Kept { reply, sealed: Vec::new(), subject: None })
        };
        let idempotency = KeepAnswer {
            key_hash: [key; 32],
            fingerprint: [1; 32],
            retention_seconds: 7 * 86_400,
            keep: Box::new(keep),
        };
        let request = Request::new(Context::system(CLIENT, ""), command);
        let submission = Submission { request, idempotency: Some(idempotency), dry_run: false };
        self.engine.submit(Priority::Api, submission).await.expect("an answer")
    }

    async fn account(&self, key: u8) -> AccountId {
        let command = CreateAccount { balance: Decimal::new(1_000, 0), ..a_new_account() };
        match self.give(Command::CreateAccount(command), key).await {
            Answer::Kept(Ok(Outcome::Account(view)), _) => AccountId::parse(&view.id).expect("an id"),
            other => panic!("{other:?}"),
        }
    }
}

on_both_stores! {
    async fn a_clock_that_goes_back_breaks_nothing(backend: Backend) {
        let world = World::new(backend).await;
        let target = match &world.database_url {
            Some(url) => Target::Postgres(url.clone()),
            None => Target::Sqlite(world.dir.path().join("clock.sqlite")),
        };
        let mut node = Node::open(&target, 1, 0).await;
        let (from, to) = (node.account(201).await, node.account(202).await);
        let transfer = || {
            let amount = Decimal::new(1, 0);
            Command::CreateTransfer(CreateTransfer { from, to, amount, reference: None, narration: None, metadata: None })
        };
        let mut made: Vec<String> = Vec::new();
        // Ahead, back, and back by a day with a restart.
        for (step, at) in (0u8..).zip([0, 3, 0, -1, -24, -23]) {
            if at == -24 {
                node.engine.drain().await;
                drop(node);
                node = Node::open(&target, 2, at * HOUR).await;
            }
            node.wall.store(WALL.micros() + at * HOUR, Ordering::SeqCst);
            let mut last = String::new();
            for number in 0..20 {
                let Answer::Kept(Ok(Outcome::Transfer(view)), _) = node.give(transfer(), step * 20 + number).await else {
                    panic!("a transfer is not refused");
                };
                assert!(view.id > last, "the ids of a process are in the order they were made");
                last.clone_from(&view.id);
                made.push(view.id.clone());
            }
            // Answers given while the clock was ahead are replayed afterwards.
            for key in 0..step * 20 + 20 {
                assert!(matches!(node.give(transfer(), key).await, Answer::Replayed(_)), "{key}");
            }
        }
        let count = made.len();
        made.sort();
        made.dedup();
        assert_eq!(made.len(), count, "no id was made twice");
        if let Some(mut sequencer) = node.database.sequencer().await.expect("a sequencer") {
            while !sequencer.step().await.expect("a step").is_empty() {}
        }
        let events = node.database.reader().events_after(CLIENT, 0, 1_000).await.expect("the events");
        assert_eq!(events.iter().filter(|event| event.kind == "transfer.created").count(), count);
        for (event, position) in events.iter().zip(1..) {
            assert_eq!(event.position, Some(position), "positions have no gap");
        }
        for account in [from, to] {
            let own = events.iter().filter(|event| event.object_id == account.0);
            for (event, sequence) in own.zip(1..) {
                assert_eq!(event.sequence, sequence, "an object's events are in order");
            }
        }
        let report = node.database.verify_ledger(Verifier::default()).await.expect("the ledger is read");
        assert!(report.is_clean() && report.entries >= count as u64, "{report:?}");
        node.engine.drain().await;
    }
}
