//! The vault's data keys: wrapped in the database, opened with the key file, reloaded when another server changed them.
//!
//! Several servers share the data keys of one database. Each reloads them every [`RELOAD_INTERVAL`], and at once when
//! it meets content sealed under a key it does not have, so that a new key opens content from its first use on.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use paygen_store::{Database, StoreError, VaultKeyRow};
use paygen_vault::{DataKey, FileKeyProvider, KeyProvider, Purpose, Vault, VaultError, WrappedKey};
use tokio::runtime::{Handle, RuntimeFlavor};
use tokio::sync::Mutex;

use crate::Environment;

/// Why the vault's data keys cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum KeysError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Vault(#[from] VaultError),
    /// The key file is missing, or is not the one the data keys are wrapped under.
    #[error("{0}")]
    File(String),
}

/// How often a server checks whether another one changed the data keys.
pub const RELOAD_INTERVAL: Duration = Duration::from_secs(2);

/// Loads data keys from the database into the vault. The key file is read whenever wrapped keys have to be opened, so
/// that its key does not stay in memory.
pub struct VaultKeys {
    /// Stores the wrapped keys.
    pub database: Arc<Database>,
    key_file: PathBuf,
    seen: Mutex<Vec<VaultKeyRow>>,
}

/// Opens the vault. Missing data keys are created; nodes that start at the same time agree on one key of each purpose.
pub async fn open_vault(
    database: Arc<Database>,
    key_file: &Path,
    environment: Environment,
) -> Result<(Arc<Vault>, Arc<VaultKeys>), KeysError> {
    let stored = database.vault_keys().await?;
    let recorded = database.installation().await?.and_then(|installation| installation.key_file);
    let provider = match environment {
        Environment::Sandbox if stored.is_empty() => FileKeyProvider::open_or_create(key_file)?,
        // Sealed content opens only with the key file it was sealed under; creating a new file would hide the loss.
        _ if !stored.is_empty() && !key_file.exists() => return Err(lost(key_file, recorded.as_deref())),
        _ => FileKeyProvider::open(key_file)?,
    };
    for purpose in Purpose::ALL {
        if !stored.iter().any(|key| key.purpose == purpose.as_str()) {
            database.add_vault_key(to_row(DataKey::generate(&provider, *purpose)?)).await?;
        }
    }
    let rows = database.vault_keys().await?;
    if !rows.iter().all(|row| DataKey::opens(&provider, &from_row(row))) {
        return Err(other(key_file, provider.key_id(), recorded.as_deref()));
    }
    let vault = Arc::new(Vault::open(&provider, &wrapped(&rows))?);
    if recorded.as_deref() != Some(provider.key_id()) {
        database.note_key_file(provider.key_id()).await?;
    }
    let keys = Arc::new(VaultKeys { database, key_file: key_file.to_owned(), seen: Mutex::new(rows) });
    let (key_loader, runtime) = (keys.clone(), Handle::current());
    vault.set_key_loader(move |vault, sealed| key_loader.load_missing(&runtime, vault, sealed));
    Ok((vault, keys))
}

/// Describes the key file that the data keys are wrapped under.
fn expected_key_file(recorded: Option<&str>) -> String {
    match recorded {
        Some(id) => format!("the key file with the id {id}"),
        None => "the key file that was used before".to_owned(),
    }
}

fn lost(path: &Path, recorded: Option<&str>) -> KeysError {
    KeysError::File(format!(
        "the key file {} is not there, and the data keys of this database are wrapped under {}: what is sealed opens with \
         that one alone. Put it back, or name it with PAYGEN_KEY_FILE. The id is the second word of a key file.",
        path.display(),
        expected_key_file(recorded)
    ))
}

fn other(path: &Path, id: &str, recorded: Option<&str>) -> KeysError {
    KeysError::File(format!(
        "the key file {}, whose id is {id}, does not open the data keys of this database: they are wrapped under {}. Put \
         that one there, or name it with PAYGEN_KEY_FILE. The id is the second word of a key file.",
        path.display(),
        expected_key_file(recorded)
    ))
}

impl VaultKeys {
    /// Opens the key file.
    pub fn provider(&self) -> Result<FileKeyProvider, KeysError> {
        Ok(FileKeyProvider::open(&self.key_file)?)
    }

    /// Reloads the vault's data keys from the database.
    pub async fn reload(&self, vault: &Vault) -> Result<(), KeysError> {
        let mut seen = self.seen.lock().await;
        self.reload_into(vault, &mut seen).await
    }

    async fn reload_into(&self, vault: &Vault, seen: &mut Vec<VaultKeyRow>) -> Result<(), KeysError> {
        let rows = self.database.vault_keys().await?;
        if *seen != rows {
            vault.reopen(&self.provider()?, &wrapped(&rows))?;
            *seen = rows;
        }
        Ok(())
    }

    /// Reloads while a caller that opens content waits. This is rare: once for each node and rotation.
    fn load_missing(&self, runtime: &Handle, vault: &Vault, sealed: &[u8]) {
        let reload = async {
            let mut seen = self.seen.lock().await;
            // Another caller may have loaded it while this one waited for the lock.
            if vault.has_key_for(sealed) { Ok(()) } else { self.reload_into(vault, &mut seen).await }
        };
        let outcome = match Handle::try_current().map(|current| current.runtime_flavor()) {
            Err(_) => runtime.block_on(reload),
            Ok(RuntimeFlavor::MultiThread) => tokio::task::block_in_place(|| runtime.block_on(reload)),
            // A current-thread runtime cannot block on itself.
            Ok(_) => return,
        };
        if let Err(error) = outcome {
            tracing::warn!(error = %error, "data keys created by another server could not be loaded");
        }
    }
}

/// The wrapped keys in the order the vault expects: the active key of a purpose last, whatever the clocks of the nodes
/// that created them.
fn wrapped(rows: &[VaultKeyRow]) -> Vec<WrappedKey> {
    let (retired, active): (Vec<_>, Vec<_>) = rows.iter().partition(|row| row.retired_at.is_some());
    retired.into_iter().chain(active).map(from_row).collect()
}

pub fn from_row(row: &VaultKeyRow) -> WrappedKey {
    WrappedKey { id: row.id.clone(), purpose: row.purpose.clone(), wrapped: row.wrapped.clone() }
}

pub fn to_row(key: WrappedKey) -> VaultKeyRow {
    let created_at = paygen_engine::clock::wall();
    VaultKeyRow { id: key.id, purpose: key.purpose, wrapped: key.wrapped, created_at, retired_at: None }
}
