//! The authorization record: amounts, decisions, usage of limits, and timeline.

use serde::{Deserialize, Serialize};

use crate::authorizations::{Decision, DecisionOutcome, Facts, RULES_VERSION, Reason, Request};
use crate::ids::{AccountId, AuthorizationId, CardHolderId, CardId, ClientId, EntryId};
use crate::limits::LimitUsage;
use crate::messages::{AuthorizationType, Channel, Match, Merchant, Trace};
use crate::money::{Currency, Decimal};
use crate::programs::{Fee, FeeTerms};
use crate::record::{Key, Kind, Record};
use crate::responders::Asked;
use crate::time::Instant;

crate::string_enum! {
    pub enum AuthorizationStatus {
        Pending = "pending",
        Approved = "approved",
        Declined = "declined",
        /// Reversed in full before a clearing.
        Reversed = "reversed",
        Expired = "expired",
        Closed = "closed",
    }
}

crate::string_enum! {
    pub enum Step {
        /// Held while a responder is asked.
        Asked = "asked",
        Approved = "approved",
        Declined = "declined",
        Advised = "advised",
        Incremented = "incremented",
        IncrementDeclined = "increment_declined",
        /// Reversed by the merchant, in full or in part.
        Reversed = "reversed",
        Voided = "voided",
        Cleared = "cleared",
        Expired = "expired",
        Released = "released",
        Refunded = "refunded",
        RefundReversed = "refund_reversed",
    }
}

/// A step of the timeline.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TimelineStep {
    pub step: Step,
    /// In microseconds.
    pub at: i64,
    /// In minor units of the card's currency.
    pub amount: i64,
    pub entry: Option<EntryId>,
    pub note: Option<String>,
}

/// The maximum number of timeline steps; the oldest ones are dropped.
pub const MAX_TIMELINE_STEPS: usize = 200;

/// The maximum number of decisions: the first one, and increments.
pub const MAX_DECISIONS: usize = 100;

/// A stored decision: its facts, request and result. The checks are computed again when they are shown.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Decided {
    pub facts: Facts,
    pub request: Request,
    pub outcome: DecisionOutcome,
    pub reason: Option<Reason>,
    pub approved: i64,
    pub fee: Fee,
    pub rules_version: i64,
}

impl Decided {
    pub fn of(facts: Facts, request: Request, decision: &Decision) -> Decided {
        Decided {
            facts,
            request,
            outcome: decision.outcome,
            reason: decision.reason,
            approved: decision.approved,
            fee: decision.fee,
            rules_version: RULES_VERSION,
        }
    }
}

/// An authorization. Amounts are in minor units of the card's currency.
#[derive(Clone, Debug, PartialEq)]
pub struct Authorization {
    pub client: ClientId,
    pub id: AuthorizationId,
    /// `None` if the number is not of a card issued here.
    pub card: Option<CardId>,
    pub card_holder: Option<CardHolderId>,
    pub account: Option<AccountId>,
    pub kind: AuthorizationType,
    pub channel: Channel,
    pub status: AuthorizationStatus,
    pub reason: Option<Reason>,
    pub currency: Currency,
    /// Including increments.
    pub requested: i64,
    /// Including increments.
    pub approved: i64,
    /// What is still held, without fees.
    pub outstanding: i64,
    /// What is still held for fees and their tax.
    pub outstanding_fee: i64,
    /// Without fees.
    pub cleared: i64,
    /// What was reversed before a clearing.
    pub reversed: i64,
    /// What was refunded after a clearing.
    pub refunded: i64,
    /// In minor units of the merchant's currency.
    pub merchant_amount: i64,
    pub merchant_currency: Currency,
    /// How much of `merchant_amount` was cleared or reversed. Parts are converted by this running total.
    pub merchant_settled: i64,
    /// Units of the card's currency for one unit of the merchant's; `None` if the message stated the billing amount.
    pub rate: Option<Decimal>,
    pub merchant: Merchant,
    pub trace: Trace,
    pub stand_in: bool,
    pub fee_terms: FeeTerms,
    /// The first decision, then increments.
    pub decided: Vec<Decided>,
    pub limit_usage: LimitUsage,
    /// Oldest first.
    pub timeline: Vec<TimelineStep>,
    pub expires_at: Option<Instant>,
    /// The same as `expires_at` while the authorization is open; otherwise `None`.
    pub due_at: Option<Instant>,
    /// The responder that was asked.
    pub responder: Option<Asked>,
    pub version: i64,
    pub created_at: Instant,
    pub updated_at: Instant,
}

impl Authorization {
    /// Adds a step to the timeline and counts the change.
    pub fn note(&mut self, step: Step, amount: i64, entry: Option<EntryId>, note: Option<&str>, now: Instant) {
        self.timeline.push(TimelineStep { step, at: now.micros(), amount, entry, note: note.map(str::to_owned) });
        let surplus = self.timeline.len().saturating_sub(MAX_TIMELINE_STEPS);
        self.timeline.drain(..surplus);
        self.version += 1;
        self.updated_at = now;
    }

    pub fn with_pin(&self) -> bool {
        self.decided.first().is_some_and(|decided| decided.request.pin != Match::NotGiven)
    }

    /// Whether a responder is being asked. The other pending authorizations are advices without a price.
    pub fn awaits_answer(&self) -> bool {
        self.status == AuthorizationStatus::Pending && !self.stand_in
    }

    /// The amount held in the ledger.
    pub fn held(&self) -> i64 {
        self.outstanding + self.outstanding_fee
    }
}

impl Record for Authorization {
    const KIND: Kind = Kind::Authorization;
    const TRANSIENT: bool = true;
    const HEAP_BYTES: usize = 1600;

    fn key(&self) -> Key {
        Key::of(self.client, self.id.0)
    }

    fn variable_bytes(&self) -> usize {
        // Every authorization has one decision and about three steps.
        let (decided, steps) = (self.decided.len().saturating_sub(1), self.timeline.len().saturating_sub(3));
        let asked = usize::from(self.responder.is_some()) * 512;
        asked + decided * size_of::<Decided>() + steps * size_of::<TimelineStep>()
    }
}
