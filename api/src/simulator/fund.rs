//! `POST /simulator/accounts/{accountId}/fund`.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use paygen_core::accounts::{AccountView, FundAccount};
use paygen_core::ids::AccountId;
use paygen_core::{Command, Outcome};

use super::bodies::FundAccountBody;
use crate::Api;
use crate::body::Body;
use crate::gate::{Allowed, SIMULATOR_WRITE};
use crate::path::PathId;
use crate::problem::Problem;
use crate::reply::Envelope;
use crate::write::{Success, Write, WriteParams};

/// Fund an account
///
/// Funds an account with simulated money, posted against the settlement account.
#[utoipa::path(post, path = "/simulator/accounts/{accountId}/fund", tag = "Simulator", operation_id = "simulateFunding",
    request_body = FundAccountBody,
    params(("accountId" = String, Path, description = "The account.", pattern = "^[0-9a-f]{24}$"),
        WriteParams),
    responses((status = 200, description = "The account.", body = Envelope<AccountView>)),
    security(("apiKey" = ["simulator:write"]), ("bearer" = ["simulator:write"])))]
pub async fn fund_account(
    State(app): State<Api>,
    Allowed(caller): Allowed<SIMULATOR_WRITE>,
    PathId(id): PathId<AccountId>,
    write: Write,
    body: Body<FundAccountBody>,
) -> Result<Response, Problem> {
    let command = Command::FundAccount(FundAccount { id, amount: body.value.amount });
    let success = Success::new(StatusCode::OK, "Account funded successfully.", |outcome| match outcome {
        Outcome::Account(view) => Some(view.clone()),
        _ => None,
    });
    write.perform(&app, &caller, &body.canonical, command, success).await
}
