//! The transaction record.

use crate::ids::{AccountId, AuthorizationId, CardHolderId, CardId, ClientId, EntryId, TransactionId};
use crate::limits::LimitUsage;
use crate::messages::{AuthorizationType, Channel, Merchant, Trace};
use crate::money::Currency;
use crate::record::{Key, Kind, Record};
use crate::time::Instant;

crate::string_enum! {
    pub enum TransactionType {
        Capture = "capture",
        Refund = "refund",
        RefundReversal = "refund_reversal",
        /// A payment without an authorization.
        ForcePost = "force_post",
    }
}

/// A posted transaction. Amounts are in minor units of the card's currency; spending is negative.
#[derive(Clone, Debug, PartialEq)]
pub struct Transaction {
    pub client: ClientId,
    pub id: TransactionId,
    pub card: CardId,
    pub card_holder: CardHolderId,
    pub account: AccountId,
    pub authorization: Option<AuthorizationId>,
    /// The transaction that a refund returns, or the refund that is reversed.
    pub original: Option<TransactionId>,
    pub kind: TransactionType,
    pub usage: AuthorizationType,
    pub channel: Channel,
    pub currency: Currency,
    /// Without fee and tax.
    pub amount: i64,
    /// Negative if returned.
    pub fee: i64,
    pub vat: i64,
    /// In minor units of the merchant's currency.
    pub merchant_amount: i64,
    pub merchant_currency: Currency,
    pub merchant: Merchant,
    pub trace: Trace,
    pub with_pin: bool,
    pub refunded: i64,
    pub merchant_refunded: i64,
    /// The windows in which a force post was counted, or to which a refund was credited (then with negative amounts):
    /// reversing the refund debits the same windows.
    pub limit_usage: LimitUsage,
    pub entry: EntryId,
    pub created_at: Instant,
    pub updated_at: Instant,
}

impl Record for Transaction {
    const KIND: Kind = Kind::Transaction;
    const TRANSIENT: bool = true;

    fn key(&self) -> Key {
        Key::of(self.client, self.id.0)
    }
}
