//! Tells readers of events that there may be new ones of their client: whoever waits for them subscribes, reads what there
//! is, and then waits for a change.
//!
//! Only the readers of the clients whose events came are woken, so what one client does costs the readers of the others
//! nothing. A reader that subscribes before it reads misses nothing: what is placed after the read changes what it waits for.
//!
//! On SQLite every event is placed by a commit of this process, which says whose it is. On PostgreSQL another node may place
//! them: its word names the clients too, and in case word was lost it is looked where the newest events stand, with one
//! statement for all clients that somebody waits for.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use paygen_core::ids::ClientId;
use paygen_store::{Listener, News, Reader};
use tokio::sync::watch;

use crate::Commits;

/// How long an event that another node placed may lie unnoticed when its word was lost.
const POLL: Duration = Duration::from_millis(500);

/// How long nothing is tried after listening failed.
const PAUSE: Duration = Duration::from_secs(5);

/// Who waits for events of which clients; clones share it.
#[derive(Clone, Debug, Default)]
pub struct Tail {
    waited: Arc<Waited>,
}

#[derive(Debug, Default)]
struct Waited {
    clients: Mutex<HashMap<ClientId, Client>>,
    /// Numbers wake-ups. They never begin again, so a number says which of two was later.
    wakes: AtomicU64,
}

/// A client whose events somebody waits for.
#[derive(Debug)]
struct Client {
    changes: watch::Sender<u64>,
    /// Where its newest event stood when it was looked.
    newest: i64,
}

/// Where word of events comes from.
pub enum Source {
    /// This process's own commits.
    Commits(Commits),
    /// The other nodes, and the database itself.
    Nodes(Box<(Listener, Reader)>),
}

/// What a reader of a client's events waits for.
#[derive(Debug)]
pub struct Waiting {
    tail: Tail,
    client: ClientId,
    changes: watch::Receiver<u64>,
}

impl Waiting {
    /// Waits until there may be events that came after [`Waiting::seen`] was called last.
    pub async fn changed(&mut self) -> Result<(), watch::error::RecvError> {
        self.changes.changed().await
    }

    /// The number of the client's last wake-up: what is read from now on has everything that caused it.
    pub fn seen(&mut self) -> u64 {
        *self.changes.borrow_and_update()
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        let mut clients = self.tail.lock();
        if clients.get(&self.client).is_some_and(|client| client.changes.receiver_count() <= 1) {
            clients.remove(&self.client);
        }
    }
}

impl Tail {
    fn lock(&self) -> MutexGuard<'_, HashMap<ClientId, Client>> {
        self.waited.clients.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes whenever there may be new events of this client with a position.
    pub fn subscribe(&self, client: ClientId) -> Waiting {
        let mut clients = self.lock();
        let new = || Client { changes: watch::Sender::new(self.number()), newest: 0 };
        let changes = clients.entry(client).or_insert_with(new).changes.subscribe();
        Waiting { tail: self.clone(), client, changes }
    }

    fn number(&self) -> u64 {
        self.waited.wakes.fetch_add(1, Ordering::Relaxed)
    }

    /// Says that events of these clients were placed.
    pub fn wake<'a>(&self, clients: impl IntoIterator<Item = &'a ClientId>) {
        let waited = self.lock();
        for client in clients {
            if let Some(client) = waited.get(client) {
                client.changes.send_replace(self.number());
            }
        }
    }

    /// Says that events of anybody may have been placed.
    fn wake_all(&self) {
        for client in self.lock().values() {
            client.changes.send_replace(self.number());
        }
    }

    /// Passes on what wakes readers, until the process stops.
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
                    tracing::debug!(error = %error, "no word of new events is heard; they are looked for instead");
                    tokio::time::sleep(PAUSE).await;
                }
            }
        }
    }

    async fn poll(&self, reader: &Reader) {
        loop {
            tokio::time::sleep(POLL).await;
            let clients: Vec<ClientId> = self.lock().keys().copied().collect();
            if clients.is_empty() {
                continue;
            }
            match reader.newest_positions(&clients).await {
                Ok(positions) => self.found(&positions),
                Err(error) => tracing::debug!(error = %error, "new events cannot be looked for"),
            }
        }
    }

    /// Wakes the readers of the clients whose newest event has moved on since it was looked before.
    fn found(&self, positions: &[(ClientId, i64)]) {
        let mut waited = self.lock();
        for (client, newest) in positions {
            if let Some(client) = waited.get_mut(client).filter(|client| client.newest < *newest) {
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
            commits.tell([client(1), client(3)].into());
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
        tail.found(&[(client(1), 7)]);
        one.changed().await.expect("woken");
        tail.found(&[(client(1), 7)]);
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
