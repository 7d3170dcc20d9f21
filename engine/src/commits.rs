//! Word of commits: whose events they brought. What was not passed on yet is kept together, so it is never more than the
//! clients there are.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

use paygen_core::ids::ClientId;
use tokio::sync::Notify;

/// Whose events were committed and not passed on yet; clones share it. There is one who passes it on.
#[derive(Clone, Debug, Default)]
pub struct Commits(Arc<Word>);

#[derive(Debug, Default)]
struct Word {
    clients: Mutex<HashSet<ClientId>>,
    told: Notify,
}

impl Commits {
    /// Says that events of these clients were committed.
    pub fn tell(&self, clients: HashSet<ClientId>) {
        if clients.is_empty() {
            return;
        }
        self.0.clients.lock().unwrap_or_else(PoisonError::into_inner).extend(clients);
        self.0.told.notify_one();
    }

    /// Waits until events were committed; whose.
    pub async fn next(&self) -> HashSet<ClientId> {
        loop {
            self.0.told.notified().await;
            let clients = std::mem::take(&mut *self.0.clients.lock().unwrap_or_else(PoisonError::into_inner));
            if !clients.is_empty() {
                return clients;
            }
        }
    }
}
