//! Learns of data keys that another node made, retired or deleted.

use std::sync::Arc;

use paygen_vault::Vault;

use crate::vault_keys::{RELOAD, VaultKeys};

/// Runs until the process stops.
pub async fn run(keys: Arc<VaultKeys>, vault: Arc<Vault>, mut stop: tokio::sync::watch::Receiver<bool>) {
    loop {
        tokio::select! {
            () = tokio::time::sleep(RELOAD) => {}
            () = paygen_engine::stopped(&mut stop) => return,
        }
        if let Err(error) = keys.reload(&vault).await {
            tracing::warn!(error = %error, "the data keys could not be read anew; the ones known stay in use");
        }
    }
}
