//! How many rows large lists have: counting a million takes long, and who pages asks again and again.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::sql::Statement;
use crate::value::Value;

/// A list of fewer rows is counted each time.
const LARGE: u64 = 100_000;

/// A total is told for so long.
const FRESH: Duration = Duration::from_secs(1);

/// So many totals are kept at the most.
const MOST: usize = 1000;

/// The totals of large lists, each for a second, by the statement that counts.
#[derive(Default)]
pub(crate) struct Totals {
    known: Mutex<HashMap<String, (u64, Instant)>>,
}

fn key(statement: &Statement) -> String {
    format!("{} {:?}", statement.text, statement.params)
}

impl Totals {
    /// What was counted a moment ago.
    pub(crate) fn find(&self, statement: &Statement) -> Option<u64> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let (total, at) = known.get(&key(statement))?;
        (at.elapsed() < FRESH).then_some(*total)
    }

    /// Notes what the statement counted, and tells it.
    pub(crate) fn note(&self, statement: &Statement, counted: &[Vec<Value>]) -> Option<u64> {
        let total = match counted.first()?.first()? {
            Value::Integer(total) => u64::try_from(*total).ok()?,
            _ => return None,
        };
        if total >= LARGE {
            self.keep(statement, total);
        }
        Some(total)
    }

    fn keep(&self, statement: &Statement, total: u64) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= MOST {
            known.retain(|_, (_, at)| at.elapsed() < FRESH);
        }
        if known.len() < MOST {
            known.insert(key(statement), (total, Instant::now()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{LARGE, MOST, Totals};
    use crate::sql::Statement;
    use crate::value::Value;

    fn counting(client: i64) -> Statement {
        Statement { text: "SELECT count(*)".to_owned(), params: vec![Value::Integer(client)] }
    }

    fn counted(total: u64) -> Vec<Vec<Value>> {
        vec![vec![Value::Integer(i64::try_from(total).expect("a number"))]]
    }

    #[test]
    fn only_the_total_of_a_large_list_is_kept_and_only_for_the_same_question() {
        let totals = Totals::default();
        assert_eq!(totals.note(&counting(1), &counted(LARGE - 1)), Some(LARGE - 1));
        assert_eq!(totals.note(&counting(2), &counted(LARGE)), Some(LARGE));
        let found = [1, 2, 3].map(|client| totals.find(&counting(client)));
        assert_eq!(found, [None, Some(LARGE), None]);
    }

    #[test]
    fn so_many_are_kept_at_the_most() {
        let totals = Totals::default();
        for client in 0..2 * i64::try_from(MOST).expect("a number") {
            totals.note(&counting(client), &counted(LARGE));
        }
        let kept =
            (0..2 * i64::try_from(MOST).expect("a number")).filter(|client| totals.find(&counting(*client)).is_some());
        assert!(kept.count() <= MOST);
    }
}
