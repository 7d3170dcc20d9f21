//! Budgets of bytes: what requests and answers may have in memory in sum, and of it each caller.
//!
//! Small ones are free, so that nobody who fills a budget keeps ordinary calls out; their sum is bounded by the number of
//! connections. What is held is given back when it is dropped, which for an answer is when the socket took its bytes.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use axum::body::Bytes;
use paygen_core::ids::ClientId;

/// How much of a request's head, of its body, and of a piece of an answer is not counted.
pub const FREE: usize = 8 << 10;

/// How often one that waits for room looks again.
const LOOK: Duration = Duration::from_millis(50);

/// Says of an answer, as its extension, that its bytes are not counted: all readers share them, or they are counted
/// where they are made.
#[derive(Clone, Copy)]
pub struct Uncounted;

/// On whose account bytes are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Payer {
    /// A client, by its credential.
    Client(ClientId),
    /// An address that has not shown a credential.
    Address(IpAddr),
}

/// So many bytes in sum, and of them a share for each payer. Clones share it.
#[derive(Clone)]
pub struct Budget {
    most: usize,
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
    /// So many bytes, of which one payer may have a quarter.
    pub fn new(most: usize) -> Budget {
        Budget { most, share: most / 4, used: Arc::default() }
    }

    /// Takes bytes on an account, if there is room. The first that a payer takes may be more than its share, so that
    /// nothing is refused for ever.
    pub fn take(&self, payer: Payer, bytes: usize) -> Option<Hold> {
        let mut hold = Hold { budget: self.clone(), payer, bytes: 0 };
        hold.reach(bytes).then_some(hold)
    }

    /// Takes bytes that are there already and cannot be refused any more.
    pub fn take_anyway(&self, payer: Payer, bytes: usize) -> Hold {
        let mut hold = Hold { budget: self.clone(), payer, bytes: 0 };
        hold.set(bytes);
        hold
    }

    /// Takes bytes as soon as there is room.
    pub async fn wait(&self, payer: Payer, bytes: usize) -> Hold {
        loop {
            if let Some(hold) = self.take(payer, bytes) {
                return hold;
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    /// How many bytes are held.
    pub fn used(&self) -> usize {
        self.locked().sum
    }

    fn locked(&self) -> std::sync::MutexGuard<'_, Used> {
        self.used.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Bytes that are held until this is dropped.
pub struct Hold {
    budget: Budget,
    payer: Payer,
    bytes: usize,
}

impl Hold {
    /// Holds at least so many bytes from now on, if there is room.
    pub fn reach(&mut self, bytes: usize) -> bool {
        if bytes <= self.bytes {
            return true;
        }
        let more = bytes - self.bytes;
        let mut used = self.budget.locked();
        let own = used.by.get(&self.payer).copied().unwrap_or_default();
        let within_share = own == 0 || own + more <= self.budget.share;
        let fits = within_share && (used.sum == 0 || used.sum + more <= self.budget.most);
        if fits {
            used.change(self.payer, self.bytes, bytes);
            drop(used);
            self.bytes = bytes;
        }
        fits
    }

    /// Holds exactly so many bytes from now on, whether there is room or not.
    pub fn set(&mut self, bytes: usize) {
        self.budget.locked().change(self.payer, self.bytes, bytes);
        self.bytes = bytes;
    }

    /// Bytes that give back what they hold when the last reader of them is gone.
    pub fn around(mut self, bytes: Bytes) -> Bytes {
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

/// What one request has of the budget for requests; an extension of it, given back when its answer is made.
#[derive(Clone)]
pub struct Account(Arc<Holdings>);

struct Holdings {
    budget: Budget,
    address: IpAddr,
    client: OnceLock<ClientId>,
    hold: Mutex<Option<Hold>>,
}

impl Account {
    /// Of a request from this address.
    pub fn new(budget: &Budget, address: IpAddr) -> Account {
        let (client, hold) = (OnceLock::new(), Mutex::new(None));
        Account(Arc::new(Holdings { budget: budget.clone(), address, client, hold }))
    }

    /// Whose it is, once that is known.
    pub fn belongs_to(&self, client: ClientId) {
        let _ = self.0.client.set(client);
    }

    /// On whose account its bytes are.
    pub fn payer(&self) -> Payer {
        self.0.client.get().map_or(Payer::Address(self.0.address), |client| Payer::Client(*client))
    }

    /// Whether so many bytes of its body may be in memory.
    pub fn may_have(&self, bytes: usize) -> bool {
        if bytes <= FREE {
            return true;
        }
        let mut hold = self.0.hold.lock().unwrap_or_else(PoisonError::into_inner);
        let fits = match &mut *hold {
            Some(hold) => hold.reach(bytes),
            None => {
                *hold = self.0.budget.take(self.payer(), bytes);
                hold.is_some()
            }
        };
        if !fits {
            // It is refused, so what it had is free for others at once.
            *hold = None;
        }
        fits
    }
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use axum::body::Bytes;

    use super::{Account, Budget, FREE, Payer};

    fn payer(number: u8) -> Payer {
        Payer::Address(IpAddr::from([10, 0, 0, number]))
    }

    #[test]
    fn a_payer_has_a_share_and_all_have_the_sum() {
        let budget = Budget::new(400);
        let first = budget.take(payer(1), 60).expect("within the share");
        assert!(budget.take(payer(1), 41).is_none(), "more than a quarter");
        let mut second = budget.take(payer(1), 40).expect("all of the share");
        assert!(!second.reach(41) && second.reach(40) && second.reach(1));
        let rest: Vec<_> = (2..5).filter_map(|number| budget.take(payer(number), 100)).collect();
        assert_eq!((rest.len(), budget.used()), (3, 400));
        assert!(budget.take(payer(9), 1).is_none(), "nothing is left");
        drop((first, second));
        let forced = budget.take_anyway(payer(2), 500);
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
        let bytes = hold.around(Bytes::from_static(b"0123456789"));
        let part = bytes.slice(3..5);
        drop(bytes);
        assert_eq!((&part[..], budget.used()), (&b"34"[..], 10));
        drop(part);
        assert_eq!(budget.used(), 0);
    }

    #[test]
    fn small_bodies_are_free() {
        let budget = Budget::new(8 * FREE);
        let account = Account::new(&budget, IpAddr::from([127, 0, 0, 1]));
        assert!(account.may_have(FREE) && budget.used() == 0);
        assert!(account.may_have(FREE + 1) && budget.used() == FREE + 1);
        assert!(!account.may_have(3 * FREE), "more than a quarter");
        assert_eq!(budget.used(), 0, "what is refused holds nothing");
        drop(account);
        assert_eq!(budget.used(), 0);
    }
}
