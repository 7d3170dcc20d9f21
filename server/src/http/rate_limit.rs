//! How often a key and a client may call: a token bucket for each (the generic cell rate algorithm, ITU-T I.371), off in the sandbox;
//! how often an address may try reveal tokens, always; and how often it may send credentials that nobody has.

use std::collections::HashMap;
use std::hash::Hash;
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::http::StatusCode;
use governor::clock::{Clock, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use paygen_core::ids::{ApiKeyId, ClientId};

use super::problem::Problem;

/// How many keys or networks are looked after before idle ones are forgotten.
const KEYS: usize = 10_000;

/// The buckets of all keys and of all clients.
#[derive(Clone)]
pub struct RateLimits {
    keys: Buckets<ApiKeyId>,
    clients: Buckets<ClientId>,
}

impl RateLimits {
    /// So many requests a second for each key and for all keys of a client together, as many at once; no limit where none
    /// is given.
    pub fn per_second(key: Option<NonZeroU32>, client: Option<NonZeroU32>) -> RateLimits {
        RateLimits { keys: Buckets::per_second(key), clients: Buckets::per_second(client) }
    }

    /// Takes one request from both buckets, or says when to come back.
    pub fn check(&self, client: ClientId, key: ApiKeyId) -> Result<(), Problem> {
        self.keys.take(&key, "This key")?;
        self.clients.take(&client, "This client, with all its keys,")
    }
}

/// A bucket for each of something.
#[derive(Clone)]
struct Buckets<K: Clone + Eq + Hash>(Option<Arc<DefaultKeyedRateLimiter<K>>>);

impl<K: Clone + Eq + Hash> Buckets<K> {
    fn per_second(requests: Option<NonZeroU32>) -> Buckets<K> {
        Buckets(requests.map(|requests| Arc::new(RateLimiter::keyed(Quota::per_second(requests)))))
    }

    fn take(&self, whose: &K, who: &str) -> Result<(), Problem> {
        let Some(limiter) = &self.0 else { return Ok(()) };
        if limiter.len() > KEYS {
            limiter.retain_recent();
        }
        let later = |wait| too_often(who, wait);
        limiter.check_key(whose).map_err(|not_yet| later(not_yet.wait_time_from(DefaultClock::default().now())))
    }
}

fn too_often(who: &str, wait: Duration) -> Problem {
    let seconds = u32::try_from(wait.as_secs()).unwrap_or(u32::MAX).saturating_add(1);
    let message = format!("{who} calls too often. Wait as Retry-After says, then go on.");
    Problem::new(StatusCode::TOO_MANY_REQUESTS, "rate_limited", message).retry_after(seconds)
}

/// How often addresses may try something that guessing could open: so many at once, then one in each interval (GCRA, as a
/// virtual schedule). At most [`KEYS`] networks are looked after; when there are more, the further ones share what is left.
#[derive(Clone)]
pub struct Tries {
    interval: Duration,
    at_once: u32,
    since: Instant,
    /// When each network's bucket is full again, from `since`.
    full_at: Arc<Mutex<HashMap<IpAddr, Duration>>>,
}

impl Tries {
    /// So many at once, then one in each interval.
    pub fn new(at_once: u32, interval: Duration) -> Tries {
        Tries { interval, at_once, since: Instant::now(), full_at: Arc::default() }
    }

    /// How often an address may try reveal tokens: these calls need no other credential.
    pub fn of_reveals() -> Tries {
        Tries::new(100, Duration::from_millis(100))
    }

    /// Takes one try from the address's bucket, or says when to come back.
    pub fn take(&self, address: IpAddr) -> Result<(), Problem> {
        self.at(self.since.elapsed(), address)
    }

    fn at(&self, now: Duration, address: IpAddr) -> Result<(), Problem> {
        let mut full_at = self.full_at.lock().unwrap_or_else(PoisonError::into_inner);
        let mut network = network(address);
        if full_at.len() >= KEYS && !full_at.contains_key(&network) {
            full_at.retain(|_, full| *full > now);
            if full_at.len() >= KEYS {
                network = IpAddr::from([0, 0, 0, 0]);
            }
        }
        let full = full_at.get(&network).copied().unwrap_or_default().max(now);
        // The bucket is empty while it takes longer than all but one try to fill it.
        let free = now + self.interval * self.at_once.saturating_sub(1);
        if full > free {
            return Err(too_often("This address", full.saturating_sub(free)));
        }
        full_at.insert(network, full + self.interval);
        Ok(())
    }
}

/// Whoever has an IPv6 address has its whole /64.
pub fn network(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(v6) => IpAddr::from((u128::from(v6) & !u128::from(u64::MAX)).to_be_bytes()),
    }
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv6Addr};
    use std::num::NonZeroU32;
    use std::time::Duration;

    use paygen_core::ids::{ApiKeyId, ClientId, Id};

    use super::{KEYS, RateLimits, Tries};

    #[test]
    fn each_key_has_its_own_bucket() {
        let limits = RateLimits::per_second(NonZeroU32::new(2), None);
        assert!(check(&limits, 1, 1) && check(&limits, 1, 1));
        let refused = limits.check(client(1), key(1)).expect_err("the third is too many");
        assert_eq!(refused.status(), 429);
        assert!(check(&limits, 1, 2), "another key is not concerned");
        let off = RateLimits::per_second(None, None);
        assert!((0..1000).all(|_| check(&off, 1, 1)));
    }

    #[test]
    fn all_keys_of_a_client_share_a_bucket() {
        let limits = RateLimits::per_second(NonZeroU32::new(2), NonZeroU32::new(5));
        let let_through = (1..=100).filter(|number| check(&limits, 1, *number)).count();
        assert_eq!(let_through, 5, "of a hundred keys at once");
        assert!(check(&limits, 2, 101), "another client is not concerned");
    }

    fn key(byte: u8) -> ApiKeyId {
        ApiKeyId(Id::from_bytes([byte; 12]))
    }

    fn client(byte: u8) -> ClientId {
        ClientId(Id::from_bytes([byte; 12]))
    }

    fn check(limits: &RateLimits, of: u8, with: u8) -> bool {
        limits.check(client(of), key(with)).is_ok()
    }

    fn address(text: &str) -> IpAddr {
        text.parse().expect("an address")
    }

    #[test]
    fn an_address_tries_only_so_often() {
        let tries = Tries::new(3, Duration::from_secs(10));
        let take = |seconds, from: &str| tries.at(Duration::from_secs(seconds), address(from));
        assert!((0..3).all(|_| take(100, "203.0.113.7").is_ok()));
        assert_eq!(take(100, "203.0.113.7").expect_err("the fourth is too many").status(), 429);
        assert!(take(109, "203.0.113.7").is_err(), "what is refused takes none");
        assert!(take(111, "203.0.113.7").is_ok() && take(111, "203.0.113.7").is_err(), "one in ten seconds");
        assert!(take(111, "203.0.113.8").is_ok(), "another address is not concerned");
        assert!((0..3).all(|_| take(111, "2001:db8::1").is_ok()) && take(111, "2001:db8::2").is_err(), "a /64 is one");
        assert!(take(111, "2001:db8:0:1::1").is_ok());
    }

    #[test]
    fn however_many_addresses_there_are_few_are_kept_and_none_is_free() {
        let tries = Tries::new(2, Duration::from_secs(10));
        let network = |number: u64| IpAddr::V6(Ipv6Addr::from(u128::from(number) << 64));
        let refused = (1..=2 * KEYS as u64).filter(|number| tries.at(Duration::ZERO, network(*number)).is_err());
        let refused = refused.count();
        assert!(refused >= KEYS - 2, "the further ones share a bucket: {refused}");
        assert!(tries.full_at.lock().expect("no panic").len() <= KEYS + 1);
        assert!(tries.at(Duration::from_secs(60), network(7_000_000)).is_ok(), "idle ones are forgotten");
    }
}
