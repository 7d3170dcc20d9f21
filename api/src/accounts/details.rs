//! `/accounts/{accountId}/details`: bank accounts and wallet addresses.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use paygen_core::accounts::{Account, CreateDetail, DeleteDetail, Detail, DetailView, UpdateDetail};
use paygen_core::ids::{AccountId, ClientId, DetailId};
use paygen_core::record::Key;
use paygen_core::view::Pictured;
use paygen_core::{Command, Outcome, Refusal};
use paygen_store::lists::details as columns;
use paygen_store::query::Filter;

use super::bodies::{CreateDetailBody, UpdateDetailBody};
use crate::Api;
use crate::body::{Body, NoBody};
use crate::fields;
use crate::gate::{ACCOUNTS_READ, ACCOUNTS_WRITE, Allowed};
use crate::lists::{self, ListParams, ListSpec};
use crate::path::{PathId, PathIds};
use crate::problem::Problem;
use crate::query::{NoParams, Query};
use crate::reply::{self, Envelope, ListEnvelope};
use crate::write::{IfMatch, Success, Write, WriteParams};

fn shown(outcome: &Outcome) -> Option<Pictured<DetailView>> {
    match outcome {
        Outcome::Detail(view) => Some(view.clone()),
        _ => None,
    }
}

/// Create an account detail
///
/// Adds a bank account or wallet address to an account. The first detail of a type becomes its primary one. Check
/// digits of IBAN, ABA, NUBAN and EVM addresses are verified where the format is recognized.
#[utoipa::path(post, path = "/accounts/{accountId}/details", tag = "Accounts", operation_id = "createAccountDetail",
    request_body = CreateDetailBody,
    params(("accountId" = String, Path, description = "The account.", pattern = "^[0-9a-f]{24}$"),
        WriteParams),
    responses((status = 201, description = "The detail.", body = Envelope<DetailView>)),
    security(("apiKey" = ["accounts:write"]), ("bearer" = ["accounts:write"])))]
pub async fn create_detail(
    State(app): State<Api>,
    Allowed(caller): Allowed<ACCOUNTS_WRITE>,
    PathId(account): PathId<AccountId>,
    write: Write,
    body: Body<CreateDetailBody>,
) -> Result<Response, Problem> {
    let value = body.value;
    let command = Command::CreateDetail(CreateDetail {
        account,
        kind: value.kind,
        details: value.details.map(Into::into),
        provider: value.provider.map(Into::into),
        is_primary: value.is_primary,
    });
    let success = Success::new(StatusCode::CREATED, "Account detail created successfully.", shown);
    write.perform(&app, &caller, &body.canonical, command, success).await
}

const SPEC: ListSpec = ListSpec::of::<DetailView>(columns::FIELDS);

/// List account details
///
/// The bank accounts and wallet addresses of an account.
#[utoipa::path(get, path = "/accounts/{accountId}/details", tag = "Accounts", operation_id = "listAccountDetails",
    params(("accountId" = String, Path, description = "The account.", pattern = "^[0-9a-f]{24}$"), ListParams),
    responses((status = 200, description = "The details.", body = ListEnvelope<DetailView>)),
    security(("apiKey" = ["accounts:read"]), ("bearer" = ["accounts:read"])))]
pub async fn list_details(
    State(app): State<Api>,
    Allowed(caller): Allowed<ACCOUNTS_READ>,
    PathId(account): PathId<AccountId>,
    Query(params): Query,
) -> Result<Response, Problem> {
    let only_its = vec![Filter::equals(columns::ACCOUNT, account.0)];
    let list = lists::read(&SPEC, params, caller.client, only_its, app.settings.list_timeout_ms)?;
    existing(&app, caller.client, account).await?;
    let page = app.reader.list::<columns::List>(&list.query).await?;
    list.reply(page, DetailView::of)
}

/// Retrieve an account detail
///
/// One bank account or wallet address of an account.
#[utoipa::path(get, path = "/accounts/{accountId}/details/{detailId}", tag = "Accounts", operation_id = "getAccountDetail",
    params(("accountId" = String, Path, description = "The account.", pattern = "^[0-9a-f]{24}$"),
        ("detailId" = String, Path, description = "The detail.", pattern = "^[0-9a-f]{24}$")),
    responses((status = 200, description = "The detail.", body = Envelope<DetailView>)),
    security(("apiKey" = ["accounts:read"]), ("bearer" = ["accounts:read"])))]
pub async fn get_detail(
    State(app): State<Api>,
    Allowed(caller): Allowed<ACCOUNTS_READ>,
    PathIds(account, id): PathIds<AccountId, DetailId>,
    _: NoParams,
) -> Result<Response, Problem> {
    let found = app.reader.get::<Detail>(Key::of(caller.client, id.0)).await?;
    let detail = found.filter(|detail| detail.account == account).ok_or(Refusal::DetailNotFound)?;
    Ok(reply::versioned("Account detail fetched successfully.", detail.version, &DetailView::of(&detail)))
}

/// Update an account detail
///
/// Omitted fields keep their values.
#[utoipa::path(put, path = "/accounts/{accountId}/details/{detailId}", tag = "Accounts", operation_id = "updateAccountDetail",
    request_body = UpdateDetailBody,
    params(("accountId" = String, Path, description = "The account.", pattern = "^[0-9a-f]{24}$"),
        ("detailId" = String, Path, description = "The detail.", pattern = "^[0-9a-f]{24}$"),
        WriteParams, IfMatch),
    responses((status = 200, description = "The detail.", body = Envelope<DetailView>)),
    security(("apiKey" = ["accounts:write"]), ("bearer" = ["accounts:write"])))]
pub async fn update_detail(
    State(app): State<Api>,
    Allowed(caller): Allowed<ACCOUNTS_WRITE>,
    PathIds(account, id): PathIds<AccountId, DetailId>,
    write: Write,
    body: Body<UpdateDetailBody>,
) -> Result<Response, Problem> {
    let value = body.value;
    let command = Command::UpdateDetail(UpdateDetail {
        account,
        id,
        kind: value.kind,
        details: value.details.into_option(),
        provider: value.provider.into_option(),
        is_primary: value.is_primary,
        echo: fields::echo([], value.echo),
        if_match: write.if_match,
    });
    let success = Success::new(StatusCode::OK, "Account detail updated successfully.", shown);
    write.perform(&app, &caller, &body.canonical, command, success).await
}

/// Delete an account detail
///
/// Removes the detail from the account.
#[utoipa::path(delete, path = "/accounts/{accountId}/details/{detailId}", tag = "Accounts",
    operation_id = "deleteAccountDetail",
    params(("accountId" = String, Path, description = "The account.", pattern = "^[0-9a-f]{24}$"),
        ("detailId" = String, Path, description = "The detail.", pattern = "^[0-9a-f]{24}$"),
        WriteParams, IfMatch),
    responses((status = 200, description = "The removed detail.", body = Envelope<DetailView>)),
    security(("apiKey" = ["accounts:write"]), ("bearer" = ["accounts:write"])))]
pub async fn delete_detail(
    State(app): State<Api>,
    Allowed(caller): Allowed<ACCOUNTS_WRITE>,
    PathIds(account, id): PathIds<AccountId, DetailId>,
    write: Write,
    _body: NoBody,
) -> Result<Response, Problem> {
    let command = Command::DeleteDetail(DeleteDetail { account, id, if_match: write.if_match });
    let success = Success::new(StatusCode::OK, "Account detail deleted successfully.", shown);
    write.perform(&app, &caller, "", command, success).await
}

/// The account, or the error that this client has none with this id.
pub(super) async fn existing(app: &Api, client: ClientId, id: AccountId) -> Result<Account, Problem> {
    let found = app.reader.get::<Account>(Key::of(client, id.0)).await?;
    Ok(found.ok_or(Refusal::AccountNotFound { id, field: None })?)
}
