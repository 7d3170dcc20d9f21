//! `GET /approvals`, `GET /approvals/{approvalId}`.

use axum::extract::State;
use axum::response::Response;
use paygen_core::Refusal;
use paygen_core::approvals::ApprovalRefusal;
use paygen_core::approvals::{Approval, ApprovalView};
use paygen_core::ids::ApprovalId;
use paygen_core::record::Key;
use paygen_store::lists::approvals as columns;

use crate::Api;
use crate::gate::{APPROVALS_READ, Caller, Unbound};
use crate::lists::{self, ListParams, ListSpec};
use crate::path::PathId;
use crate::problem::Problem;
use crate::query::{NoParams, Query};
use crate::reply::{self, Envelope, ListEnvelope};

const SPEC: ListSpec = ListSpec::of::<ApprovalView>(columns::FIELDS);

/// List approvals
///
/// Calls that wait for the approval of others, and those that did.
#[utoipa::path(get, path = "/approvals", tag = "Approvals", operation_id = "listApprovals",
    params(ListParams),
    responses((status = 200, description = "The approvals.", body = ListEnvelope<ApprovalView>)),
    security(("apiKey" = ["approvals:read"]), ("bearer" = ["approvals:read"])))]
pub async fn list_approvals(
    State(app): State<Api>,
    Unbound(caller): Unbound<APPROVALS_READ>,
    Query(params): Query,
) -> Result<Response, Problem> {
    lists::answer::<columns::List, _>(&app, &caller, params, &SPEC, Vec::new(), ApprovalView::of).await
}

/// Retrieve an approval
///
/// The call that waits, who decided about it, and what came of it.
#[utoipa::path(get, path = "/approvals/{approvalId}", tag = "Approvals", operation_id = "getApproval",
    params(("approvalId" = String, Path, description = "The approval.", pattern = "^[0-9a-f]{24}$")),
    responses((status = 200, description = "The approval.", body = Envelope<ApprovalView>)),
    security(("apiKey" = ["approvals:read"]), ("bearer" = ["approvals:read"])))]
pub async fn get_approval(
    State(app): State<Api>,
    Unbound(caller): Unbound<APPROVALS_READ>,
    PathId(id): PathId<ApprovalId>,
    _: NoParams,
) -> Result<Response, Problem> {
    let found = found(&app, &caller, id).await?;
    Ok(reply::versioned("Approval fetched successfully.", found.version, &ApprovalView::of(&found)))
}

pub(super) async fn found(app: &Api, caller: &Caller, id: ApprovalId) -> Result<Approval, Problem> {
    let found = app.reader.get::<Approval>(Key::of(caller.client, id.0)).await?;
    Ok(found.ok_or(Refusal::Approval(ApprovalRefusal::NotFound))?)
}
