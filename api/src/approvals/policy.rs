//! `GET` and `PUT /approval-policy`.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use paygen_core::approvals::{ApprovalPolicy, ApprovalPolicyView, ApprovalRule, SetApprovalPolicy};
use paygen_core::record::Key;
use paygen_core::{Command, Outcome};

use super::bodies::{ApprovalRuleBody, SetApprovalPolicyBody};
use crate::Api;
use crate::body::Body;
use crate::gate::{APPROVALS_READ, USERS_WRITE, Unbound};
use crate::problem::{FieldProblem, Problem};
use crate::query::NoParams;
use crate::reply::{self, Envelope};
use crate::write::{IfMatch, Success, Write, WriteParams};

/// Retrieve the approval policy
///
/// The actions that nobody does alone. Without rules everything is done alone.
#[utoipa::path(get, path = "/approval-policy", tag = "Approvals", operation_id = "getApprovalPolicy",
    responses((status = 200, description = "The policy.", body = Envelope<ApprovalPolicyView>)),
    security(("apiKey" = ["approvals:read"]), ("bearer" = ["approvals:read"])))]
pub async fn get_approval_policy(
    State(app): State<Api>,
    Unbound(caller): Unbound<APPROVALS_READ>,
    _: NoParams,
) -> Result<Response, Problem> {
    let policy = app.reader.get::<ApprovalPolicy>(Key::of(caller.client, caller.client.0)).await?;
    let view = ApprovalPolicyView::of(policy.as_ref());
    Ok(reply::versioned("Approval policy fetched successfully.", view.version, &view))
}

/// Set the approval policy
///
/// Replaces the rules. A rule for `approval_policy.change` makes the policy itself need others.
#[utoipa::path(put, path = "/approval-policy", tag = "Approvals", operation_id = "setApprovalPolicy",
    request_body = SetApprovalPolicyBody,
    params(WriteParams, IfMatch),
    responses((status = 200, description = "The policy.", body = Envelope<ApprovalPolicyView>)),
    security(("apiKey" = ["users:write"]), ("bearer" = ["users:write"])))]
pub async fn set_approval_policy(
    State(app): State<Api>,
    Unbound(caller): Unbound<USERS_WRITE>,
    write: Write,
    body: Body<SetApprovalPolicyBody>,
) -> Result<Response, Problem> {
    let negative = |(at, rule): (usize, &ApprovalRuleBody)| {
        let negative = rule.above.is_some_and(|above| above.is_negative());
        negative.then(|| FieldProblem::new(format!("/rules/{at}/above"), "minimum", "must not be negative"))
    };
    let wrong: Vec<FieldProblem> = body.value.rules.0.iter().enumerate().filter_map(negative).collect();
    if !wrong.is_empty() {
        return Err(Problem::invalid(wrong));
    }
    let rule = |rule: ApprovalRuleBody| ApprovalRule {
        action: rule.action,
        above: rule.above,
        needed: rule.needed.map_or(1, |needed| needed.0),
    };
    let rules = body.value.rules.0.into_iter().map(rule).collect();
    let command = Command::SetApprovalPolicy(SetApprovalPolicy { rules, if_match: write.if_match });
    let success = Success::new(StatusCode::OK, "Approval policy set successfully.", |outcome| match outcome {
        Outcome::ApprovalPolicy(view) => Some(view.clone()),
        _ => None,
    });
    write.perform(&app, &caller, &body.canonical, command, success).await
}
