//! Durable transfers per second, in process: one at a time against batched, on both stores, as a ratio; and cards
//! issued and revealed per second, with real sealing, as a ratio to transfers of the same run.
//!
//! The same 256 callers wait for the same transfers; only how many commands a batch may take differs. What counts is
//! the ratio: both are measured in turn, again and again, in one run.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use paygen_core::access::NewKey;
use paygen_core::accounts::{AccountStatus, AccountType, CategoryWord, CreateAccount, OwnerType};
use paygen_core::card_holders::{CardHolderStatus, CreateCardHolder, SealedPersonal, SearchHashes};
use paygen_core::cards::{
    Brand, CardSecret, CardStatus, CardType, CreateCard, Expiry, FundingMode, IssueRevealToken, NewControls, NewNumber,
    RevealPurpose, UseRevealToken,
};
use paygen_core::ids::{AccountId, CardHolderId, CardId, ClientId};
use paygen_core::money::{Category, Currency, Decimal};
use paygen_core::record::Key;
use paygen_core::transfers::CreateTransfer;
use paygen_core::work::Context;
use paygen_core::{Command, Outcome, Request};
use paygen_server::clock::wall;
use paygen_server::engine::{Answer, Bounds, Engine, Priority, Settings, Submission};
use paygen_server::start::new_id_maker;
use paygen_server::vault_keys::{from_row, to_row};
use paygen_store::{Database, Reader, Target};
use paygen_vault::{CardRange, DataKey, FileKeyProvider, Purpose, ServiceCode, Vault};

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
        let provider = FileKeyProvider::open_or_create(&directory.path().join("key")).expect("a key file");
        compare("SQLite", &sqlite, 1, seconds, &provider).await;
        match std::env::var("PAYGEN_TEST_POSTGRES_URL") {
            Ok(url) => {
                let postgres = Target::Postgres(url);
                Database::migrate(&postgres).await.expect("the schema");
                compare("PostgreSQL, one lane", &postgres, 1, seconds, &provider).await;
                compare("PostgreSQL, two lanes", &postgres, 2, seconds, &provider).await;
                compare_nodes(&postgres, seconds).await;
            }
            Err(_) => println!("PostgreSQL: not measured; run `cargo xtask bench`"),
        }
    });
}

async fn compare(name: &str, target: &Target, lanes: usize, seconds: u64, provider: &FileKeyProvider) {
    let database = Database::open(target).await.expect("the database");
    let engine = start(&database, lanes, 256).await;
    let accounts = Arc::new(open_accounts(&engine).await);
    let office = Arc::new(Office::open(&database, &engine, &accounts, provider).await);
    engine.drain().await;
    let (mut ratios, mut issued, mut revealed) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let single = measure(&database, lanes, 1, seconds, transfers(&accounts)).await;
        let batched = measure(&database, lanes, 256, seconds, transfers(&accounts)).await;
        println!("{name}: one at a time {single:.0}/s, batched {batched:.0}/s, ratio {:.1}", batched / single);
        ratios.push(batched / single);
        let cards = measure(&database, lanes, 256, seconds, Office::issues(&office)).await;
        let reveals = measure(&database, lanes, 256, seconds, Office::reveals(&office)).await;
        println!(
            "{name}: cards issued {cards:.0}/s ({:.2} of transfers), revealed {reveals:.0}/s ({:.2})",
            cards / batched,
            reveals / batched
        );
        issued.push(cards / batched);
        revealed.push(reveals / batched);
    }
    println!("{name}: ratio {:.1} (median of {ROUNDS})", median(ratios));
    println!("{name}: cards {:.2}, reveals {:.2} of transfers (median)", median(issued), median(revealed));
}

fn median(mut ratios: Vec<f64>) -> f64 {
    ratios.sort_by(f64::total_cmp);
    ratios[ratios.len() / 2]
}

/// One node against two on separate accounts. A node is an engine with one lane and connections of its own, as in a
/// server process; what the nodes share is the database alone.
async fn compare_nodes(target: &Target, seconds: u64) {
    let databases = [Database::open(target).await.expect("one"), Database::open(target).await.expect("two")];
    let mut accounts = Vec::new();
    for database in &databases {
        let engine = start(database, 1, 256).await;
        accounts.push(Arc::new(open_accounts(&engine).await));
        engine.drain().await;
    }
    let mut ratios = Vec::new();
    for _ in 0..ROUNDS {
        let one = measure(&databases[0], 1, 256, seconds, transfers(&accounts[0])).await;
        let (first, second) = tokio::join!(
            measure(&databases[0], 1, 256, seconds, transfers(&accounts[0])),
            measure(&databases[1], 1, 256, seconds, transfers(&accounts[1]))
        );
        let two = first + second;
        println!("PostgreSQL, nodes: one {one:.0}/s, two on separate accounts {two:.0}/s, ratio {:.2}", two / one);
        ratios.push(two / one);
    }
    println!("PostgreSQL, nodes: ratio {:.2} (median of {ROUNDS})", median(ratios));
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

/// One call of a caller; whether it succeeded.
type Call = std::pin::Pin<Box<dyn Future<Output = bool> + Send>>;

/// What callers do: the engine, the caller's number, how often it called before.
type Act = Arc<dyn Fn(Engine, usize, usize) -> Call + Send + Sync>;

fn transfers(accounts: &Arc<(ClientId, Vec<AccountId>)>) -> Act {
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

/// What it takes to issue and reveal cards: a vault with its keys in the database, card holders, some cards.
struct Office {
    vault: Vault,
    reader: Reader,
    client: ClientId,
    accounts: Vec<AccountId>,
    holders: Vec<CardHolderId>,
    cards: Vec<CardId>,
}

impl Office {
    async fn open(
        database: &Database,
        engine: &Engine,
        accounts: &(ClientId, Vec<AccountId>),
        provider: &FileKeyProvider,
    ) -> Office {
        let stored = database.vault_keys().await.expect("the data keys");
        for purpose in Purpose::ALL {
            if !stored.iter().any(|key| key.purpose == purpose.as_str()) {
                let key = DataKey::generate(provider, *purpose).expect("a data key");
                database.add_vault_key(to_row(key)).await.expect("it is stored");
            }
        }
        let keys: Vec<_> = database.vault_keys().await.expect("the data keys").iter().map(from_row).collect();
        let vault = Vault::open(provider, &keys).expect("the vault");
        let (client, accounts) = (accounts.0, accounts.1.clone());
        let (reader, holders, cards) = (database.reader(), Vec::new(), Vec::new());
        let mut office = Office { vault, reader, client, accounts, holders, cards };
        let mut ids = new_id_maker();
        for _ in 0..ACCOUNTS {
            let id = CardHolderId(ids.next(wall()));
            let (key, kept) = office.vault.new_holder_key(client.0.bytes(), id.0.bytes());
            let personal = SealedPersonal {
                sealed: key.seal(&[b"personal", client.0.bytes(), id.0.bytes()], b"{}"),
                hashes: SearchHashes::default(),
                document_expires: None,
                has_document: false,
                has_proof: false,
            };
            let command = CreateCardHolder {
                id,
                name: "Alex Johnson".to_owned(),
                key: kept,
                personal,
                status: CardHolderStatus::Active,
                metadata: None,
                limits: Vec::new(),
                documents: Vec::new(),
            };
            run(engine, client, Command::CreateCardHolder(Box::new(command))).await.expect("a card holder");
            office.holders.push(id);
            let card = CardId(ids.next(wall()));
            run(engine, client, office.issue(card, office.holders.len() - 1)).await.expect("a card");
            office.cards.push(card);
        }
        office
    }

    fn issue(&self, id: CardId, at: usize) -> Command {
        let pan = CardRange::new("400555", 16).expect("a range").draw();
        let number = NewNumber {
            sealed: self.vault.seal_pan(self.client.0.bytes(), id.0.bytes(), &pan),
            fingerprint: self.vault.fingerprint(&pan),
            bin: pan.bin(),
            last4: pan.last4(),
        };
        Command::CreateCard(Box::new(CreateCard {
            id,
            debit_account: self.accounts[at],
            card_holder: self.holders[at],
            kind: CardType::Virtual,
            brand: Brand::Visa,
            status: CardStatus::Active,
            currency: Currency::find("USD", Category::Fiat).expect("USD"),
            metadata: None,
            controls: NewControls::default(),
            enable_2fa: true,
            amount: None,
            disposable: false,
            funding_mode: FundingMode::Prefunded,
            valid_from: None,
            valid_until: None,
            merchant_lock: false,
            cancel_after: None,
            number,
            expiry: Expiry { year: 2099, month: 12 },
            verified_only: false,
        }))
    }

    fn issues(office: &Arc<Office>) -> Act {
        let office = office.clone();
        let ids = Arc::new(std::sync::Mutex::new(new_id_maker()));
        Arc::new(move |engine, caller, number| {
            let id = CardId(ids.lock().expect("no caller panics").next(wall()));
            let command = office.issue(id, (caller * 389 + number * 31) % ACCOUNTS);
            let client = office.client;
            Box::pin(async move { run(&engine, client, command).await.is_some() })
        })
    }

    /// A token made, used up, and the number and its code shown.
    fn reveals(office: &Arc<Office>) -> Act {
        let office = office.clone();
        Arc::new(move |engine, caller, number| {
            let office = office.clone();
            let id = office.cards[(caller * 389 + number * 31) % ACCOUNTS];
            Box::pin(async move {
                let hash = office.vault.mac(Purpose::RevealTokens, &[&paygen_vault::random_bytes::<32>()]);
                let purpose = RevealPurpose::Reveal;
                let make = IssueRevealToken { id, hash, purpose, origin: None, seconds: 120 };
                let made = run(&engine, office.client, Command::IssueRevealToken(make)).await;
                let spend = UseRevealToken { id, hash, purpose, origin: None };
                let spent = run(&engine, office.client, Command::UseRevealToken(spend)).await;
                let secret = office.reader.get::<CardSecret>(Key::of(office.client, id.0)).await;
                let secret = secret.expect("a read").expect("the card's secrets");
                let (client, card) = (secret.client.0.bytes(), secret.card.0.bytes());
                let pan = office.vault.open_pan(client, card, &secret.number).expect("it opens");
                let expiry = paygen_vault::Expiry { year: 2099, month: 12 };
                let code = office.vault.card_code(&pan, expiry, ServiceCode::Printed).expect("a code");
                made.is_some() && spent.is_some() && code.expose().len() == 3
            })
        })
    }
}

/// Calls per second of `CALLERS` callers, each waiting for its answer before it asks again.
async fn measure(database: &Database, lanes: usize, batch: usize, seconds: u64, act: Act) -> f64 {
    let engine = start(database, lanes, batch).await;
    let done = Arc::new(AtomicU64::new(0));
    let started = Instant::now();
    let until = started + Duration::from_secs(seconds);
    let callers: Vec<_> = (0..CALLERS)
        .map(|caller| {
            let (engine, act, done) = (engine.clone(), act.clone(), done.clone());
            tokio::spawn(async move {
                let mut number = 0;
                while Instant::now() < until {
                    if act(engine.clone(), caller, number).await {
                        done.fetch_add(1, Ordering::Relaxed);
                    }
                    number += 1;
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
