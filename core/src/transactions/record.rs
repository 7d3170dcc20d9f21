//! What is kept of a transaction: of what was posted to a card.

use crate::ids::{AccountId, AuthorizationId, CardHolderId, CardId, ClientId, EntryId, TransactionId};
use crate::limits::LimitUsage;
use crate::messages::{AuthorizationType, Channel, Merchant, Trace};
use crate::money::Currency;
use crate::record::{Key, Kind, Record};
use crate::time::Instant;

crate::string_enum! {
    /// What was posted.
    pub enum TransactionType {
        /// A payment the merchant collected.
        Capture = "capture",
        /// Money given back.
        Refund = "refund",
        /// A refund taken back.
        RefundReversal = "refund_reversal",
        /// A payment that was never authorized here.
        ForcePost = "force_post",
    }
}

/// What was posted to a card: a transaction. Amounts are minor units of the card's currency; spending is negative.
#[derive(Clone, Debug, PartialEq)]
pub struct Transaction {
    /// Whose.
    pub client: ClientId,
    /// Its id.
    pub id: TransactionId,
    /// The card.
    pub card: CardId,
    /// Who holds it.
    pub card_holder: CardHolderId,
    /// The account behind it.
    pub account: AccountId,
    /// The authorization it belongs to.
    pub authorization: Option<AuthorizationId>,
    /// The transaction it gives back, or takes back.
    pub original: Option<TransactionId>,
    /// What was posted.
    pub kind: TransactionType,
    /// What the card was used for.
    pub usage: AuthorizationType,
    /// Where.
    pub channel: Channel,
    /// The currency of the card.
    pub currency: Currency,
    /// Without fee and tax.
    pub amount: i64,
    /// The fee; what is given back of it is negative.
    pub fee: i64,
    /// The tax on the fee.
    pub vat: i64,
    /// In minor units of the merchant's currency.
    pub merchant_amount: i64,
    /// That currency.
    pub merchant_currency: Currency,
    /// By whom.
    pub merchant: Merchant,
    /// How the network knows it.
    pub trace: Trace,
    /// Whether a PIN was entered for it.
    pub with_pin: bool,
    /// What was given back of it.
    pub refunded: i64,
    /// The same in the merchant's currency.
    pub merchant_refunded: i64,
    /// The windows a force post was counted in, and those that a refund was given back to, with amounts below zero: its
    /// reversal takes the same again.
    pub limit_usage: Vec<LimitUsage>,
    /// The ledger entry.
    pub entry: EntryId,
    /// When it was posted.
    pub created_at: Instant,
    /// When it last changed.
    pub updated_at: Instant,
}

impl Record for Transaction {
    const KIND: Kind = Kind::Transaction;
    const TRANSIENT: bool = true;

    fn key(&self) -> Key {
        Key::of(self.client, self.id.0)
    }
}
