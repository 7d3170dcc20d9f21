//! The messages that post money. They are stored in exceptions while they are deferred, without their terms: those of
//! the day on which they are posted apply.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::ids::{AuthorizationId, CardId, TransactionId};
use crate::messages::{Channel, Merchant, RequestedAmount, Trace};
use crate::programs::Terms;

/// A clearing. It matches an authorization by network transaction id and authorization code.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Clear {
    /// The authorization, if the caller knows it.
    pub authorization: Option<AuthorizationId>,
    pub trace: Trace,
    /// The clearing's number within its authorization.
    pub sequence: String,
    /// The whole outstanding amount if `None`.
    #[serde(rename = "asked")]
    pub requested: Option<RequestedAmount>,
    pub is_final: bool,
    /// Card, merchant and channel, for a clearing without an authorization.
    pub unmatched: Option<Unmatched>,
    #[serde(skip)]
    pub terms: Arc<Terms>,
}

/// What is known of a payment without an authorization.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Unmatched {
    pub card: CardId,
    pub merchant: Merchant,
    pub channel: Channel,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ForcePost {
    pub what: Unmatched,
    #[serde(rename = "asked")]
    pub requested: RequestedAmount,
    pub trace: Trace,
    /// The number within the transaction.
    pub sequence: String,
    #[serde(skip)]
    pub terms: Arc<Terms>,
}

/// A refund, of a transaction or of none.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Refund {
    pub original: Option<TransactionId>,
    /// Card, merchant and channel, if no transaction is named.
    pub unlinked: Option<Unmatched>,
    /// The whole transaction if `None`.
    #[serde(rename = "asked")]
    pub requested: Option<RequestedAmount>,
    pub trace: Trace,
    /// The number within the transaction.
    pub sequence: String,
    #[serde(skip)]
    pub terms: Arc<Terms>,
}
