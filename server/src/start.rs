//! Assembles a node (store, vault, engine, workers, HTTP) and shuts it down in the right order.

use std::sync::Arc;
use std::time::Duration;

use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder, PrometheusHandle};
use paygen_api::Api;
use paygen_api::open_streams::Streams;
use paygen_api::rate_limit::{RateLimits, Tries};
use paygen_api::state::{Settings, Shared};
use paygen_app::clients::seed_programs;
use paygen_app::credentials::Credentials;
use paygen_app::documents::{self, DocumentsError};
use paygen_app::key_uses::KeyUses;
use paygen_app::vault_keys::{KeysError, open_vault};
use paygen_app::{App, Environment, Parts, data_keys, new_id_maker};
use paygen_core::cards::Brand;
use paygen_core::programs::NumberRange;
use paygen_delivery::{Deliveries, Responders, Sender};
use paygen_edge::budget::Budget;
use paygen_engine::clock::{BusinessClock, wall};
use paygen_engine::schedule::{Retention, Schedule};
use paygen_engine::tail::{Source, Tail};
use paygen_engine::{Engine, measures, recovery, sequencer, stopped};
use paygen_store::{Database, Target};
use paygen_vault::ZonePinKey;

use crate::config::{Config, KycRequiredFor, LogFormat};

/// Why a node did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error(transparent)]
    Store(#[from] paygen_store::StoreError),
    #[error(transparent)]
    Keys(#[from] KeysError),
    /// The database belongs to the other environment.
    #[error("{0}")]
    Environment(String),
    #[error(transparent)]
    Documents(#[from] DocumentsError),
    #[error("{0}: {1}")]
    System(&'static str, std::io::Error),
    #[error(transparent)]
    Failure(#[from] paygen_app::Failure),
    #[error("{0}")]
    Program(String),
    #[error("webhooks cannot be sent: {0}")]
    Webhooks(String),
    #[error("metrics cannot be recorded: {0}")]
    Metrics(String),
}

/// A running node.
pub struct Node {
    /// The services that every interface shares.
    pub app: App,
    /// The state that the HTTP API's handlers share.
    pub api: Api,
    pub config: Arc<Config>,
    pub database: Arc<Database>,
    stop: tokio::sync::watch::Sender<bool>,
    workers: tokio::task::JoinSet<()>,
}

impl Node {
    /// Opens the store and starts engine and workers, as the environment that the database is of. A chore takes the
    /// database as it is, and one that was never served as production's; a server says which environment it must be.
    pub async fn start(config: Config, required: Option<Environment>) -> Result<Node, StartError> {
        let expected = required.unwrap_or(Environment::Production);
        if let Target::Sqlite(path) = config.target()
            && !path.exists()
            && config.key_file().exists()
        {
            tracing::warn!(path = %path.display(), "there is a key file but no database: a new database is created");
        }
        let database = Arc::new(match expected {
            Environment::Sandbox => Database::open_or_begin(&config.target()).await?,
            Environment::Production => Database::open_existing(&config.target()).await?,
        });
        let environment = environment_of(&database, expected, required.is_some()).await?;
        let (vault, keys) = open_vault(database.clone(), &config.key_file(), environment).await?;
        let engine = start_engine(&database, &config).await?;
        let reader = database.reader();
        let clock = BusinessClock::default();
        clock.learn(reader.clock().await?.offset);
        let documents = config.documents()?;
        let verified_only = config.kyc_required_for == KycRequiredFor::Spend;
        let (stop, stopping) = tokio::sync::watch::channel(false);
        let terms = crate::program::terms(&config.program, config.cards.validity_months, environment, verified_only)
            .map_err(StartError::Program)?;
        let tail = Tail::default();
        let deliveries = Deliveries::new(paygen_delivery::Shared {
            engine: engine.clone(),
            reader: reader.clone(),
            vault: vault.clone(),
            clock: clock.clone(),
            sender: Sender::new(config.webhooks.targets()).map_err(StartError::Webhooks)?,
            settings: config.webhooks.settings(),
            environment: terms.environment.clone(),
            tail: tail.clone(),
        });
        let retention =
            Retention { events: config.events.retention_days, attempts: config.webhooks.log_retention_days };
        let outbound = Arc::new(deliveries.clone());
        let schedule = Schedule::new(engine.clone(), reader.clone(), clock.clone(), outbound, retention);
        let metrics = record_metrics()?;
        measures::describe();
        let responders = Responders::open(paygen_delivery::asking::Parts {
            engine: engine.clone(),
            reader: reader.clone(),
            vault: vault.clone(),
            clock: clock.clone(),
            sender: Sender::new(config.webhooks.targets()).map_err(StartError::Webhooks)?,
            terms: terms.clone(),
        })
        .await?;
        let app = App::from(Parts {
            engine,
            credentials: Credentials::new(reader.clone()),
            reader,
            vault,
            keys,
            clock,
            key_uses: KeyUses::default(),
            schedule,
            tail,
            documents,
            terms,
            ranges: ranges(&config),
            environment,
            stopping,
        });
        if required.is_some() {
            seed_programs(&app).await?;
        }
        let mut workers = workers(&app, &database).await?;
        workers.spawn(deliveries.clone().run(database.shards(), app.stopping.clone()));
        workers.spawn(responders.clone().run(app.stopping.clone()));
        workers.spawn(run_upkeep(metrics.clone(), app.stopping.clone()));
        let api = api(app.clone(), (deliveries, responders), metrics, &config);
        Ok(Node { app, api, config: Arc::new(config), database, stop, workers })
    }

    /// Signals shutdown: no new requests are accepted, long ones end.
    pub fn begin_stop(&self) {
        let _ = self.stop.send(true);
    }

    /// Waits until workers and engine have finished.
    pub async fn finish(mut self) {
        self.begin_stop();
        while self.workers.join_next().await.is_some() {}
        self.app.engine.drain().await;
    }
}

/// The background tasks except deliveries; each submits commands to the same engine.
async fn workers(app: &App, database: &Arc<Database>) -> Result<tokio::task::JoinSet<()>, StartError> {
    let (engine, reader, stopping) = (&app.engine, &app.reader, &app.stopping);
    let mut running = tokio::task::JoinSet::new();
    running.spawn(app.schedule.clone().run(stopping.clone()));
    running.spawn(app.key_uses.clone().run(engine.clone(), stopping.clone()));
    running.spawn(documents::sweep::run(app.documents.clone(), reader.clone(), stopping.clone()));
    let source = match database.listener() {
        Some(listener) => Source::Nodes(Box::new((listener, reader.clone()))),
        None => Source::Commits(engine.commits()),
    };
    running.spawn(app.tail.clone().run(source, stopping.clone()));
    if let Some(sequencer) = database.sequencer().await? {
        running.spawn(sequencer::run(sequencer, engine.clone(), app.tail.clone(), stopping.clone()));
    }
    if !database.has_one_writer() {
        running.spawn(data_keys::run(app.keys.clone(), app.vault.clone(), stopping.clone()));
    }
    running.spawn(recovery::run(database.clone(), engine.clone(), stopping.clone()));
    Ok(running)
}

/// The HTTP API over an [`App`].
fn api(
    app: App,
    (deliveries, responders): (Deliveries, Responders),
    metrics: PrometheusHandle,
    config: &Config,
) -> Api {
    let zone_pin_key = config.zone_pin_key.as_ref().and_then(|key| ZonePinKey::parse(key.expose()));
    let settings = Settings {
        public_url: config.public_url.as_deref().map(Arc::from),
        docs: config.docs,
        operations_apart: config.ops_listen.is_some(),
        request_lines: config.request_lines,
        logs_for_people: config.log_format == LogFormat::Human,
        cors_origins: config.cors_origins.clone(),
        trusted_proxies: config.trusted_proxies.clone(),
        request_timeout: Duration::from_secs(config.request_timeout_seconds),
        list_timeout_ms: config.list_timeout_ms,
        idempotency_retention_seconds: config.idempotency_retention_seconds,
        shared_clock: config.shared_clock,
        verified_to_issue: config.kyc_required_for == KycRequiredFor::Issue,
        zone_pin_key,
        retention_days: config.retention_days,
        event_retention_days: config.events.retention_days,
        attempt_retention_days: config.webhooks.log_retention_days,
        streams: config.events.streams,
        max_streams: config.events.max_streams,
        heartbeat: Duration::from_secs(config.events.heartbeat_seconds),
    };
    Api::from(Shared {
        app,
        rate_limits: RateLimits::per_second(config.rate_limit, config.client_rate_limit),
        reveal_tries: Tries::of_reveals(),
        credential_tries: config.failed_credentials.map(Tries::per_minute),
        deliveries,
        responders,
        request_bytes: Budget::new(config.request_bytes),
        answer_bytes: Budget::new(config.answer_bytes),
        request_measures: Default::default(),
        streams: Streams::default(),
        approved: tokio::sync::Notify::new(),
        advancing: tokio::sync::Mutex::default(),
        settings,
        sampled: measures::Sampled::default(),
        metrics: Box::new(move || metrics.render()),
    })
}

/// The ranges from which card numbers are drawn; the settings are already validated.
fn ranges(config: &Config) -> Vec<NumberRange> {
    let range = |range: &crate::config::RangeConfig| {
        Some(NumberRange { brand: Brand::parse(&range.brand)?, prefix: range.prefix.clone(), length: range.length })
    };
    config.cards.ranges.iter().filter_map(range).collect()
}

/// The environment recorded in the database; an error when it is not the required one.
async fn environment_of(
    database: &Database,
    expected: Environment,
    is_required: bool,
) -> Result<Environment, StartError> {
    let as_sandbox = expected == Environment::Sandbox;
    // Only a server records what a database is: a chore that fails must not decide it.
    let is_sandbox = match is_required {
        true => database.established(as_sandbox, wall()).await?.is_sandbox,
        false => database.presumed_sandbox(as_sandbox).await?,
    };
    let environment = if is_sandbox { Environment::Sandbox } else { Environment::Production };
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
    let settings = paygen_engine::Settings {
        batch: config.engine.batch,
        bounds: paygen_engine::Bounds { waiting: [config.engine.queue; 3] },
        cached_bytes: config.engine.cached_bytes,
        wall: Arc::new(wall),
    };
    Engine::start(stores, &settings).map_err(|error| StartError::System("the engine's threads cannot start", error))
}

/// How often recorded samples are aggregated. Otherwise histograms would keep each sample until the next scrape.
const UPKEEP_INTERVAL: Duration = Duration::from_secs(5);

/// Aggregates the metrics periodically, until the process stops.
async fn run_upkeep(metrics: PrometheusHandle, mut stop: tokio::sync::watch::Receiver<bool>) {
    loop {
        tokio::select! {
            () = tokio::time::sleep(UPKEEP_INTERVAL) => metrics.run_upkeep(),
            () = stopped(&mut stop) => return,
        }
    }
}

fn record_metrics() -> Result<PrometheusHandle, StartError> {
    let seconds = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];
    let counts = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0];
    let suffix = |text: &str| Matcher::Suffix(text.to_owned());
    let failed = |error: BuildError| StartError::Metrics(error.to_string());
    PrometheusBuilder::new()
        .set_buckets_for_metric(suffix("_seconds"), &seconds)
        .and_then(|builder| builder.set_buckets_for_metric(suffix("_commands"), &counts))
        .and_then(PrometheusBuilder::install_recorder)
        .map_err(failed)
}
