//! Finds out when the store can be written again after a commit failed: a server that gets no requests while it is not ready
//! would not learn it.

use std::sync::Arc;
use std::time::Duration;

use paygen_store::Database;

use crate::Engine;

/// How often it is tried.
const PAUSE: Duration = Duration::from_secs(1);

/// Runs until the process stops.
pub async fn run(database: Arc<Database>, engine: Engine, mut stop: tokio::sync::watch::Receiver<bool>) {
    let mut writable = engine.writable();
    loop {
        tokio::select! {
            failed = writable.wait_for(|writable| !*writable) => if failed.is_err() { return },
            () = crate::stopped(&mut stop) => return,
        }
        tokio::select! {
            () = tokio::time::sleep(PAUSE) => {}
            () = crate::stopped(&mut stop) => return,
        }
        match database.try_to_write().await {
            Ok(()) => engine.note_writable(true),
            Err(error) => tracing::debug!(error = %error, "the store still cannot be written"),
        }
    }
}
