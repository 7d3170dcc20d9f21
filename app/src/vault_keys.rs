//! The vault's data keys: wrapped in the database, opened with the key file, learned anew when others changed them.
//!
//! Several servers share the data keys of one database. Each looks at them every [`RELOAD`], and at once when it meets
//! content sealed under a key it does not have, so that a key made elsewhere opens from its first use on.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use paygen_store::{Database, StoreError, VaultKeyRow};
use paygen_vault::{DataKey, FileKeyProvider, KeyProvider, Purpose, Vault, VaultError, WrappedKey};
use tokio::runtime::{Handle, RuntimeFlavor};
use tokio::sync::Mutex;

use crate::Environment;

/// Why the vault's keys cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum KeysError {
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The vault.
    #[error(transparent)]
    Vault(#[from] VaultError),
    /// The key file is not the one the data keys need.
    #[error("{0}")]
    File(String),
}

/// How often a server looks whether data keys were changed by another one.
pub const RELOAD: Duration = Duration::from_secs(2);

/// Where the data keys are, and which of them the vault has. The key file is read when there is something to open
/// with it: its key does not stay in memory.
pub struct VaultKeys {
    /// Keeps them, wrapped.
    pub database: Arc<Database>,
    key_file: PathBuf,
    seen: Mutex<Vec<VaultKeyRow>>,
}

/// Opens the vault. Data keys that are still missing are made; nodes starting at once agree on one of each.
pub async fn open_vault(
    database: Arc<Database>,
    key_file: &Path,
    environment: Environment,
) -> Result<(Arc<Vault>, Arc<VaultKeys>), KeysError> {
    let stored = database.vault_keys().await?;
    let noted = database.installation().await?.and_then(|installation| installation.key_file);
    let provider = match environment {
        Environment::Sandbox if stored.is_empty() => FileKeyProvider::open_or_create(key_file)?,
        // What is sealed opens with the key file it was sealed under, and a new one in its place would hide the loss.
        _ if !stored.is_empty() && !key_file.exists() => return Err(lost(key_file, noted.as_deref())),
        _ => FileKeyProvider::open(key_file)?,
    };
    for purpose in Purpose::ALL {
        if !stored.iter().any(|key| key.purpose == purpose.as_str()) {
            database.add_vault_key(to_row(DataKey::generate(&provider, *purpose)?)).await?;
        }
    }
    let rows = database.vault_keys().await?;
    if !rows.iter().all(|row| DataKey::opens(&provider, &from_row(row))) {
        return Err(other(key_file, provider.key_id(), noted.as_deref()));
    }
    let vault = Arc::new(Vault::open(&provider, &wrapped(&rows))?);
    if noted.as_deref() != Some(provider.key_id()) {
        database.note_key_file(provider.key_id()).await?;
    }
    let keys = Arc::new(VaultKeys { database, key_file: key_file.to_owned(), seen: Mutex::new(rows) });
    let (teacher, runtime) = (keys.clone(), Handle::current());
    vault.learn_by(move |vault, sealed| teacher.learn(&runtime, vault, sealed));
    Ok((vault, keys))
}

/// Which key file the data keys need, as far as it is known.
fn wanted(noted: Option<&str>) -> String {
    match noted {
        Some(id) => format!("the key file with the id {id}"),
        None => "the key file that was used before".to_owned(),
    }
}

fn lost(path: &Path, noted: Option<&str>) -> KeysError {
    KeysError::File(format!(
        "the key file {} is not there, and the data keys of this database are wrapped under {}: what is sealed opens with \
         that one alone. Put it back, or name it with PAYGEN_KEY_FILE. The id is the second word of a key file.",
        path.display(),
        wanted(noted)
    ))
}

fn other(path: &Path, id: &str, noted: Option<&str>) -> KeysError {
    KeysError::File(format!(
        "the key file {}, whose id is {id}, does not open the data keys of this database: they are wrapped under {}. Put \
         that one there, or name it with PAYGEN_KEY_FILE. The id is the second word of a key file.",
        path.display(),
        wanted(noted)
    ))
}

impl VaultKeys {
    /// The key file, open.
    pub fn provider(&self) -> Result<FileKeyProvider, KeysError> {
        Ok(FileKeyProvider::open(&self.key_file)?)
    }

    /// Gives the vault the data keys as they are kept now.
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

    /// Reloads while a caller that opens content waits. It is rare: once for each node and rotation.
    fn learn(&self, runtime: &Handle, vault: &Vault, sealed: &[u8]) {
        let reload = async {
            let mut seen = self.seen.lock().await;
            // Another caller may have learned it while this one waited.
            if vault.knows(sealed) { Ok(()) } else { self.reload_into(vault, &mut seen).await }
        };
        let outcome = match Handle::try_current().map(|current| current.runtime_flavor()) {
            Err(_) => runtime.block_on(reload),
            Ok(RuntimeFlavor::MultiThread) => tokio::task::block_in_place(|| runtime.block_on(reload)),
            // A runtime of one thread cannot wait for itself.
            Ok(_) => return,
        };
        if let Err(error) = outcome {
            tracing::warn!(error = %error, "data keys made elsewhere could not be learned");
        }
    }
}

/// Wrapped keys as the vault takes them: of a purpose's keys the active one last, whatever the clocks of the nodes
/// that made them said.
fn wrapped(rows: &[VaultKeyRow]) -> Vec<WrappedKey> {
    let (retired, active): (Vec<_>, Vec<_>) = rows.iter().partition(|row| row.retired_at.is_some());
    retired.into_iter().chain(active).map(from_row).collect()
}

/// A data key as the vault knows it.
pub fn from_row(row: &VaultKeyRow) -> WrappedKey {
    WrappedKey { id: row.id.clone(), purpose: row.purpose.clone(), wrapped: row.wrapped.clone() }
}

/// A data key as it is kept.
pub fn to_row(key: WrappedKey) -> VaultKeyRow {
    let created_at = paygen_engine::clock::wall();
    VaultKeyRow { id: key.id, purpose: key.purpose, wrapped: key.wrapped, created_at, retired_at: None }
}
