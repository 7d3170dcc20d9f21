//! Byte budgets: bounds on the memory of all requests or all responses together, and on each caller's share.
//!
//! Small amounts are not counted, so that a caller who exhausts a budget does not block ordinary calls; their sum is
//! bounded by the number of connections. Held bytes are released on drop, which for a response is when the socket has
//! taken its bytes.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use axum::body::Bytes;
use paygen_core::ids::ClientId;

/// Bytes of a request's head, of its body, and of a piece of a response that are not counted.
pub const FREE_BYTES: usize = 8 << 10;

/// How often a waiting caller checks for room.
const POLL_INTERVAL: Duration = Duration::from_millis(50);

/// Response extension: the bytes of the response are not counted, because all readers share them or because they are
/// counted where they are produced.
#[derive(Clone, Copy)]
pub struct Uncounted;

/// The caller whose share is charged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Payer {
    /// A client, by its credential.
    Client(ClientId),
    /// The address of a caller that is not authenticated.
    Address(IpAddr),
}

/// A number of bytes, and a share of it for each payer. Clones share it.
#[derive(Clone)]
pub struct Budget {
    limit: usize,
    share: usize,
    used: Arc<Mutex<Used>>,
}

#[derive(Default)]
struct Used {
    sum: usize,
    by: HashMap<Payer, usize>,
}

impl Used {
    fn change(&mut self, payer: Payer, from: usize, to: usize) {
        self.sum = self.sum - from + to;
        let own = self.by.entry(payer).or_default();
        *own = *own - from + to;
        if *own == 0 {
            self.by.remove(&payer);
        }
    }
}

impl Budget {
    /// A budget of `limit` bytes; each payer's share is a quarter.
    pub fn new(limit: usize) -> Budget {
        Budget { limit, share: limit / 4, used: Arc::default() }
    }

    /// Charges bytes to a payer if there is room. A payer that holds nothing may exceed its share, so that no amount is
    /// refused forever.
    pub fn take(&self, payer: Payer, bytes: usize) -> Option<Hold> {
        let mut hold = Hold { budget: self.clone(), payer, bytes: 0 };
        hold.grow_to(bytes).then_some(hold)
    }

    /// Charges bytes that are already in memory and can no longer be refused.
    pub fn force_take(&self, payer: Payer, bytes: usize) -> Hold {
        let mut hold = Hold { budget: self.clone(), payer, bytes: 0 };
        hold.set(bytes);
        hold
    }

    /// Charges bytes as soon as there is room.
    pub async fn wait(&self, payer: Payer, bytes: usize) -> Hold {
        loop {
            if let Some(hold) = self.take(payer, bytes) {
                return hold;
            }
            tokio::time::sleep(POLL_INTERVAL).await;
        }
    }

    /// The number of bytes held.
    pub fn used(&self) -> usize {
        self.locked().sum
    }

    fn locked(&self) -> std::sync::MutexGuard<'_, Used> {
        self.used.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Bytes held until this is dropped.
pub struct Hold {
    budget: Budget,
    payer: Payer,
    bytes: usize,
}

impl Hold {
    /// Grows the hold to at least this many bytes, if there is room.
    pub fn grow_to(&mut self, bytes: usize) -> bool {
        if bytes <= self.bytes {
            return true;
        }
        let more = bytes - self.bytes;
        let mut used = self.budget.locked();
        let own = used.by.get(&self.payer).copied().unwrap_or_default();
        let within_share = own == 0 || own + more <= self.budget.share;
        let fits = within_share && (used.sum == 0 || used.sum + more <= self.budget.limit);
        if fits {
            used.change(self.payer, self.bytes, bytes);
            drop(used);
            self.bytes = bytes;
        }
        fits
    }

    /// Sets the hold to exactly this many bytes, whether there is room or not.
    pub fn set(&mut self, bytes: usize) {
        self.budget.locked().change(self.payer, self.bytes, bytes);
        self.bytes = bytes;
    }

    /// Wraps bytes so that the hold is released when their last reader is dropped.
    pub fn wrap(mut self, bytes: Bytes) -> Bytes {
        self.set(bytes.len());
        Bytes::from_owner(Held { bytes, _hold: self })
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        self.set(0);
    }
}

struct Held {
    bytes: Bytes,
    _hold: Hold,
}

impl AsRef<[u8]> for Held {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

/// The part of the request budget that one request holds. It is an extension of the request and is released when its
/// response is built.
#[derive(Clone)]
pub struct Account(Arc<Holdings>);

struct Holdings {
    budget: Budget,
    address: IpAddr,
    client: OnceLock<ClientId>,
    hold: Mutex<Option<Hold>>,
}

impl Account {
    /// The account of a request from this address.
    pub fn new(budget: &Budget, address: IpAddr) -> Account {
        let (client, hold) = (OnceLock::new(), Mutex::new(None));
        Account(Arc::new(Holdings { budget: budget.clone(), address, client, hold }))
    }

    /// Charges the request to this client from now on, after authentication.
    pub fn belongs_to(&self, client: ClientId) {
        let _ = self.0.client.set(client);
    }

    /// The payer charged for the request.
    pub fn payer(&self) -> Payer {
        self.0.client.get().map_or(Payer::Address(self.0.address), |client| Payer::Client(*client))
    }

    /// Holds this many bytes for the request's body; false when there is no room.
    pub fn may_have(&self, bytes: usize) -> bool {
        if bytes <= FREE_BYTES {
            return true;
        }
        let mut hold = self.0.hold.lock().unwrap_or_else(PoisonError::into_inner);
        let fits = match &mut *hold {
            Some(hold) => hold.grow_to(bytes),
            None => {
                *hold = self.0.budget.take(self.payer(), bytes);
                hold.is_some()
            }
        };
        if !fits {
            // The request is refused, so its hold is released at once.
            *hold = None;
        }
        fits
    }
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use axum::body::Bytes;

    use super::{Account, Budget, FREE_BYTES, Payer};

    fn payer(number: u8) -> Payer {
        Payer::Address(IpAddr::from([10, 0, 0, number]))
    }

    #[test]
    fn a_payer_has_a_share_and_all_have_the_sum() {
        let budget = Budget::new(400);
        let first = budget.take(payer(1), 60).expect("within the share");
        assert!(budget.take(payer(1), 41).is_none(), "more than a quarter");
        let mut second = budget.take(payer(1), 40).expect("all of the share");
        assert!(!second.grow_to(41) && second.grow_to(40) && second.grow_to(1));
        let rest: Vec<_> = (2..5).filter_map(|number| budget.take(payer(number), 100)).collect();
        assert_eq!((rest.len(), budget.used()), (3, 400));
        assert!(budget.take(payer(9), 1).is_none(), "nothing is left");
        drop((first, second));
        let forced = budget.force_take(payer(2), 500);
        assert_eq!(budget.used(), 800);
        drop((forced, rest));
        assert_eq!(budget.used(), 0);
        assert!(budget.locked().by.is_empty(), "nobody is remembered who holds nothing");
        assert!(budget.take(payer(1), 5000).is_some(), "what is larger than all waits for nobody");
    }

    #[test]
    fn bytes_are_held_until_their_last_reader_is_gone() {
        let budget = Budget::new(1000);
        let hold = budget.take(payer(1), 100).expect("room");
        let bytes = hold.wrap(Bytes::from_static(b"0123456789"));
        let part = bytes.slice(3..5);
        drop(bytes);
        assert_eq!((&part[..], budget.used()), (&b"34"[..], 10));
        drop(part);
        assert_eq!(budget.used(), 0);
    }

    #[test]
    fn small_bodies_are_free() {
        let budget = Budget::new(8 * FREE_BYTES);
        let account = Account::new(&budget, IpAddr::from([127, 0, 0, 1]));
        assert!(account.may_have(FREE_BYTES) && budget.used() == 0);
        assert!(account.may_have(FREE_BYTES + 1) && budget.used() == FREE_BYTES + 1);
        assert!(!account.may_have(3 * FREE_BYTES), "more than a quarter");
        assert_eq!(budget.used(), 0, "what is refused holds nothing");
        drop(account);
        assert_eq!(budget.used(), 0);
    }
}
