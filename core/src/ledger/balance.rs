//! The head of a ledger account: its current amounts, and the end of its chain.

use crate::ids::{ClientId, LedgerAccountId};
use crate::ledger::Hash;
use crate::money::Currency;
use crate::record::{Key, Kind, Record};
use crate::time::Instant;

/// The small, frequently updated row of a ledger account. Amounts are in minor units of `currency`.
#[derive(Clone, Debug, PartialEq)]
pub struct Balance {
    pub client: ClientId,
    /// Equal to the account's or card's id.
    pub id: LedgerAccountId,
    pub currency: Currency,
    pub ledger: i64,
    pub held: i64,
    /// How far `ledger − held` may go below zero.
    pub credit_limit: i64,
    /// The sequence of the last line; 0 without lines.
    pub seq: i64,
    /// The hash of the last line; [`crate::ledger::GENESIS`] without lines.
    pub hash: Hash,
    pub at: Instant,
    /// The sequence of the last event of the account or card.
    pub event_seq: i64,
}

impl Balance {
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

    /// What may be spent: `ledger − held + credit_limit`.
    pub fn available(&self) -> i64 {
        available(self.ledger, self.held, self.credit_limit).unwrap_or(i64::MIN)
    }
}

/// `ledger − held + credit_limit`; `None` on overflow or beyond the maximum.
pub(super) fn available(ledger: i64, held: i64, credit_limit: i64) -> Option<i64> {
    i64::try_from(i128::from(ledger) - i128::from(held) + i128::from(credit_limit)).ok()
}

impl Record for Balance {
    const KIND: Kind = Kind::Balance;

    fn key(&self) -> Key {
        Key::of(self.client, self.id.0)
    }
}
