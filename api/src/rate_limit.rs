//! Rate limits: of keys and clients, off in the sandbox; of reveal tokens tried by an address, always on; and of failed
//! authentications of an address.

use std::net::IpAddr;
use std::num::NonZeroU32;
use std::time::Duration;

use axum::http::StatusCode;
use paygen_core::ids::{ApiKeyId, ClientId};
use paygen_edge::limiter::{Limiter, network};

use super::problem::Problem;

/// The rate limits of all keys and of all clients.
#[derive(Clone)]
pub struct RateLimits {
    keys: Option<Limiter<ApiKeyId>>,
    clients: Option<Limiter<ClientId>>,
}

impl RateLimits {
    /// Requests per second for each key, and for all keys of a client together, with bursts of the same size; unlimited
    /// where `None`.
    pub fn per_second(key: Option<NonZeroU32>, client: Option<NonZeroU32>) -> RateLimits {
        RateLimits { keys: key.map(Limiter::per_second), clients: client.map(Limiter::per_second) }
    }

    /// Takes one request from both buckets; the error has `Retry-After`.
    pub fn check(&self, client: ClientId, key: ApiKeyId) -> Result<(), Problem> {
        let keys = self.keys.as_ref().map_or(Ok(()), |limiter| limiter.take(&key));
        keys.map_err(|wait| too_often("This key", wait))?;
        let clients = self.clients.as_ref().map_or(Ok(()), |limiter| limiter.take(&client));
        clients.map_err(|wait| too_often("This client, with all its keys,", wait))
    }
}

fn too_often(who: &str, wait: Duration) -> Problem {
    let seconds = u32::try_from(wait.as_secs()).unwrap_or(u32::MAX).saturating_add(1);
    let message = format!("{who} calls too often. Wait as Retry-After says, then go on.");
    Problem::new(StatusCode::TOO_MANY_REQUESTS, "rate_limited", message).retry_after(seconds)
}

/// A rate limit by address for guessable credentials.
#[derive(Clone)]
pub struct Tries(Limiter<IpAddr>);

impl Tries {
    /// A burst, then one in each interval.
    pub fn new(at_once: u32, interval: Duration) -> Tries {
        Tries(Limiter::new(at_once, interval))
    }

    /// This many per minute, and a burst of the same size.
    pub fn per_minute(tries: NonZeroU32) -> Tries {
        Tries::new(tries.get(), Duration::from_secs(60) / tries.get())
    }

    /// The limit for reveal tokens: these calls need no other credential.
    pub fn of_reveals() -> Tries {
        Tries::new(100, Duration::from_millis(100))
    }

    /// Takes one try from the address's bucket; the error has `Retry-After`.
    pub fn take(&self, address: IpAddr) -> Result<(), Problem> {
        self.0.take(&network(address)).map_err(|wait| too_often("This address", wait))
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;
    use std::time::Duration;

    use paygen_core::ids::{ApiKeyId, ClientId, Id};

    use super::{RateLimits, Tries};

    fn key(byte: u8) -> ApiKeyId {
        ApiKeyId(Id::from_bytes([byte; 12]))
    }

    fn client(byte: u8) -> ClientId {
        ClientId(Id::from_bytes([byte; 12]))
    }

    fn check(limits: &RateLimits, of: u8, with: u8) -> bool {
        limits.check(client(of), key(with)).is_ok()
    }

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
        let accepted = (1..=100).filter(|number| check(&limits, 1, *number)).count();
        assert_eq!(accepted, 5, "of a hundred keys at once");
        assert!(check(&limits, 2, 101), "another client is not concerned");
    }

    #[test]
    fn addresses_of_a_64_share_their_tries() {
        let tries = Tries::new(1, Duration::from_secs(1000));
        let take = |address: &str| tries.take(address.parse().expect("an address")).is_ok();
        assert!(take("2001:db8::1") && !take("2001:db8::2") && take("2001:db8:0:1::1"));
        assert!(take("203.0.113.7") && !take("203.0.113.7") && take("203.0.113.8"));
    }
}
