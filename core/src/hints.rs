//! What is remembered of cards from one batch to the next: the rows that go with them, so that a message's rows are loaded
//! at once. A hint may be out of date: commands read the card itself, and ask for what a hint left out.

use std::collections::HashMap;

use crate::cards::Card;
use crate::messages::Links;
use crate::record::Key;

/// The number of cards that are remembered: about 2 MB.
const MAX_CARDS: usize = 20_000;

/// The rows that go with cards, as they were when the cards were last read.
#[derive(Debug, Default)]
pub struct Hints {
    links: HashMap<Key, Links>,
    /// Cards that were asked for and are not known.
    unknown: Vec<Key>,
}

impl Hints {
    /// The rows that go with a card. An unknown card is noted.
    pub(crate) fn links(&mut self, card: Key) -> Option<Links> {
        let known = self.links.get(&card).copied();
        if known.is_none() {
            self.unknown.push(card);
        }
        known
    }

    /// Takes the unknown cards that were asked for.
    pub fn take_unknown(&mut self) -> Vec<Key> {
        std::mem::take(&mut self.unknown)
    }

    pub(crate) fn forget_unknown(&mut self) {
        self.unknown.clear();
    }

    pub(crate) fn remember(&mut self, key: Key, card: &Card) {
        if self.links.len() >= MAX_CARDS {
            self.links.clear();
        }
        let links = Links { card_holder: card.card_holder, account: card.debit_account, funds: card.funds };
        self.links.insert(key, links);
    }
}
