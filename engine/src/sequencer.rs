//! Assigns positions to events on PostgreSQL, where a commit cannot: the node that holds the lease does it.

use std::time::Duration;

use paygen_store::Sequencer;

use crate::Engine;
use crate::tail::Tail;

/// Longest delay before events of other nodes are noticed; commits of this node wake the sequencer at once.
const POLL_INTERVAL: Duration = Duration::from_millis(50);

/// Runs until the process stops.
pub async fn run(mut sequencer: Sequencer, engine: Engine, tail: Tail, mut stop: tokio::sync::watch::Receiver<bool>) {
    let commits = engine.commits();
    loop {
        match sequencer.step().await {
            // A full step means that more events may be waiting.
            Ok(clients) if !clients.is_empty() => {
                tail.wake(&clients);
                continue;
            }
            Ok(_) => {}
            Err(error) => tracing::warn!(error = %error, "events wait for their positions"),
        }
        tokio::select! {
            _ = commits.next() => {}
            () = tokio::time::sleep(POLL_INTERVAL) => {}
            () = crate::stopped(&mut stop) => return,
        }
    }
}
