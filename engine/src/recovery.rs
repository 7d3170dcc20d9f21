//! Probes the store after a failed commit until it can be written again: a server that is not ready gets no requests,
//! so no commit would show the recovery.

use std::sync::Arc;
use std::time::Duration;

use paygen_store::Database;

use crate::Engine;

/// How often it is tried.
const PROBE_INTERVAL: Duration = Duration::from_secs(1);

/// Runs until the process stops.
pub async fn run(database: Arc<Database>, engine: Engine, mut stop: tokio::sync::watch::Receiver<bool>) {
    let mut writable = engine.writable();
    loop {
        tokio::select! {
            failed = writable.wait_for(|writable| !*writable) => if failed.is_err() { return },
            () = crate::stopped(&mut stop) => return,
        }
        tokio::select! {
            () = tokio::time::sleep(PROBE_INTERVAL) => {}
            () = crate::stopped(&mut stop) => return,
        }
        match database.try_to_write().await {
            Ok(()) => engine.note_writable(true),
            Err(error) => tracing::debug!(error = %error, "the store still cannot be written"),
        }
    }
}
