//! `GET /transfers` and `GET /transfers/{transferId}`.

use axum::extract::State;
use axum::response::Response;
use paygen_core::Refusal;
use paygen_core::ids::TransferId;
use paygen_core::record::Key;
use paygen_core::transfers::{Transfer, TransferView};
use paygen_store::lists::transfers as columns;

use crate::Api;
use crate::gate::{ACCOUNTS_READ, Allowed};
use crate::lists::{self, ListParams, ListSpec};
use crate::path::PathId;
use crate::problem::Problem;
use crate::query::{NoParams, Query};
use crate::reply::{self, Envelope, ListEnvelope};

const SPEC: ListSpec = ListSpec::of::<TransferView>(columns::FIELDS);

/// List transfers
///
/// The client's transfers.
#[utoipa::path(get, path = "/transfers", tag = "Transfers", operation_id = "listTransfers",
    params(ListParams),
    responses((status = 200, description = "The transfers.", body = ListEnvelope<TransferView>)),
    security(("apiKey" = ["accounts:read"]), ("bearer" = ["accounts:read"])))]
pub async fn list_transfers(
    State(app): State<Api>,
    Allowed(caller): Allowed<ACCOUNTS_READ>,
    Query(params): Query,
) -> Result<Response, Problem> {
    lists::answer::<columns::List, _>(&app, &caller, params, &SPEC, Vec::new(), TransferView::of).await
}

/// Retrieve a transfer
///
/// One transfer, with its reversed amount.
#[utoipa::path(get, path = "/transfers/{transferId}", tag = "Transfers", operation_id = "getTransfer",
    params(("transferId" = String, Path, description = "The transfer.", pattern = "^[0-9a-f]{24}$")),
    responses((status = 200, description = "The transfer.", body = Envelope<TransferView>)),
    security(("apiKey" = ["accounts:read"]), ("bearer" = ["accounts:read"])))]
pub async fn get_transfer(
    State(app): State<Api>,
    Allowed(caller): Allowed<ACCOUNTS_READ>,
    PathId(id): PathId<TransferId>,
    _: NoParams,
) -> Result<Response, Problem> {
    let found = app.reader.get::<Transfer>(Key::of(caller.client, id.0)).await?;
    let transfer = found.ok_or(Refusal::TransferNotFound)?;
    Ok(reply::versioned("Transfer fetched successfully.", transfer.version, &TransferView::of(&transfer)))
}
