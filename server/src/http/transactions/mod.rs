//! `/transactions`: what was posted to cards.

use axum::extract::State;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use paygen_core::Refusal;
use paygen_core::authorizations::{Posted, PostingType, TransactionView};
use paygen_core::cards::Card;
use paygen_core::ids::{CardId, PostingId};
use paygen_core::record::Key;
use paygen_store::lists::transactions as columns;
use paygen_store::query::Filter;

use crate::app::App;
use crate::http::filter::FieldKind;
use crate::http::gate::{AUTHORIZATIONS_READ, Allowed, Caller};
use crate::http::lists::{self, ListField, ListParams, ListSpec, field, fixed, searched};
use crate::http::path::PathId;
use crate::http::problem::Problem;
use crate::http::query::{Params, Query};
use crate::http::reply::{self, Envelope, ListEnvelope};

const FIELDS: &[ListField] = &[
    field("_id", columns::ID, FieldKind::Id),
    field("cardId", columns::CARD, FieldKind::Id),
    field("cardHolderId", columns::CARD_HOLDER, FieldKind::Id),
    field("accountId", columns::ACCOUNT, FieldKind::Id),
    field("authorizationId", columns::AUTHORIZATION, FieldKind::Id),
    field("type", columns::TYPE, FieldKind::Choice(PostingType::WORDS)),
    searched("currency", columns::CURRENCY),
    field("amount", columns::AMOUNT, FieldKind::Money),
    field("fee", columns::FEE, FieldKind::Money),
    field("vat", columns::VAT, FieldKind::Money),
    searched("merchantCurrency", columns::MERCHANT_CURRENCY),
    searched("merchant.category", columns::MERCHANT_CATEGORY),
    searched("merchant.name", columns::MERCHANT_NAME),
    searched("networkTransactionId", columns::NETWORK_TRANSACTION_ID),
    field("createdAt", columns::CREATED_AT, FieldKind::Time),
    field("updatedAt", columns::UPDATED_AT, FieldKind::Time),
];

const SPEC: ListSpec = ListSpec {
    fields: FIELDS,
    returned: &[
        "_id",
        "amount",
        "fee",
        "vat",
        "currency",
        "type",
        "merchantAmount",
        "merchantCurrency",
        "merchant",
        "terminal",
        "transactionMetadata",
        "metadata",
        "cardId",
        "cardHolderId",
        "accountId",
        "authorizationId",
        "authorizationCode",
        "networkTransactionId",
        "originalTransactionId",
        "refundedAmount",
        "entryId",
        "createdAt",
        "updatedAt",
    ],
    populate: &[],
    default_sort: "-createdAt",
};

/// List transactions
///
/// What was posted to cards: spending is negative, a refund positive. With `Accept: text/csv` as CSV.
#[utoipa::path(get, path = "/transactions", tag = "Transactions", operation_id = "listTransactions",
    params(ListParams),
    responses((status = 200, description = "The transactions.", content(
        (ListEnvelope<TransactionView> = "application/json"), (String = "text/csv")))),
    security(("apiKey" = ["authorizations:read"]), ("bearer" = ["authorizations:read"])))]
pub async fn list_transactions(
    State(app): State<App>,
    Allowed(caller): Allowed<AUTHORIZATIONS_READ>,
    headers: axum::http::HeaderMap,
    Query(params): Query,
) -> Result<Response, Problem> {
    let bound = caller.bound;
    let card = bound.and_then(|bound| bound.card).map(|card| fixed(columns::CARD, card.0));
    let holder = bound.and_then(|bound| bound.card_holder).map(|holder| fixed(columns::CARD_HOLDER, holder.0));
    list(&app, &caller, &headers, params, card.into_iter().chain(holder).collect()).await
}

/// List a card's transactions
///
/// What was posted to this card. With `Accept: text/csv` as CSV.
#[utoipa::path(get, path = "/cards/{cardId}/transactions", tag = "Cards", operation_id = "listCardTransactions",
    params(("cardId" = String, Path, description = "The card.", pattern = "^[0-9a-f]{24}$"), ListParams),
    responses((status = 200, description = "The transactions.", content(
        (ListEnvelope<TransactionView> = "application/json"), (String = "text/csv")))),
    security(("apiKey" = ["authorizations:read"]), ("bearer" = ["authorizations:read"])))]
pub async fn list_card_transactions(
    State(app): State<App>,
    Allowed(caller): Allowed<AUTHORIZATIONS_READ>,
    PathId(id): PathId<CardId>,
    headers: axum::http::HeaderMap,
    Query(params): Query,
) -> Result<Response, Problem> {
    let card = app.reader.get::<Card>(Key::of(caller.client, id.0)).await?;
    let card = card.filter(|card| caller.sees_card(card.id, card.card_holder));
    card.ok_or_else(|| Problem::from(&Refusal::CardNotFound))?;
    list(&app, &caller, &headers, params, vec![fixed(columns::CARD, id.0)]).await
}

async fn list(
    app: &App,
    caller: &Caller,
    headers: &axum::http::HeaderMap,
    params: Params,
    only: Vec<Filter>,
) -> Result<Response, Problem> {
    let list = lists::read(&SPEC, params, caller.client, only, app.config.list_timeout_ms)?;
    let page = app.reader.list::<columns::List>(&list.query).await?;
    let environment = &app.terms.environment;
    let accepts = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if accepts.contains("text/csv") {
        return Ok(csv(&page.rows));
    }
    list.reply(page, |posted| TransactionView::of(posted, environment))
}

const HEADINGS: &str = "_id,createdAt,type,amount,fee,vat,currency,merchantAmount,merchantCurrency,merchantName,\
                        merchantCategory,cardId,authorizationId,networkTransactionId,entryId";

fn csv(rows: &[Posted]) -> Response {
    let mut text = String::from(HEADINGS);
    text.push_str("\r\n");
    for row in rows {
        let minor = |amount| paygen_core::money::format_minor(amount, row.currency.exponent());
        // Kept without a sign; spending is negative on both sides.
        let signed = row.merchant_amount * row.amount.signum();
        let of_merchant = paygen_core::money::format_minor(signed, row.merchant_currency.exponent());
        let cells = [
            row.id.to_string(),
            row.created_at.to_string(),
            row.kind.to_string(),
            minor(row.amount),
            minor(row.fee),
            minor(row.vat),
            row.currency.to_string(),
            of_merchant,
            row.merchant_currency.to_string(),
            quoted(&row.merchant.name),
            quoted(&row.merchant.category),
            row.card.to_string(),
            row.authorization.map(|id| id.to_string()).unwrap_or_default(),
            quoted(&row.trace.transaction_id),
            row.entry.to_string(),
        ];
        text.push_str(&cells.join(","));
        text.push_str("\r\n");
    }
    ([(header::CONTENT_TYPE, HeaderValue::from_static("text/csv; charset=utf-8"))], text).into_response()
}

/// A text as a cell (RFC 4180). A leading sign would be a formula to spreadsheets.
fn quoted(text: &str) -> String {
    let guard = if text.starts_with(['=', '+', '-', '@', '\t', '\r']) { "'" } else { "" };
    format!("\"{guard}{}\"", text.replace('"', "\"\""))
}

/// Fetch a transaction
///
/// One transaction.
#[utoipa::path(get, path = "/transactions/{transactionId}", tag = "Transactions", operation_id = "getTransaction",
    params(("transactionId" = String, Path, description = "The transaction.", pattern = "^[0-9a-f]{24}$")),
    responses((status = 200, description = "The transaction.", body = Envelope<TransactionView>)),
    security(("apiKey" = ["authorizations:read"]), ("bearer" = ["authorizations:read"])))]
pub async fn get_transaction(
    State(app): State<App>,
    Allowed(caller): Allowed<AUTHORIZATIONS_READ>,
    PathId(id): PathId<PostingId>,
    Query(params): Query,
) -> Result<Response, Problem> {
    params.finish(&[])?;
    let found = app.reader.get::<Posted>(Key::of(caller.client, id.0)).await?;
    let found = found.filter(|posted| caller.sees_card(posted.card, posted.card_holder));
    let found = found.ok_or_else(|| Problem::from(&Refusal::TransactionNotFound))?;
    Ok(reply::ok("Transaction fetched successfully.", &TransactionView::of(&found, &app.terms.environment)))
}
