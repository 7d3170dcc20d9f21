//! Cached totals of large lists: counting a million rows takes long, and clients that page request the total with every
//! page. Of the requests that find a total too old one counts; the others get the old total until it has.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::sql::Statement;
use crate::value::Value;

/// Lists with fewer rows are counted each time.
const CACHED_ABOVE_ROWS: u64 = 10_000;

/// How long a total is reused, at least.
const MIN_AGE: Duration = Duration::from_secs(1);

/// A total is reused for so many times as long as it took to count, so that counting has a bounded share of the database.
const AGE_PER_COUNTING: u32 = 10;

/// After this time a request that set out to count is presumed to have failed, and another one counts. A total is never
/// used for longer than this after its time: when counting keeps failing, every request counts, and fails.
const COUNTING_EXPIRES: Duration = Duration::from_secs(10);

/// The maximum number of cached totals.
const MAX_TOTALS: usize = 1000;

/// Totals by counting statement.
#[derive(Default)]
pub(crate) struct Totals {
    known: Mutex<HashMap<String, Known>>,
}

struct Known {
    total: u64,
    counted_at: Instant,
    fresh_for: Duration,
    being_counted_since: Option<Instant>,
}

impl Known {
    fn is_fresh(&self) -> bool {
        self.counted_at.elapsed() < self.fresh_for
    }

    /// Whether another request is counting, and the total may be used until it has.
    fn is_being_counted(&self) -> bool {
        self.being_counted_since.is_some_and(|since| since.elapsed() < COUNTING_EXPIRES)
            && self.counted_at.elapsed() < self.fresh_for + COUNTING_EXPIRES
    }
}

/// A total, or the duty to count.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Found {
    Total(u64),
    ToCount(Instant),
}

fn key(statement: &Statement) -> String {
    format!("{} {:?}", statement.text, statement.params)
}

impl Totals {
    fn known(&self) -> MutexGuard<'_, HashMap<String, Known>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A total that was counted recently, or that another request is counting again.
    pub(crate) fn find(&self, statement: &Statement) -> Found {
        let now = Instant::now();
        match self.known().get_mut(&key(statement)) {
            Some(known) if known.is_fresh() || known.is_being_counted() => Found::Total(known.total),
            Some(known) => {
                known.being_counted_since = Some(now);
                Found::ToCount(now)
            }
            None => Found::ToCount(now),
        }
    }

    /// Caches the total if the list is large, and returns it.
    pub(crate) fn note(&self, statement: &Statement, begun: Instant, counted: &[Vec<Value>]) -> Option<u64> {
        let total = match counted.first()?.first()? {
            Value::Integer(total) => u64::try_from(*total).ok()?,
            _ => return None,
        };
        if total >= CACHED_ABOVE_ROWS {
            self.keep(statement, begun, total);
        } else {
            self.known().remove(&key(statement));
        }
        Some(total)
    }

    fn keep(&self, statement: &Statement, begun: Instant, total: u64) {
        let fresh_for = MIN_AGE.max(begun.elapsed() * AGE_PER_COUNTING);
        let counted = Known { total, counted_at: Instant::now(), fresh_for, being_counted_since: None };
        let mut known = self.known();
        if known.len() >= MAX_TOTALS {
            known.retain(|_, known| known.is_fresh());
        }
        if known.len() < MAX_TOTALS {
            known.insert(key(statement), counted);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::{CACHED_ABOVE_ROWS, COUNTING_EXPIRES, Found, MAX_TOTALS, Totals, key};
    use crate::sql::Statement;
    use crate::value::Value;

    fn counting(client: i64) -> Statement {
        Statement { text: "SELECT count(*)".to_owned(), params: vec![Value::Integer(client)] }
    }

    fn note(totals: &Totals, client: i64, total: u64) -> Option<u64> {
        let counted = vec![vec![Value::Integer(i64::try_from(total).expect("a number"))]];
        totals.note(&counting(client), Instant::now(), &counted)
    }

    fn make_older(totals: &Totals, client: i64, by: Duration) {
        let mut known = totals.known();
        let total = known.get_mut(&key(&counting(client))).expect("a cached total");
        total.counted_at -= by;
        total.being_counted_since = total.being_counted_since.map(|since| since - by);
    }

    #[test]
    fn only_the_total_of_a_large_list_is_kept_and_only_for_the_same_question() {
        let totals = Totals::default();
        assert_eq!(note(&totals, 1, CACHED_ABOVE_ROWS - 1), Some(CACHED_ABOVE_ROWS - 1));
        assert_eq!(note(&totals, 2, CACHED_ABOVE_ROWS), Some(CACHED_ABOVE_ROWS));
        assert!(matches!(totals.find(&counting(1)), Found::ToCount(_)));
        assert_eq!(totals.find(&counting(2)), Found::Total(CACHED_ABOVE_ROWS));
        assert!(matches!(totals.find(&counting(3)), Found::ToCount(_)));
    }

    #[test]
    fn of_those_that_find_an_old_total_one_counts_and_the_others_get_it() {
        let totals = Totals::default();
        note(&totals, 1, CACHED_ABOVE_ROWS);
        make_older(&totals, 1, Duration::from_secs(2));
        assert!(matches!(totals.find(&counting(1)), Found::ToCount(_)));
        assert_eq!(totals.find(&counting(1)), Found::Total(CACHED_ABOVE_ROWS));
        note(&totals, 1, CACHED_ABOVE_ROWS + 1);
        assert_eq!(totals.find(&counting(1)), Found::Total(CACHED_ABOVE_ROWS + 1));
    }

    #[test]
    fn when_counting_does_not_end_every_request_counts_in_the_end() {
        let totals = Totals::default();
        note(&totals, 1, CACHED_ABOVE_ROWS);
        make_older(&totals, 1, Duration::from_secs(2));
        assert!(matches!(totals.find(&counting(1)), Found::ToCount(_)));
        make_older(&totals, 1, COUNTING_EXPIRES);
        for _ in 0..2 {
            assert!(matches!(totals.find(&counting(1)), Found::ToCount(_)));
        }
    }

    #[test]
    fn a_list_that_became_short_is_counted_each_time() {
        let totals = Totals::default();
        note(&totals, 1, CACHED_ABOVE_ROWS);
        make_older(&totals, 1, Duration::from_secs(2));
        assert!(matches!(totals.find(&counting(1)), Found::ToCount(_)));
        note(&totals, 1, CACHED_ABOVE_ROWS - 1);
        for _ in 0..2 {
            assert!(matches!(totals.find(&counting(1)), Found::ToCount(_)));
        }
    }

    #[test]
    fn a_total_that_took_long_to_count_is_reused_for_longer() {
        let totals = Totals::default();
        let counted = vec![vec![Value::Integer(5_000_000)]];
        totals.note(&counting(1), Instant::now() - Duration::from_secs(3), &counted);
        make_older(&totals, 1, Duration::from_secs(29));
        assert_eq!(totals.find(&counting(1)), Found::Total(5_000_000));
        make_older(&totals, 1, Duration::from_secs(2));
        assert!(matches!(totals.find(&counting(1)), Found::ToCount(_)));
    }

    #[test]
    fn so_many_are_kept_at_the_most() {
        let totals = Totals::default();
        for client in 0..2 * i64::try_from(MAX_TOTALS).expect("a number") {
            note(&totals, client, CACHED_ABOVE_ROWS);
        }
        let kept = (0..2 * i64::try_from(MAX_TOTALS).expect("a number"))
            .filter(|client| matches!(totals.find(&counting(*client)), Found::Total(_)));
        assert!(kept.count() <= MAX_TOTALS);
    }
}
