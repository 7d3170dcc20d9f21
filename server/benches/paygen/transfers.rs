//! Transfers, one at a time against batched; cards issued and revealed; two nodes against one. The same callers make
//! the same calls, so that the ratio counts: both variants are measured in turn, repeatedly.

use std::sync::Arc;

use paygen_app::new_id_maker;
use paygen_core::access::NewKey;
use paygen_core::accounts::{AccountStatus, AccountType, CategoryWord, CreateAccount, OwnerType};
use paygen_core::ids::{AccountId, ClientId};
use paygen_core::money::Decimal;
use paygen_core::transfers::CreateTransfer;
use paygen_core::{Command, Outcome};
use paygen_engine::Engine;
use paygen_engine::clock::wall;
use paygen_store::{Database, Target};
use paygen_vault::FileKeyProvider;

use crate::Options;
use crate::callers::{Act, measure, run, start};
use crate::office::Office;
use crate::report::median;

/// Accounts that transfers go between.
pub const ACCOUNTS: usize = 1000;

/// Runs all measurements on SQLite, and on PostgreSQL when there is one.
pub async fn measure_all(options: &Options, postgres: Option<&str>) {
    let directory = tempfile::tempdir().expect("a directory");
    let sqlite = Target::Sqlite(directory.path().join("bench.sqlite"));
    let provider = FileKeyProvider::open_or_create(&directory.path().join("key")).expect("a key file");
    compare("SQLite", &sqlite, 1, options, &provider).await;
    let Some(url) = postgres else { return };
    let postgres = Target::Postgres(url.to_owned());
    Database::migrate(&postgres).await.expect("the schema");
    compare("PostgreSQL, one lane", &postgres, 1, options, &provider).await;
    compare("PostgreSQL, two lanes", &postgres, 2, options, &provider).await;
    compare_nodes(&postgres, options).await;
}

async fn compare(name: &str, target: &Target, lanes: usize, options: &Options, provider: &FileKeyProvider) {
    let database = Database::open(target).await.expect("the database");
    let engine = start(&database, lanes, 256).await;
    let accounts = Arc::new(open_accounts(&engine).await);
    let office = Arc::new(Office::open(&database, &engine, &accounts, provider).await);
    engine.drain().await;
    let (mut ratios, mut issued, mut revealed) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..options.rounds {
        let single = measure(&database, lanes, 1, options.seconds, transfers(&accounts)).await.rate;
        let batched = measure(&database, lanes, 256, options.seconds, transfers(&accounts)).await.rate;
        println!("{name}: one at a time {single:.0}/s, batched {batched:.0}/s, ratio {:.1}", batched / single);
        ratios.push(batched / single);
        let cards = measure(&database, lanes, 256, options.seconds, Office::issues(&office)).await.rate;
        let reveals = measure(&database, lanes, 256, options.seconds, Office::reveals(&office)).await.rate;
        println!(
            "{name}: cards issued {cards:.0}/s ({:.2} of transfers), revealed {reveals:.0}/s ({:.2})",
            cards / batched,
            reveals / batched
        );
        issued.push(cards / batched);
        revealed.push(reveals / batched);
    }
    println!("{name}: ratio {:.1} (median of {})", median(&mut ratios), options.rounds);
    println!("{name}: cards {:.2}, reveals {:.2} of transfers (median)", median(&mut issued), median(&mut revealed));
}

/// One node against two on separate accounts. A node is an engine with one lane and its own connections, as in a server
/// process; the nodes share only the database.
async fn compare_nodes(target: &Target, options: &Options) {
    let databases = [Database::open(target).await.expect("one"), Database::open(target).await.expect("two")];
    let mut accounts = Vec::new();
    for database in &databases {
        let engine = start(database, 1, 256).await;
        accounts.push(Arc::new(open_accounts(&engine).await));
        engine.drain().await;
    }
    let mut ratios = Vec::new();
    for _ in 0..options.rounds {
        let one = measure(&databases[0], 1, 256, options.seconds, transfers(&accounts[0])).await.rate;
        let (first, second) = tokio::join!(
            measure(&databases[0], 1, 256, options.seconds, transfers(&accounts[0])),
            measure(&databases[1], 1, 256, options.seconds, transfers(&accounts[1]))
        );
        let two = first.rate + second.rate;
        println!("PostgreSQL, nodes: one {one:.0}/s, two on separate accounts {two:.0}/s, ratio {:.2}", two / one);
        ratios.push(two / one);
    }
    println!("PostgreSQL, nodes: ratio {:.2} (median of {})", median(&mut ratios), options.rounds);
}

async fn open_accounts(engine: &Engine) -> (ClientId, Vec<AccountId>) {
    let client = ClientId(new_id_maker().next(wall()));
    let key = NewKey { hash: paygen_vault::random_bytes(), hint: "bench".to_owned() };
    let made =
        paygen_core::access::CreateClient { id: client, name: "bench".to_owned(), key, program: super::office::seed() };
    run(engine, client, Command::CreateClient(made)).await.expect("a client");
    open_accounts_of(engine, client).await
}

/// Accounts of a client.
pub async fn open_accounts_of(engine: &Engine, client: ClientId) -> (ClientId, Vec<AccountId>) {
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
            limits: Vec::new(),
            may_adjust: true,
        };
        if let Some(Outcome::Account(view)) = run(engine, client, Command::CreateAccount(command)).await {
            accounts.extend(AccountId::parse(&view.id));
        }
    }
    assert_eq!(accounts.len(), ACCOUNTS);
    (client, accounts)
}

/// Transfers between accounts; each caller has its own accounts.
pub fn transfers(accounts: &Arc<(ClientId, Vec<AccountId>)>) -> Act {
    let accounts = accounts.clone();
    Arc::new(move |engine, caller, number| {
        let (client, accounts) = &*accounts;
        let at = (caller * 389 + number * 31) % ACCOUNTS;
        let command = Command::CreateTransfer(CreateTransfer {
            from: accounts[at],
            to: accounts[(at + 1 + caller) % ACCOUNTS],
            amount: Decimal::new(1, 2),
            reference: None,
            narration: None,
            metadata: None,
        });
        let client = *client;
        Box::pin(async move { run(&engine, client, command).await.is_some() })
    })
}
