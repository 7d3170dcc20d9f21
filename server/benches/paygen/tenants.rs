//! The cost of one tenant to the others: idle event streams beside another tenant's writer, slow lists beside another
//! tenant's quick ones.

use std::path::Path;
use std::sync::Arc;

use paygen_app::Environment;
use paygen_app::clients::make_client;
use paygen_app::vault_keys::open_vault;
use paygen_core::ids::AccountId;
use paygen_server::common_args::CommonArgs;
use paygen_server::config::{Config, EngineConfig, Mode};
use paygen_store::Database;
use paygen_vault::{ApiKeySecret, KeyKind};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::Options;
use crate::callers::{measure, start};
use crate::report::{Measured, median};
use crate::servers::Server;
use crate::transfers::{open_accounts_of, transfers};
use crate::wire::{Write, call};

/// Tenants with streams.
const TENANTS: usize = 10;

/// Open streams of all tenants together.
const STREAMS: [usize; 4] = [0, 100, 500, 1000];

/// Rows that the slow lists scan.
const ROWS: u64 = 100_000;

/// Connections that request slow lists.
const SLOW: usize = 64;

/// Runs all measurements on SQLite, and on PostgreSQL when there is one.
pub async fn measure_all(options: &Options, postgres: Option<&str>) {
    let directory = tempfile::tempdir().expect("a directory");
    on_store("SQLite", options, &directory.path().join("sqlite"), None).await;
    if let Some(url) = postgres {
        let url = crate::scale::fresh_database(url, "bench_tenants").await;
        on_store("PostgreSQL", options, &directory.path().join("postgres"), Some(&url)).await;
    }
}

struct Seeded {
    writer: ApiKeySecret,
    accounts: Vec<AccountId>,
    others: Vec<ApiKeySecret>,
}

async fn on_store(name: &str, options: &Options, data_dir: &Path, url: Option<&str>) {
    std::fs::create_dir_all(data_dir).expect("a directory");
    let seeded = seed(options, data_dir, url).await;
    let (server, _) = Server::paygen(data_dir, url, seeded.writer.expose());
    beside_streams(name, options, &server, &seeded).await;
    beside_lists(name, options, &server, &seeded).await;
}

/// The writer's client, whose transfers the slow lists scan, and the others.
async fn seed(options: &Options, data_dir: &Path, url: Option<&str>) -> Seeded {
    let arguments = CommonArgs {
        data_dir: Some(data_dir.to_owned()),
        database_url: url.map(str::to_owned),
        ..CommonArgs::default()
    };
    let config = Config::load(Mode::Dev, &arguments).expect("settings");
    Database::migrate(&config.target()).await.expect("the schema");
    let database = Arc::new(Database::open(&config.target()).await.expect("the database"));
    let (vault, _keys) =
        open_vault(database.clone(), &config.key_file(), Environment::Sandbox).await.expect("the vault");
    let batch = EngineConfig::default().batch;
    let engine = start(&database, 1, batch).await;
    let writer = ApiKeySecret::generate(KeyKind::Test);
    let client = make_client(&engine, &vault, "Writer", &writer, crate::office::seed()).await.expect("a client");
    let mut others = Vec::new();
    for number in 0..TENANTS {
        let key = ApiKeySecret::generate(KeyKind::Test);
        make_client(&engine, &vault, &format!("Tenant {number}"), &key, crate::office::seed()).await.expect("a client");
        others.push(key);
    }
    let accounts = Arc::new(open_accounts_of(&engine, client).await);
    engine.drain().await;
    let mut rows = 0.0;
    while rows < ROWS as f64 {
        rows += measure(&database, 1, batch, options.seconds, transfers(&accounts)).await.rate * options.seconds as f64;
    }
    if let Some(mut sequencer) = database.sequencer().await.expect("a sequencer") {
        while !sequencer.step().await.expect("a step").is_empty() {}
    }
    let accounts = accounts.1.clone();
    Seeded { writer, accounts, others }
}

fn get(path: &str, address: &str, key: &ApiKeySecret) -> Vec<u8> {
    format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nx-api-key: {}\r\n\r\n", key.expose()).into_bytes()
}

/// An open stream without events.
async fn stream(address: &str, key: &ApiKeySecret) -> TcpStream {
    let mut stream = TcpStream::connect(address).await.expect("a connection");
    stream.write_all(&get("/events/stream", address, key)).await.expect("the request is sent");
    let mut answer = Vec::new();
    while !answer.windows(4).any(|four| four == b"id: ") {
        assert!(stream.read_buf(&mut answer).await.expect("the stream begins") > 0, "the stream ended");
    }
    stream
}

async fn beside_streams(name: &str, options: &Options, server: &Server, seeded: &Seeded) {
    let write: Write = {
        let (accounts, address, key) =
            (seeded.accounts.clone(), server.address.clone(), seeded.writer.expose().to_owned());
        Arc::new(move |connection, number| {
            let at = |more: usize| accounts[(connection * 389 + number * 31 + more) % accounts.len()];
            let body = format!("{{\"fromAccountId\":\"{}\",\"toAccountId\":\"{}\",\"amount\":0.01}}", at(0), at(1));
            let length = body.len();
            format!(
                "POST /transfers HTTP/1.1\r\nHost: {address}\r\nx-api-key: {key}\r\nContent-Type: application/json\r\n\
                 Content-Length: {length}\r\n\r\n{body}"
            )
            .into_bytes()
        })
    };
    let mut open = Vec::new();
    let mut alone = [0.0, 0.0];
    println!("| {name}: idle streams | 1 writer | 64 writers | MB | files |\n| ---: | ---: | ---: | ---: | ---: |");
    for streams in STREAMS {
        while open.len() < streams {
            open.push(stream(&server.address, &seeded.others[open.len() % TENANTS]).await);
        }
        let mut rates = [0.0, 0.0];
        for (rate, writers) in rates.iter_mut().zip([1, 64]) {
            let mut rounds = Vec::new();
            for _ in 0..options.rounds {
                rounds.push(call(&server.address, writers, options.seconds, &write, "HTTP/1.1 201", "").await.rate);
            }
            *rate = median(&mut rounds);
        }
        if streams == 0 {
            alone = rates;
        }
        let shares = [rates[0] / alone[0], rates[1] / alone[1]];
        println!(
            "| {streams} | {:.0}/s ({:.2}) | {:.0}/s ({:.2}) | {} | {} |",
            rates[0],
            shares[0],
            rates[1],
            shares[1],
            server.memory().map_or(0, |bytes| bytes / 1_000_000),
            server.files().unwrap_or(0)
        );
    }
}

async fn beside_lists(name: &str, options: &Options, server: &Server, seeded: &Seeded) {
    let quick: Write = {
        let request = get("/accounts?limit=1", &server.address, &seeded.others[0]);
        Arc::new(move |_, _| request.clone())
    };
    let slow: Write = {
        let request = get("/transfers?search=nothing-has-this&limit=1", &server.address, &seeded.writer);
        Arc::new(move |_, _| request.clone())
    };
    let ask = || call(&server.address, 1, options.seconds, &quick, "HTTP/1.1 200", "");
    let show = |beside: &str, Measured { rate, p50, p99, .. }: Measured| {
        println!("{name}: another tenant's list {beside}: {rate:.0}/s, p50 {p50:.1} ms, p99 {p99:.1} ms");
    };
    show("alone", ask().await);
    let address = server.address.clone();
    let seconds = 3 * options.seconds;
    // A refusal for lack of a slot is an answer too.
    let load = tokio::spawn(async move { call(&address, SLOW, seconds, &slow, "HTTP/1.1 ", "").await });
    tokio::time::sleep(std::time::Duration::from_millis(500)).await;
    show(&format!("beside {SLOW} slow ones"), ask().await);
    let slow = load.await.expect("the load");
    println!("{name}: the slow ones: {:.1}/s, p50 {:.0} ms, p99 {:.0} ms", slow.rate, slow.p50, slow.p99);
}
