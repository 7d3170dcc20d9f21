//! The exception record. It contains the message itself while that waits to be posted.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::ids::{AuthorizationId, CardId, ClientId, EntryId, ExceptionId, TransactionId};
use crate::messages::{RequestedAmount, Trace};
use crate::money::Currency;
use crate::record::{Key, Kind, Record};
use crate::time::Instant;
use crate::transactions::{Clear, ForcePost, Refund};

crate::string_enum! {
    pub enum ExceptionKind {
        /// A payment without an authorization.
        ForcePost = "force_post",
        UnmatchedClearing = "unmatched_clearing",
        UnmatchedReversal = "unmatched_reversal",
        /// More was reversed than was outstanding.
        OverReversal = "over_reversal",
        OverClearing = "over_clearing",
        /// A clearing arrived after the hold had expired or was released.
        LateClearing = "late_clearing",
        /// The account is closed, so the amount is in the suspense account.
        Suspense = "suspense",
        /// A refund of more than was cleared. It is posted when the exception is resolved.
        OverRefund = "over_refund",
        /// No rate to the card's currency is known. The message is posted when the exception is resolved with a price.
        Unpriced = "unpriced",
        /// A message with the numbers of an earlier one, but another amount or card. Both are posted.
        NumbersReused = "numbers_reused",
        /// An advice for which nothing can be held: the card is not issued here, or the transaction is over.
        UnmatchedAdvice = "unmatched_advice",
        /// Too many wrong expiries and CVVs of a card in one day: somebody may be guessing.
        TooManyAttempts = "too_many_attempts",
    }
}

crate::string_enum! {
    pub enum ExceptionStatus {
        Open = "open",
        Resolved = "resolved",
    }
}

/// A message that needs an operator's attention.
#[derive(Clone, Debug, PartialEq)]
pub struct NetworkException {
    pub client: ClientId,
    pub id: ExceptionId,
    pub kind: ExceptionKind,
    pub status: ExceptionStatus,
    pub card: Option<CardId>,
    pub authorization: Option<AuthorizationId>,
    pub transaction: Option<TransactionId>,
    pub amount: i64,
    pub currency: Currency,
    pub trace: Trace,
    pub note: Option<String>,
    /// The message, if it is posted only when the exception is resolved.
    pub deferred: Option<Deferred>,
    /// The ledger entry that paid the amount out of suspense.
    pub entry: Option<EntryId>,
    pub version: i64,
    pub created_at: Instant,
    pub updated_at: Instant,
}

impl Record for NetworkException {
    const KIND: Kind = Kind::NetworkException;

    fn key(&self) -> Key {
        Key::of(self.client, self.id.0)
    }
}

/// A message that waits to be posted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Deferred {
    Clearing(Box<Clear>),
    ForcePost(Box<ForcePost>),
    Refund(Box<Refund>),
    /// The amount of an advice whose authorization is pending.
    Advice(RequestedAmount),
}

impl Deferred {
    /// Deferred messages are stored without the terms, which may change until they are posted.
    pub(crate) fn clearing(of: &Clear) -> Deferred {
        Deferred::Clearing(Box::new(Clear { terms: Arc::default(), ..of.clone() }))
    }

    pub(crate) fn force_post(of: &ForcePost) -> Deferred {
        Deferred::ForcePost(Box::new(ForcePost { terms: Arc::default(), ..of.clone() }))
    }

    pub(crate) fn refund(of: &Refund) -> Deferred {
        Deferred::Refund(Box::new(Refund { terms: Arc::default(), ..of.clone() }))
    }

    /// The amount of the message.
    pub(crate) fn requested(&self) -> Option<&RequestedAmount> {
        match self {
            Deferred::Clearing(clear) => clear.requested.as_ref(),
            Deferred::ForcePost(force) => Some(&force.requested),
            Deferred::Refund(refund) => refund.requested.as_ref(),
            Deferred::Advice(requested) => Some(requested),
        }
    }
}
