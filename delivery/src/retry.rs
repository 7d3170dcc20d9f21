//! The schedule of retries, with jitter.

use std::time::Duration;

use paygen_core::time::Instant;
use paygen_core::webhooks::Next;

/// Upper bound on the delay an endpoint can request with `Retry-After`.
const MAX_REQUESTED_DELAY: Duration = Duration::from_secs(86_400);

/// The delays before each attempt; the first is usually zero.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RetrySchedule(Vec<Duration>);

impl Default for RetrySchedule {
    fn default() -> RetrySchedule {
        let seconds = [0, 5, 5 * 60, 30 * 60, 2 * 3600, 5 * 3600, 10 * 3600, 10 * 3600];
        RetrySchedule(seconds.map(Duration::from_secs).into())
    }
}

impl RetrySchedule {
    /// Parses a text such as `0s,5s,5m,30m,2h`.
    pub fn parse(text: &str) -> Option<RetrySchedule> {
        let delays: Option<Vec<Duration>> = text.split(',').map(|part| parse_delay(part.trim())).collect();
        delays.filter(|delays| (1..=32).contains(&delays.len())).map(RetrySchedule)
    }

    /// What happens after attempt number `attempt` (from 1) failed at `now`. `chance` (0 to 1) adds jitter of up to a
    /// tenth of the delay, so that deliveries that failed together are not retried together. The delay requested by the
    /// endpoint can only lengthen it.
    pub fn after_failure(&self, attempt: i64, now: Instant, requested: Option<Duration>, chance: f64) -> Next {
        let next = usize::try_from(attempt).ok().and_then(|attempt| self.0.get(attempt));
        let Some(delay) = next else { return Next::GiveUp };
        let spread = delay.mul_f64(0.95 + 0.1 * chance.clamp(0.0, 1.0));
        let wait = spread.max(requested.unwrap_or_default().min(MAX_REQUESTED_DELAY));
        Next::Retry(now.plus_micros(i64::try_from(wait.as_micros()).unwrap_or(i64::MAX)))
    }
}

fn parse_delay(text: &str) -> Option<Duration> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let number: u64 = digits.parse().ok()?;
    let unit = match text.get(digits.len()..)? {
        "ms" => return Some(Duration::from_millis(number)),
        "s" => 1,
        "m" => 60,
        "h" => 3600,
        "d" => 86_400,
        _ => return None,
    };
    let seconds = number.checked_mul(unit)?;
    (seconds <= 30 * 86_400).then(|| Duration::from_secs(seconds))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use paygen_core::time::Instant;
    use paygen_core::webhooks::Next;

    use super::RetrySchedule;

    #[test]
    fn schedules_are_read_or_refused() {
        let default = RetrySchedule::default();
        assert_eq!(RetrySchedule::parse("0s,5s,5m,30m,2h,5h,10h,10h"), Some(default));
        for wrong in ["", "5", "5x", "-5s", "5s,,5s", "31d", "99999999999999999999s", "5 s"] {
            assert_eq!(RetrySchedule::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn retries_follow_the_schedule_with_jitter_and_the_endpoint_s_wish() {
        let schedule = RetrySchedule::parse("0s,10s,100s").expect("a schedule");
        let now = Instant::from_micros(0);
        let at = |seconds: f64| Next::Retry(Instant::from_micros((seconds * 1e6) as i64));
        let requested = |seconds| Some(Duration::from_secs(seconds));
        let cases = [
            (1, None, 0.0, at(9.5)),
            (1, None, 0.5, at(10.0)),
            (1, None, 1.0, at(10.5)),
            (2, None, 0.5, at(100.0)),
            (3, None, 0.5, Next::GiveUp),
            (1, requested(60), 0.5, at(60.0)),
            (2, requested(60), 0.5, at(100.0)),
            (1, requested(999_999_999), 0.5, at(86_400.0)),
            (3, requested(60), 0.5, Next::GiveUp),
        ];
        for (attempt, requested, chance, expected) in cases {
            assert_eq!(
                schedule.after_failure(attempt, now, requested, chance),
                expected,
                "{attempt} {requested:?} {chance}"
            );
        }
    }
}
