//! `PUT /accounts/{accountId}` and `DELETE /accounts/{accountId}`.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use paygen_core::Command;
use paygen_core::access::Scope;
use paygen_core::accounts::{AccountView, CloseAccount, UpdateAccount};
use paygen_core::ids::AccountId;
use paygen_core::money::Decimal;

use super::bodies::UpdateAccountBody;
use super::create::{limits_in, same_client, shown};
use super::details::existing;
use crate::Api;
use crate::body::{Body, Change, NoBody};
use crate::fields::{self, Text};
use crate::gate::{ACCOUNTS_WRITE, Allowed, Caller};
use crate::path::PathId;
use crate::problem::Problem;
use crate::reply::Envelope;
use crate::write::{IfMatch, Success, Write, WriteParams};

/// Update an account
///
/// Omitted fields keep their values; `null` removes `ownerId`, `network`, `metadata` and `creditLimit`. Read-only
/// fields may be sent back unchanged. A different `balance` is posted as a ledger entry against the settlement account;
/// this requires the scope `accounts:adjust` and `If-Match`.
#[utoipa::path(put, path = "/accounts/{accountId}", tag = "Accounts", operation_id = "updateAccount",
    request_body = UpdateAccountBody,
    params(("accountId" = String, Path, description = "The account.", pattern = "^[0-9a-f]{24}$"),
        WriteParams, IfMatch),
    responses((status = 200, description = "The account.", body = Envelope<AccountView>)),
    security(("apiKey" = ["accounts:write"]), ("bearer" = ["accounts:write"])))]
pub async fn update_account(
    State(app): State<Api>,
    Allowed(caller): Allowed<ACCOUNTS_WRITE>,
    PathId(id): PathId<AccountId>,
    write: Write,
    body: Body<UpdateAccountBody>,
) -> Result<Response, Problem> {
    same_client(body.value.client.as_ref().map(Text::as_str), &caller)?;
    let command = match command(&app, id, body.value, &write, &caller).await {
        Ok(command) => command,
        Err(trouble) => return write.or_replay(&app, &caller, &body.canonical, trouble).await,
    };
    let success = Success::new(StatusCode::OK, "Account updated successfully.", shown);
    write.perform(&app, &caller, &body.canonical, Command::UpdateAccount(Box::new(command)), success).await
}

async fn command(
    app: &Api,
    id: AccountId,
    mut body: UpdateAccountBody,
    write: &Write,
    caller: &Caller,
) -> Result<UpdateAccount, Problem> {
    let limits = match std::mem::take(&mut body.spending_limits) {
        Change::Keep => None,
        Change::Clear => Some((None, Vec::new())),
        Change::Set(limits) => {
            let stored = existing(app, caller.client, id).await?;
            let code = body.currency.as_ref().map_or(stored.currency.code(), Text::as_str);
            let category = body.category.unwrap_or(stored.category);
            let (currency, limits) = limits_in(limits, code, category)?;
            Some((Some(currency), limits))
        }
    };
    let amounts = [
        ("/availableBalance", body.available_balance),
        ("/ledgerBalance", body.ledger_balance),
        ("/heldBalance", body.held_balance),
    ];
    Ok(UpdateAccount {
        id,
        owner_type: body.owner_type.map(Into::into),
        owner_id: body.owner_id.into_option(),
        name: body.name.map(Into::into),
        kind: body.kind,
        category: body.category,
        status: body.status,
        currency: body.currency.map(Into::into),
        network: body.network.into_option(),
        balance: body.balance,
        credit_limit: match body.credit_limit {
            Change::Keep => None,
            Change::Clear => Some(Decimal::ZERO),
            Change::Set(limit) => Some(limit),
        },
        can_debit: body.can_debit,
        can_credit: body.can_credit,
        metadata: body.metadata.into_option(),
        limits,
        echo: fields::echo(amounts, body.echo),
        if_match: write.if_match,
        may_adjust: caller.scopes.has(Scope::AccountsAdjust),
    })
}

/// Close an account
///
/// Closes an account, which is final. It must have no balance, no hold and no card that is not canceled; otherwise the
/// answer is a 409 with the reason.
#[utoipa::path(delete, path = "/accounts/{accountId}", tag = "Accounts", operation_id = "closeAccount",
    params(("accountId" = String, Path, description = "The account.", pattern = "^[0-9a-f]{24}$"),
        WriteParams, IfMatch),
    responses((status = 200, description = "The closed account.", body = Envelope<AccountView>)),
    security(("apiKey" = ["accounts:write"]), ("bearer" = ["accounts:write"])))]
pub async fn close_account(
    State(app): State<Api>,
    Allowed(caller): Allowed<ACCOUNTS_WRITE>,
    PathId(id): PathId<AccountId>,
    write: Write,
    _body: NoBody,
) -> Result<Response, Problem> {
    let command = Command::CloseAccount(CloseAccount { id, if_match: write.if_match });
    let success = Success::new(StatusCode::OK, "Account closed successfully.", shown);
    write.perform(&app, &caller, "", command, success).await
}
