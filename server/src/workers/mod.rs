//! What runs by itself beside the API, each as commands submitted to the same engine.

pub mod data_keys;
pub mod documents;
pub mod key_uses;
pub mod metrics;
pub mod recovery;
pub mod schedule;
pub mod sequencer;

/// Waits until the process is told to stop.
async fn stopped(stop: &mut tokio::sync::watch::Receiver<bool>) {
    // The sender going away means the same as its word.
    let _ = stop.wait_for(|stop| *stop).await;
}
