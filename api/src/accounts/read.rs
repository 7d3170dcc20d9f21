//! `GET /accounts` and `GET /accounts/{accountId}`.

use axum::extract::State;
use axum::response::Response;
use paygen_core::accounts::{AccountStatus, AccountType, AccountView, CategoryWord, OwnerType};
use paygen_core::ids::AccountId;
use paygen_core::ledger::Balance;
use paygen_core::record::Key;
use paygen_store::lists::accounts as columns;

use super::details::existing;
use crate::Api;
use crate::filter::FieldKind;
use crate::gate::{ACCOUNTS_READ, Allowed};
use crate::lists::{self, ListField, ListParams, ListSpec, currency, deleted, field, searched};
use crate::path::PathId;
use crate::problem::Problem;
use crate::query::Query;
use crate::reply::{self, Envelope, ListEnvelope};

const FIELDS: &[ListField] = &[
    field("_id", columns::ID, FieldKind::Id),
    field("ownerType", columns::OWNER_TYPE, FieldKind::Choice(OwnerType::WORDS)),
    searched("ownerId", columns::OWNER_ID),
    field("client", columns::CLIENT, FieldKind::Id),
    searched("name", columns::NAME),
    field("type", columns::TYPE, FieldKind::Choice(AccountType::WORDS)),
    field("category", columns::CATEGORY, FieldKind::Choice(CategoryWord::WORDS)),
    field("status", columns::STATUS, FieldKind::Choice(AccountStatus::WORDS)),
    currency("currency", columns::CURRENCY),
    searched("network", columns::NETWORK),
    field("balance", columns::AVAILABLE, FieldKind::Money),
    field("availableBalance", columns::AVAILABLE, FieldKind::Money),
    field("ledgerBalance", columns::LEDGER, FieldKind::Money),
    field("heldBalance", columns::HELD, FieldKind::Money),
    field("creditLimit", columns::CREDIT_LIMIT, FieldKind::Money),
    field("canDebit", columns::CAN_DEBIT, FieldKind::Boolean),
    field("canCredit", columns::CAN_CREDIT, FieldKind::Boolean),
    field("version", columns::VERSION, FieldKind::Integer),
    field("createdAt", columns::CREATED_AT, FieldKind::Time),
    field("updatedAt", columns::UPDATED_AT, FieldKind::Time),
    deleted(columns::ID),
];

const SPEC: ListSpec =
    ListSpec { fields: FIELDS, returned: AccountView::FIELDS, aliases: &[], populate: &[], default_sort: "-createdAt" };

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
    let list = lists::read(&SPEC, params, caller.client, Vec::new(), app.settings.list_timeout_ms)?;
    let page = app.reader.list::<columns::List>(&list.query).await?;
    list.reply(page, |(account, balance)| AccountView::of(account, balance))
}

/// Retrieve an account
///
/// Its settings, and what it holds now.
#[utoipa::path(get, path = "/accounts/{accountId}", tag = "Accounts", operation_id = "getAccount",
    params(("accountId" = String, Path, description = "The account.", pattern = "^[0-9a-f]{24}$")),
    responses((status = 200, description = "The account.", body = Envelope<AccountView>)),
    security(("apiKey" = ["accounts:read"]), ("bearer" = ["accounts:read"])))]
pub async fn get_account(
    State(app): State<Api>,
    Allowed(caller): Allowed<ACCOUNTS_READ>,
    PathId(id): PathId<AccountId>,
    Query(params): Query,
) -> Result<Response, Problem> {
    params.finish(&[])?;
    let account = existing(&app, caller.client, id).await?;
    let balance = app.reader.get::<Balance>(Key::of(caller.client, id.0)).await?;
    let balance = balance.ok_or_else(|| Problem::internal(format!("the account {id} has no balance")))?;
    Ok(reply::versioned("Account fetched successfully.", account.version, &AccountView::of(&account, &balance)))
}
