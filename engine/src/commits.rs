//! Notifications of commits: the clients whose events were committed. Pending notifications are merged into one set, so
//! its size is bounded by the number of clients.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

use paygen_core::ids::ClientId;
use tokio::sync::Notify;

/// The clients whose events were committed since the last [`Commits::next`]; clones share it. There is one consumer.
#[derive(Clone, Debug, Default)]
pub struct Commits(Arc<Pending>);

#[derive(Debug, Default)]
struct Pending {
    clients: Mutex<HashSet<ClientId>>,
    added: Notify,
}

impl Commits {
    /// Adds clients whose events were committed and wakes the consumer.
    pub fn add(&self, clients: HashSet<ClientId>) {
        if clients.is_empty() {
            return;
        }
        self.0.clients.lock().unwrap_or_else(PoisonError::into_inner).extend(clients);
        self.0.added.notify_one();
    }

    /// Waits until events were committed and returns their clients.
    pub async fn next(&self) -> HashSet<ClientId> {
        loop {
            self.0.added.notified().await;
            let clients = std::mem::take(&mut *self.0.clients.lock().unwrap_or_else(PoisonError::into_inner));
            if !clients.is_empty() {
                return clients;
            }
        }
    }
}
