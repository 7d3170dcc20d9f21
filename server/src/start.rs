//! Putting a node together: store, vault, engine, workers, HTTP; and taking it apart in the right order.

use std::sync::Arc;

use paygen_core::access::{Actor, ApiKeyView, CreateApiKey, CreateClient, Maker, NewKey, Scopes};
use paygen_core::ids::{ClientId, IdMaker};
use paygen_core::work::Context;
use paygen_core::{Command, Outcome, Request};
use paygen_store::{Database, Target};
use paygen_vault::Vault;

use crate::app::{App, Environment, Shared};
use crate::clock::{BusinessClock, wall};
use crate::config::Config;
use crate::credentials::Credentials;
use crate::delivery::{self, Deliveries, Sender};
use crate::documents::{Documents, DocumentsError};
use crate::edge::budget::Budget;
use crate::engine::{self, Engine};
use crate::http::events::Streams;
use crate::http::rate_limit::{RateLimits, Tries};
use crate::tail::{Source, Tail};
use crate::vault_keys::open_vault;
use crate::workers::{
    self, data_keys,
    key_uses::KeyUses,
    schedule::{Retention, Schedule},
    sequencer,
};

/// Why a node did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The store.
    #[error(transparent)]
    Store(#[from] paygen_store::StoreError),
    /// The vault.
    #[error(transparent)]
    Vault(#[from] paygen_vault::VaultError),
    /// The key file is not the one the data keys need.
    #[error("{0}")]
    KeyFile(String),
    /// The database is of the other environment.
    #[error("{0}")]
    Environment(String),
    /// The document store.
    #[error(transparent)]
    Documents(#[from] DocumentsError),
    /// The operating system.
    #[error("{0}: {1}")]
    System(&'static str, std::io::Error),
    /// The engine.
    #[error(transparent)]
    Engine(#[from] engine::Unanswered),
    /// A rule.
    #[error("{0}")]
    Refused(#[from] paygen_core::Refusal),
    /// The card programme's terms.
    #[error("{0}")]
    Program(String),
    /// Webhooks.
    #[error("webhooks cannot be sent: {0}")]
    Webhooks(String),
    /// Metrics.
    #[error("metrics cannot be recorded: {0}")]
    Metrics(String),
}

/// A running node.
pub struct Node {
    /// What handlers share.
    pub app: App,
    /// The store.
    pub database: Arc<Database>,
    stop: tokio::sync::watch::Sender<bool>,
    workers: tokio::task::JoinSet<()>,
}

impl Node {
    /// Opens the store and starts engine and workers, as the environment that the database is of. A chore takes the
    /// database as it is; a server says which environment it must be.
    pub async fn start(config: Config, required: Option<Environment>) -> Result<Node, StartError> {
        let expected = required.unwrap_or_else(|| config.environment());
        if let Target::Sqlite(path) = config.target()
            && !path.exists()
            && config.key_file().exists()
        {
            tracing::warn!(path = %path.display(), "there is a key file, and no database: a new one begins here");
        }
        let database = Arc::new(match expected {
            Environment::Sandbox if required.is_some() => Database::open_or_begin(&config.target()).await?,
            Environment::Sandbox => Database::open(&config.target()).await?,
            Environment::Production => Database::open_existing(&config.target()).await?,
        });
        let environment = environment_of(&database, expected, required.is_some()).await?;
        let (vault, keys) = open_vault(database.clone(), &config, environment).await?;
        let engine = start_engine(&database, &config).await?;
        let reader = database.reader();
        let clock = BusinessClock::default();
        clock.learn(reader.clock().await?.offset);
        let documents = Documents::open(&config)?;
        let verified_only = config.kyc_required_for == crate::config::KycRequiredFor::Spend;
        let (stop, stopping) = tokio::sync::watch::channel(false);
        let terms = crate::program::terms(&config.program, environment, verified_only).map_err(StartError::Program)?;
        let tail = Tail::default();
        let deliveries = Deliveries::new(delivery::Parts {
            engine: engine.clone(),
            reader: reader.clone(),
            vault: vault.clone(),
            clock: clock.clone(),
            sender: Sender::new(config.webhooks.targets()).map_err(StartError::Webhooks)?,
            settings: config.webhooks.settings(),
            environment: terms.environment.clone(),
            tail: tail.clone(),
        });
        let schedule = Schedule::new(
            engine.clone(),
            reader.clone(),
            clock.clone(),
            deliveries.clone(),
            Retention { events: config.events.retention_days, attempts: config.webhooks.log_retention_days },
        );
        let key_uses = KeyUses::default();
        let mut running = tokio::task::JoinSet::new();
        running.spawn(schedule.clone().run(stopping.clone()));
        running.spawn(key_uses.clone().run(engine.clone(), stopping.clone()));
        running.spawn(workers::documents::run(documents.clone(), reader.clone(), stopping.clone()));
        running.spawn(deliveries.clone().run(database.shards(), stopping.clone()));
        let source = match database.listener() {
            Some(listener) => Source::Nodes(Box::new((listener, reader.clone()))),
            None => Source::Commits(engine.commits()),
        };
        running.spawn(tail.clone().run(source, stopping.clone()));
        if let Some(sequencer) = database.sequencer().await? {
            running.spawn(sequencer::run(sequencer, engine.clone(), tail.clone(), stopping.clone()));
        }
        if !database.has_one_writer() {
            running.spawn(data_keys::run(keys.clone(), vault.clone(), stopping.clone()));
        }
        running.spawn(workers::recovery::run(database.clone(), engine.clone(), stopping.clone()));
        let metrics = record_metrics()?;
        crate::measures::describe();
        running.spawn(workers::metrics::run(metrics.clone(), stopping.clone()));
        let app = App::from(Shared {
            engine,
            credentials: Credentials::new(reader.clone()),
            reader,
            vault,
            keys,
            clock,
            key_uses,
            rate_limits: RateLimits::per_second(config.rate_limit, config.client_rate_limit),
            reveal_tries: Tries::of_reveals(),
            credential_tries: config
                .failed_credentials
                .map(|tries| Tries::new(tries.get(), std::time::Duration::from_secs(60) / tries.get())),
            schedule,
            tail,
            deliveries,
            request_bytes: Budget::new(config.request_bytes),
            answer_bytes: Budget::new(config.answer_bytes),
            streams: Streams::default(),
            advancing: Arc::default(),
            documents,
            terms,
            config: Arc::new(config),
            environment,
            stopping,
            sampled: crate::measures::Sampled::default(),
            metrics,
        });
        Ok(Node { app, database, stop, workers: running })
    }

    /// Tells everybody to stop: no new requests are taken, long ones end.
    pub fn begin_stop(&self) {
        let _ = self.stop.send(true);
    }

    /// Lets workers and engine finish what they have.
    pub async fn finish(mut self) {
        self.begin_stop();
        while self.workers.join_next().await.is_some() {}
        self.app.engine.drain().await;
    }
}

/// The environment that the database is of, which must be the expected one where that is required.
async fn environment_of(
    database: &Database,
    expected: Environment,
    is_required: bool,
) -> Result<Environment, StartError> {
    let kept = database.established(expected == Environment::Sandbox, wall()).await?;
    let environment = if kept.is_sandbox { Environment::Sandbox } else { Environment::Production };
    match environment {
        kept if kept == expected || !is_required => Ok(kept),
        Environment::Sandbox => Err(StartError::Environment(
            "this database is a sandbox's: its money, its clock and its keys are not real, so `paygen serve` does not run \
             on it. Start `paygen dev`, or name another --data-dir or --database-url and make the database with \
             `paygen migrate`."
                .to_owned(),
        )),
        Environment::Production => Err(StartError::Environment(
            "this database is production's, and `paygen dev` would simulate payments and move the clock on it. Start \
             `paygen serve`, or name another --data-dir or --database-url for the sandbox."
                .to_owned(),
        )),
    }
}

async fn start_engine(database: &Database, config: &Config) -> Result<Engine, StartError> {
    let lanes = if database.has_one_writer() { 1 } else { config.engine.lanes };
    let mut stores = Vec::new();
    for _ in 0..lanes {
        stores.push((database.store().await?, new_id_maker()));
    }
    let settings = engine::Settings {
        batch: config.engine.batch,
        bounds: engine::Bounds { waiting: [config.engine.queue; 3] },
        cached_bytes: config.engine.cached_bytes,
        wall: Arc::new(wall),
    };
    Engine::start(stores, &settings).map_err(|error| StartError::System("the engine's threads cannot start", error))
}

/// A maker of ids for a node nobody else is.
pub fn new_id_maker() -> IdMaker {
    let start: [u8; 4] = paygen_vault::random_bytes();
    IdMaker::new(paygen_vault::random_bytes(), u32::from_be_bytes(start) & 0xffff)
}

/// Makes a client with its first key through the engine; its id.
pub async fn make_client(
    engine: &Engine,
    vault: &Vault,
    name: &str,
    secret: &paygen_vault::ApiKeySecret,
) -> Result<ClientId, StartError> {
    let id = ClientId(new_id_maker().next(wall()));
    let key = NewKey { hash: secret.hash(vault), hint: secret.hint() };
    let command = Command::CreateClient(CreateClient { id, name: name.to_owned(), key });
    let mut context = Context::system(id, "");
    context.actor = Actor::Operator;
    engine.run_background(Request::new(context, command)).await??;
    Ok(id)
}

/// Gives a client one more key with every scope; what is shown of it.
pub async fn make_key(
    app: &App,
    client: ClientId,
    name: &str,
    secret: &paygen_vault::ApiKeySecret,
) -> Result<Option<ApiKeyView>, StartError> {
    let mut context = Context::system(client, "");
    context.actor = Actor::Operator;
    let command = Command::CreateApiKey(CreateApiKey {
        name: name.to_owned(),
        scopes: Scopes::all(),
        expires_at: None,
        allowed_ips: Vec::new(),
        key: NewKey { hash: secret.hash(&app.vault), hint: secret.hint() },
        maker: Maker { scopes: Scopes::all(), until: None, networks: Vec::new() },
    });
    match app.engine.run_background(Request::new(context, command)).await?? {
        Outcome::ApiKey(view) => Ok(Some(view)),
        _ => Ok(None),
    }
}

fn record_metrics() -> Result<metrics_exporter_prometheus::PrometheusHandle, StartError> {
    let seconds = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];
    let counts = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0];
    let suffix = |text: &str| metrics_exporter_prometheus::Matcher::Suffix(text.to_owned());
    let failed = |error: metrics_exporter_prometheus::BuildError| StartError::Metrics(error.to_string());
    metrics_exporter_prometheus::PrometheusBuilder::new()
        .set_buckets_for_metric(suffix("_seconds"), &seconds)
        .and_then(|builder| builder.set_buckets_for_metric(suffix("_commands"), &counts))
        .and_then(metrics_exporter_prometheus::PrometheusBuilder::install_recorder)
        .map_err(failed)
}
