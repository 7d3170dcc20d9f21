//! Rate limits by key: the generic cell rate algorithm (ITU-T I.371) as a virtual schedule, with a burst and then one
//! action in each interval. At most [`MAX_KEYS`] keys are tracked; when more are active at once, the further ones share
//! one bucket, so that memory is bounded and no key is unlimited.

use std::collections::HashMap;
use std::hash::Hash;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Upper bound on the keys tracked before idle ones are evicted.
pub const MAX_KEYS: usize = 10_000;

/// A bucket for each key; clones share them.
#[derive(Clone)]
pub struct Limiter<K> {
    interval: Duration,
    at_once: u32,
    since: Instant,
    buckets: Arc<Mutex<Buckets<K>>>,
}

/// When each bucket is full again, measured from the limiter's start.
struct Buckets<K> {
    full_at: HashMap<K, Duration>,
    shared: Duration,
}

impl<K: Clone + Eq + Hash> Limiter<K> {
    /// Allows a burst of this many actions, then one in each `interval`.
    pub fn new(at_once: u32, interval: Duration) -> Limiter<K> {
        let buckets = Buckets { full_at: HashMap::new(), shared: Duration::ZERO };
        Limiter { interval, at_once, since: Instant::now(), buckets: Arc::new(Mutex::new(buckets)) }
    }

    /// Allows this many actions a second, and a burst of the same size.
    pub fn per_second(acts: std::num::NonZeroU32) -> Limiter<K> {
        Limiter::new(acts.get(), Duration::from_secs(1) / acts.get())
    }

    /// Takes one action from the key's bucket; the error is the time until the next is allowed.
    pub fn take(&self, key: &K) -> Result<(), Duration> {
        self.at(self.since.elapsed(), key)
    }

    fn at(&self, now: Duration, key: &K) -> Result<(), Duration> {
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        let known = buckets.full_at.get(key).copied();
        if known.is_none() && buckets.full_at.len() >= MAX_KEYS {
            buckets.full_at.retain(|_, full| *full > now);
        }
        let is_tracked = known.is_some() || buckets.full_at.len() < MAX_KEYS;
        let full = if is_tracked { known.unwrap_or_default() } else { buckets.shared }.max(now);
        // The bucket is empty while filling it takes longer than filling all but one place.
        let free = now + self.interval * self.at_once.saturating_sub(1);
        if full > free {
            return Err(full - free);
        }
        match is_tracked {
            true => drop(buckets.full_at.insert(key.clone(), full + self.interval)),
            false => buckets.shared = full + self.interval,
        }
        Ok(())
    }
}

/// The network that counts as one caller: an IPv4 address, or the /64 of an IPv6 address.
pub fn network(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(v6) => IpAddr::from((u128::from(v6) & !u128::from(u64::MAX)).to_be_bytes()),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Limiter, MAX_KEYS, network};

    #[test]
    fn so_many_at_once_then_one_in_each_interval() {
        let limiter = Limiter::new(3, Duration::from_secs(10));
        let take = |seconds, key: &str| limiter.at(Duration::from_secs(seconds), &key.to_owned());
        assert!((0..3).all(|_| take(100, "a").is_ok()));
        assert_eq!(take(100, "a"), Err(Duration::from_secs(10)), "the fourth is too many");
        assert!(take(109, "a").is_err(), "what is refused takes none");
        assert!(take(111, "a").is_ok() && take(111, "a").is_err(), "one in ten seconds");
        assert!(take(111, "b").is_ok(), "another key is not concerned");
    }

    #[test]
    fn however_many_keys_there_are_few_are_kept_and_none_is_unlimited() {
        let limiter = Limiter::new(2, Duration::from_secs(10));
        let refused = (0..2 * MAX_KEYS).filter(|key| limiter.at(Duration::ZERO, key).is_err()).count();
        assert_eq!(refused, MAX_KEYS - 2, "the further ones share a bucket");
        assert!(limiter.buckets.lock().expect("no panic").full_at.len() <= MAX_KEYS);
        assert!(limiter.at(Duration::from_secs(60), &7_000_000).is_ok(), "idle ones are evicted");
    }

    #[test]
    fn an_ipv6_address_counts_as_its_64() {
        let cases =
            [("203.0.113.7", "203.0.113.7"), ("2001:db8::1", "2001:db8::"), ("2001:db8:0:1::9", "2001:db8:0:1::")];
        for (address, counted) in cases {
            let parsed = |text: &str| text.parse().expect("an address");
            assert_eq!(network(parsed(address)), parsed(counted));
        }
    }
}
