//! `GET /accounts` and `GET /accounts/{accountId}`.

use axum::extract::State;
use axum::response::Response;
use paygen_core::accounts::AccountView;
use paygen_core::ids::AccountId;
use paygen_core::ledger::Balance;
use paygen_core::record::Key;
use paygen_store::lists::accounts as columns;

use super::details::existing;
use crate::Api;
use crate::gate::{ACCOUNTS_READ, Allowed};
use crate::lists::{self, ListParams, ListSpec};
use crate::path::PathId;
use crate::problem::Problem;
use crate::query::{NoParams, Query};
use crate::reply::{self, Envelope, ListEnvelope};

const SPEC: ListSpec = ListSpec::of::<AccountView>(columns::FIELDS);

/// List accounts
///
/// The client's accounts with their balances.
#[utoipa::path(get, path = "/accounts", tag = "Accounts", operation_id = "listAccounts",
    params(ListParams),
    responses((status = 200, description = "The accounts.", body = ListEnvelope<AccountView>)),
    security(("apiKey" = ["accounts:read"]), ("bearer" = ["accounts:read"])))]
pub async fn list_accounts(
    State(app): State<Api>,
    Allowed(caller): Allowed<ACCOUNTS_READ>,
    Query(params): Query,
) -> Result<Response, Problem> {
    lists::answer::<columns::List, _>(&app, &caller, params, &SPEC, Vec::new(), |(account, balance)| {
        AccountView::of(account, balance)
    })
    .await
}

/// Retrieve an account
///
/// The account's settings and balances.
#[utoipa::path(get, path = "/accounts/{accountId}", tag = "Accounts", operation_id = "getAccount",
    params(("accountId" = String, Path, description = "The account.", pattern = "^[0-9a-f]{24}$")),
    responses((status = 200, description = "The account.", body = Envelope<AccountView>)),
    security(("apiKey" = ["accounts:read"]), ("bearer" = ["accounts:read"])))]
pub async fn get_account(
    State(app): State<Api>,
    Allowed(caller): Allowed<ACCOUNTS_READ>,
    PathId(id): PathId<AccountId>,
    _: NoParams,
) -> Result<Response, Problem> {
    let account = existing(&app, caller.client, id).await?;
    let balance = app.reader.get::<Balance>(Key::of(caller.client, id.0)).await?;
    let balance = balance.ok_or_else(|| Problem::internal(format!("the account {id} has no balance")))?;
    Ok(reply::versioned("Account fetched successfully.", account.version, &AccountView::of(&account, &balance)))
}
