//! What is kept of a transfer.

use crate::ids::{AccountId, ClientId, EntryId, TransferId};
use crate::money::Currency;
use crate::record::{AuditValue, Key, Kind, Record};
use crate::time::Instant;

crate::string_enum! {
    /// How much of a transfer stands.
    pub enum TransferStatus {
        /// All of it.
        Posted = "posted",
        /// A part was given back.
        PartiallyReversed = "partially_reversed",
        /// All of it was given back.
        Reversed = "reversed",
    }
}

/// A transfer. Amounts are minor units of its currency.
#[derive(Clone, Debug, PartialEq)]
pub struct Transfer {
    /// Whose.
    pub client: ClientId,
    /// Its id.
    pub id: TransferId,
    /// The account that gave.
    pub from: AccountId,
    /// The account that got.
    pub to: AccountId,
    /// The currency of both.
    pub currency: Currency,
    /// How much.
    pub amount: i64,
    /// How much was given back.
    pub reversed: i64,
    /// How much of it stands.
    pub status: TransferStatus,
    /// The caller's reference.
    pub reference: Option<String>,
    /// The caller's words.
    pub narration: Option<String>,
    /// The caller's own data, a JSON object.
    pub metadata: Option<String>,
    /// Its ledger entry.
    pub entry: EntryId,
    /// The ledger entry of the last reversal.
    pub last_reversal: Option<EntryId>,
    /// Counts changes.
    pub version: i64,
    /// When it was made.
    pub created_at: Instant,
    /// When it last changed.
    pub updated_at: Instant,
}

impl Record for Transfer {
    const KIND: Kind = Kind::Transfer;
    const TRANSIENT: bool = true;
    const AUDITED: Option<&'static str> = Some("transfer");

    fn key(&self) -> Key {
        Key::of(self.client, self.id.0)
    }

    fn variable_bytes(&self) -> usize {
        self.metadata.as_ref().map_or(0, String::len)
    }

    fn audit_fields(&self) -> Vec<(&'static str, AuditValue)> {
        let money = |minor| crate::money::format_minor(minor, self.currency.exponent());
        vec![
            ("fromAccountId", self.from.to_string().into()),
            ("toAccountId", self.to.to_string().into()),
            ("currency", self.currency.code().into()),
            ("amount", money(self.amount).into()),
            ("reversedAmount", money(self.reversed).into()),
            ("status", self.status.as_str().into()),
            ("reference", self.reference.clone().into()),
            ("narration", self.narration.clone().into()),
            ("metadata", AuditValue::json(self.metadata.as_deref())),
        ]
    }
}
