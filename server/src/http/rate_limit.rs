//! How often a key may call: a token bucket for each (the generic cell rate algorithm, ITU-T I.371), off in the sandbox.

use std::num::NonZeroU32;
use std::sync::Arc;

use axum::http::StatusCode;
use governor::clock::{Clock, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use paygen_core::ids::ApiKeyId;

use super::problem::Problem;

/// How many keys are looked after before idle ones are forgotten.
const KEYS: usize = 10_000;

/// The buckets of all keys.
#[derive(Clone)]
pub struct RateLimits {
    limiter: Option<Arc<DefaultKeyedRateLimiter<ApiKeyId>>>,
}

impl RateLimits {
    /// So many requests a second for each key, as many at once; no limit when none is given.
    pub fn per_second(requests: Option<NonZeroU32>) -> RateLimits {
        let limiter = requests.map(|requests| Arc::new(RateLimiter::keyed(Quota::per_second(requests))));
        RateLimits { limiter }
    }

    /// Takes one request from the key's bucket, or says when to come back.
    pub fn check(&self, key: ApiKeyId) -> Result<(), Problem> {
        let Some(limiter) = &self.limiter else { return Ok(()) };
        if limiter.len() > KEYS {
            limiter.retain_recent();
        }
        limiter.check_key(&key).map_err(|not_yet| {
            let wait = not_yet.wait_time_from(DefaultClock::default().now());
            let seconds = u32::try_from(wait.as_secs()).unwrap_or(u32::MAX).saturating_add(1);
            let message = "This key calls too often. Wait as Retry-After says, then go on.";
            Problem::new(StatusCode::TOO_MANY_REQUESTS, "rate_limited", message).retry_after(seconds)
        })
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use paygen_core::ids::{ApiKeyId, Id};

    use super::RateLimits;

    #[test]
    fn each_key_has_its_own_bucket() {
        let limits = RateLimits::per_second(NonZeroU32::new(2));
        let key = |byte| ApiKeyId(Id::from_bytes([byte; 12]));
        assert!(limits.check(key(1)).is_ok() && limits.check(key(1)).is_ok());
        assert_eq!(limits.check(key(1)).expect_err("the third is too many").status(), 429);
        assert!(limits.check(key(2)).is_ok(), "another key is not concerned");
        let off = RateLimits::per_second(None);
        assert!((0..1000).all(|_| off.check(key(1)).is_ok()));
    }
}
