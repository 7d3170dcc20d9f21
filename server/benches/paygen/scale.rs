//! A whole issuer with many cards: authorizations in process, calls over HTTP, memory, start time, space.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use paygen_app::Environment;
use paygen_app::clients::make_client;
use paygen_app::vault_keys::open_vault;
use paygen_server::common_args::CommonArgs;
use paygen_server::config::{Config, EngineConfig, Mode};
use paygen_store::Database;
use paygen_vault::{ApiKeySecret, KeyKind};

use crate::Options;
use crate::authorizations::{Shape, decide};
use crate::callers::{measure, start};
use crate::calls::Call;
use crate::population::{Population, seed};
use crate::report::{Measured, Size, Table};
use crate::servers::Server;
use crate::wire::call;

/// An issuer to measure.
struct Issuer<'a> {
    options: &'a Options,
    /// Its label.
    name: String,
    data_dir: PathBuf,
    url: Option<String>,
    key: ApiKeySecret,
    population: Arc<Population>,
    empty: Server,
}

/// Runs all measurements on SQLite, and on PostgreSQL when there is one.
pub async fn measure_all(options: &Options, postgres: Option<&str>) {
    let directory = tempfile::tempdir().expect("a directory");
    let mut table = Table::default();
    let mut sizes = Vec::new();
    for (store, postgres) in [("SQLite", None), ("PostgreSQL", postgres)] {
        if store == "PostgreSQL" && postgres.is_none() {
            continue;
        }
        for cards in options.cards.iter().copied() {
            let data_dir = directory.path().join(format!("{store}-{cards}"));
            let url = match postgres {
                Some(url) => Some(fresh_database(url, &format!("bench_{cards}")).await),
                None => None,
            };
            let name = format!("{store}, {cards} cards");
            sizes.push(measure_one(options, name, &data_dir, url, cards, &mut table).await);
            let _ = std::fs::remove_dir_all(&data_dir);
        }
    }
    table.print();
    Size::print(&sizes);
}

/// A database of its own on the same server; returns its URL.
pub async fn fresh_database(url: &str, name: &str) -> String {
    connect(url).await.batch_execute(&format!("CREATE DATABASE {name}")).await.expect("a fresh database");
    format!("{}/{name}", url.rsplit_once('/').expect("the URL names a database").0)
}

async fn connect(url: &str) -> tokio_postgres::Client {
    let (client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls).await.expect("PostgreSQL answers");
    tokio::spawn(connection);
    client
}

async fn measure_one(
    options: &Options,
    name: String,
    data_dir: &Path,
    url: Option<String>,
    cards: u64,
    table: &mut Table,
) -> Size {
    std::fs::create_dir_all(data_dir).expect("a directory");
    let arguments =
        CommonArgs { data_dir: Some(data_dir.to_owned()), database_url: url.clone(), ..CommonArgs::default() };
    let config = Config::load(Mode::Dev, &arguments).expect("settings");
    let target = config.target();
    Database::migrate(&target).await.expect("the schema");
    let database = Arc::new(Database::open(&target).await.expect("the database"));
    let (vault, keys) =
        open_vault(database.clone(), &config.key_file(), Environment::Sandbox).await.expect("the vault");
    let lanes = if database.has_one_writer() { 1 } else { EngineConfig::default().lanes };
    let engine = start(&database, lanes, EngineConfig::default().batch).await;
    let key = ApiKeySecret::generate(KeyKind::Test);
    let client = make_client(&engine, &vault, "Bench", &key, crate::office::seed()).await.expect("a client");
    engine.drain().await;
    let population = Arc::new(seed(&database, vault.clone(), client, cards).await);
    if let Some(url) = &url {
        // Autovacuum would do so within a minute of such a change.
        connect(url).await.batch_execute("ANALYZE").await.expect("statistics");
    }
    let empty = Server::empty();
    let issuer = Issuer { options, name, data_dir: data_dir.to_owned(), url, key, population, empty };
    if options.in_process() {
        issuer.in_process(&database, lanes, table).await;
    }
    // An SQLite database has one process at a time, and the vault's keys hold a reference to it too.
    drop((database, vault, keys, engine));
    issuer.over_http(table).await
}

impl Issuer<'_> {
    async fn in_process(&self, database: &Database, lanes: usize, table: &mut Table) {
        let most = self.options.connections.iter().copied().max().unwrap_or(1);
        for _ in 0..self.options.rounds {
            let nothing = self.nothing(most).await;
            for (shape, label) in Shape::ALL {
                let act = decide(shape, &self.population);
                let batch = EngineConfig::default().batch;
                let measured = measure(database, lanes, batch, self.options.seconds, act).await;
                table.note(format!("{}: authorizations in process, {label}", self.name), measured, nothing.rate);
            }
        }
    }

    async fn over_http(&self, table: &mut Table) -> Size {
        // The flush of the seeder's rows does not count as starting.
        self.start().0.stop();
        let (mut paygen, started) = self.start();
        let idle = paygen.memory();
        for connections in self.options.connections.iter().copied() {
            for _ in 0..self.options.rounds {
                let nothing = self.nothing(connections).await;
                table.note(format!("{connections} connections: an empty handler"), nothing, nothing.rate);
                for wanted in self.options.calls() {
                    let write = wanted.requests(&self.population, &paygen.address, &self.key);
                    let (status, has) = wanted.expected();
                    let before = paygen.used();
                    let measured = call(&paygen.address, connections, self.options.seconds, &write, status, has).await;
                    let label = format!("{connections} connections: {}, {}", self.name, wanted.label());
                    table.note(label, measured, nothing.rate);
                    if let Some((before, after)) = before.zip(paygen.used()) {
                        println!("  {}", after.each(&before, measured.calls as f64));
                    }
                }
            }
        }
        let busy = paygen.memory();
        let load = self.load(&paygen);
        let killed = tokio::time::timeout(std::time::Duration::from_secs(1), load).await;
        paygen.kill();
        assert!(killed.is_err(), "it was killed under load");
        let after_kill = self.start().1;
        Size { label: self.name.clone(), started, after_kill, idle, busy, database: self.space().await }
    }

    fn start(&self) -> (Server, std::time::Duration) {
        Server::paygen(&self.data_dir, self.url.as_deref(), self.key.expose())
    }

    /// Authorizations without an end.
    async fn load(&self, paygen: &Server) {
        let write = Call::Authorizations.requests(&self.population, &paygen.address, &self.key);
        let (status, has) = Call::Authorizations.expected();
        call(&paygen.address, 32, 60, &write, status, has).await;
    }

    /// The same requests to a handler that does nothing.
    async fn nothing(&self, connections: usize) -> Measured {
        let write = Call::Authorizations.requests(&self.population, &self.empty.address, &self.key);
        call(&self.empty.address, connections, self.options.seconds, &write, "HTTP/1.1 200", "").await
    }

    /// The size of the database in bytes.
    async fn space(&self) -> u64 {
        let Some(url) = &self.url else {
            let files = std::fs::read_dir(&self.data_dir).expect("the data directory");
            let sizes = files.flatten().filter_map(|file| file.metadata().ok()).map(|file| file.len());
            return sizes.sum();
        };
        let row =
            connect(url).await.query_one("SELECT pg_database_size(current_database())", &[]).await.expect("its size");
        u64::try_from(row.get::<_, i64>(0)).expect("a size")
    }
}
