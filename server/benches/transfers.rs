//! Durable transfers per second, in process: one at a time against batched, on both stores, as a ratio.
//!
//! The same 256 callers wait for the same transfers; only how many commands a batch may take differs. What counts is
//! the ratio: both are measured in turn, again and again, in one run.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use paygen_core::access::NewKey;
use paygen_core::accounts::{AccountStatus, AccountType, CategoryWord, CreateAccount, OwnerType};
use paygen_core::ids::{AccountId, ClientId};
use paygen_core::money::Decimal;
use paygen_core::transfers::CreateTransfer;
use paygen_core::work::Context;
use paygen_core::{Command, Outcome, Request};
use paygen_server::clock::wall;
use paygen_server::engine::{Answer, Bounds, Engine, Priority, Settings, Submission};
use paygen_server::start::new_id_maker;
use paygen_store::{Database, Target};

const CALLERS: usize = 256;
const ACCOUNTS: usize = 1000;
const ROUNDS: usize = 3;

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let seconds = arguments.iter().position(|argument| argument == "--seconds");
    let seconds = seconds.and_then(|at| arguments.get(at + 1)?.parse().ok()).unwrap_or(5);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let directory = tempfile::tempdir().expect("a directory");
        let sqlite = Target::Sqlite(directory.path().join("bench.sqlite"));
        compare("SQLite", &sqlite, 1, seconds).await;
        match std::env::var("PAYGEN_TEST_POSTGRES_URL") {
            Ok(url) => {
                let postgres = Target::Postgres(url);
                Database::migrate(&postgres).await.expect("the schema");
                compare("PostgreSQL, one lane", &postgres, 1, seconds).await;
                compare("PostgreSQL, two lanes", &postgres, 2, seconds).await;
            }
            Err(_) => println!("PostgreSQL: not measured; run `cargo xtask bench`"),
        }
    });
}

async fn compare(name: &str, target: &Target, lanes: usize, seconds: u64) {
    let database = Database::open(target).await.expect("the database");
    let engine = start(&database, lanes, 256).await;
    let accounts = Arc::new(open_accounts(&engine).await);
    engine.drain().await;
    let mut ratios = Vec::new();
    for _ in 0..ROUNDS {
        let single = measure(&database, lanes, 1, &accounts, seconds).await;
        let batched = measure(&database, lanes, 256, &accounts, seconds).await;
        println!("{name}: one at a time {single:.0}/s, batched {batched:.0}/s, ratio {:.1}", batched / single);
        ratios.push(batched / single);
    }
    ratios.sort_by(f64::total_cmp);
    println!("{name}: ratio {:.1} (median of {ROUNDS})", ratios[ROUNDS / 2]);
}

async fn start(database: &Database, lanes: usize, batch: usize) -> Engine {
    let mut stores = Vec::new();
    for _ in 0..lanes {
        stores.push((database.store().await.expect("a store"), new_id_maker()));
    }
    let settings = Settings { batch, bounds: Bounds::default(), cached_rows: 200_000, wall: Arc::new(wall) };
    Engine::start(stores, &settings).expect("the engine")
}

async fn run(engine: &Engine, client: ClientId, command: Command) -> Option<Outcome> {
    let request = Request::new(Context::system(client, ""), command);
    let submission = Submission { request, idempotency: None, dry_run: false };
    match engine.submit(Priority::Api, submission).await.expect("an answer") {
        Answer::Decided(decision) => decision.ok(),
        _ => None,
    }
}

async fn open_accounts(engine: &Engine) -> (ClientId, Vec<AccountId>) {
    let client = ClientId(new_id_maker().next(wall()));
    let key = NewKey { hash: paygen_vault::random_bytes(), hint: "bench".to_owned() };
    let made = paygen_core::access::CreateClient { id: client, name: "bench".to_owned(), key };
    run(engine, client, Command::CreateClient(made)).await.expect("a client");
    let mut accounts = Vec::new();
    for number in 0..ACCOUNTS {
        let command = CreateAccount {
            owner_type: OwnerType::User,
            owner_id: None,
            name: format!("Account {number}"),
            kind: AccountType::Checking,
            category: CategoryWord::Fiat,
            currency: "USD".to_owned(),
            status: AccountStatus::Active,
            network: None,
            balance: Decimal::new(1_000_000_000, 0),
            credit_limit: Decimal::ZERO,
            can_debit: true,
            can_credit: true,
            metadata: None,
            may_adjust: true,
        };
        if let Some(Outcome::Account(view)) = run(engine, client, Command::CreateAccount(command)).await {
            accounts.extend(AccountId::parse(&view.id));
        }
    }
    assert_eq!(accounts.len(), ACCOUNTS);
    (client, accounts)
}

/// Transfers per second of `CALLERS` callers, each waiting for its answer before it asks again.
async fn measure(
    database: &Database,
    lanes: usize,
    batch: usize,
    accounts: &Arc<(ClientId, Vec<AccountId>)>,
    seconds: u64,
) -> f64 {
    let engine = start(database, lanes, batch).await;
    let done = Arc::new(AtomicU64::new(0));
    let started = Instant::now();
    let until = started + Duration::from_secs(seconds);
    let callers: Vec<_> = (0..CALLERS)
        .map(|caller| {
            let (engine, accounts, done) = (engine.clone(), accounts.clone(), done.clone());
            tokio::spawn(async move {
                let (client, accounts) = &*accounts;
                let mut at = caller;
                while Instant::now() < until {
                    at = (at * 31 + 17) % ACCOUNTS;
                    let command = Command::CreateTransfer(CreateTransfer {
                        from: accounts[at],
                        to: accounts[(at + 1 + caller) % ACCOUNTS],
                        amount: Decimal::new(1, 2),
                        reference: None,
                        narration: None,
                        metadata: None,
                    });
                    if run(&engine, *client, command).await.is_some() {
                        done.fetch_add(1, Ordering::Relaxed);
                    }
                }
            })
        })
        .collect();
    for caller in callers {
        caller.await.expect("a caller");
    }
    let rate = done.load(Ordering::Relaxed) as f64 / started.elapsed().as_secs_f64();
    engine.drain().await;
    rate
}
