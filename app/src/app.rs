//! What all ways in share: the engine to write through, the reader to read through, the vault, the clock.

use std::ops::Deref;
use std::sync::Arc;

use paygen_core::cards::Brand;
use paygen_core::work::Context;
use paygen_core::{Command, Request};
use paygen_engine::clock::BusinessClock;
use paygen_engine::schedule::Schedule;
use paygen_engine::tail::Tail;
use paygen_engine::{Answer, Engine, Priority, Submission};
use paygen_store::Reader;
use paygen_vault::{CardRange, Vault};

use crate::credentials::Credentials;
use crate::documents::Documents;
use crate::environment::Environment;
use crate::failure::Failure;
use crate::key_uses::KeyUses;
use crate::vault_keys::VaultKeys;

/// What all ways in share. Cloning it costs one more reference.
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

/// The parts of an [`App`].
pub struct Parts {
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
    /// API keys and bearer tokens.
    pub credentials: Credentials,
    /// When keys were used.
    pub key_uses: KeyUses,
    /// What falls due.
    pub schedule: Schedule,
    /// Wakes readers of events.
    pub tail: Tail,
    /// Files of card holders.
    pub documents: Documents,
    /// The terms of the card programme.
    pub terms: Arc<paygen_core::programs::Terms>,
    /// Ranges that card numbers are drawn from; of several of a brand, one at random.
    pub ranges: Vec<(Brand, CardRange)>,
    /// How many months a new card is valid.
    pub validity_months: u32,
    /// Sandbox or production.
    pub environment: Environment,
    /// Whether the process is stopping.
    pub stopping: tokio::sync::watch::Receiver<bool>,
}

impl App {
    /// Runs a command's rules now; nothing is stored.
    pub async fn try_out(&self, context: Context, command: Command) -> Result<(), Failure> {
        let submission = Submission { request: Request::new(context, command), idempotency: None, dry_run: true };
        match self.engine.submit(Priority::Api, submission).await? {
            Answer::Decided(Err(refusal)) => Err(refusal.into()),
            _ => Ok(()),
        }
    }
}
