//! Reloads data keys that another node created, retired or deleted, at an interval.

use std::sync::Arc;

use paygen_vault::Vault;

use crate::vault_keys::{RELOAD_INTERVAL, VaultKeys};

/// Runs until the process stops.
pub async fn run(keys: Arc<VaultKeys>, vault: Arc<Vault>, mut stop: tokio::sync::watch::Receiver<bool>) {
    loop {
        tokio::select! {
            () = tokio::time::sleep(RELOAD_INTERVAL) => {}
            () = paygen_engine::stopped(&mut stop) => return,
        }
        if let Err(error) = keys.reload(&vault).await {
            tracing::warn!(error = %error, "the data keys could not be reloaded; the loaded ones stay in use");
        }
    }
}
