//! Turns bound how many reads run at once, in total and for each client, so that a client's slow reads delay only that
//! client.
//!
//! Clients that wait take turns, however many reads each of them has waiting. Waiting is bounded in number and in time;
//! cancelled waits are skipped.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use paygen_core::ids::ClientId;
use tokio::sync::oneshot;

use crate::StoreError;

const MAX_WAITING_PER_CLIENT: usize = 1000;

/// A bounded number of concurrent turns; clones share it.
#[derive(Clone)]
pub(crate) struct Turns(Arc<Shared>);

struct Shared {
    most: usize,
    each: usize,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    taken: usize,
    /// Clients that hold a turn or wait for one.
    clients: HashMap<ClientId, Own>,
    /// Waiting clients, in the order in which they get a turn.
    next: VecDeque<ClientId>,
}

#[derive(Default)]
struct Own {
    holds: usize,
    waiting: VecDeque<oneshot::Sender<Turn>>,
}

pub(crate) struct ReadTurns {
    /// For lists, which may be slow.
    pub(crate) lists: Turns,
    /// For other reads, except single rows by key.
    pub(crate) reads: Turns,
}

impl Default for ReadTurns {
    /// Depends on the number of processors: one client can occupy about half of them.
    fn default() -> ReadTurns {
        let processors = std::thread::available_parallelism().map_or(2, usize::from);
        let each = (processors / 2).clamp(2, 8);
        ReadTurns { lists: Turns::new(4 * each, each), reads: Turns::new(2 * each + 2, each + 1) }
    }
}

impl ReadTurns {
    /// The maximum number of concurrent reads.
    pub(crate) fn most(&self) -> usize {
        self.lists.most() + self.reads.most()
    }
}

/// A turn; it ends when it is dropped.
pub(crate) struct Turn {
    turns: Arc<Shared>,
    client: ClientId,
}

impl Drop for Turn {
    fn drop(&mut self) {
        let granted = {
            let mut state = self.turns.lock();
            state.taken -= 1;
            if let Some(own) = state.clients.get_mut(&self.client) {
                own.holds -= 1;
            }
            state.remove_if_idle(self.client);
            state.grant(&self.turns)
        };
        // Outside of the lock, because a turn whose wait was cancelled is dropped here.
        for (waiting, turn) in granted {
            let _ = waiting.send(turn);
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn remove_if_idle(&mut self, client: ClientId) {
        if self.clients.get(&client).is_some_and(|own| own.holds == 0 && own.waiting.is_empty()) {
            self.clients.remove(&client);
        }
    }

    /// Grants free turns, to one client after another.
    fn grant(&mut self, turns: &Arc<Shared>) -> Vec<(oneshot::Sender<Turn>, Turn)> {
        let mut granted = Vec::new();
        let mut passed = 0;
        while self.taken < turns.most && passed < self.next.len() {
            let Some(client) = self.next.pop_front() else { break };
            let Some(own) = self.clients.get_mut(&client) else { continue };
            if own.holds >= turns.each {
                self.next.push_back(client);
                passed += 1;
                continue;
            }
            while let Some(waiting) = own.waiting.pop_front() {
                if !waiting.is_closed() {
                    own.holds += 1;
                    self.taken += 1;
                    granted.push((waiting, Turn { turns: turns.clone(), client }));
                    break;
                }
            }
            if own.waiting.is_empty() {
                self.remove_if_idle(client);
            } else {
                self.next.push_back(client);
            }
            passed = 0;
        }
        granted
    }
}

impl Turns {
    /// At most `most` turns in total, and `each` for a client.
    pub(crate) fn new(most: usize, each: usize) -> Turns {
        Turns(Arc::new(Shared { most, each, state: Mutex::default() }))
    }

    pub(crate) fn most(&self) -> usize {
        self.0.most
    }

    /// Waits for a turn until the given time at most.
    pub(crate) async fn take(&self, client: ClientId, until: Instant) -> Result<Turn, StoreError> {
        let granted = {
            let mut state = self.0.lock();
            let is_free = state.taken < self.0.most;
            let own = state.clients.entry(client).or_default();
            if is_free && own.holds < self.0.each {
                own.holds += 1;
                state.taken += 1;
                return Ok(Turn { turns: self.0.clone(), client });
            }
            if own.waiting.len() >= MAX_WAITING_PER_CLIENT {
                own.waiting.retain(|waiting| !waiting.is_closed());
            }
            if own.waiting.len() >= MAX_WAITING_PER_CLIENT {
                return Err(StoreError::Busy);
            }
            let (waiting, granted) = oneshot::channel();
            let is_first = own.waiting.is_empty();
            own.waiting.push_back(waiting);
            if is_first {
                state.next.push_back(client);
            }
            granted
        };
        match tokio::time::timeout_at(until.into(), granted).await {
            Ok(Ok(turn)) => Ok(turn),
            _ => Err(StoreError::Busy),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use paygen_core::ids::{ClientId, Id};

    use super::{MAX_WAITING_PER_CLIENT, Turn, Turns};
    use crate::StoreError;

    fn client(number: u8) -> ClientId {
        ClientId(Id::from_bytes([number; 12]))
    }

    fn later() -> Instant {
        Instant::now() + Duration::from_secs(60)
    }

    async fn take(turns: &Turns, number: u8) -> Turn {
        turns.take(client(number), later()).await.expect("a turn")
    }

    /// Has a client wait, so far that it stands in the queue.
    async fn wait(turns: &Turns, number: u8) -> tokio::task::JoinHandle<Turn> {
        let before = turns.0.lock().clients.get(&client(number)).map_or(0, |own| own.waiting.len());
        let waiting = turns.clone();
        let task = tokio::spawn(async move { take(&waiting, number).await });
        while turns.0.lock().clients.get(&client(number)).map_or(0, |own| own.waiting.len()) == before {
            tokio::task::yield_now().await;
        }
        task
    }

    #[tokio::test]
    async fn a_client_holds_only_some_and_others_get_the_rest_at_once() {
        let turns = Turns::new(4, 2);
        let _first = (take(&turns, 1).await, take(&turns, 1).await);
        let third = wait(&turns, 1).await;
        let second = (take(&turns, 2).await, take(&turns, 2).await);
        assert!(!third.is_finished());
        drop(second);
        // Turns are free, and none of them is the first client's.
        tokio::task::yield_now().await;
        assert!(!third.is_finished());
        drop(_first.0);
        let _third = third.await.expect("its turn came");
    }

    #[tokio::test]
    async fn clients_that_wait_take_turns_however_many_reads_each_waits_with() {
        let turns = Turns::new(1, 1);
        let held = take(&turns, 9).await;
        let mut waiting = Vec::new();
        for number in [1, 1, 1, 2, 3] {
            waiting.push((number, wait(&turns, number).await));
        }
        let mut order = Vec::new();
        drop(held);
        while !waiting.is_empty() {
            let at = loop {
                match waiting.iter().position(|(_, task)| task.is_finished()) {
                    Some(at) => break at,
                    None => tokio::task::yield_now().await,
                }
            };
            let (number, task) = waiting.remove(at);
            order.push(number);
            drop(task.await.expect("its turn came"));
        }
        assert_eq!(order, [1, 2, 3, 1, 1]);
        assert!(turns.0.lock().clients.is_empty(), "nothing is kept of clients that neither hold nor wait");
    }

    #[tokio::test]
    async fn waiting_ends_and_a_cancelled_wait_is_skipped() {
        let turns = Turns::new(1, 1);
        let held = take(&turns, 1).await;
        let refused = turns.take(client(2), Instant::now() + Duration::from_millis(5)).await.err();
        assert!(matches!(refused, Some(StoreError::Busy)), "{refused:?}");
        let gone = wait(&turns, 2).await;
        gone.abort();
        let _ = gone.await;
        let stays = wait(&turns, 3).await;
        drop(held);
        let _ = stays.await.expect("its turn came");
    }

    #[tokio::test]
    async fn only_so_many_wait() {
        let turns = Turns::new(1, 1);
        let _held = take(&turns, 1).await;
        let mut waiting = Vec::new();
        for _ in 0..MAX_WAITING_PER_CLIENT {
            waiting.push(wait(&turns, 1).await);
        }
        assert!(matches!(turns.take(client(1), later()).await.err(), Some(StoreError::Busy)));
        waiting.iter().for_each(tokio::task::JoinHandle::abort);
    }
}
