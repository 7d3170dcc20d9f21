//! The view of approvals.

use serde::Serialize;

use super::{Approval, ApprovalAction, ApprovalDecision, ApprovalPolicy, ApprovalStatus, Verdict};
use crate::audit::{Audited, Picture};
use crate::time::Instant;
use crate::view::Free;

/// Who asked.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
#[schema(as = ApprovalRequester)]
pub struct RequesterView {
    /// api_key, token or user.
    #[serde(rename = "type")]
    #[schema(example = "user")]
    pub kind: &'static str,
    /// Its id.
    #[schema(required = true)]
    pub id: Option<String>,
}

/// What one person said.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ApprovalDecision)]
pub struct DecidedView {
    /// The user.
    pub user_id: String,
    /// What they said.
    pub verdict: Verdict,
    /// Why.
    #[schema(required = true)]
    pub note: Option<String>,
    /// When, in wall time.
    #[schema(value_type = String, format = DateTime)]
    pub at: String,
}

/// A call that waits for the approval of others.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Approval)]
pub struct ApprovalView {
    /// Id of the object: 24 lowercase hex characters.
    #[serde(rename = "_id")]
    #[schema(example = "665f1c4f4a4f4a4f4a4f4a4f", pattern = "^[0-9a-f]{24}$")]
    pub id: String,
    /// The action.
    pub action: ApprovalAction,
    /// Status.
    pub status: ApprovalStatus,
    /// Who asked for it.
    #[schema(value_type = RequesterView)]
    pub requester: RequesterView,
    /// The call's method.
    #[schema(example = "POST")]
    pub method: String,
    /// The call's path.
    #[schema(example = "/transfers")]
    pub path: String,
    /// The call's body; empty if it has none.
    #[schema(value_type = Free)]
    pub body: Free,
    /// The version that the object must still have, as in If-Match.
    #[schema(required = true)]
    pub if_match: Option<i64>,
    /// The object as it would be; empty if that is not known.
    #[schema(value_type = Free)]
    pub preview: Free,
    /// How many people must approve it.
    pub needed: i64,
    /// What people said, oldest first.
    #[schema(value_type = Vec<DecidedView>)]
    pub decisions: Vec<DecidedView>,
    /// Whether its requester makes the call again after the approval, with the approval's id in the header `Approval-Id`,
    /// because its answer has a secret. Any other call is made by the server.
    pub run_by_requester: bool,
    /// The status of the call's answer, once it was made.
    #[schema(required = true)]
    pub result_status: Option<i64>,
    /// What the answer says.
    #[schema(required = true)]
    pub result_message: Option<String>,
    /// When it expires, in wall time.
    #[schema(value_type = String, format = DateTime)]
    pub expires_at: String,
    /// Version of the object, from 1.
    pub version: i64,
    /// Time of creation.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: String,
    /// Time of the last change.
    #[schema(value_type = String, format = DateTime)]
    pub updated_at: String,
}

impl ApprovalView {
    pub fn of(approval: &Approval) -> ApprovalView {
        let decided = |decision: &ApprovalDecision| DecidedView {
            user_id: decision.user.to_string(),
            verdict: decision.verdict,
            note: decision.note.clone(),
            at: Instant::from_micros(decision.at).to_string(),
        };
        let object = |text: &str| Free::object(Some(text).filter(|text| !text.is_empty()));
        ApprovalView {
            id: approval.id.to_string(),
            action: approval.action,
            status: approval.status,
            requester: RequesterView {
                kind: approval.requester.kind(),
                id: approval.requester.id().map(|id| id.to_string()),
            },
            method: approval.method.clone(),
            path: approval.path.clone(),
            body: object(&approval.body),
            preview: object(&approval.preview),
            if_match: approval.if_match,
            needed: approval.needed,
            decisions: approval.decisions.iter().map(decided).collect(),
            run_by_requester: approval.action.has_secret(),
            result_status: approval.result_status,
            result_message: approval.result_message.clone(),
            expires_at: approval.expires_at.to_string(),
            version: approval.version,
            created_at: approval.created_at.to_string(),
            updated_at: approval.updated_at.to_string(),
        }
    }
}

impl Audited for Approval {
    const OBJECT: &'static str = "approval";

    fn picture(&self) -> Picture {
        Picture::of(&ApprovalView::of(self)).without(&["preview"])
    }
}

impl Audited for ApprovalPolicy {
    const OBJECT: &'static str = "approval_policy";

    fn picture(&self) -> Picture {
        Picture::of(&serde_json::json!({ "rules": self.rules }))
    }
}
