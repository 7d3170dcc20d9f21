//! The circuit breaker of each responder, on each server: a responder that fails repeatedly is not asked any more, so that
//! its payments do not wait for it in vain. Once a second a test call looks whether it answers again.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, PoisonError};

use paygen_core::ids::ResponderId;

/// Failures in a row that open it.
const MAX_FAILURES: usize = 5;

/// The last calls that are remembered; it opens when half of so many failed.
const REMEMBERED: usize = 20;

#[derive(Debug, Default)]
struct State {
    /// Whether the last calls failed, the newest first.
    failed: VecDeque<bool>,
    open: bool,
}

/// What a result changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Change {
    Opened,
    Closed,
    Nothing,
}

#[derive(Debug, Default)]
pub(super) struct Breakers {
    states: Mutex<HashMap<ResponderId, State>>,
}

impl State {
    fn should_open(&self) -> bool {
        let in_a_row = self.failed.iter().take_while(|failed| **failed).count();
        let failed = self.failed.iter().filter(|failed| **failed).count();
        in_a_row >= MAX_FAILURES || (self.failed.len() == REMEMBERED && failed * 2 >= REMEMBERED)
    }
}

impl Breakers {
    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<ResponderId, State>> {
        self.states.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the responder is not to be asked.
    pub(super) fn is_open(&self, id: ResponderId) -> bool {
        self.lock().get(&id).is_some_and(|state| state.open)
    }

    /// The responders that are not asked.
    pub(super) fn open(&self) -> Vec<ResponderId> {
        self.lock().iter().filter(|(_, state)| state.open).map(|(id, _)| *id).collect()
    }

    /// Notes the result of a question.
    pub(super) fn note(&self, id: ResponderId, failed: bool) -> Change {
        let mut states = self.lock();
        let state = states.entry(id).or_default();
        state.failed.truncate(REMEMBERED - 1);
        state.failed.push_front(failed);
        if state.open || !state.should_open() {
            return Change::Nothing;
        }
        state.open = true;
        Change::Opened
    }

    /// Notes that a test call was answered.
    pub(super) fn close(&self, id: ResponderId) -> Change {
        let was_open = self.lock().remove(&id).is_some_and(|state| state.open);
        if was_open { Change::Closed } else { Change::Nothing }
    }
}

#[cfg(test)]
mod tests {
    use paygen_core::ids::{Id, ResponderId};

    use super::{Breakers, Change};

    #[test]
    fn it_opens_after_failures_and_closes_after_a_test() {
        let id = ResponderId(Id::from_bytes([1; 12]));
        for (case, results, opens_at) in [
            ("all well", ".".repeat(100), None),
            ("five in a row", "xxxxx".to_owned(), Some(4)),
            ("four in a row", "xxxx.xxxx.xxxx".to_owned(), None),
            ("half of twenty", "x.".repeat(10), Some(19)),
            ("one of three", "x..".repeat(30), None),
            ("late failures", format!("{}xxxxx", ".".repeat(40)), Some(44)),
        ] {
            let breakers = Breakers::default();
            let changes = results.chars().map(|result| breakers.note(id, result == 'x'));
            let opened = changes.collect::<Vec<_>>().iter().position(|change| *change == Change::Opened);
            assert_eq!(opened, opens_at, "{case}");
            assert_eq!(breakers.is_open(id), opens_at.is_some(), "{case}");
            assert_eq!(breakers.close(id) == Change::Closed, opens_at.is_some(), "{case}");
            assert!(!breakers.is_open(id) && breakers.open().is_empty(), "{case}");
        }
    }
}
