//! The log of calls.

use serde::{Deserialize, Serialize};

use super::{Answer, AnswerView, CallOutcome, DecidedBy};
use crate::events::EventPart;
use crate::ids::{AuthorizationId, CallId, ClientId, ResponderId};
use crate::money::Currency;
use crate::record::{Key, Kind, Record};
use crate::time::Instant;
use crate::view::Free;

crate::string_enum! {
    /// What a call was about.
    pub enum CalledAbout {
        Authorization = "authorization",
        Increment = "increment",
        Test = "test",
    }
}

/// What a call came to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CallResult {
    pub outcome: CallOutcome,
    /// HTTP status.
    pub status: Option<i64>,
    pub latency_ms: i64,
    pub answer: Option<Answer>,
    /// The body that was sent, as JSON.
    pub request: Option<String>,
    /// The beginning of a response that was not understood.
    pub excerpt: Option<String>,
    pub error: Option<String>,
}

/// A logged call.
#[derive(Clone, Debug, PartialEq)]
pub struct ResponderCall {
    pub client: ClientId,
    pub id: CallId,
    pub responder: ResponderId,
    pub about: CalledAbout,
    /// `None` for tests.
    pub authorization: Option<AuthorizationId>,
    pub outcome: CallOutcome,
    /// `None` if it decided nothing.
    pub decided_by: Option<DecidedBy>,
    /// HTTP status.
    pub status: Option<i64>,
    pub latency_ms: i64,
    /// Whether the answer came after the decision.
    pub late: bool,
    pub answer: Option<Answer>,
    /// The currency of the answer's amount.
    pub currency: Currency,
    /// The body that was sent, as JSON; `None` if none was.
    pub request: Option<String>,
    /// The beginning of the response's body, if it was not understood.
    pub excerpt: Option<String>,
    pub error: Option<String>,
    /// Business time.
    pub created_at: Instant,
}

impl Record for ResponderCall {
    const KIND: Kind = Kind::ResponderCall;
    const TRANSIENT: bool = true;
    const HEAP_BYTES: usize = 4096;

    fn key(&self) -> Key {
        Key::of(self.client, self.id.0)
    }
}

/// A call of a responder.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ResponderCall)]
pub struct CallView {
    /// Id of the object: 24 lowercase hex characters.
    #[serde(rename = "_id")]
    #[schema(example = "665f1c4f4a4f4a4f4a4f4a4f", pattern = "^[0-9a-f]{24}$")]
    pub id: String,
    /// The responder.
    #[schema(example = "665f1c4f4a4f4a4f4a4f4a50")]
    pub responder_id: String,
    /// What it was about.
    #[serde(rename = "type")]
    pub about: CalledAbout,
    /// The authorization; null for tests.
    #[schema(required = true)]
    pub authorization_id: Option<String>,
    /// What it came to.
    pub outcome: CallOutcome,
    /// What decided; null if the call decided nothing.
    #[schema(required = true)]
    pub decided_by: Option<DecidedBy>,
    /// HTTP status of the response; null without a response.
    #[schema(required = true, example = 200)]
    pub status: Option<i64>,
    /// Duration in milliseconds.
    #[schema(example = 84)]
    pub latency_ms: i64,
    /// Whether the answer came after the decision.
    pub late: bool,
    /// The answer; null if there was none that could be understood.
    #[schema(required = true)]
    pub answer: Option<AnswerView>,
    /// The body that was sent; null if none was.
    #[schema(required = true, value_type = Option<Free>)]
    pub request: Option<Free>,
    /// Beginning of a response body that could not be understood.
    #[schema(required = true)]
    pub response_excerpt: Option<String>,
    /// What went wrong.
    #[schema(required = true)]
    pub error: Option<String>,
    /// Time.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: String,
}

impl EventPart for CallView {
    const NAME: &'static str = "call";
}

impl CallView {
    pub fn of(call: &ResponderCall) -> CallView {
        CallView {
            id: call.id.to_string(),
            responder_id: call.responder.to_string(),
            about: call.about,
            authorization_id: call.authorization.map(|id| id.to_string()),
            outcome: call.outcome,
            decided_by: call.decided_by,
            status: call.status,
            latency_ms: call.latency_ms,
            late: call.late,
            answer: call.answer.as_ref().map(|answer| AnswerView::of(answer, call.currency)),
            request: call.request.as_deref().map(|text| Free::object(Some(text))),
            response_excerpt: call.excerpt.clone(),
            error: call.error.clone(),
            created_at: call.created_at.to_string(),
        }
    }
}
