//! The bounded queues of a lane. A full queue refuses at once, so that waiting time stays bounded too.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard};

use super::{Unanswered, Waiting};

/// Which queue a command waits in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Priority {
    /// Messages of the card network: always first.
    Network = 0,
    /// Calls of the API.
    Api = 1,
    /// Expiry, retention: at most a quarter of a batch, never quite starved.
    Background = 2,
}

/// How many commands may wait in each queue of a lane.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// By priority.
    pub waiting: [usize; 3],
}

impl Default for Bounds {
    fn default() -> Bounds {
        Bounds { waiting: [4096, 4096, 4096] }
    }
}

pub(super) struct Queue {
    state: Mutex<State>,
    arrived: Condvar,
    bounds: Bounds,
}

#[derive(Default)]
struct State {
    queues: [VecDeque<Waiting>; 3],
    closed: bool,
}

impl Queue {
    pub(super) fn new(bounds: Bounds) -> Queue {
        Queue { state: Mutex::default(), arrived: Condvar::new(), bounds }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // The queues are whole whatever a panicking holder did: each operation on them is a single step.
        self.state.lock().unwrap_or_else(|poison| poison.into_inner())
    }

    pub(super) fn push(&self, priority: Priority, waiting: Waiting) -> Result<(), Unanswered> {
        let mut state = self.lock();
        if state.closed {
            return Err(Unanswered::Draining);
        }
        let queue = &mut state.queues[priority as usize];
        if queue.len() >= self.bounds.waiting[priority as usize] {
            return Err(Unanswered::Overloaded);
        }
        queue.push_back(waiting);
        drop(state);
        self.arrived.notify_one();
        Ok(())
    }

    /// Waits for commands and takes a batch; `None` when the queue is closed and empty.
    pub(super) fn take(&self, most: usize) -> Option<Vec<Waiting>> {
        let mut state = self.lock();
        while state.queues.iter().all(VecDeque::is_empty) {
            if state.closed {
                return None;
            }
            state = self.arrived.wait(state).unwrap_or_else(|poison| poison.into_inner());
        }
        Some(state.take(most))
    }

    pub(super) fn close(&self) {
        self.lock().closed = true;
        self.arrived.notify_all();
    }

    pub(super) fn depths(&self) -> [usize; 3] {
        let state = self.lock();
        std::array::from_fn(|at| state.queues[at].len())
    }
}

impl State {
    fn take(&mut self, most: usize) -> Vec<Waiting> {
        let mut batch = Vec::with_capacity(most.min(self.queues.iter().map(VecDeque::len).sum()));
        let [network, api, background] = &mut self.queues;
        // A few places are kept for background work, so that a full API queue delays expiry but never stops it.
        let reserved = background.len().min(most / 32 + 1);
        batch.extend(network.drain(..network.len().min(most)));
        let room = (most - batch.len()).saturating_sub(reserved);
        batch.extend(api.drain(..api.len().min(room)));
        let room = (most - batch.len()).min(most / 4 + 1);
        batch.extend(background.drain(..background.len().min(room)));
        batch
    }
}
