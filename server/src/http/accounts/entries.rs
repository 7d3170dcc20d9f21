//! `GET /accounts/{accountId}/entries`: every line and hold change with the balance after it, as JSON or CSV.

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use paygen_core::ids::AccountId;
use paygen_core::ledger::{Entry, EntryKind, Line};
use paygen_core::view::Money;
use paygen_store::lists::lines as columns;
use paygen_store::query::{ListQuery, Paging};
use serde::Serialize;

use super::details::existing;
use crate::app::App;
use crate::http::filter::FieldKind;
use crate::http::gate::{ACCOUNTS_READ, Allowed};
use crate::http::lists::{self, ListField, ListParams, ListSpec, field, fixed, searched};
use crate::http::path::PathId;
use crate::http::problem::Problem;
use crate::http::query::Query;
use crate::http::reply::ListEnvelope;

/// A line of an account.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = AccountEntry)]
pub struct EntryView {
    /// The ledger entry.
    #[serde(rename = "_id")]
    id: String,
    /// Its number on the account, from 1 without gaps.
    seq: i64,
    /// What it is about.
    kind: EntryKind,
    /// What it added to the posted balance.
    amount: Money,
    /// What it added to the held balance.
    held_amount: Money,
    /// The posted balance after it.
    ledger_balance: Money,
    /// The held balance after it.
    held_balance: Money,
    /// The account's currency.
    currency: String,
    /// The authorization it belongs to.
    #[schema(required = true)]
    authorization_id: Option<String>,
    /// The object that caused it, such as a transfer.
    #[schema(required = true)]
    source_id: Option<String>,
    /// The caller's reference.
    #[schema(required = true)]
    reference: Option<String>,
    /// The caller's words.
    #[schema(required = true)]
    narration: Option<String>,
    /// Whether the network imposed it.
    forced: bool,
    /// When.
    #[schema(value_type = String, format = DateTime)]
    created_at: String,
}

impl EntryView {
    fn of((line, entry): &(Line, Entry)) -> EntryView {
        let money = |minor| Money::new(minor, line.currency);
        EntryView {
            id: line.entry.to_string(),
            seq: line.seq,
            kind: line.kind,
            amount: money(line.delta),
            held_amount: money(line.held_delta),
            ledger_balance: money(line.ledger_after),
            held_balance: money(line.held_after),
            currency: line.currency.code().to_owned(),
            authorization_id: line.authorization.map(|id| id.to_string()),
            source_id: entry.source.map(|id| id.to_string()),
            reference: entry.reference.clone(),
            narration: entry.narration.clone(),
            forced: line.forced,
            created_at: line.at.to_string(),
        }
    }

    fn csv(&self) -> String {
        let text = |text: &Option<String>| text.as_deref().map(quoted).unwrap_or_default();
        format!(
            "{},{},{},{},{},{},{},{},{},{},{},{},{},{}\r\n",
            self.seq,
            self.id,
            self.kind,
            self.amount.as_str(),
            self.held_amount.as_str(),
            self.ledger_balance.as_str(),
            self.held_balance.as_str(),
            self.currency,
            text(&self.authorization_id),
            text(&self.source_id),
            text(&self.reference),
            text(&self.narration),
            self.forced,
            self.created_at,
        )
    }
}

const CSV_HEADING: &str = "seq,_id,kind,amount,heldAmount,ledgerBalance,heldBalance,currency,authorizationId,sourceId,\
                           reference,narration,forced,createdAt\r\n";

/// RFC 4180, and no text that a spreadsheet would run as a formula.
fn quoted(text: &str) -> String {
    let risky = text.starts_with(['=', '+', '-', '@', '\t', '\r']);
    let text = text.replace('"', "\"\"");
    if risky { format!("\"'{text}\"") } else { format!("\"{text}\"") }
}

const FIELDS: &[ListField] = &[
    field("_id", columns::ENTRY, FieldKind::Id),
    field("seq", columns::SEQ, FieldKind::Integer),
    field("kind", columns::KIND, FieldKind::Choice(EntryKind::WORDS)),
    field("amount", columns::AMOUNT, FieldKind::Money),
    field("heldAmount", columns::HELD_AMOUNT, FieldKind::Money),
    field("ledgerBalance", columns::LEDGER_BALANCE, FieldKind::Money),
    field("heldBalance", columns::HELD_BALANCE, FieldKind::Money),
    field("authorizationId", columns::AUTHORIZATION, FieldKind::Id),
    field("sourceId", columns::SOURCE, FieldKind::Id),
    searched("reference", columns::REFERENCE),
    searched("narration", columns::NARRATION),
    field("forced", columns::FORCED, FieldKind::Boolean),
    field("createdAt", columns::AT, FieldKind::Time),
];

const SPEC: ListSpec = ListSpec {
    fields: FIELDS,
    returned: &[
        "_id",
        "seq",
        "kind",
        "amount",
        "heldAmount",
        "ledgerBalance",
        "heldBalance",
        "currency",
        "authorizationId",
        "sourceId",
        "reference",
        "narration",
        "forced",
        "createdAt",
    ],
    populate: &[],
    default_sort: "-seq",
};

/// List an account's entries
///
/// Every line and hold change of the account, with the balances after it. With `Accept: text/csv` all that match
/// are streamed as CSV, oldest first unless another sort is asked for.
#[utoipa::path(get, path = "/accounts/{accountId}/entries", tag = "Accounts", operation_id = "listAccountEntries",
    params(("accountId" = String, Path, description = "The account.", pattern = "^[0-9a-f]{24}$"), ListParams),
    responses((status = 200, description = "The entries.", content(
        (ListEnvelope<EntryView> = "application/json"), (String = "text/csv")))),
    security(("apiKey" = ["accounts:read"]), ("bearer" = ["accounts:read"])))]
pub async fn list_entries(
    State(app): State<App>,
    Allowed(caller): Allowed<ACCOUNTS_READ>,
    PathId(id): PathId<AccountId>,
    Query(params): Query,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let only_its = vec![fixed(columns::ACCOUNT, id.0)];
    let as_csv = wants_csv(&headers);
    let spec = if as_csv { ListSpec { default_sort: "seq", ..SPEC } } else { SPEC };
    let list = lists::read(&spec, params, caller.client, only_its, app.config.list_timeout_ms)?;
    existing(&app, caller.client, id).await?;
    if as_csv {
        return Ok(csv(app, list.query));
    }
    let page = app.reader.list::<columns::List>(&list.query).await?;
    list.reply(page, EntryView::of)
}

fn wants_csv(headers: &HeaderMap) -> bool {
    let accept = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    accept.split(',').any(|kind| kind.trim().to_ascii_lowercase().starts_with("text/csv"))
}

/// Streams every row, a page at a time, so that memory stays bounded however long the history is.
fn csv(app: App, query: ListQuery) -> Response {
    let first = ListQuery { paging: Paging::After(None), limit: 1000, ..query };
    let pages = stream::try_unfold((app, Some(first), true), |(app, query, heading)| async move {
        let Some(query) = query else { return Ok::<_, std::io::Error>(None) };
        let page = app.reader.list::<columns::List>(&query).await.map_err(std::io::Error::other)?;
        let mut text = if heading { CSV_HEADING.to_owned() } else { String::new() };
        page.rows.iter().for_each(|row| text.push_str(&EntryView::of(row).csv()));
        let next = page.next.map(|after| ListQuery { paging: Paging::After(Some(after)), ..query });
        Ok(Some((text, (app, next, false))))
    });
    let kind = HeaderValue::from_static("text/csv; charset=utf-8");
    let name = HeaderValue::from_static("attachment; filename=\"entries.csv\"");
    ([(header::CONTENT_TYPE, kind), (header::CONTENT_DISPOSITION, name)], Body::from_stream(pages)).into_response()
}
