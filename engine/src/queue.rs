//! The bounded queues of a lane. A full queue refuses at once, so that the waiting time is bounded too.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard};

use super::{Unanswered, Waiting};

/// Which queue a command waits in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Priority {
    /// Messages of the card network: first in every batch.
    Network = 0,
    Api = 1,
    /// Expiry, retention: at most a quarter of a batch, never starved by API calls.
    Background = 2,
}

/// Upper bounds on the commands waiting in each queue of a lane.
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

/// The places of a batch that are left, while it is taken from the queues in one or several steps.
#[derive(Clone, Copy, Debug)]
pub(super) struct Room {
    limit: usize,
    all: usize,
    /// For calls and background work.
    others: usize,
    background: usize,
}

impl Room {
    /// Background work gets at most a quarter of a batch.
    pub(super) fn of(limit: usize) -> Room {
        Room { limit, all: limit, others: limit, background: limit / 4 + 1 }
    }

    /// For a batch that is taken while another one is being committed: some places are kept for network messages that
    /// arrive meanwhile.
    pub(super) fn beside_a_commit(limit: usize) -> Room {
        Room { others: limit - limit / 8, ..Room::of(limit) }
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
        // A poisoned lock is safe to use: each operation on the queues is a single step, so none is left half done.
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
    pub(super) fn take(&self, limit: usize) -> Option<Vec<Waiting>> {
        let mut state = self.lock();
        while state.queues.iter().all(VecDeque::is_empty) {
            if state.closed {
                return None;
            }
            state = self.arrived.wait(state).unwrap_or_else(|poison| poison.into_inner());
        }
        Some(state.take(&mut Room::of(limit)))
    }

    /// Waits for commands for which there is room, and takes them, as long as `is_wanted`; `None` when it is not.
    /// Whatever changes that must call [`Queue::wake`].
    pub(super) fn take_while(&self, is_wanted: impl Fn() -> bool, room: &mut Room) -> Option<Vec<Waiting>> {
        let mut state = self.lock();
        while is_wanted() && room.all > 0 {
            let taken = state.take(room);
            if !taken.is_empty() {
                return Some(taken);
            }
            state = self.arrived.wait(state).unwrap_or_else(|poison| poison.into_inner());
        }
        None
    }

    pub(super) fn is_empty(&self) -> bool {
        self.lock().queues.iter().all(VecDeque::is_empty)
    }

    /// Lets [`Queue::take_while`] ask again whether commands are wanted.
    pub(super) fn wake(&self) {
        // With the lock, so that the consumer either has not asked yet or waits.
        let _state = self.lock();
        self.arrived.notify_all();
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
    fn take(&mut self, room: &mut Room) -> Vec<Waiting> {
        let mut batch = Vec::with_capacity(room.all.min(self.queues.iter().map(VecDeque::len).sum()));
        let [network, api, background] = &mut self.queues;
        batch.extend(network.drain(..network.len().min(room.all)));
        room.all -= batch.len();
        let others = room.others.min(room.all);
        // A few places are reserved for background work, so that a full API queue delays expiry but never stops it.
        let reserved = background.len().min(room.limit / 32 + 1).min(room.background);
        let calls = api.len().min(others.saturating_sub(reserved));
        batch.extend(api.drain(..calls));
        let chores = background.len().min(others - calls).min(room.background);
        batch.extend(background.drain(..chores));
        room.all -= calls + chores;
        room.others -= calls + chores;
        room.background -= chores;
        batch
    }
}

#[cfg(test)]
mod tests {
    use paygen_core::accounts::CloseAccount;
    use paygen_core::ids::{AccountId, ClientId, Id};
    use paygen_core::work::Context;
    use paygen_core::{Command, Request};
    use tokio::sync::oneshot;

    use super::{Bounds, Priority, Queue, Room};
    use crate::{Submission, Unanswered, Waiting};

    const BATCH: usize = 64;

    /// A command whose address tells its queue and its number in it.
    fn waiting(priority: Priority, number: usize) -> Waiting {
        let id = AccountId(Id::from_bytes([priority as u8; 12]));
        let command = Command::CloseAccount(CloseAccount { id, if_match: i64::try_from(number).ok() });
        let request = Request::new(Context::system(ClientId::INSTALLATION, ""), command);
        let (reply, _) = oneshot::channel();
        Waiting { submission: Box::new(Submission { request, idempotency: None, dry_run: false }), reply }
    }

    fn filled(counts: [usize; 3]) -> Queue {
        let queue = Queue::new(Bounds { waiting: [1000; 3] });
        // The least urgent first, so that order is the queue's doing.
        for (priority, count) in
            [(Priority::Background, counts[2]), (Priority::Api, counts[1]), (Priority::Network, counts[0])]
        {
            for number in 0..count {
                queue.push(priority, waiting(priority, number)).expect("there is room");
            }
        }
        queue
    }

    /// A batch as pairs of queue and number.
    fn batch(queue: &Queue) -> Vec<(u8, i64)> {
        let told = |waiting: Waiting| match waiting.submission.request.command {
            Command::CloseAccount(CloseAccount { id, if_match }) => (id.0.bytes()[0], if_match.unwrap_or(-1)),
            other => panic!("{}", other.name()),
        };
        queue.take(BATCH).expect("it is open").into_iter().map(told).collect()
    }

    #[test]
    fn a_batch_has_network_messages_first_and_a_share_for_each_queue() {
        let cases: &[([usize; 3], [usize; 3])] = &[
            ([0, 500, 0], [0, 64, 0]),
            ([10, 500, 0], [10, 54, 0]),
            // A few places are kept for background work.
            ([10, 500, 500], [10, 51, 3]),
            ([0, 500, 2], [0, 62, 2]),
            // Alone it gets a quarter and one more, so that a call that arrives waits for a short batch.
            ([0, 0, 500], [0, 0, 17]),
            ([500, 500, 500], [64, 0, 0]),
            ([63, 500, 500], [63, 0, 1]),
            ([1, 1, 1], [1, 1, 1]),
        ];
        for (waiting, expected) in cases {
            let taken = batch(&filled(*waiting));
            let count = |queue: u8| taken.iter().filter(|(of, _)| *of == queue).count();
            assert_eq!([count(0), count(1), count(2)], *expected, "of {waiting:?}");
            assert!(taken.is_sorted(), "network, API, background, each as they came: {taken:?}");
        }
    }

    #[test]
    fn a_batch_that_is_taken_in_steps_has_the_same_shares_and_room_for_network_messages() {
        let queue = filled([0, 40, 500]);
        let mut room = Room::beside_a_commit(BATCH);
        let mut taken = [0; 3];
        let mut take = |queue: &Queue| {
            for waiting in queue.take_while(|| true, &mut room).expect("there is room") {
                let Command::CloseAccount(CloseAccount { id, .. }) = waiting.submission.request.command else {
                    panic!()
                };
                taken[usize::from(id.0.bytes()[0])] += 1;
            }
            taken
        };
        assert_eq!(take(&queue), [0, 40, 16], "a quarter of background work at most, an eighth is left");
        for number in 0..20 {
            queue.push(Priority::Api, waiting(Priority::Api, number)).expect("there is room");
            queue.push(Priority::Network, waiting(Priority::Network, number)).expect("there is room");
        }
        assert_eq!(take(&queue), [8, 40, 16], "which network messages get");
        assert!(queue.take_while(|| true, &mut room).is_none(), "then it is full");
        assert_eq!(queue.depths(), [12, 20, 484]);
    }

    #[test]
    fn background_work_is_done_while_calls_never_end() {
        let queue = filled([0, 900, 30]);
        let batches: Vec<_> = (0..10).map(|_| batch(&queue)).collect();
        let done = batches.iter().flatten().filter(|(of, _)| *of == Priority::Background as u8).count();
        assert_eq!(done, 30);
    }

    #[test]
    fn a_full_queue_refuses_and_leaves_the_others_open() {
        let queue = Queue::new(Bounds { waiting: [1, 2, 1] });
        let push = |priority| queue.push(priority, waiting(priority, 0));
        assert!(push(Priority::Api).is_ok() && push(Priority::Api).is_ok());
        assert_eq!(push(Priority::Api), Err(Unanswered::Overloaded));
        assert!(push(Priority::Network).is_ok() && push(Priority::Background).is_ok());
        queue.close();
        assert_eq!(push(Priority::Network), Err(Unanswered::Draining));
        assert_eq!(queue.depths(), [1, 2, 1], "what waits is still done");
    }
}
