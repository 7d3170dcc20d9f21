//! Deliveries to a sink on this machine: maximum throughput, and lag at a steady rate, on both stores.
//!
//! Throughput is measured from a backlog: the events exist before the server starts. A delivery counts once its attempt
//! is logged durably. Lag is measured from the answer to a transfer, which comes after its commit, to the arrival of
//! its event; it is zero for an event that arrives before the answer.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use paygen_app::Environment;
use paygen_app::clients::make_client;
use paygen_app::new_id_maker;
use paygen_app::vault_keys::open_vault;
use paygen_core::Command;
use paygen_core::events::EventType;
use paygen_core::ids::{AccountId, WebhookId};
use paygen_core::webhooks::{CreateWebhook, Subscriptions};
use paygen_delivery::credentials::Credentials;
use paygen_engine::clock::wall;
use paygen_server::common_args::CommonArgs;
use paygen_server::config::{Config, EngineConfig, Mode};
use paygen_store::Database;
use paygen_vault::{ApiKeySecret, KeyKind};
use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::Options;
use crate::callers::{measure, start};
use crate::report::Measured;
use crate::servers::Server;
use crate::transfers::{open_accounts_of, transfers};

/// The rates at which lag is measured, in events per second.
const PACES: [u64; 2] = [300, 500];

/// The arrivals: the time of each transfer's event, and their number.
#[derive(Default)]
struct Sink {
    arrived: Mutex<HashMap<String, Instant>>,
    count: watch::Sender<usize>,
}

impl Sink {
    async fn open() -> (Arc<Sink>, String) {
        let sink = Arc::new(Sink::default());
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}/", listener.local_addr().expect("its address"));
        let app = Router::new().fallback(take).with_state(sink.clone());
        tokio::spawn(async move { axum::serve(listener, app).await.expect("it serves") });
        (sink, url)
    }

    fn take_all(&self) -> HashMap<String, Instant> {
        std::mem::take(&mut self.arrived.lock().unwrap_or_else(PoisonError::into_inner))
    }

    async fn until(&self, count: usize) {
        let _ = self.count.subscribe().wait_for(|arrived| *arrived >= count).await;
    }
}

async fn take(State(sink): State<Arc<Sink>>, body: Bytes) {
    let now = Instant::now();
    let text = std::str::from_utf8(&body).unwrap_or_default();
    if let Some(id) = transfer_of(text) {
        sink.arrived.lock().unwrap_or_else(PoisonError::into_inner).insert(id.to_owned(), now);
    }
    sink.count.send_modify(|count| *count += 1);
}

/// The id of the first object after `"transfer":`, or after `"data":` in an answer.
fn transfer_of(text: &str) -> Option<&str> {
    let (_, rest) = text.split_once("\"transfer\":{\"_id\":\"").or_else(|| text.split_once("\"data\":{\"_id\":\""))?;
    rest.get(..24)
}

/// Runs all measurements on SQLite, and on PostgreSQL when there is one.
pub async fn measure_all(options: &Options, postgres: Option<&str>) {
    let directory = tempfile::tempdir().expect("a directory");
    on_store("SQLite", options, &directory.path().join("sqlite"), None).await;
    if let Some(url) = postgres {
        let url = crate::scale::fresh_database(url, "bench_deliveries").await;
        on_store("PostgreSQL", options, &directory.path().join("postgres"), Some(&url)).await;
    }
}

async fn on_store(name: &str, options: &Options, data_dir: &Path, url: Option<&str>) {
    std::fs::create_dir_all(data_dir).expect("a directory");
    let arguments = CommonArgs {
        data_dir: Some(data_dir.to_owned()),
        database_url: url.map(str::to_owned),
        ..CommonArgs::default()
    };
    let config = Config::load(Mode::Dev, &arguments).expect("settings");
    Database::migrate(&config.target()).await.expect("the schema");
    let database = Arc::new(Database::open(&config.target()).await.expect("the database"));
    let (vault, keys) =
        open_vault(database.clone(), &config.key_file(), Environment::Sandbox).await.expect("the vault");
    let engine = start(&database, 1, EngineConfig::default().batch).await;
    let key = ApiKeySecret::generate(KeyKind::Test);
    let client = make_client(&engine, &vault, "Bench", &key, crate::office::seed()).await.expect("a client");
    let accounts = Arc::new(open_accounts_of(&engine, client).await);
    let (sink, sink_url) = Sink::open().await;
    let id = WebhookId(new_id_maker().next(wall()));
    let webhook = CreateWebhook {
        id,
        url: sink_url,
        events: Subscriptions::Some(vec![EventType::TransferCreated]),
        description: None,
        enabled: true,
        credentials: Credentials::new(None).seal(&vault, client, id),
        has_token: false,
    };
    crate::callers::run(&engine, client, Command::CreateWebhook(Box::new(webhook))).await.expect("an endpoint");
    engine.drain().await;
    let made = measure(&database, 1, EngineConfig::default().batch, options.seconds, transfers(&accounts)).await;
    if let Some(mut sequencer) = database.sequencer().await.expect("a sequencer") {
        while !sequencer.step().await.expect("a step").is_empty() {}
    }
    drop((database, vault, keys, engine));
    let (server, _) = Server::paygen(data_dir, url, key.expose());
    let http = reqwest::Client::new();
    let waiting = total(&http, &server.address, &key, "events?filter=type=transfer.created&limit=1").await;
    sink.until(1).await;
    let begun = Instant::now();
    sink.until(waiting).await;
    while total(&http, &server.address, &key, "events/deliveries?limit=1").await < waiting {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let rate = waiting as f64 / begun.elapsed().as_secs_f64();
    println!(
        "{name}: deliveries flat out {rate:.0}/s ({waiting} events, each attempt logged), {:.2} of transfers",
        rate / made.rate
    );
    for pace in PACES {
        sink.take_all();
        let lag = paced(&server.address, key.expose(), &accounts.1, pace, options.seconds, &sink).await;
        println!(
            "{name}: at {pace} events/s, lag p50 {:.2} ms, p99 {:.2} ms ({:.0}/s came)",
            lag.p50, lag.p99, lag.rate
        );
    }
}

/// The number of a list's items.
async fn total(http: &reqwest::Client, address: &str, key: &ApiKeySecret, list: &str) -> usize {
    let request = http.get(format!("http://{address}/{list}")).header("x-api-key", key.expose());
    let text = request.send().await.expect("an answer").text().await.expect("its body");
    let list: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    list["meta"]["total"].as_u64().and_then(|total| usize::try_from(total).ok()).expect("a total")
}

/// Transfers at a steady rate over HTTP, and the lag of their events.
async fn paced(
    address: &str,
    key: &str,
    accounts: &[AccountId],
    pace: u64,
    seconds: u64,
    sink: &Arc<Sink>,
) -> Measured {
    let client = reqwest::Client::builder().pool_max_idle_per_host(64).build().expect("a client");
    let mut ticks = tokio::time::interval(Duration::from_micros(1_000_000 / pace));
    let started = Instant::now();
    let mut calls = Vec::new();
    for number in 0..usize::try_from(pace * seconds).unwrap_or(usize::MAX) {
        ticks.tick().await;
        let body = format!(
            r#"{{"fromAccountId":"{}","toAccountId":"{}","amount":0.01}}"#,
            accounts[number % accounts.len()],
            accounts[(number + 1) % accounts.len()]
        );
        let request = client.post(format!("http://{address}/transfers")).header("x-api-key", key);
        let request = request.header("content-type", "application/json").body(body);
        calls.push(tokio::spawn(async move {
            let answer = request.send().await.expect("an answer").text().await.expect("its body");
            let answered = Instant::now();
            transfer_of(&answer).map(|id| (id.to_owned(), answered))
        }));
    }
    let mut answered = Vec::new();
    for call in calls {
        answered.extend(call.await.expect("it ran"));
    }
    assert!(!answered.is_empty(), "no transfer was made");
    let mut arrived = sink.take_all();
    let deadline = Instant::now() + Duration::from_secs(30);
    while answered.iter().any(|(id, _)| !arrived.contains_key(id)) && Instant::now() < deadline {
        tokio::time::sleep(Duration::from_millis(5)).await;
        arrived.extend(sink.take_all());
    }
    let lag = |(id, answered): &(String, Instant)| {
        let late = arrived.get(id)?.saturating_duration_since(*answered);
        Some(u32::try_from(late.as_micros()).unwrap_or(u32::MAX))
    };
    Measured::of(answered.iter().filter_map(lag).collect(), started.elapsed())
}
