//! Bounds the open connections of each address, so that no address can take them all.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use ipnet::IpNet;

use crate::limiter::network;

/// The number of open connections by network. Clones share it.
#[derive(Clone)]
pub struct Slots {
    limit: usize,
    exempt: Arc<[IpNet]>,
    open: Arc<Mutex<HashMap<IpAddr, usize>>>,
}

impl Slots {
    /// At most `limit` connections for each address, except in these networks.
    pub fn new(limit: usize, exempt: &[IpNet]) -> Slots {
        Slots { limit, exempt: exempt.into(), open: Arc::default() }
    }

    /// Takes a slot for this address, unless its bound is reached. An IPv6 address counts as its /64.
    pub fn enter(&self, address: IpAddr) -> Option<Slot> {
        let address = address.to_canonical();
        let network = network(address);
        let free = self.exempt.iter().any(|exempt| exempt.contains(&address));
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let count = open.entry(network).or_default();
        if *count >= self.limit && !free {
            return None;
        }
        *count += 1;
        Some(Slot { slots: self.clone(), network })
    }

    /// The number of open connections.
    pub fn open(&self) -> usize {
        self.open.lock().unwrap_or_else(PoisonError::into_inner).values().sum()
    }
}

/// One open connection, counted until this is dropped.
pub struct Slot {
    slots: Slots,
    network: IpAddr,
}

impl Drop for Slot {
    fn drop(&mut self) {
        let mut open = self.slots.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = open.get_mut(&self.network) {
            *count -= 1;
            if *count == 0 {
                open.remove(&self.network);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use super::Slots;

    #[test]
    fn an_address_has_its_share_and_proxies_have_no_bound() {
        let slots = Slots::new(2, &["10.0.0.0/8".parse().expect("a network")]);
        let enter = |text: &str| slots.enter(text.parse::<IpAddr>().expect("an address"));
        let first = [enter("203.0.113.7"), enter("::ffff:203.0.113.7")];
        assert!(first.iter().all(Option::is_some) && enter("203.0.113.7").is_none());
        let other = enter("203.0.113.8");
        assert!(other.is_some(), "another address is not concerned");
        let v6 = [enter("2001:db8::1"), enter("2001:db8::2"), enter("2001:db8::3"), enter("2001:db8:0:1::3")];
        assert_eq!(v6.each_ref().map(Option::is_some), [true, true, false, true], "a /64 is one");
        let proxies: Vec<_> = (0..50).map(|_| enter("10.1.2.3")).collect();
        assert!(proxies.iter().all(Option::is_some));
        assert_eq!(slots.open(), 56);
        drop((first, other, v6, proxies));
        assert!(enter("203.0.113.7").is_some() && slots.open.lock().expect("no panic").is_empty());
    }
}
