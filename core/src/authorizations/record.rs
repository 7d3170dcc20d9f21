//! What is kept of authorizations, of what was posted, of what did not fit, and how messages find them.

use serde::{Deserialize, Serialize};

use crate::authorizations::{
    AuthorizationType, Channel, Decision, DecisionOutcome, Deferred, Facts, Fee, FeeTerms, Match, Merchant, Reason,
    Request, Taken, Trace,
};
use crate::ids::{AccountId, AuthorizationId, CardHolderId, CardId, ClientId, EntryId, ExceptionId, Id, PostingId};
use crate::money::{Currency, Decimal};
use crate::record::{Key, KeyBytes, Kind, Record, Shown};
use crate::time::Instant;

crate::words! {
    /// Where an authorization stands.
    pub enum AuthorizationStatus {
        /// It is being decided.
        Pending = "pending",
        /// Money is held for it.
        Approved = "approved",
        /// It was refused.
        Declined = "declined",
        /// It was taken back before anything was collected.
        Reversed = "reversed",
        /// Its hold ran out.
        Expired = "expired",
        /// Nothing is left to be collected.
        Closed = "closed",
    }
}

crate::words! {
    /// What happened to an authorization.
    pub enum Step {
        /// It was approved.
        Approved = "approved",
        /// It was declined.
        Declined = "declined",
        /// Somebody else had approved it.
        Advised = "advised",
        /// More was approved.
        Incremented = "incremented",
        /// More was asked for and declined.
        IncrementDeclined = "increment_declined",
        /// The merchant took it back, whole or in part.
        Reversed = "reversed",
        /// The reversal had come before it.
        Voided = "voided",
        /// Money was collected.
        Cleared = "cleared",
        /// Its hold ran out.
        Expired = "expired",
        /// An operator gave the hold back.
        Released = "released",
        /// Money was given back.
        Refunded = "refunded",
        /// A refund was taken back.
        RefundReversed = "refund_reversed",
    }
}

/// A step of an authorization's life.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TimelineStep {
    /// What happened.
    pub step: Step,
    /// When, in microseconds.
    pub at: i64,
    /// How much, in minor units of the card's currency.
    pub amount: i64,
    /// The ledger entry, where one was made.
    pub entry: Option<String>,
    /// Why, where there is something to say.
    pub note: Option<String>,
}

/// The most steps that are kept.
pub const MOST_STEPS: usize = 200;

/// The most decisions on one authorization: the first, and those about more.
pub const MOST_DECISIONS: usize = 100;

/// A decision as it is kept: what it was made on and what it came to. The checks are computed again when they are shown.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Decided {
    /// What it was made on.
    pub facts: Facts,
    /// What was asked for.
    pub request: Request,
    /// What it came to.
    pub outcome: DecisionOutcome,
    /// Why not.
    pub reason: Option<Reason>,
    /// For how much.
    pub approved: i64,
    /// What is charged for it.
    pub fee: Fee,
    /// The rules it was made under.
    pub rules_version: i64,
}

impl Decided {
    /// A decision as it is kept.
    pub fn of(facts: Facts, request: Request, decision: &Decision) -> Decided {
        Decided {
            facts,
            request,
            outcome: decision.outcome,
            reason: decision.reason,
            approved: decision.approved,
            fee: decision.fee,
            rules_version: crate::authorizations::RULES_VERSION,
        }
    }
}

/// An authorization. Amounts are minor units of the card's currency.
#[derive(Clone, Debug, PartialEq)]
pub struct Authorization {
    /// Whose.
    pub client: ClientId,
    /// Its id.
    pub id: AuthorizationId,
    /// The card; none when its number is not one of ours.
    pub card: Option<CardId>,
    /// Who holds it.
    pub card_holder: Option<CardHolderId>,
    /// The account behind it.
    pub account: Option<AccountId>,
    /// What for.
    pub kind: AuthorizationType,
    /// Where.
    pub channel: Channel,
    /// Where it stands.
    pub status: AuthorizationStatus,
    /// Why it was declined.
    pub reason: Option<Reason>,
    /// The currency of the card.
    pub currency: Currency,
    /// What was asked for, increments included.
    pub asked: i64,
    /// What was approved, increments included.
    pub approved: i64,
    /// What is still held for it, without fees.
    pub open: i64,
    /// What is still held for fees and the tax on them.
    pub open_fee: i64,
    /// What was collected, without fees.
    pub cleared: i64,
    /// What was taken back before it was collected.
    pub reversed: i64,
    /// What was given back after it was collected.
    pub refunded: i64,
    /// In minor units of the merchant's currency.
    pub merchant_amount: i64,
    /// That currency.
    pub merchant_currency: Currency,
    /// How much of `merchant_amount` was collected or taken back: parts are converted by the running total.
    pub merchant_settled: i64,
    /// Units of the card's currency for one of the merchant's, when a rate and not an amount was given.
    pub rate: Option<Decimal>,
    /// For whom.
    pub merchant: Merchant,
    /// How the network knows it.
    pub trace: Trace,
    /// Whether somebody else decided it.
    pub stand_in: bool,
    /// What is charged for it.
    pub fee_terms: FeeTerms,
    /// Its decision and those about more, oldest first.
    pub decided: Vec<Decided>,
    /// The windows it took from.
    pub taken: Vec<Taken>,
    /// What happened to it, oldest first.
    pub timeline: Vec<TimelineStep>,
    /// When its hold runs out.
    pub expires_at: Option<Instant>,
    /// The same while there is something to be done about it.
    pub due_at: Option<Instant>,
    /// Counts changes.
    pub version: i64,
    /// When it came.
    pub created_at: Instant,
    /// When it last changed.
    pub updated_at: Instant,
}

impl Authorization {
    /// Notes what happened to it.
    pub fn note(&mut self, step: Step, amount: i64, entry: Option<EntryId>, note: Option<&str>, now: Instant) {
        self.timeline.push(TimelineStep {
            step,
            at: now.micros(),
            amount,
            entry: entry.map(|id| id.to_string()),
            note: note.map(str::to_owned),
        });
        let surplus = self.timeline.len().saturating_sub(MOST_STEPS);
        self.timeline.drain(..surplus);
        self.version += 1;
        self.updated_at = now;
    }

    /// Whether a PIN was entered.
    pub fn with_pin(&self) -> bool {
        self.decided.first().is_some_and(|decided| decided.request.pin != Match::NotGiven)
    }

    /// What the ledger holds for it.
    pub fn held(&self) -> i64 {
        self.open + self.open_fee
    }
}

impl Record for Authorization {
    const KIND: Kind = Kind::Authorization;
    const PASSING: bool = true;
    const HEAP: usize = 1600;

    fn key(&self) -> Key {
        Key::of(self.client, self.id.0)
    }

    fn long(&self) -> usize {
        // One decision and its steps are what every authorization has.
        let (decided, steps) = (self.decided.len().saturating_sub(1), self.timeline.len().saturating_sub(3));
        decided * size_of::<Decided>() + steps * size_of::<TimelineStep>()
    }
}

crate::words! {
    /// What was posted.
    pub enum PostingType {
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
pub struct Posted {
    /// Whose.
    pub client: ClientId,
    /// Its id.
    pub id: PostingId,
    /// The card.
    pub card: CardId,
    /// Who holds it.
    pub card_holder: CardHolderId,
    /// The account behind it.
    pub account: AccountId,
    /// The authorization it belongs to.
    pub authorization: Option<AuthorizationId>,
    /// The transaction it gives back, or takes back.
    pub original: Option<PostingId>,
    /// What was posted.
    pub kind: PostingType,
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
    pub taken: Vec<Taken>,
    /// The ledger entry.
    pub entry: EntryId,
    /// When it was posted.
    pub created_at: Instant,
    /// When it last changed.
    pub updated_at: Instant,
}

impl Record for Posted {
    const KIND: Kind = Kind::Posted;
    const PASSING: bool = true;

    fn key(&self) -> Key {
        Key::of(self.client, self.id.0)
    }
}

crate::words! {
    /// What a network reference leads to.
    pub enum ReferenceKind {
        /// An authorization, by its network transaction id.
        Authorization = "authorization",
        /// A transaction, by the identity of the message that posted it.
        Posting = "posting",
        /// An exception that waits for more: a reversal that came before its authorization.
        Reversal = "reversal",
    }
}

/// The look-up from what the network calls a message to what it became here; it is there for ever.
#[derive(Clone, Debug, PartialEq)]
pub struct NetworkReference {
    /// Whose.
    pub client: ClientId,
    /// SHA-256 of the reference, the last byte telling the kind: what is known by one reference lies together.
    pub hash: [u8; 32],
    /// What it leads to.
    pub kind: ReferenceKind,
    /// Its id.
    pub object: Id,
}

impl NetworkReference {
    /// The key of a reference.
    pub fn key_of(client: ClientId, kind: ReferenceKind, reference: &str) -> Key {
        Key { client, id: KeyBytes::new(&NetworkReference::hash(kind, reference)) }
    }

    /// SHA-256 of the reference, the last byte telling the kind.
    pub fn hash(kind: ReferenceKind, reference: &str) -> [u8; 32] {
        let mut hash = [0; 32];
        hash.copy_from_slice(aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, reference.as_bytes()).as_ref());
        hash[31] = match kind {
            ReferenceKind::Authorization => 1,
            ReferenceKind::Posting => 2,
            ReferenceKind::Reversal => 3,
        };
        hash
    }
}

impl Record for NetworkReference {
    const KIND: Kind = Kind::NetworkReference;
    const PASSING: bool = true;

    fn key(&self) -> Key {
        Key::hashed(self.client, &self.hash)
    }
}

crate::words! {
    /// Why a message needs somebody's eyes.
    pub enum ExceptionKind {
        /// A payment without an authorization.
        ForcePost = "force_post",
        /// A clearing that found no authorization.
        UnmatchedClearing = "unmatched_clearing",
        /// A reversal that found no authorization.
        UnmatchedReversal = "unmatched_reversal",
        /// More was taken back than was open.
        OverReversal = "over_reversal",
        /// More was collected than was approved.
        OverClearing = "over_clearing",
        /// Something was collected after the hold had run out or was given back.
        LateClearing = "late_clearing",
        /// It could not be booked where it belongs: the account is closed.
        Suspense = "suspense",
        /// More would be given back than was collected: it is posted when somebody resolves it.
        OverRefund = "over_refund",
        /// It cannot be converted to the card's currency: it is posted when somebody resolves it with a rate.
        Unpriced = "unpriced",
        /// Another message with the same numbers was posted before, for another amount or card; both are posted.
        NumbersReused = "numbers_reused",
        /// An advice that nothing can be held for: its card is not one of ours, or its transaction is over.
        UnmatchedAdvice = "unmatched_advice",
        /// Too many wrong expiries and codes of a card on one day: somebody may be guessing.
        TooManyAttempts = "too_many_attempts",
    }
}

crate::words! {
    /// Whether somebody looked.
    pub enum ExceptionStatus {
        /// Nobody did.
        Open = "open",
        /// Somebody did.
        Resolved = "resolved",
    }
}

/// A message that did not fit, for an operator to look at.
#[derive(Clone, Debug, PartialEq)]
pub struct NetworkException {
    /// Whose.
    pub client: ClientId,
    /// Its id.
    pub id: ExceptionId,
    /// Why.
    pub kind: ExceptionKind,
    /// Whether somebody looked.
    pub status: ExceptionStatus,
    /// The card.
    pub card: Option<CardId>,
    /// The authorization.
    pub authorization: Option<AuthorizationId>,
    /// What was posted.
    pub posting: Option<PostingId>,
    /// How much it is about, in minor units.
    pub amount: i64,
    /// Of this currency.
    pub currency: Currency,
    /// How the network knows the message.
    pub trace: Trace,
    /// What whoever looked wrote.
    pub note: Option<String>,
    /// The message, when it waits to be posted until the exception is resolved.
    pub deferred: Option<Deferred>,
    /// The entry that paid it out of suspense.
    pub entry: Option<EntryId>,
    /// Counts changes.
    pub version: i64,
    /// When it came.
    pub created_at: Instant,
    /// When it last changed.
    pub updated_at: Instant,
}

impl Record for NetworkException {
    const KIND: Kind = Kind::NetworkException;
    const AUDITED: Option<&'static str> = Some("exception");

    fn key(&self) -> Key {
        Key::of(self.client, self.id.0)
    }

    fn shown(&self) -> Vec<(&'static str, Shown)> {
        vec![("status", self.status.as_str().into()), ("note", self.note.clone().into())]
    }
}
