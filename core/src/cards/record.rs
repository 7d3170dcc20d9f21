//! The records of cards, their secrets, fingerprints, reveal tokens and payment references.

use serde::{Deserialize, Serialize};

use crate::ids::{AccountId, CardHolderId, CardId, ClientId, LedgerAccountId, ProgramId};
use crate::limits::SpendingControls;
use crate::money::Currency;
use crate::record::{Key, KeyBytes, Kind, Record};
use crate::time::Instant;

crate::string_enum! {
    pub enum CardType {
        Virtual = "virtual",
        Physical = "physical",
    }
}

crate::string_enum! {
    pub enum Brand {
        Mastercard = "Mastercard",
        Visa = "Visa",
    }
}

crate::string_enum! {
    pub enum CardStatus {
        Inactive = "inactive",
        Active = "active",
        /// Final.
        Canceled = "canceled",
    }
}

crate::string_enum! {
    pub enum CancellationReason {
        Lost = "lost",
        Stolen = "stolen",
    }
}

crate::string_enum! {
    pub enum ReplaceReason {
        /// A new number.
        Lost = "lost",
        /// A new number.
        Stolen = "stolen",
        /// The same number with a new expiry.
        Damaged = "damaged",
        /// The same number with a new expiry.
        Expired = "expired",
    }
}

impl ReplaceReason {
    /// Whether others may know the number.
    pub fn needs_new_number(self) -> bool {
        matches!(self, ReplaceReason::Lost | ReplaceReason::Stolen)
    }
}

crate::string_enum! {
    pub enum FundingMode {
        /// The card has its own funds.
        Prefunded = "prefunded",
        /// The card spends its debit account's funds.
        OnDemand = "on_demand",
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StatusChange {
    pub status: String,
    /// In microseconds.
    pub at: i64,
    pub reason: Option<String>,
    /// Who froze the card, if this change did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<FrozenBy>,
}

/// Who froze a card.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FrozenBy {
    Client,
    /// With a token bound to the card or card holder.
    CardHolder,
}

/// The maximum number of status changes stored with a card; the oldest are dropped.
pub const MAX_STATUS_CHANGES: usize = 50;

/// A card's settings. Its amounts are in the [`crate::ledger::Balance`] of the ledger account it spends from.
#[derive(Clone, Debug, PartialEq)]
pub struct Card {
    pub client: ClientId,
    pub id: CardId,
    pub debit_account: AccountId,
    pub card_holder: CardHolderId,
    pub program: ProgramId,
    pub kind: CardType,
    pub brand: Brand,
    pub currency: Currency,
    pub status: CardStatus,
    pub cancellation_reason: Option<String>,
    /// The account that received the card's funds on cancellation.
    pub credit_account: Option<AccountId>,
    pub metadata: Option<String>,
    pub controls: SpendingControls,
    /// Whether payments on the web need a second factor.
    pub enable_2fa: bool,
    pub disposable: bool,
    pub funding_mode: FundingMode,
    /// The card's own ledger account, or the debit account's.
    pub funds: LedgerAccountId,
    pub valid_from: Option<Instant>,
    pub valid_until: Option<Instant>,
    /// Whether the card locks to the first merchant it pays.
    pub merchant_lock: bool,
    pub locked_merchant: Option<String>,
    pub cancel_after: Option<i64>,
    /// The first six digits of the number.
    pub bin: String,
    /// The last four digits of the number.
    pub last4: String,
    pub expiry_month: i64,
    pub expiry_year: i64,
    pub pin_set: bool,
    /// The first activation.
    pub activated_at: Option<Instant>,
    pub replacement_for: Option<CardId>,
    pub replaced_by: Option<CardId>,
    /// Oldest first.
    pub history: Vec<StatusChange>,
    pub version: i64,
    pub created_at: Instant,
    pub updated_at: Instant,
}

impl Card {
    /// Changes the status and records the change.
    pub fn set_status(&mut self, status: CardStatus, reason: Option<&str>, now: Instant) {
        self.status = status;
        let change = StatusChange {
            status: status.as_str().to_owned(),
            at: now.micros(),
            reason: reason.map(str::to_owned),
            by: None,
        };
        self.history.push(change);
        let surplus = self.history.len().saturating_sub(MAX_STATUS_CHANGES);
        self.history.drain(..surplus);
    }

    /// Records who froze the card, in the last status change.
    pub fn set_frozen_by(&mut self, by: Option<FrozenBy>) {
        if let Some(last) = self.history.last_mut() {
            last.by = by;
        }
    }

    /// Who froze the card. `None` if it is not frozen, or only not activated yet. A card that was frozen before this
    /// was recorded counts as frozen by the client.
    pub fn frozen_by(&self) -> Option<FrozenBy> {
        if self.status != CardStatus::Inactive {
            return None;
        }
        let recorded = self.history.last().and_then(|change| change.by);
        let was_usable = self.kind == CardType::Virtual || self.activated_at.is_some();
        recorded.or(Some(FrozenBy::Client).filter(|_| was_usable))
    }

    /// Counts a change of the settings.
    pub fn touch(&mut self, now: Instant) {
        self.version += 1;
        self.updated_at = now;
    }
}

impl Record for Card {
    const KIND: Kind = Kind::Card;
    const HEAP_BYTES: usize = 400;

    fn key(&self) -> Key {
        Key::of(self.client, self.id.0)
    }

    fn variable_bytes(&self) -> usize {
        self.metadata.as_ref().map_or(0, String::len)
    }
}

/// A card's secrets, sealed by the vault. The core cannot open them.
#[derive(Clone, Debug, PartialEq)]
pub struct CardSecret {
    pub client: ClientId,
    pub card: CardId,
    /// The card number, sealed.
    pub number: Vec<u8>,
    /// The PIN verification value, sealed.
    pub pin: Option<Vec<u8>>,
    /// Consecutive wrong PINs.
    pub pin_failures: i64,
    pub pin_set_at: Option<Instant>,
    /// Messages with a wrong expiry or CVV on `wrong_tries_day`.
    pub wrong_tries: i64,
    /// Days since 1970-01-01, in UTC.
    pub wrong_tries_day: i64,
}

impl CardSecret {
    /// Messages of this day with a wrong expiry or CVV.
    pub fn wrong_tries(&self, now: Instant) -> i64 {
        if self.wrong_tries_day == now.day() { self.wrong_tries } else { 0 }
    }
}

impl Record for CardSecret {
    const KIND: Kind = Kind::CardSecret;

    fn key(&self) -> Key {
        Key::of(self.client, self.card.0)
    }
}

/// Maps the keyed fingerprint of a card number to its card. A number belongs to one card at a time.
#[derive(Clone, Debug, PartialEq)]
pub struct CardFingerprint {
    pub fingerprint: [u8; 32],
    pub client: ClientId,
    pub card: CardId,
}

impl CardFingerprint {
    pub fn key_of(fingerprint: &[u8; 32]) -> Key {
        Key { client: ClientId::INSTALLATION, id: KeyBytes::new(fingerprint) }
    }
}

impl Record for CardFingerprint {
    const KIND: Kind = Kind::CardFingerprint;
    const TRANSIENT: bool = true;

    fn key(&self) -> Key {
        CardFingerprint::key_of(&self.fingerprint)
    }
}

crate::string_enum! {
    pub enum RevealPurpose {
        /// As JSON, for the client's application.
        Reveal = "reveal",
        Page = "page",
    }
}

/// A token that reveals a card number once. Only its keyed hash is stored.
#[derive(Clone, Debug, PartialEq)]
pub struct RevealToken {
    pub hash: [u8; 32],
    pub client: ClientId,
    pub card: CardId,
    pub purpose: RevealPurpose,
    pub origin: Option<String>,
    /// Business time.
    pub expires_at: Instant,
    pub used_at: Option<Instant>,
    pub created_at: Instant,
}

impl RevealToken {
    pub fn key_of(hash: &[u8; 32]) -> Key {
        Key { client: ClientId::INSTALLATION, id: KeyBytes::new(hash) }
    }
}

impl Record for RevealToken {
    const KIND: Kind = Kind::RevealToken;

    fn key(&self) -> Key {
        RevealToken::key_of(&self.hash)
    }
}

/// A used payment reference. It can never be used again.
#[derive(Clone, Debug, PartialEq)]
pub struct PaymentReference {
    pub client: ClientId,
    /// SHA-256 of the reference.
    pub hash: [u8; 32],
    pub card: CardId,
    pub entry: crate::ids::EntryId,
    pub created_at: Instant,
}

impl Record for PaymentReference {
    const KIND: Kind = Kind::PaymentReference;
    const TRANSIENT: bool = true;

    fn key(&self) -> Key {
        Key::hashed(self.client, &self.hash)
    }
}
