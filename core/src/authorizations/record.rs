//! What is kept of an authorization: amounts, decisions, what it used of limits, and what happened to it.

use serde::{Deserialize, Serialize};

use crate::authorizations::{Decision, DecisionOutcome, Facts, RULES_VERSION, Reason, Request};
use crate::ids::{AccountId, AuthorizationId, CardHolderId, CardId, ClientId, EntryId};
use crate::limits::LimitUsage;
use crate::messages::{AuthorizationType, Channel, Match, Merchant, Trace};
use crate::money::{Currency, Decimal};
use crate::programs::{Fee, FeeTerms};
use crate::record::{Key, Kind, Record};
use crate::time::Instant;

crate::string_enum! {
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

crate::string_enum! {
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
pub const MAX_TIMELINE_STEPS: usize = 200;

/// The most decisions on one authorization: the first, and those about more.
pub const MAX_DECISIONS: usize = 100;

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
            rules_version: RULES_VERSION,
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
    pub requested: i64,
    /// What was approved, increments included.
    pub approved: i64,
    /// What is still held for it, without fees.
    pub outstanding: i64,
    /// What is still held for fees and the tax on them.
    pub outstanding_fee: i64,
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
    pub limit_usage: Vec<LimitUsage>,
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
        let surplus = self.timeline.len().saturating_sub(MAX_TIMELINE_STEPS);
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
        // One decision and its steps are what every authorization has.
        let (decided, steps) = (self.decided.len().saturating_sub(1), self.timeline.len().saturating_sub(3));
        decided * size_of::<Decided>() + steps * size_of::<TimelineStep>()
    }
}
