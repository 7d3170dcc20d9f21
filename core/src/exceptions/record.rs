//! What is kept of a message that did not fit, with the message itself while it waits to be posted.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::ids::{AuthorizationId, CardId, ClientId, EntryId, ExceptionId, TransactionId};
use crate::messages::{RequestedAmount, Trace};
use crate::money::Currency;
use crate::record::{AuditValue, Key, Kind, Record};
use crate::time::Instant;
use crate::transactions::{Clear, ForcePost, Refund};

crate::string_enum! {
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

crate::string_enum! {
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
    pub transaction: Option<TransactionId>,
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

    fn audit_fields(&self) -> Vec<(&'static str, AuditValue)> {
        vec![("status", self.status.as_str().into()), ("note", self.note.clone().into())]
    }
}

/// A message that waits to be posted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Deferred {
    /// A clearing.
    Clearing(Box<Clear>),
    /// A payment without an authorization.
    ForcePost(Box<ForcePost>),
    /// A refund.
    Refund(Box<Refund>),
    /// The amount of an advice; its authorization is pending.
    Advice(RequestedAmount),
}

impl Deferred {
    /// A clearing, without the terms of today.
    pub(crate) fn clearing(of: &Clear) -> Deferred {
        Deferred::Clearing(Box::new(Clear { terms: Arc::default(), ..of.clone() }))
    }

    /// A payment without an authorization, without the terms of today.
    pub(crate) fn force_post(of: &ForcePost) -> Deferred {
        Deferred::ForcePost(Box::new(ForcePost { terms: Arc::default(), ..of.clone() }))
    }

    /// A refund, without the terms of today.
    pub(crate) fn refund(of: &Refund) -> Deferred {
        Deferred::Refund(Box::new(Refund { terms: Arc::default(), ..of.clone() }))
    }

    /// The amount of the message, as it came.
    pub(crate) fn requested(&self) -> Option<&RequestedAmount> {
        match self {
            Deferred::Clearing(clear) => clear.requested.as_ref(),
            Deferred::ForcePost(force) => Some(&force.requested),
            Deferred::Refund(refund) => refund.requested.as_ref(),
            Deferred::Advice(requested) => Some(requested),
        }
    }
}
