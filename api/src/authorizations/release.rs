//! `POST /authorizations/{authorizationId}/release`: an operator releases an outstanding hold.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use paygen_core::authorizations::{AuthorizationView, ReleaseAuthorization};
use paygen_core::ids::AuthorizationId;
use paygen_core::{Command, Outcome};

use crate::Api;
use crate::body::Body;
use crate::fields::Text;
use crate::gate::{AUTHORIZATIONS_WRITE, Allowed};
use crate::path::PathId;
use crate::problem::Problem;
use crate::reply::Envelope;
use crate::write::{IfMatch, Success, Write, WriteParams};

crate::body! {
    /// Releases an open hold.
    pub struct ReleaseBody {
        /// Reason; stored in the timeline and the audit log.
        required reason: Text<1, 200> = "reason", example "The merchant confirmed that nothing follows.";
    }
}

/// Release an authorization
///
/// Releases an open hold manually. A later clearing is posted all the same, and listed under `/exceptions`.
#[utoipa::path(post, path = "/authorizations/{authorizationId}/release", tag = "Authorizations",
    operation_id = "releaseAuthorization", request_body = ReleaseBody,
    params(("authorizationId" = String, Path, description = "The authorization.", pattern = "^[0-9a-f]{24}$"), WriteParams, IfMatch),
    responses((status = 200, description = "The authorization.", body = Envelope<AuthorizationView>)),
    security(("apiKey" = ["authorizations:write"]), ("bearer" = ["authorizations:write"])))]
pub async fn release_authorization(
    State(app): State<Api>,
    Allowed(caller): Allowed<AUTHORIZATIONS_WRITE>,
    PathId(id): PathId<AuthorizationId>,
    write: Write,
    body: Body<ReleaseBody>,
) -> Result<Response, Problem> {
    let reason = body.value.reason.into();
    let command = Command::ReleaseAuthorization(ReleaseAuthorization { id, reason, if_match: write.if_match });
    let success = Success::new(StatusCode::OK, "Authorization released successfully.", |outcome| match outcome {
        Outcome::Authorization(view) => Some(view.clone()),
        _ => None,
    });
    write.perform(&app, &caller, &body.canonical, command, success).await
}
