//! The transfer record.

use crate::ids::{AccountId, ClientId, EntryId, TransferId};
use crate::money::Currency;
use crate::record::{Key, Kind, Record};
use crate::time::Instant;

crate::string_enum! {
    pub enum TransferStatus {
        Posted = "posted",
        PartiallyReversed = "partially_reversed",
        Reversed = "reversed",
    }
}

/// A transfer. Amounts are in minor units of its currency.
#[derive(Clone, Debug, PartialEq)]
pub struct Transfer {
    pub client: ClientId,
    pub id: TransferId,
    pub from: AccountId,
    pub to: AccountId,
    pub currency: Currency,
    pub amount: i64,
    pub reversed: i64,
    pub status: TransferStatus,
    pub reference: Option<String>,
    pub narration: Option<String>,
    pub metadata: Option<String>,
    pub entry: EntryId,
    pub last_reversal: Option<EntryId>,
    pub version: i64,
    pub created_at: Instant,
    pub updated_at: Instant,
}

impl Record for Transfer {
    const KIND: Kind = Kind::Transfer;
    const TRANSIENT: bool = true;

    fn key(&self) -> Key {
        Key::of(self.client, self.id.0)
    }

    fn variable_bytes(&self) -> usize {
        self.metadata.as_ref().map_or(0, String::len)
    }
}
