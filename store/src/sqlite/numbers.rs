//! Cards by the fingerprint of their number, in memory. Every commit empties the page caches of the reading connections,
//! so that a look-up by number would read several pages from the file.
//!
//! Only the process that writes the database can know when a number passes to a replacement, so only it has this cache.

use std::sync::{Mutex, MutexGuard, PoisonError};

use paygen_core::cards::CardFingerprint;
use paygen_core::recent::Recent;
use paygen_core::table::Change;

use crate::NumberedCard;

/// Half the number of cards that are kept, about 150 bytes each.
const MAX_RECENT_CARDS: usize = 100_000;

pub(super) struct Numbers {
    known: Mutex<Known>,
}

struct Known {
    cards: Recent<[u8; 32], NumberedCard>,
    /// How often numbers passed to other cards.
    changes: u64,
}

impl Numbers {
    pub(super) fn new() -> Numbers {
        Numbers { known: Mutex::new(Known { cards: Recent::new(MAX_RECENT_CARDS), changes: 0 }) }
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The card of a number; what `read` finds is remembered.
    pub(super) fn find<E>(
        &self,
        fingerprint: &[u8; 32],
        read: impl FnOnce() -> Result<Option<NumberedCard>, E>,
    ) -> Result<Option<NumberedCard>, E> {
        let changes = {
            let mut known = self.known();
            if let Some(card) = known.cards.get(fingerprint) {
                return Ok(Some(card));
            }
            known.changes
        };
        let found = read()?;
        let mut known = self.known();
        // A number that changed meanwhile may have been read as it was before.
        if let Some(card) = found
            && known.changes == changes
        {
            known.cards.insert(*fingerprint, card);
        }
        Ok(found)
    }

    /// Forgets everything if a number passed to another card.
    pub(super) fn note_committed(&self, changes: &[Change<CardFingerprint>]) {
        if changes.iter().any(|change| !matches!(change, Change::Insert(_))) {
            let mut known = self.known();
            known.cards.clear();
            known.changes += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::sync::Arc;

    use paygen_core::cards::CardFingerprint;
    use paygen_core::ids::{AccountId, CardHolderId, CardId, ClientId, Id, ProgramId};
    use paygen_core::messages::Links;
    use paygen_core::table::Change;

    use super::Numbers;
    use crate::NumberedCard;

    fn card(number: u8) -> NumberedCard {
        let id = Id::from_bytes([number; 12]);
        let (card_holder, account, program) = (CardHolderId(id), AccountId(id), ProgramId(id));
        let links = Links { card_holder, account, funds: account.into(), program };
        NumberedCard { client: ClientId(id), card: CardId(id), expiry: (2030, 1), links }
    }

    /// The card that is found; `None` if it would be read.
    fn known(numbers: &Numbers, fingerprint: &[u8; 32]) -> Option<CardId> {
        numbers.find(fingerprint, || Ok::<_, Infallible>(None)).expect("a look").map(|found| found.card)
    }

    fn read(numbers: &Numbers, fingerprint: &[u8; 32], number: u8) {
        numbers.find(fingerprint, || Ok::<_, Infallible>(Some(card(number)))).expect("a read");
    }

    fn passes_on(numbers: &Numbers) {
        let row = CardFingerprint { fingerprint: [1; 32], client: card(2).client, card: card(2).card };
        numbers.note_committed(&[Change::Insert(Arc::new(row.clone()))]);
        assert!(known(numbers, &[1; 32]).is_some(), "a new number changes no other");
        numbers.note_committed(&[Change::Update(Arc::new(row))]);
    }

    #[test]
    fn a_number_is_read_once_and_again_after_it_passed_to_another_card() {
        let numbers = Numbers::new();
        assert_eq!(known(&numbers, &[1; 32]), None, "an unknown number is not remembered");
        read(&numbers, &[1; 32], 1);
        assert_eq!(known(&numbers, &[1; 32]), Some(card(1).card));
        passes_on(&numbers);
        assert_eq!(known(&numbers, &[1; 32]), None);
    }

    #[test]
    fn what_was_read_before_a_number_passed_on_is_not_remembered() {
        let numbers = Numbers::new();
        read(&numbers, &[1; 32], 1);
        let reading = || {
            passes_on(&numbers);
            Ok::<_, Infallible>(Some(card(1)))
        };
        numbers.find(&[9; 32], reading).expect("a read");
        assert_eq!(known(&numbers, &[9; 32]), None);
    }
}
