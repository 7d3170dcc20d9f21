//! What every handler shares: the engine to write through, the reader to read through, the vault, the clock.

use std::ops::Deref;
use std::sync::Arc;

use paygen_core::{Command, Request};
use paygen_store::Reader;
use paygen_vault::Vault;

use crate::clock::BusinessClock;
use crate::config::Config;
use crate::credentials::Credentials;
use crate::delivery::Deliveries;
use crate::documents::Documents;
use crate::edge::budget::Budget;
use crate::engine::{Answer, Engine, Priority, Submission};
use crate::http::events::Streams;
use crate::http::gate::Caller;
use crate::http::problem::Problem;
use crate::http::rate_limit::{RateLimits, Tries};
use crate::tail::Tail;
use crate::vault_keys::VaultKeys;
use crate::workers::key_uses::KeyUses;
use crate::workers::schedule::Schedule;

/// Whether this is the sandbox or production.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Environment {
    /// Simulator on, test clock on, sandbox keys.
    Sandbox,
    /// None of these.
    Production,
}

/// What all handlers share. Each layer of each request clones it: that is one more reference.
#[derive(Clone)]
pub struct App(Arc<Shared>);

impl From<Shared> for App {
    fn from(shared: Shared) -> App {
        App(Arc::new(shared))
    }
}

impl Deref for App {
    type Target = Shared;

    fn deref(&self) -> &Shared {
        &self.0
    }
}

/// The parts of an [`App`].
pub struct Shared {
    /// Writes.
    pub engine: Engine,
    /// Reads.
    pub reader: Reader,
    /// Seals and hashes.
    pub vault: Arc<Vault>,
    /// The vault's data keys, as they are kept.
    pub keys: Arc<VaultKeys>,
    /// Business time.
    pub clock: BusinessClock,
    /// Who calls.
    pub credentials: Credentials,
    /// When keys were used.
    pub key_uses: KeyUses,
    /// How often keys and clients may call.
    pub rate_limits: RateLimits,
    /// How often addresses may try reveal tokens.
    pub reveal_tries: Tries,
    /// How often addresses may send credentials that nobody has, when that is limited.
    pub credential_tries: Option<Tries>,
    /// What falls due.
    pub schedule: Schedule,
    /// Tells when there are new events to read.
    pub tail: Tail,
    /// Deliveries to webhook endpoints.
    pub deliveries: Deliveries,
    /// What requests may have in memory.
    pub request_bytes: Budget,
    /// What answers may have in memory.
    pub answer_bytes: Budget,
    /// Open streams of events.
    pub streams: Streams,
    /// One advance of the test clock at a time.
    pub advancing: Arc<tokio::sync::Mutex<()>>,
    /// Files of card holders.
    pub documents: Documents,
    /// The terms of the card programme.
    pub terms: Arc<paygen_core::authorizations::Terms>,
    /// Settings.
    pub config: Arc<Config>,
    /// Sandbox or production.
    pub environment: Environment,
    /// Whether the process is stopping.
    pub stopping: tokio::sync::watch::Receiver<bool>,
    /// When figures for it were last read from the store.
    pub sampled: crate::measures::Sampled,
    /// Prometheus text.
    pub metrics: metrics_exporter_prometheus::PrometheusHandle,
}

impl App {
    /// Whether a command would be carried out now; nothing is stored.
    pub async fn try_out(&self, caller: &Caller, command: Command) -> Result<(), Problem> {
        let request = Request::new(caller.context(), command);
        let submission = Submission { request, idempotency: None, dry_run: true };
        match self.engine.submit(Priority::Api, submission).await? {
            Answer::Decided(Err(refusal)) => Err(Problem::from(&refusal)),
            _ => Ok(()),
        }
    }
}
