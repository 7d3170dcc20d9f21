//! The services every interface shares: the engine for writes, the reader for reads, the vault, the clock.

use std::ops::Deref;
use std::sync::Arc;

use paygen_core::programs::{NumberRange, ProgramSeed, Terms};
use paygen_core::work::Context;
use paygen_core::{Command, Request};
use paygen_engine::clock::BusinessClock;
use paygen_engine::schedule::Schedule;
use paygen_engine::tail::Tail;
use paygen_engine::{Answer, Engine, Priority, Submission};
use paygen_store::Reader;
use paygen_vault::Vault;

use crate::credentials::Credentials;
use crate::documents::Documents;
use crate::environment::Environment;
use crate::failure::Failure;
use crate::key_uses::KeyUses;
use crate::vault_keys::VaultKeys;

/// The shared services. A clone is one more reference.
#[derive(Clone)]
pub struct App(Arc<Parts>);

impl From<Parts> for App {
    fn from(parts: Parts) -> App {
        App(Arc::new(parts))
    }
}

impl Deref for App {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.0
    }
}

pub struct Parts {
    pub engine: Engine,
    pub reader: Reader,
    pub vault: Arc<Vault>,
    /// The vault's data keys, as stored.
    pub keys: Arc<VaultKeys>,
    pub clock: BusinessClock,
    pub credentials: Credentials,
    /// When API keys were last used.
    pub key_uses: KeyUses,
    pub schedule: Schedule,
    pub tail: Tail,
    pub documents: Documents,
    pub terms: Arc<Terms>,
    /// The ranges of the settings, which all programs may have, and which a client's first program has.
    pub ranges: Vec<NumberRange>,
    pub environment: Environment,
    /// Whether the process is stopping.
    pub stopping: tokio::sync::watch::Receiver<bool>,
}

impl App {
    /// What the first program of a client is made of.
    pub fn seed(&self) -> ProgramSeed {
        ProgramSeed { terms: self.terms.program.clone(), ranges: self.ranges.clone() }
    }

    /// Checks a command against every rule now; nothing is stored.
    pub async fn check_rules(&self, context: Context, command: Command) -> Result<(), Failure> {
        let submission = Submission { request: Request::new(context, command), idempotency: None, dry_run: true };
        match self.engine.submit(Priority::Api, submission).await? {
            Answer::Decided(Err(refusal)) => Err(refusal.into()),
            _ => Ok(()),
        }
    }
}
