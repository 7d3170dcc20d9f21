//! `POST /transfers` and `POST /transfers/{transferId}/reverse`.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use paygen_core::ids::TransferId;
use paygen_core::transfers::{CreateTransfer, ReverseTransfer, TransferView};
use paygen_core::view::Pictured;
use paygen_core::{Command, Outcome};

use super::bodies::{CreateTransferBody, ReverseTransferBody};
use crate::Api;
use crate::body::Body;
use crate::gate::{ACCOUNTS_WRITE, Allowed};
use crate::path::PathId;
use crate::problem::Problem;
use crate::reply::Envelope;
use crate::write::{Success, Write, WriteParams};

fn shown(outcome: &Outcome) -> Option<Pictured<TransferView>> {
    match outcome {
        Outcome::Transfer(view) => Some(view.clone()),
        _ => None,
    }
}

/// Create a transfer
///
/// Moves an amount between two active accounts of one currency, as one balanced ledger entry. The debited account never
/// goes below its limit, whatever happens concurrently.
#[utoipa::path(post, path = "/transfers", tag = "Transfers", operation_id = "createTransfer",
    request_body = CreateTransferBody,
    params(WriteParams),
    responses((status = 201, description = "The transfer.", body = Envelope<TransferView>)),
    security(("apiKey" = ["accounts:write"]), ("bearer" = ["accounts:write"])))]
pub async fn create_transfer(
    State(app): State<Api>,
    Allowed(caller): Allowed<ACCOUNTS_WRITE>,
    write: Write,
    body: Body<CreateTransferBody>,
) -> Result<Response, Problem> {
    let value = body.value;
    let command = Command::CreateTransfer(CreateTransfer {
        from: value.from_account_id,
        to: value.to_account_id,
        amount: value.amount,
        reference: value.reference.map(Into::into),
        narration: value.narration.map(Into::into),
        metadata: value.metadata.map(Into::into),
    });
    let success = Success::new(StatusCode::CREATED, "Transfer created successfully.", shown);
    write.perform(&app, &caller, &body.canonical, command, success).await
}

/// Reverse a transfer
///
/// Reverses a transfer, fully or partially, as a separate ledger entry. The credited account must still have the amount
/// available.
#[utoipa::path(post, path = "/transfers/{transferId}/reverse", tag = "Transfers", operation_id = "reverseTransfer",
    request_body = ReverseTransferBody,
    params(("transferId" = String, Path, description = "The transfer.", pattern = "^[0-9a-f]{24}$"),
        WriteParams),
    responses((status = 200, description = "The transfer.", body = Envelope<TransferView>)),
    security(("apiKey" = ["accounts:write"]), ("bearer" = ["accounts:write"])))]
pub async fn reverse_transfer(
    State(app): State<Api>,
    Allowed(caller): Allowed<ACCOUNTS_WRITE>,
    PathId(id): PathId<TransferId>,
    write: Write,
    body: Body<ReverseTransferBody>,
) -> Result<Response, Problem> {
    let reason = body.value.reason.map(Into::into);
    let command = Command::ReverseTransfer(ReverseTransfer { id, amount: body.value.amount, reason });
    let success = Success::new(StatusCode::OK, "Transfer reversed successfully.", shown);
    write.perform(&app, &caller, &body.canonical, command, success).await
}
