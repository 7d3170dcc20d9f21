//! Sweeps the staging area of documents: what an ended process left there is moved to its place when its commit took it
//! in, and deleted otherwise.

use std::time::Duration;

use paygen_core::card_holders::Document;
use paygen_core::record::Key;
use paygen_store::Reader;

use crate::documents::Documents;
use paygen_engine::clock::wall;

const INTERVAL: Duration = Duration::from_secs(300);

/// So long a request may still be at work on a document; far more than any may take.
const AGE_SECONDS: i64 = 3600;

/// Runs until the process stops.
pub async fn run(documents: Documents, reader: Reader, mut stop: tokio::sync::watch::Receiver<bool>) {
    loop {
        if let Err(error) = sweep(&documents, &reader).await {
            tracing::warn!(error = %error, "the staging area of documents was not swept");
        }
        tokio::select! {
            () = tokio::time::sleep(INTERVAL) => {}
            () = paygen_engine::stopped(&mut stop) => return,
        }
    }
}

async fn sweep(documents: &Documents, reader: &Reader) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    for place in documents.staged_before(wall().plus_seconds(-AGE_SECONDS)).await? {
        match reader.get::<Document>(Key::of(place.client, place.document.0)).await? {
            Some(_) => documents.settle(place).await?,
            None => documents.discard(place).await?,
        }
    }
    Ok(())
}
