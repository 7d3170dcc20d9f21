//! What is kept of a card, of its secrets, and of how it is found.

use serde::{Deserialize, Serialize};

use crate::ids::{AccountId, CardHolderId, CardId, ClientId, LedgerAccountId};
use crate::limits::SpendingControls;
use crate::money::Currency;
use crate::record::{AuditValue, Key, KeyBytes, Kind, Record};
use crate::time::Instant;

crate::string_enum! {
    /// Whether there is plastic.
    pub enum CardType {
        /// A number only.
        Virtual = "virtual",
        /// A card in the hand.
        Physical = "physical",
    }
}

crate::string_enum! {
    /// The network.
    pub enum Brand {
        /// Mastercard.
        Mastercard = "Mastercard",
        /// Visa.
        Visa = "Visa",
    }
}

crate::string_enum! {
    /// Whether a card can be used.
    pub enum CardStatus {
        /// It cannot for now.
        Inactive = "inactive",
        /// It can.
        Active = "active",
        /// It ended; this is final.
        Canceled = "canceled",
    }
}

crate::string_enum! {
    /// Why a card was canceled by its holder.
    pub enum CancellationReason {
        /// It was lost.
        Lost = "lost",
        /// It was stolen.
        Stolen = "stolen",
    }
}

crate::string_enum! {
    /// Why a card is replaced.
    pub enum ReplaceReason {
        /// It was lost: another number.
        Lost = "lost",
        /// It was stolen: another number.
        Stolen = "stolen",
        /// It is damaged: the same number with a new expiry.
        Damaged = "damaged",
        /// It expires: the same number with a new expiry.
        Expired = "expired",
    }
}

impl ReplaceReason {
    /// Whether the number may be known to somebody else.
    pub fn needs_new_number(self) -> bool {
        matches!(self, ReplaceReason::Lost | ReplaceReason::Stolen)
    }
}

crate::string_enum! {
    /// Where a card's money is.
    pub enum FundingMode {
        /// On the card: it spends what was funded onto it.
        Prefunded = "prefunded",
        /// On the debit account: it spends that.
        OnDemand = "on_demand",
    }
}

/// A change of a card's status.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StatusChange {
    /// What it became.
    pub status: String,
    /// When, in microseconds.
    pub at: i64,
    /// Why, where a reason was given.
    pub reason: Option<String>,
    /// Whose decision it was, where that matters later: who froze a card.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<FrozenBy>,
}

/// Whose decision it was to freeze a card.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FrozenBy {
    /// The client's.
    Client,
    /// The card holder's, with a token that is bound to them or the card.
    CardHolder,
}

/// How many changes of its status a card remembers.
pub const MAX_STATUS_CHANGES: usize = 50;

/// A card's settings. Its amounts are in the [`crate::ledger::Balance`] of the ledger account it spends from.
#[derive(Clone, Debug, PartialEq)]
pub struct Card {
    /// Whose.
    pub client: ClientId,
    /// Its id.
    pub id: CardId,
    /// The account behind it.
    pub debit_account: AccountId,
    /// Who holds it.
    pub card_holder: CardHolderId,
    /// Whether there is plastic.
    pub kind: CardType,
    /// The network.
    pub brand: Brand,
    /// The currency it spends.
    pub currency: Currency,
    /// Whether it can be used.
    pub status: CardStatus,
    /// Why it ended.
    pub cancellation_reason: Option<String>,
    /// The account that took what it had, when it ended.
    pub credit_account: Option<AccountId>,
    /// The caller's own data, a JSON object.
    pub metadata: Option<String>,
    /// What it may be used for.
    pub controls: SpendingControls,
    /// Whether payments on the web ask for a second factor.
    pub enable_2fa: bool,
    /// Whether it is good for one payment only.
    pub disposable: bool,
    /// Where its money is.
    pub funding_mode: FundingMode,
    /// The ledger account it spends from: its own, or the debit account's.
    pub funds: LedgerAccountId,
    /// Not good before.
    pub valid_from: Option<Instant>,
    /// Not good after.
    pub valid_until: Option<Instant>,
    /// Whether it locks to the first merchant it pays.
    pub merchant_lock: bool,
    /// The merchant it is locked to.
    pub locked_merchant: Option<String>,
    /// After how many payments it ends.
    pub cancel_after: Option<i64>,
    /// The first six digits of its number.
    pub bin: String,
    /// The last four digits of its number.
    pub last4: String,
    /// The month it is good through.
    pub expiry_month: i64,
    /// The year of that month.
    pub expiry_year: i64,
    /// Whether a PIN was set.
    pub pin_set: bool,
    /// When it was first activated.
    pub activated_at: Option<Instant>,
    /// The card it took the place of.
    pub replacement_for: Option<CardId>,
    /// The card that took its place.
    pub replaced_by: Option<CardId>,
    /// The last changes of its status, oldest first.
    pub history: Vec<StatusChange>,
    /// Counts changes to the settings.
    pub version: i64,
    /// When it was issued.
    pub created_at: Instant,
    /// When its settings last changed.
    pub updated_at: Instant,
}

impl Card {
    /// Gives it a status, and remembers the change.
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

    /// Says whose decision the last change of its status was.
    pub fn set_frozen_by(&mut self, by: Option<FrozenBy>) {
        if let Some(last) = self.history.last_mut() {
            last.by = by;
        }
    }

    /// Whose decision it was that the card is frozen; nobody's when it only was not activated yet. A card that was made
    /// inactive, or frozen before this was noted, is frozen by the client.
    pub fn frozen_by(&self) -> Option<FrozenBy> {
        if self.status != CardStatus::Inactive {
            return None;
        }
        let said = self.history.last().and_then(|change| change.by);
        let was_usable = self.kind == CardType::Virtual || self.activated_at.is_some();
        said.or(Some(FrozenBy::Client).filter(|_| was_usable))
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
    const AUDITED: Option<&'static str> = Some("card");

    fn key(&self) -> Key {
        Key::of(self.client, self.id.0)
    }

    fn variable_bytes(&self) -> usize {
        self.metadata.as_ref().map_or(0, String::len)
    }

    fn audit_fields(&self) -> Vec<(&'static str, AuditValue)> {
        vec![
            ("debitAccountId", self.debit_account.to_string().into()),
            ("cardHolderId", self.card_holder.to_string().into()),
            ("type", self.kind.as_str().into()),
            ("brand", self.brand.as_str().into()),
            ("currency", self.currency.code().into()),
            ("status", self.status.as_str().into()),
            ("cancellationReason", self.cancellation_reason.clone().into()),
            ("creditAccountId", self.credit_account.map(|id| id.to_string()).into()),
            ("metadata", AuditValue::json(self.metadata.as_deref())),
            ("spendingControls", serde_json::to_value(&self.controls).unwrap_or_default().into()),
            ("enable2FA", self.enable_2fa.into()),
            ("disposable", self.disposable.into()),
            ("fundingMode", self.funding_mode.as_str().into()),
            ("validFrom", self.valid_from.map(|at| at.to_string()).into()),
            ("validUntil", self.valid_until.map(|at| at.to_string()).into()),
            ("merchantLock", self.merchant_lock.into()),
            ("cancelAfter", self.cancel_after.into()),
            ("last4", self.last4.clone().into()),
            ("expiryMonth", self.expiry_month.into()),
            ("expiryYear", self.expiry_year.into()),
            ("pinSet", self.pin_set.into()),
            ("replacementFor", self.replacement_for.map(|id| id.to_string()).into()),
            ("replacedBy", self.replaced_by.map(|id| id.to_string()).into()),
        ]
    }
}

/// The secrets of a card, sealed by the vault: the core only passes them on.
#[derive(Clone, Debug, PartialEq)]
pub struct CardSecret {
    /// Whose.
    pub client: ClientId,
    /// The card's id.
    pub card: CardId,
    /// The number, sealed.
    pub number: Vec<u8>,
    /// The PIN verification value, sealed.
    pub pin: Option<Vec<u8>>,
    /// How many wrong PINs were entered in a row.
    pub pin_failures: i64,
    /// When the PIN was set.
    pub pin_set_at: Option<Instant>,
    /// How many messages had a wrong expiry or code, on `wrong_tries_day`.
    pub wrong_tries: i64,
    /// That day: days since 1970-01-01, in UTC.
    pub wrong_tries_day: i64,
}

impl CardSecret {
    /// How many messages of this day had a wrong expiry or code.
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

/// The look-up from a card number's keyed fingerprint to its card; a number belongs to one card at a time.
#[derive(Clone, Debug, PartialEq)]
pub struct CardFingerprint {
    /// The fingerprint.
    pub fingerprint: [u8; 32],
    /// Whose.
    pub client: ClientId,
    /// The card.
    pub card: CardId,
}

impl CardFingerprint {
    /// The key of a fingerprint.
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
    /// What a reveal token is for.
    pub enum RevealPurpose {
        /// The number as JSON, for the client application.
        Reveal = "reveal",
        /// The number on the hosted page.
        Page = "page",
    }
}

/// A token that shows a card's number once. The token itself is not kept, only its keyed hash.
#[derive(Clone, Debug, PartialEq)]
pub struct RevealToken {
    /// The keyed hash of the token.
    pub hash: [u8; 32],
    /// Whose.
    pub client: ClientId,
    /// The card it shows.
    pub card: CardId,
    /// How it shows it.
    pub purpose: RevealPurpose,
    /// The only web origin it works for.
    pub origin: Option<String>,
    /// Until when, in business time.
    pub expires_at: Instant,
    /// When it was used.
    pub used_at: Option<Instant>,
    /// When it was made.
    pub created_at: Instant,
}

impl RevealToken {
    /// The key of a token's hash.
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

/// A payment reference that was used: it is not used again, ever.
#[derive(Clone, Debug, PartialEq)]
pub struct PaymentReference {
    /// Whose.
    pub client: ClientId,
    /// SHA-256 of the reference.
    pub hash: [u8; 32],
    /// The card that was funded or withdrawn from.
    pub card: CardId,
    /// The ledger entry.
    pub entry: crate::ids::EntryId,
    /// When.
    pub created_at: Instant,
}

impl Record for PaymentReference {
    const KIND: Kind = Kind::PaymentReference;
    const TRANSIENT: bool = true;

    fn key(&self) -> Key {
        Key::hashed(self.client, &self.hash)
    }
}
