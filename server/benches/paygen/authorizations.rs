//! Durable authorizations a second, in process and over HTTP, spread over all cards and on one hot account, on both stores,
//! beside an empty handler in the same rounds.

use std::path::Path;
use std::sync::Arc;

use paygen_core::authorizations::{
    Asked, AuthorizationStatus, AuthorizationType, Authorize, Channel, Match, Merchant, NetworkRequest, Presented,
    Terms, ThreeDs,
};
use paygen_core::ids::ClientId;
use paygen_core::money::{Category, Currency, Decimal};
use paygen_core::{Command, Outcome};
use paygen_server::app::Environment;
use paygen_server::cli::args::CommonArgs;
use paygen_server::config::{Config, EngineConfig, Mode};
use paygen_server::network;
use paygen_server::start::make_client;
use paygen_server::vault_keys::open_vault;
use paygen_store::Database;
use paygen_vault::{ApiKeySecret, KeyKind};

use crate::Options;
use crate::callers::{Act, measure, run, start};
use crate::population::{Known, Population, seed};
use crate::report::{Measured, Table};
use crate::servers::Server;
use crate::wire::{Write, call};

/// Where payments go.
#[derive(Clone, Copy, Debug)]
enum Shape {
    Spread,
    Hot,
}

impl Shape {
    const ALL: [(Shape, &'static str); 2] = [(Shape::Spread, "over all cards"), (Shape::Hot, "one hot account")];

    /// The card of a caller's next payment: any of them, the same in every run.
    fn card(self, population: &Population, caller: usize, number: usize) -> &Known {
        let cards = match self {
            Shape::Spread => &population.spread,
            Shape::Hot => &population.hot,
        };
        let mut seed = (caller as u64) << 40 | number as u64;
        // The finalizer of splitmix64.
        for (shift, factor) in [(30, 0xbf58_476d_1ce4_e5b9), (27, 0x94d0_49bb_1331_11eb)] {
            seed = (seed ^ (seed >> shift)).wrapping_mul(factor);
        }
        &cards[((seed ^ (seed >> 31)) % cards.len() as u64) as usize]
    }
}

/// Measures all of it on SQLite, and on PostgreSQL where there is one.
pub async fn measure_all(options: &Options, postgres: Option<&str>) {
    let directory = tempfile::tempdir().expect("a directory");
    let mut table = Table::default();
    on_store("SQLite", options, &directory.path().join("sqlite"), None, &mut table).await;
    if let Some(url) = postgres {
        let url = fresh_database(url, "bench_authorizations").await;
        on_store("PostgreSQL", options, &directory.path().join("postgres"), Some(&url), &mut table).await;
    }
    table.print();
}

/// A database of its own on the same server; its URL.
pub async fn fresh_database(url: &str, name: &str) -> String {
    let (client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls).await.expect("PostgreSQL answers");
    tokio::spawn(connection);
    client.batch_execute(&format!("CREATE DATABASE {name}")).await.expect("a fresh database");
    format!("{}/{name}", url.rsplit_once('/').expect("the URL names a database").0)
}

async fn on_store(name: &str, options: &Options, data_dir: &Path, url: Option<&str>, table: &mut Table) {
    std::fs::create_dir_all(data_dir).expect("a directory");
    let arguments = CommonArgs {
        data_dir: Some(data_dir.to_owned()),
        database_url: url.map(str::to_owned),
        ..CommonArgs::default()
    };
    let config = Config::load(Mode::Dev, &arguments).expect("settings");
    let target = config.target();
    Database::migrate(&target).await.expect("the schema");
    let database = Arc::new(Database::open(&target).await.expect("the database"));
    let (vault, keys) = open_vault(database.clone(), &config, Environment::Sandbox).await.expect("the vault");
    let lanes = if database.has_one_writer() { 1 } else { EngineConfig::default().lanes };
    let engine = start(&database, lanes, EngineConfig::default().batch).await;
    let key = ApiKeySecret::generate(KeyKind::Test);
    let client = make_client(&engine, &vault, "Bench", &key).await.expect("a client");
    engine.drain().await;
    let population = Arc::new(seed(&database, vault.clone(), client, options.cards).await);

    let empty = Server::empty();
    let most = options.connections.iter().copied().max().unwrap_or(1);
    for _ in 0..options.rounds {
        let nothing = answer_nothing(&empty, options, most, &population, &key).await;
        for (shape, told) in Shape::ALL {
            let act = decide(shape, &population);
            let measured = measure(&database, lanes, EngineConfig::default().batch, options.seconds, act).await;
            table.note(format!("{name}, in process, {told}"), measured, nothing.rate);
        }
    }
    // One process at a time has an SQLite database; the vault's keys hold on to it too.
    drop((database, vault, keys, engine));
    let paygen = Server::paygen(data_dir, url, key.expose());
    for _ in 0..options.rounds {
        for connections in options.connections.iter().copied() {
            let nothing = answer_nothing(&empty, options, connections, &population, &key).await;
            table.note(format!("an empty handler, {connections} connections"), nothing, nothing.rate);
            for (shape, told) in Shape::ALL {
                let ask = ask(shape, &population, &paygen.address, &key);
                let (status, has) = ("HTTP/1.1 201", "\"status\":\"approved\"");
                let measured = call(&paygen.address, connections, options.seconds, &ask, status, has).await;
                table.note(format!("{name}, HTTP, {connections} connections, {told}"), measured, nothing.rate);
            }
        }
    }
}

/// The same requests to a handler that does nothing.
async fn answer_nothing(
    empty: &Server,
    options: &Options,
    connections: usize,
    population: &Arc<Population>,
    key: &ApiKeySecret,
) -> Measured {
    let ask = ask(Shape::Spread, population, &empty.address, key);
    call(&empty.address, connections, options.seconds, &ask, "HTTP/1.1 200", "").await
}

/// The payment as a request: the card by number and expiry, as a merchant has it.
fn ask(shape: Shape, population: &Arc<Population>, host: &str, key: &ApiKeySecret) -> Write {
    let (population, host, key) = (population.clone(), host.to_owned(), key.expose().to_owned());
    Arc::new(move |caller, number| {
        let card = shape.card(&population, caller, number);
        let cents = 100 + number % 900;
        let body = format!(
            r#"{{"pan":"{}","expiryMonth":12,"expiryYear":2099,"amount":{}.{:02},"channel":"pos","merchant":{{"category":"5812","merchantId":"MID123456","name":"ACME CAFE","city":"Lagos","country":"NG"}}}}"#,
            card.number,
            cents / 100,
            cents % 100
        );
        let length = body.len();
        format!(
            "POST /simulator/authorizations HTTP/1.1\r\nhost: {host}\r\nx-api-key: {key}\r\n\
             content-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
        )
        .into_bytes()
    })
}

/// The payment as a command, as the edge makes it.
fn decide(shape: Shape, population: &Arc<Population>) -> Act {
    let (population, terms) = (population.clone(), Arc::new(Terms::default()));
    let usd = Currency::find("USD", Category::Fiat).expect("USD");
    Arc::new(move |engine, caller, number| {
        let card = shape.card(&population, caller, number).id;
        let (given, nothing) = (Match::Match, Match::NotGiven);
        let presented = Presented { card: Some(card), expiry: given, cvv: nothing, pin: nothing, pin_sealed: None };
        let merchant = ["5812", "MID123456", "ACME CAFE", "Lagos", "NG"].map(str::to_owned);
        let [category, merchant_id, name, city, country] = merchant;
        let merchant = Merchant { category, merchant_id, name, city, country, ..Merchant::default() };
        let cents = i64::try_from(100 + number % 900).expect("an amount");
        let request = NetworkRequest {
            presented,
            channel: Channel::Pos,
            kind: AuthorizationType::Purchase,
            asked: Asked { amount: Decimal::new(cents, 2), currency: usd, billing: None, rate: None },
            merchant,
            three_ds: ThreeDs::None,
            partial_allowed: false,
            estimated: false,
            risk_score: None,
            trace: network::trace(None, None, None, None),
        };
        let command = Command::Authorize(Box::new(Authorize { request, advice: None, terms: terms.clone() }));
        let client: ClientId = population.client;
        Box::pin(async move {
            let decided = run(&engine, client, command).await;
            matches!(decided, Some(Outcome::Authorization(view)) if view.status == AuthorizationStatus::Approved)
        })
    })
}
