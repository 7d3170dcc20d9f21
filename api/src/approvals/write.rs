//! `POST /approvals/{approvalId}/approve`, `/reject` and `/cancel`.

use std::time::Duration;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use paygen_core::approvals::{ApprovalStatus, ApprovalView, CancelApproval, DecideApproval, Verdict};
use paygen_core::ids::ApprovalId;
use paygen_core::{Command, Outcome};

use super::bodies::{ApproveBody, RejectBody};
use super::read::found;
use crate::Api;
use crate::body::{Body, NoBody};
use crate::gate::{APPROVALS_READ, APPROVALS_WRITE, Caller, Unbound};
use crate::path::PathId;
use crate::problem::Problem;
use crate::reply::{self, Envelope};
use crate::write::{Success, Write, WriteParams};

/// How long an answer waits for the call that was approved, and how often it looks.
const WAIT: Duration = Duration::from_secs(5);
const LOOK: Duration = Duration::from_millis(20);

fn success(message: &'static str) -> Success<ApprovalView> {
    Success::new(StatusCode::OK, message, |outcome| match outcome {
        Outcome::Approval(view) => Some((**view).clone()),
        _ => None,
    })
}

/// Approve a call
///
/// Only people approve, and nobody what they asked for themselves, or with an API key that they made. The approver must have
/// the scope of the action. When enough have approved, the call is made as its requester's, once, and the answer shows what
/// came of it.
#[utoipa::path(post, path = "/approvals/{approvalId}/approve", tag = "Approvals", operation_id = "approve",
    request_body(content = Option<ApproveBody>),
    params(("approvalId" = String, Path, description = "The approval.", pattern = "^[0-9a-f]{24}$"), WriteParams),
    responses((status = 200, description = "The approval.", body = Envelope<ApprovalView>)),
    security(("apiKey" = ["approvals:write"]), ("bearer" = ["approvals:write"])))]
pub async fn approve(
    State(app): State<Api>,
    Unbound(caller): Unbound<APPROVALS_WRITE>,
    PathId(id): PathId<ApprovalId>,
    write: Write,
    body: Body<ApproveBody>,
) -> Result<Response, Problem> {
    let approval = found(&app, &caller, id).await?;
    approval.scopes.iter().try_for_each(|scope| caller.needs(scope))?;
    let note = body.value.note.map(Into::into);
    let command = Command::DecideApproval(DecideApproval { id, verdict: Verdict::Approve, note });
    let dry_run = write.dry_run;
    let answer = write.perform(&app, &caller, &body.canonical, command, success("Approved successfully.")).await?;
    if dry_run || !answer.status().is_success() {
        return Ok(answer);
    }
    app.approved.notify_one();
    made(&app, &caller, id).await
}

/// The approval once the call was made, or as it is when that takes long.
async fn made(app: &Api, caller: &Caller, id: ApprovalId) -> Result<Response, Problem> {
    let until = tokio::time::Instant::now() + WAIT;
    loop {
        let approval = found(app, caller, id).await?;
        let waits = approval.status == ApprovalStatus::Approved && !approval.action.has_secret();
        if !waits || tokio::time::Instant::now() > until {
            let view = ApprovalView::of(&approval);
            return Ok(reply::versioned("Approved successfully.", approval.version, &view));
        }
        tokio::time::sleep(LOOK).await;
    }
}

/// Reject a call
///
/// One rejection is enough. Nothing of the call is done.
#[utoipa::path(post, path = "/approvals/{approvalId}/reject", tag = "Approvals", operation_id = "reject",
    request_body = RejectBody,
    params(("approvalId" = String, Path, description = "The approval.", pattern = "^[0-9a-f]{24}$"), WriteParams),
    responses((status = 200, description = "The approval.", body = Envelope<ApprovalView>)),
    security(("apiKey" = ["approvals:write"]), ("bearer" = ["approvals:write"])))]
pub async fn reject(
    State(app): State<Api>,
    Unbound(caller): Unbound<APPROVALS_WRITE>,
    PathId(id): PathId<ApprovalId>,
    write: Write,
    body: Body<RejectBody>,
) -> Result<Response, Problem> {
    let approval = found(&app, &caller, id).await?;
    approval.scopes.iter().try_for_each(|scope| caller.needs(scope))?;
    let note = Some(body.value.note.into());
    let command = Command::DecideApproval(DecideApproval { id, verdict: Verdict::Reject, note });
    write.perform(&app, &caller, &body.canonical, command, success("Rejected successfully.")).await
}

/// Cancel a call
///
/// Its requester gives it up.
#[utoipa::path(post, path = "/approvals/{approvalId}/cancel", tag = "Approvals", operation_id = "cancelApproval",
    params(("approvalId" = String, Path, description = "The approval.", pattern = "^[0-9a-f]{24}$"), WriteParams),
    responses((status = 200, description = "The approval.", body = Envelope<ApprovalView>)),
    security(("apiKey" = ["approvals:read"]), ("bearer" = ["approvals:read"])))]
pub async fn cancel_approval(
    State(app): State<Api>,
    Unbound(caller): Unbound<APPROVALS_READ>,
    PathId(id): PathId<ApprovalId>,
    write: Write,
    _body: NoBody,
) -> Result<Response, Problem> {
    let command = Command::CancelApproval(CancelApproval { id });
    write.perform(&app, &caller, "", command, success("Canceled successfully.")).await
}
