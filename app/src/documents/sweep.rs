//! Sweeps the staging area of documents: a file that a stopped process left there is moved to its final place when its
//! command was committed, and deleted otherwise.

use std::time::Duration;

use paygen_core::card_holders::Document;
use paygen_core::record::Key;
use paygen_store::Reader;

use crate::documents::Documents;
use paygen_engine::clock::wall;

const SWEEP_INTERVAL: Duration = Duration::from_secs(300);

/// Age from which a staged document is swept; no request works on a document for so long.
const MIN_AGE_SECONDS: i64 = 3600;

/// Runs until the process stops.
pub async fn run(documents: Documents, reader: Reader, mut stop: tokio::sync::watch::Receiver<bool>) {
    loop {
        if let Err(error) = sweep(&documents, &reader).await {
            tracing::warn!(error = %error, "the staging area of documents was not swept");
        }
        tokio::select! {
            () = tokio::time::sleep(SWEEP_INTERVAL) => {}
            () = paygen_engine::stopped(&mut stop) => return,
        }
    }
}

async fn sweep(documents: &Documents, reader: &Reader) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    for place in documents.staged_before(wall().plus_seconds(-MIN_AGE_SECONDS)).await? {
        match reader.get::<Document>(Key::of(place.client, place.document.0)).await? {
            Some(_) => documents.settle(place).await?,
            None => documents.discard(place).await?,
        }
    }
    Ok(())
}
