//! What is remembered of cards from one batch to the next: the rows that go with them, so that a message's rows are loaded
//! at once, and the account that pays, so that its payments run in one lane. A hint may be out of date: commands read the
//! card itself, and ask for what a hint left out.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::cards::Card;
use crate::ids::{ClientId, Id, LedgerAccountId};
use crate::messages::Links;
use crate::recent::Recent;
use crate::record::Key;

/// Half the number of cards that are remembered, about 100 bytes each.
const MAX_RECENT_CARDS: usize = 50_000;

/// Half the number of accounts and programs with limits that are remembered.
const MAX_POOLS: usize = 10_000;

/// The rows that go with cards, as they were when the cards were last read. Clones share what is remembered.
#[derive(Debug)]
pub struct Hints {
    links: Arc<Mutex<Recent<Key, Links>>>,
    /// Accounts and programs that have limits.
    pools: Arc<Mutex<Recent<Key, ()>>>,
    /// Cards that were asked for and are not known.
    unknown: Vec<Key>,
}

impl Default for Hints {
    fn default() -> Hints {
        let links = Arc::new(Mutex::new(Recent::new(MAX_RECENT_CARDS)));
        Hints { links, pools: Arc::new(Mutex::new(Recent::new(MAX_POOLS))), unknown: Vec::new() }
    }
}

impl Clone for Hints {
    fn clone(&self) -> Hints {
        Hints { links: self.links.clone(), pools: self.pools.clone(), unknown: Vec::new() }
    }
}

impl Hints {
    fn known(&self) -> MutexGuard<'_, Recent<Key, Links>> {
        self.links.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The rows that go with a card. An unknown card is noted.
    pub(crate) fn links(&mut self, card: Key) -> Option<Links> {
        let known = self.known().get(&card);
        if known.is_none() {
            self.unknown.push(card);
        }
        known
    }

    /// The account that pays for a card.
    pub fn payer(&self, card: Key) -> Option<LedgerAccountId> {
        self.known().get(&card).map(|links| links.funds)
    }

    /// Takes the unknown cards that were asked for.
    pub fn take_unknown(&mut self) -> Vec<Key> {
        std::mem::take(&mut self.unknown)
    }

    pub(crate) fn forget_unknown(&mut self) {
        self.unknown.clear();
    }

    /// Whether an account or program had limits when a payment of it was last decided.
    pub(crate) fn has_limits(&self, client: ClientId, owner: Id) -> bool {
        let mut pools = self.pools.lock().unwrap_or_else(PoisonError::into_inner);
        pools.get(&Key::of(client, owner)).is_some()
    }

    pub(crate) fn note_pool(&self, client: ClientId, owner: Id) {
        let mut pools = self.pools.lock().unwrap_or_else(PoisonError::into_inner);
        let key = Key::of(client, owner);
        if pools.get(&key).is_none() {
            pools.insert(key, ());
        }
    }

    pub(crate) fn remember(&self, key: Key, card: &Card) {
        self.note(
            key,
            Links {
                card_holder: card.card_holder,
                account: card.debit_account,
                funds: card.funds,
                program: card.program,
            },
        );
    }

    /// Remembers the rows that go with a card, as its message's sender read them.
    pub(crate) fn note(&self, key: Key, links: Links) {
        let mut known = self.known();
        if known.get(&key) != Some(links) {
            known.insert(key, links);
        }
    }
}
