//! The head of a ledger account: what it holds now, and where its chain stands.

use crate::ids::{ClientId, LedgerAccountId};
use crate::ledger::Hash;
use crate::money::Currency;
use crate::record::{Key, Kind, Record};
use crate::time::Instant;

/// The narrow, often rewritten row of a ledger account. Amounts are minor units of `currency`.
#[derive(Clone, Debug, PartialEq)]
pub struct Balance {
    /// Whose.
    pub client: ClientId,
    /// The same as the account's or card's id.
    pub id: LedgerAccountId,
    /// The one currency it keeps.
    pub currency: Currency,
    /// What is posted.
    pub ledger: i64,
    /// What is held.
    pub held: i64,
    /// How far below zero it may go.
    pub credit_limit: i64,
    /// The number of its last line; 0 without lines.
    pub seq: i64,
    /// The hash of its last line; [`crate::ledger::GENESIS`] without lines.
    pub hash: Hash,
    /// The time of its last line.
    pub at: Instant,
    /// The number of the last event of the object it belongs to.
    pub event_seq: i64,
}

impl Balance {
    /// An empty ledger account.
    pub fn opened(client: ClientId, id: LedgerAccountId, currency: Currency, now: Instant) -> Balance {
        Balance {
            client,
            id,
            currency,
            ledger: 0,
            held: 0,
            credit_limit: 0,
            seq: 0,
            hash: crate::ledger::GENESIS,
            at: now,
            event_seq: 0,
        }
    }

    /// What may be spent: posted, less held, plus the credit limit.
    pub fn available(&self) -> i64 {
        available(self.ledger, self.held, self.credit_limit).unwrap_or(i64::MIN)
    }
}

/// `ledger − held + credit_limit`, or `None` when it cannot be kept.
pub(super) fn available(ledger: i64, held: i64, credit_limit: i64) -> Option<i64> {
    i64::try_from(i128::from(ledger) - i128::from(held) + i128::from(credit_limit)).ok()
}

impl Record for Balance {
    const KIND: Kind = Kind::Balance;

    fn key(&self) -> Key {
        Key::of(self.client, self.id.0)
    }
}
