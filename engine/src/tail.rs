//! Wakes readers of events when their client may have new ones: a reader subscribes, reads the existing events, and
//! then waits for a change.
//!
//! Only the readers of the clients concerned are woken, so one client's activity costs the others nothing. A reader
//! that subscribes before it reads misses nothing: an event placed after the read changes the subscription.
//!
//! On SQLite every event is placed by a commit of this process. On PostgreSQL other nodes place events too: they send
//! notifications that name the clients. Because a notification can be lost, the newest positions are also polled, with
//! one statement for all subscribed clients.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use paygen_core::ids::ClientId;
use paygen_store::{Listener, News, Reader};
use tokio::sync::watch;

use crate::Commits;

/// Longest delay before an event of another node is noticed when its notification was lost.
const POLL_INTERVAL: Duration = Duration::from_millis(500);

/// Pause before listening is retried after a failure.
const RETRY_PAUSE: Duration = Duration::from_secs(5);

/// The subscriptions to clients' events; clones share them.
#[derive(Clone, Debug, Default)]
pub struct Tail {
    subscriptions: Arc<Subscriptions>,
}

#[derive(Debug, Default)]
struct Subscriptions {
    clients: Mutex<HashMap<ClientId, Subscribers>>,
    /// Numbers the wake-ups. It only grows, so the larger of two numbers is the later wake-up.
    wakes: AtomicU64,
}

/// A client with at least one subscription.
#[derive(Debug)]
struct Subscribers {
    changes: watch::Sender<u64>,
    /// The client's newest position as of the last poll.
    newest: i64,
}

/// Where notifications of new events come from.
pub enum Source {
    /// This process's own commits.
    Commits(Commits),
    /// Notifications of the other nodes, and polling of the database.
    Nodes(Box<(Listener, Reader)>),
}

/// One reader's subscription to a client's events. Dropping it ends the subscription.
#[derive(Debug)]
pub struct Subscription {
    tail: Tail,
    client: ClientId,
    changes: watch::Receiver<u64>,
}

impl Subscription {
    /// Waits until there may be events newer than the last call of [`Subscription::seen`].
    pub async fn changed(&mut self) -> Result<(), watch::error::RecvError> {
        self.changes.changed().await
    }

    /// The number of the client's last wake-up: a read from now on includes every event that caused it.
    pub fn seen(&mut self) -> u64 {
        *self.changes.borrow_and_update()
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        let mut clients = self.tail.lock();
        if clients.get(&self.client).is_some_and(|client| client.changes.receiver_count() <= 1) {
            clients.remove(&self.client);
        }
    }
}

impl Tail {
    fn lock(&self) -> MutexGuard<'_, HashMap<ClientId, Subscribers>> {
        self.subscriptions.clients.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Subscribes to a client: the subscription changes whenever new events of the client may have a position.
    pub fn subscribe(&self, client: ClientId) -> Subscription {
        let mut clients = self.lock();
        let new = || Subscribers { changes: watch::Sender::new(self.number()), newest: 0 };
        let changes = clients.entry(client).or_insert_with(new).changes.subscribe();
        Subscription { tail: self.clone(), client, changes }
    }

    fn number(&self) -> u64 {
        self.subscriptions.wakes.fetch_add(1, Ordering::Relaxed)
    }

    /// Wakes the readers of these clients.
    pub fn wake<'a>(&self, clients: impl IntoIterator<Item = &'a ClientId>) {
        let subscriptions = self.lock();
        for client in clients {
            if let Some(client) = subscriptions.get(client) {
                client.changes.send_replace(self.number());
            }
        }
    }

    /// Wakes every reader.
    fn wake_all(&self) {
        for client in self.lock().values() {
            client.changes.send_replace(self.number());
        }
    }

    /// Forwards notifications to the readers until the process stops.
    pub async fn run(self, source: Source, mut stop: watch::Receiver<bool>) {
        let passing = async {
            match source {
                Source::Commits(commits) => loop {
                    self.wake(&commits.next().await);
                },
                Source::Nodes(nodes) => {
                    let (listener, reader) = *nodes;
                    tokio::join!(self.listen(listener), self.poll(&reader));
                }
            }
        };
        tokio::select! {
            () = passing => {}
            _ = stop.wait_for(|stop| *stop) => {}
        }
    }

    async fn listen(&self, mut listener: Listener) {
        loop {
            match listener.heard().await {
                Ok(News::Of(clients)) => self.wake(&clients),
                Ok(News::All) => self.wake_all(),
                Err(error) => {
                    tracing::debug!(error = %error, "listening for new events failed; they are polled instead");
                    tokio::time::sleep(RETRY_PAUSE).await;
                }
            }
        }
    }

    async fn poll(&self, reader: &Reader) {
        loop {
            tokio::time::sleep(POLL_INTERVAL).await;
            let clients: Vec<ClientId> = self.lock().keys().copied().collect();
            if clients.is_empty() {
                continue;
            }
            match reader.newest_positions(&clients).await {
                Ok(positions) => self.wake_advanced(&positions),
                Err(error) => tracing::debug!(error = %error, "new events cannot be polled"),
            }
        }
    }

    /// Wakes the readers of the clients whose newest position has advanced since the last poll.
    fn wake_advanced(&self, positions: &[(ClientId, i64)]) {
        let mut subscriptions = self.lock();
        for (client, newest) in positions {
            if let Some(client) = subscriptions.get_mut(client).filter(|client| client.newest < *newest) {
                client.newest = *newest;
                client.changes.send_replace(self.number());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use paygen_core::ids::{ClientId, Id};
    use tokio::sync::watch;

    use super::{Source, Tail};
    use crate::Commits;

    fn client(number: u8) -> ClientId {
        ClientId(Id::from_bytes([number; 12]))
    }

    #[tokio::test]
    async fn a_commit_wakes_the_readers_of_its_clients_and_nobody_else() {
        let (tail, commits) = (Tail::default(), Commits::default());
        let (stop, stopping) = watch::channel(false);
        let (mut one, mut two) = (tail.subscribe(client(1)), tail.subscribe(client(1)));
        let other = tail.subscribe(client(2));
        let running = tokio::spawn(tail.clone().run(Source::Commits(commits.clone()), stopping));
        for _ in 0..3 {
            commits.add([client(1), client(3)].into());
            one.changed().await.expect("woken");
            two.changed().await.expect("woken");
        }
        assert!(!other.changes.has_changed().expect("the tail is there"), "nothing of this client's came");
        stop.send_replace(true);
        running.await.expect("it stops");
    }

    #[tokio::test]
    async fn events_found_without_word_wake_readers_once() {
        let tail = Tail::default();
        let (mut one, two) = (tail.subscribe(client(1)), tail.subscribe(client(2)));
        tail.wake_advanced(&[(client(1), 7)]);
        one.changed().await.expect("woken");
        tail.wake_advanced(&[(client(1), 7)]);
        assert!(!one.changes.has_changed().expect("the tail is there"), "it knows of these");
        tail.wake_all();
        assert!(two.changes.has_changed().expect("the tail is there"));
    }

    #[test]
    fn nothing_is_kept_of_clients_nobody_waits_for_and_numbers_only_rise() {
        let tail = Tail::default();
        let mut first = tail.subscribe(client(1));
        let second = tail.subscribe(client(1));
        tail.wake(&[client(1)]);
        let seen = first.seen();
        drop(first);
        assert_eq!(tail.lock().len(), 1);
        drop(second);
        assert!(tail.lock().is_empty());
        assert!(tail.subscribe(client(1)).seen() > seen);
    }
}
