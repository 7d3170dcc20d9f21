//! When API keys were last used: recorded in memory on every request, stored at most once a minute.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use paygen_core::access::{KeyUse, TouchApiKeys};
use paygen_core::ids::{ApiKeyId, ClientId};
use paygen_core::time::Instant;
use paygen_core::work::Context;
use paygen_core::{Command, Request};

use paygen_engine::Engine;

const INTERVAL: Duration = Duration::from_secs(60);

/// The uses since the last store.
#[derive(Clone, Debug, Default)]
pub struct KeyUses {
    seen: Arc<Mutex<HashMap<(ClientId, ApiKeyId), Instant>>>,
}

impl KeyUses {
    /// Records a use.
    pub fn note(&self, client: ClientId, id: ApiKeyId, at: Instant) {
        self.seen.lock().unwrap_or_else(|poison| poison.into_inner()).insert((client, id), at);
    }

    fn take(&self) -> Vec<KeyUse> {
        let seen = std::mem::take(&mut *self.seen.lock().unwrap_or_else(|poison| poison.into_inner()));
        seen.into_iter().map(|((client, id), at)| KeyUse { client, id, at }).collect()
    }

    /// Stores the uses recorded since the last call.
    pub async fn store(&self, engine: &Engine) {
        let uses = self.take();
        if uses.is_empty() {
            return;
        }
        let command = Command::TouchApiKeys(TouchApiKeys { uses });
        let request = Request::new(Context::system(ClientId::INSTALLATION, ""), command);
        if let Err(error) = engine.run_background(request).await {
            tracing::warn!(error = %error, "the last uses of API keys were not stored");
        }
    }

    /// Runs until the process stops.
    pub async fn run(self, engine: Engine, mut stop: tokio::sync::watch::Receiver<bool>) {
        loop {
            tokio::select! {
                () = tokio::time::sleep(INTERVAL) => self.store(&engine).await,
                () = paygen_engine::stopped(&mut stop) => {
                    self.store(&engine).await;
                    return;
                }
            }
        }
    }
}
