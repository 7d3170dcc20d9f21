//! `/transactions`: transactions posted to cards.

use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue};
use axum::response::Response;
use paygen_core::Refusal;
use paygen_core::cards::Card;
use paygen_core::ids::{CardId, TransactionId};
use paygen_core::record::Key;
use paygen_core::transactions::{Transaction, TransactionView};
use paygen_store::lists::transactions as columns;
use paygen_store::query::Filter;

use crate::Api;
use crate::csv::{self, Sheet};
use crate::gate::{AUTHORIZATIONS_READ, Allowed, Caller};
use crate::lists::{self, ListParams, ListSpec};
use crate::path::PathId;
use crate::problem::Problem;
use crate::query::{NoParams, Params, Query};
use crate::reply::{self, Envelope, ListEnvelope};

const SPEC: ListSpec = ListSpec::of::<TransactionView>(columns::FIELDS);

/// List transactions
///
/// Transactions posted to cards; spending is negative, a refund positive. With `Accept: text/csv` all rows that match
/// `filter` and `search` are streamed as CSV; `page`, `limit`, `cursor`, `fields` and `populate` are then a 400.
#[utoipa::path(get, path = "/transactions", tag = "Transactions", operation_id = "listTransactions",
    params(ListParams),
    responses((status = 200, description = "The transactions.", content(
        (ListEnvelope<TransactionView> = "application/json"), (String = "text/csv")))),
    security(("apiKey" = ["authorizations:read"]), ("bearer" = ["authorizations:read"])))]
pub async fn list_transactions(
    State(app): State<Api>,
    Allowed(caller): Allowed<AUTHORIZATIONS_READ>,
    headers: HeaderMap,
    Query(params): Query,
) -> Result<Response, Problem> {
    list(&app, &caller, &headers, params, caller.only_seen(columns::CARD, columns::CARD_HOLDER)).await
}

/// List a card's transactions
///
/// Transactions posted to this card. With `Accept: text/csv` all rows that match `filter` and `search` are streamed as
/// CSV; `page`, `limit`, `cursor`, `fields` and `populate` are then a 400.
#[utoipa::path(get, path = "/cards/{cardId}/transactions", tag = "Cards", operation_id = "listCardTransactions",
    params(("cardId" = String, Path, description = "The card.", pattern = "^[0-9a-f]{24}$"), ListParams),
    responses((status = 200, description = "The transactions.", content(
        (ListEnvelope<TransactionView> = "application/json"), (String = "text/csv")))),
    security(("apiKey" = ["authorizations:read"]), ("bearer" = ["authorizations:read"])))]
pub async fn list_card_transactions(
    State(app): State<Api>,
    Allowed(caller): Allowed<AUTHORIZATIONS_READ>,
    PathId(id): PathId<CardId>,
    headers: HeaderMap,
    Query(params): Query,
) -> Result<Response, Problem> {
    let card = app.reader.get::<Card>(Key::of(caller.client, id.0)).await?;
    let card = card.filter(|card| caller.sees_card(card.id, card.card_holder));
    card.ok_or(Refusal::CardNotFound)?;
    list(&app, &caller, &headers, params, vec![Filter::equals(columns::CARD, id.0)]).await
}

async fn list(
    app: &Api,
    caller: &Caller,
    headers: &HeaderMap,
    params: Params,
    only: Vec<Filter>,
) -> Result<Response, Problem> {
    let timeout = app.settings.list_timeout_ms;
    let terms = app.terms.clone();
    let show = move |posted: &Transaction| TransactionView::of(posted, &terms.environment);
    if csv::is_wanted(headers) {
        let query = lists::read_whole(&SPEC, params, caller.client, only, timeout)?;
        return csv::reply::<columns::List, _>(&app.reader, query, &SHEET, show).await;
    }
    let list = lists::read(&SPEC, params, caller.client, only, timeout)?;
    let page = app.reader.list::<columns::List>(&list.query).await?;
    list.reply(page, show)
}

const SHEET: Sheet = Sheet {
    file: HeaderValue::from_static("attachment; filename=\"transactions.csv\""),
    first: &[
        "_id",
        "createdAt",
        "type",
        "amount",
        "fee",
        "vat",
        "currency",
        "merchantAmount",
        "merchantCurrency",
        "merchant.name",
        "merchant.category",
        "cardId",
        "authorizationId",
        "networkTransactionId",
        "entryId",
    ],
    without: &["merchant", "terminal", "transactionMetadata", "metadata"],
};

/// Retrieve a transaction
///
/// One transaction.
#[utoipa::path(get, path = "/transactions/{transactionId}", tag = "Transactions", operation_id = "getTransaction",
    params(("transactionId" = String, Path, description = "The transaction.", pattern = "^[0-9a-f]{24}$")),
    responses((status = 200, description = "The transaction.", body = Envelope<TransactionView>)),
    security(("apiKey" = ["authorizations:read"]), ("bearer" = ["authorizations:read"])))]
pub async fn get_transaction(
    State(app): State<Api>,
    Allowed(caller): Allowed<AUTHORIZATIONS_READ>,
    PathId(id): PathId<TransactionId>,
    _: NoParams,
) -> Result<Response, Problem> {
    let found = app.reader.get::<Transaction>(Key::of(caller.client, id.0)).await?;
    let found = found.filter(|posted| caller.sees_card(posted.card, posted.card_holder));
    let found = found.ok_or(Refusal::TransactionNotFound)?;
    Ok(reply::ok("Transaction fetched successfully.", &TransactionView::of(&found, &app.terms.environment)))
}
