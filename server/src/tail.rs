//! Tells readers of events that there may be new ones: whoever waits for them subscribes, reads what there is, and then
//! waits for a change.
//!
//! It wakes too often rather than too late. A reader that subscribes before it reads misses nothing: what is placed after
//! the read changes what it waits for.

use std::sync::Arc;
use std::time::Duration;

use paygen_store::Listener;
use tokio::sync::watch;

/// How long an event may lie unnoticed when nobody gave word of it.
const POLL: Duration = Duration::from_millis(500);

/// How long nothing is tried after listening failed.
const PAUSE: Duration = Duration::from_secs(5);

/// Changes when events were placed; clones share it.
#[derive(Clone, Debug)]
pub struct Tail {
    changes: Arc<watch::Sender<u64>>,
}

impl Default for Tail {
    fn default() -> Tail {
        Tail { changes: Arc::new(watch::Sender::new(0)) }
    }
}

impl Tail {
    /// Changes whenever there may be new events with a position.
    pub fn subscribe(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    /// Says that events were placed.
    pub fn wake(&self) {
        self.changes.send_modify(|count| *count = count.wrapping_add(1));
    }

    /// Passes on what wakes readers, until the process stops: a listener's word where another node may place events,
    /// else this process's own commits; and the time, in case word was lost.
    pub async fn run(self, listener: Option<Listener>, commits: watch::Receiver<u64>, mut stop: watch::Receiver<bool>) {
        tokio::select! {
            () = self.pass_on(listener, commits) => {}
            () = self.poll() => {}
            _ = stop.wait_for(|stop| *stop) => {}
        }
    }

    async fn pass_on(&self, listener: Option<Listener>, mut commits: watch::Receiver<u64>) {
        match listener {
            Some(mut listener) => loop {
                match listener.heard().await {
                    Ok(()) => self.wake(),
                    Err(error) => {
                        tracing::debug!(error = %error, "no word of new events is heard; they are looked for instead");
                        tokio::time::sleep(PAUSE).await;
                    }
                }
            },
            None => {
                while commits.changed().await.is_ok() {
                    self.wake();
                }
                // The engine is gone, and the process with it soon.
                std::future::pending().await
            }
        }
    }

    async fn poll(&self) {
        loop {
            tokio::time::sleep(POLL).await;
            self.wake();
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::watch;

    use super::Tail;

    #[tokio::test]
    async fn readers_are_woken_by_word_and_by_time() {
        let tail = Tail::default();
        let (commit, commits) = watch::channel(0);
        let (stop, stopping) = watch::channel(false);
        let mut reader = tail.subscribe();
        let running = tokio::spawn(tail.clone().run(None, commits, stopping));
        assert!(!reader.has_changed().expect("the tail is there"));
        tail.wake();
        reader.changed().await.expect("woken by hand");
        commit.send_replace(1);
        reader.changed().await.expect("woken by a commit");
        reader.changed().await.expect("woken by time alone");
        stop.send_replace(true);
        running.await.expect("it stops");
    }
}
