//! Cached totals of large lists: counting a million rows takes long, and clients that page request the total with every
//! page.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::sql::Statement;
use crate::value::Value;

/// Lists with fewer rows are counted each time.
const CACHED_ABOVE_ROWS: u64 = 100_000;

/// How long a total is reused.
const MAX_AGE: Duration = Duration::from_secs(1);

/// The maximum number of cached totals.
const MAX_TOTALS: usize = 1000;

/// Totals by counting statement.
#[derive(Default)]
pub(crate) struct Totals {
    known: Mutex<HashMap<String, (u64, Instant)>>,
}

fn key(statement: &Statement) -> String {
    format!("{} {:?}", statement.text, statement.params)
}

impl Totals {
    /// A total that was counted recently.
    pub(crate) fn find(&self, statement: &Statement) -> Option<u64> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let (total, at) = known.get(&key(statement))?;
        (at.elapsed() < MAX_AGE).then_some(*total)
    }

    /// Caches the total if the list is large, and returns it.
    pub(crate) fn note(&self, statement: &Statement, counted: &[Vec<Value>]) -> Option<u64> {
        let total = match counted.first()?.first()? {
            Value::Integer(total) => u64::try_from(*total).ok()?,
            _ => return None,
        };
        if total >= CACHED_ABOVE_ROWS {
            self.keep(statement, total);
        }
        Some(total)
    }

    fn keep(&self, statement: &Statement, total: u64) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= MAX_TOTALS {
            known.retain(|_, (_, at)| at.elapsed() < MAX_AGE);
        }
        if known.len() < MAX_TOTALS {
            known.insert(key(statement), (total, Instant::now()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{CACHED_ABOVE_ROWS, MAX_TOTALS, Totals};
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
        assert_eq!(totals.note(&counting(1), &counted(CACHED_ABOVE_ROWS - 1)), Some(CACHED_ABOVE_ROWS - 1));
        assert_eq!(totals.note(&counting(2), &counted(CACHED_ABOVE_ROWS)), Some(CACHED_ABOVE_ROWS));
        let found = [1, 2, 3].map(|client| totals.find(&counting(client)));
        assert_eq!(found, [None, Some(CACHED_ABOVE_ROWS), None]);
    }

    #[test]
    fn so_many_are_kept_at_the_most() {
        let totals = Totals::default();
        for client in 0..2 * i64::try_from(MAX_TOTALS).expect("a number") {
            totals.note(&counting(client), &counted(CACHED_ABOVE_ROWS));
        }
        let kept = (0..2 * i64::try_from(MAX_TOTALS).expect("a number"))
            .filter(|client| totals.find(&counting(*client)).is_some());
        assert!(kept.count() <= MAX_TOTALS);
    }
}
