//! `GET /accounts/{accountId}/limits`.

use axum::extract::State;
use axum::response::Response;
use paygen_core::ids::AccountId;
use paygen_core::limits::LimitLevel;

use super::details::existing;
use crate::Api;
use crate::gate::{ACCOUNTS_READ, Unbound};
use crate::limit_use::{LimitUse, of_shared, shown};
use crate::path::PathId;
use crate::problem::Problem;
use crate::query::NoParams;
use crate::reply::{self, Envelope};

/// Retrieve an account's limits
///
/// Each limit of all cards that the account funds together, with its usage and remainder, when it resets, and which one
/// binds.
#[utoipa::path(get, path = "/accounts/{accountId}/limits", tag = "Accounts", operation_id = "getAccountLimits",
    params(("accountId" = String, Path, description = "The account.", pattern = "^[0-9a-f]{24}$")),
    responses((status = 200, description = "The limits.", body = Envelope<Vec<LimitUse>>)),
    security(("apiKey" = ["accounts:read"]), ("bearer" = ["accounts:read"])))]
pub async fn get_account_limits(
    State(app): State<Api>,
    Unbound(caller): Unbound<ACCOUNTS_READ>,
    PathId(id): PathId<AccountId>,
    _: NoParams,
) -> Result<Response, Problem> {
    let account = existing(&app, caller.client, id).await?;
    let (limits, currency) = (&account.limits, Some(account.currency));
    let uses = of_shared(&app, caller.client, LimitLevel::Account, account.id.0, limits, currency).await?;
    Ok(reply::ok("Account limits fetched successfully.", &shown(uses)))
}
