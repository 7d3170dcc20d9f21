//! How often a key may call: a token bucket for each (the generic cell rate algorithm, ITU-T I.371), off in the sandbox;
//! and how often an address may try reveal tokens, always.

use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::Arc;

use axum::http::StatusCode;
use governor::clock::{Clock, DefaultClock};
use governor::{DefaultKeyedRateLimiter, NotUntil, Quota, RateLimiter};
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
        limiter.check_key(&key).map_err(|not_yet| too_often("This key", &not_yet))
    }
}

fn too_often(who: &str, not_yet: &NotUntil<governor::clock::QuantaInstant>) -> Problem {
    let wait = not_yet.wait_time_from(DefaultClock::default().now());
    let seconds = u32::try_from(wait.as_secs()).unwrap_or(u32::MAX).saturating_add(1);
    let message = format!("{who} calls too often. Wait as Retry-After says, then go on.");
    Problem::new(StatusCode::TOO_MANY_REQUESTS, "rate_limited", message).retry_after(seconds)
}

/// How many reveals an address may try in a second, and how many at once.
const REVEALS_A_SECOND: NonZeroU32 = NonZeroU32::new(10).unwrap();
const REVEALS_AT_ONCE: NonZeroU32 = NonZeroU32::new(100).unwrap();

/// The buckets of the addresses that try reveal tokens: these calls need no other credential.
#[derive(Clone)]
pub struct RevealLimits {
    limiter: Arc<DefaultKeyedRateLimiter<IpAddr>>,
}

impl Default for RevealLimits {
    fn default() -> RevealLimits {
        let quota = Quota::per_second(REVEALS_A_SECOND).allow_burst(REVEALS_AT_ONCE);
        RevealLimits { limiter: Arc::new(RateLimiter::keyed(quota)) }
    }
}

impl RevealLimits {
    /// Takes one try from the address's bucket, or says when to come back.
    pub fn check(&self, address: IpAddr) -> Result<(), Problem> {
        if self.limiter.len() > KEYS {
            self.limiter.retain_recent();
        }
        self.limiter.check_key(&network(address)).map_err(|not_yet| too_often("This address", &not_yet))
    }
}

/// Whoever has an IPv6 address has its whole /64.
fn network(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(v6) => IpAddr::from((u128::from(v6) & !u128::from(u64::MAX)).to_be_bytes()),
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use paygen_core::ids::{ApiKeyId, Id};

    use super::{RateLimits, RevealLimits};

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

    #[test]
    fn an_address_tries_reveal_tokens_only_so_often() {
        let limits = RevealLimits::default();
        let tries = |address: &str, count: usize| {
            (0..count).filter(|_| limits.check(address.parse().expect("an address")).is_err()).count()
        };
        assert!(tries("203.0.113.7", 150) >= 40);
        assert_eq!(tries("203.0.113.8", 50), 0, "another address is not concerned");
        tries("2001:db8::1", 150);
        assert!(tries("2001:db8::2", 10) > 0, "an IPv6 network counts as one");
    }
}
