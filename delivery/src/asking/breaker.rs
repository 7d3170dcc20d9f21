//! The circuit breaker of each responder, on each server: a responder that fails repeatedly is not asked any more, so that
//! its payments do not wait for it in vain. Once a second a test call looks whether it answers again; less often, if it
//! answers test calls but goes on failing questions.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, PoisonError};

use paygen_core::ids::ResponderId;

/// Failures in a row that open it.
const MAX_FAILURES: usize = 5;

/// The last calls that are remembered; it opens when half of so many failed.
const REMEMBERED: usize = 20;

/// The longest pause between test calls, in rounds of them.
const MAX_PAUSE: u32 = 60;

#[derive(Debug)]
struct State {
    /// Whether the last calls failed, the newest first.
    failed: VecDeque<bool>,
    open: bool,
    /// How many rounds of test calls are left out before the next one, after it opened.
    pause: u32,
    /// How many of them are left.
    left: u32,
}

impl Default for State {
    fn default() -> State {
        State { failed: VecDeque::new(), open: false, pause: 1, left: 0 }
    }
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

    /// The responders that are to be tested in this round.
    pub(super) fn to_test(&self) -> Vec<ResponderId> {
        let mut states = self.lock();
        let open = states.iter_mut().filter(|(_, state)| state.open);
        let due = open.filter_map(|(id, state)| {
            state.left = state.left.saturating_sub(1);
            (state.left == 0).then_some(*id)
        });
        due.collect()
    }

    /// Notes the result of a question.
    pub(super) fn note(&self, id: ResponderId, failed: bool) -> Change {
        let mut states = self.lock();
        let state = states.entry(id).or_default();
        state.failed.truncate(REMEMBERED - 1);
        state.failed.push_front(failed);
        if state.open {
            return Change::Nothing;
        }
        if !state.should_open() {
            if state.failed.len() == REMEMBERED {
                state.pause = 1;
            }
            return Change::Nothing;
        }
        state.open = true;
        state.left = state.pause;
        Change::Opened
    }

    /// Notes that a test call was answered. The pause is doubled until as many questions as are remembered
    /// have not opened it again.
    pub(super) fn close(&self, id: ResponderId) -> Change {
        let mut states = self.lock();
        let Some(state) = states.get_mut(&id).filter(|state| state.open) else { return Change::Nothing };
        *state = State { pause: (state.pause * 2).min(MAX_PAUSE), ..State::default() };
        Change::Closed
    }

    /// Forgets a responder that is gone.
    pub(super) fn forget(&self, id: ResponderId) {
        self.lock().remove(&id);
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
            assert!(!breakers.is_open(id) && breakers.to_test().is_empty(), "{case}");
        }
    }

    #[test]
    fn one_that_answers_tests_alone_is_tested_less_and_less() {
        let (breakers, id) = (Breakers::default(), ResponderId(Id::from_bytes([1; 12])));
        let rounds_until_closed = || {
            (0..5).for_each(|_| _ = breakers.note(id, true));
            let rounds = (1..).find(|_| !breakers.to_test().is_empty());
            assert_eq!(breakers.close(id), Change::Closed);
            rounds
        };
        assert_eq!([(); 8].map(|()| rounds_until_closed()), [1, 2, 4, 8, 16, 32, 60, 60].map(Some));
        (0..20).for_each(|number| _ = breakers.note(id, number % 3 == 0));
        assert_eq!(rounds_until_closed(), Some(1), "it answered most questions");
        (0..5).for_each(|_| _ = breakers.note(id, true));
        breakers.forget(id);
        assert!(!breakers.is_open(id));
    }
}
