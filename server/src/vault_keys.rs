//! Opening the vault: the key file, and the wrapped data keys that live in the database.

use paygen_store::Database;
use paygen_vault::{DataKey, FileKeyProvider, Purpose, Vault, WrappedKey};

use crate::app::Environment;
use crate::config::Config;
use crate::start::StartError;

/// Opens the vault. Data keys that are still missing are made; nodes starting at once agree on one of each.
pub async fn open_vault(database: &Database, config: &Config, environment: Environment) -> Result<Vault, StartError> {
    let path = config.key_file();
    let provider = match environment {
        Environment::Sandbox => FileKeyProvider::open_or_create(&path)?,
        Environment::Production => FileKeyProvider::open(&path)?,
    };
    let mut stored: Vec<WrappedKey> = database.vault_keys().await?.into_iter().map(from_row).collect();
    for purpose in Purpose::ALL {
        if !stored.iter().any(|key| key.purpose == purpose.as_str()) {
            let made = DataKey::generate(&provider, *purpose)?;
            stored.push(from_row(database.add_vault_key(to_row(made)).await?));
        }
    }
    Ok(Vault::open(&provider, &stored)?)
}

fn from_row(row: paygen_store::VaultKeyRow) -> WrappedKey {
    WrappedKey { id: row.id, purpose: row.purpose, wrapped: row.wrapped }
}

fn to_row(key: WrappedKey) -> paygen_store::VaultKeyRow {
    let created_at = crate::clock::wall();
    paygen_store::VaultKeyRow { id: key.id, purpose: key.purpose, wrapped: key.wrapped, created_at, retired_at: None }
}
