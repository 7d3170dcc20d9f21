//! The messages that post money. They are kept as they came while they wait to be posted, without the terms of that day.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::ids::{AuthorizationId, CardId, TransactionId};
use crate::messages::{Channel, Merchant, RequestedAmount, Trace};
use crate::programs::Terms;

/// A clearing: it finds its authorization by the network transaction id and the authorization code.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Clear {
    /// The authorization, where it is known beforehand.
    pub authorization: Option<AuthorizationId>,
    /// How the network knows it.
    pub trace: Trace,
    /// The number of the clearing among those of its authorization, as the network tells it.
    pub sequence: String,
    /// How much; all that is open unless said.
    #[serde(rename = "asked")]
    pub requested: Option<RequestedAmount>,
    /// Whether nothing follows.
    pub is_final: bool,
    /// The card, the merchant and the channel as the clearing tells them: for one that finds no authorization.
    pub unmatched: Option<Unmatched>,
    /// The terms of the card programme.
    #[serde(skip)]
    pub terms: Arc<Terms>,
}

/// What is known of a payment that has no authorization here.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Unmatched {
    /// The card.
    pub card: CardId,
    /// Who collects.
    pub merchant: Merchant,
    /// Where.
    pub channel: Channel,
}

/// A payment without an authorization.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ForcePost {
    /// The card, the merchant and the channel.
    pub what: Unmatched,
    /// How much.
    #[serde(rename = "asked")]
    pub requested: RequestedAmount,
    /// How the network knows it.
    pub trace: Trace,
    /// The number of the message among those of its transaction.
    pub sequence: String,
    /// The terms of the card programme.
    #[serde(skip)]
    pub terms: Arc<Terms>,
}

/// A refund, of a transaction or of none that is known.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Refund {
    /// The transaction it gives back.
    pub original: Option<TransactionId>,
    /// The card, the merchant and the channel, when no transaction is named.
    pub unlinked: Option<Unmatched>,
    /// How much; all of the transaction unless said.
    #[serde(rename = "asked")]
    pub requested: Option<RequestedAmount>,
    /// How the network knows it.
    pub trace: Trace,
    /// The number of the message among those of its transaction.
    pub sequence: String,
    /// The terms of the card programme.
    #[serde(skip)]
    pub terms: Arc<Terms>,
}
