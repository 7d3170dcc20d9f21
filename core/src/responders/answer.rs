//! Answers, and what they come to.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::ids::{CallId, ResponderId};
use crate::money::Currency;
use crate::view::Money;

crate::string_enum! {
    pub enum AnswerWord {
        Approve = "approve",
        Decline = "decline",
    }
}

crate::string_enum! {
    /// What a call came to.
    pub enum CallOutcome {
        Approved = "approved",
        Declined = "declined",
        /// No HTTP response, or not the status 200.
        Error = "error",
        /// The response is not an answer.
        InvalidResponse = "invalid_response",
        Timeout = "timeout",
        /// It was not asked: paused, degraded, or too many questions at once.
        Skipped = "skipped",
    }
}

crate::string_enum! {
    pub enum DecidedBy {
        Responder = "responder",
        Fallback = "fallback",
        /// A message of the network came before the answer.
        Network = "network",
    }
}

/// An answer that was understood.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Answer {
    pub decision: AnswerWord,
    /// In minor units of the card's currency, if less than was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approved_amount: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub metadata: BTreeMap<String, String>,
}

/// What became of the question about an authorization, kept with it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Asked {
    pub responder: ResponderId,
    pub call: CallId,
    /// `None` while the question is open.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<CallOutcome>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decided_by: Option<DecidedBy>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub latency_ms: Option<i64>,
    /// Whether the answer came after the decision.
    #[serde(default)]
    pub late: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer: Option<Answer>,
}

/// The answer, or what decided in its absence, as a fact of the decision.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Ruling {
    pub by: DecidedBy,
    pub approves: bool,
    /// The most that is approved, in minor units of the card's currency.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub most: Option<i64>,
    /// Why: the responder's reason, or the rule of the fallback that declined.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// What a responder answered.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ResponderAnswer)]
pub struct AnswerView {
    /// approve or decline.
    pub decision: AnswerWord,
    /// The amount it approved, if less than was asked for.
    #[schema(required = true, value_type = Option<Money>)]
    pub approved_amount: Option<Money>,
    /// Its reason.
    #[schema(required = true, example = "over the project's budget")]
    pub reason: Option<String>,
    /// Its own data.
    pub metadata: BTreeMap<String, String>,
}

impl AnswerView {
    pub fn of(answer: &Answer, currency: Currency) -> AnswerView {
        AnswerView {
            decision: answer.decision,
            approved_amount: answer.approved_amount.map(|minor| Money::new(minor, currency)),
            reason: answer.reason.clone(),
            metadata: answer.metadata.clone(),
        }
    }
}

/// The responder that was asked about an authorization, and what came of it.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = AskedResponder)]
pub struct AskedView {
    /// The responder.
    #[schema(example = "665f1c4f4a4f4a4f4a4f4a4f")]
    pub id: String,
    /// The call.
    #[schema(example = "665f1c4f4a4f4a4f4a4f4a50")]
    pub call_id: String,
    /// What the call came to; null while it is open.
    #[schema(required = true)]
    pub outcome: Option<CallOutcome>,
    /// What decided: the responder, its fallback, or the network; null while the question is open.
    #[schema(required = true)]
    pub decided_by: Option<DecidedBy>,
    /// How long the call took, in milliseconds.
    #[schema(required = true, example = 84)]
    pub latency_ms: Option<i64>,
    /// Whether the answer came after the decision.
    pub late: bool,
    /// The answer.
    #[schema(required = true)]
    pub answer: Option<AnswerView>,
}

impl AskedView {
    pub fn of(asked: &Asked, currency: Currency) -> AskedView {
        AskedView {
            id: asked.responder.to_string(),
            call_id: asked.call.to_string(),
            outcome: asked.outcome,
            decided_by: asked.decided_by,
            latency_ms: asked.latency_ms,
            late: asked.late,
            answer: asked.answer.as_ref().map(|answer| AnswerView::of(answer, currency)),
        }
    }
}
