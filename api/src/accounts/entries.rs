//! `GET /accounts/{accountId}/entries`: every line and hold change with the balance after it, as JSON or CSV.

use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue};
use axum::response::Response;
use paygen_core::ids::AccountId;
use paygen_core::ledger::{Entry, EntryKind, Line};
use paygen_core::view::Money;
use paygen_store::lists::lines as columns;
use paygen_store::query::Filter;
use serde::Serialize;

use super::details::existing;
use crate::Api;
use crate::csv::{self, Sheet};
use crate::gate::{ACCOUNTS_READ, Allowed};
use crate::lists::{self, ListParams, ListSpec};
use crate::path::PathId;
use crate::problem::Problem;
use crate::query::Query;
use crate::reply::ListEnvelope;

/// A ledger line of an account.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = AccountEntry)]
pub struct EntryView {
    /// The ledger entry.
    #[serde(rename = "_id")]
    id: String,
    /// Number of the line on the account, from 1 without gaps.
    seq: i64,
    /// Kind of the entry.
    kind: EntryKind,
    /// Change of the ledger balance.
    amount: Money,
    /// Change of the held balance.
    held_amount: Money,
    /// Ledger balance after the line.
    ledger_balance: Money,
    /// Held balance after the line.
    held_balance: Money,
    /// The account's currency.
    currency: String,
    /// The authorization.
    #[schema(required = true)]
    authorization_id: Option<String>,
    /// The object that caused it, such as a transfer.
    #[schema(required = true)]
    source_id: Option<String>,
    /// The caller's reference.
    #[schema(required = true)]
    reference: Option<String>,
    /// The caller's description.
    #[schema(required = true)]
    narration: Option<String>,
    /// Whether the network forced it.
    forced: bool,
    /// Time.
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
}

const SHEET: Sheet =
    Sheet { file: HeaderValue::from_static("attachment; filename=\"entries.csv\""), first: &["seq"], without: &[] };

const SPEC: ListSpec = ListSpec::of::<EntryView>(columns::FIELDS).sorted_by("-seq");

/// List an account's entries
///
/// Every ledger line and hold of the account, with the balances after it. With `Accept: text/csv` all rows that match
/// `filter` and `search` are streamed as CSV, by default oldest first; `page`, `limit`, `cursor`, `fields` and
/// `populate` are then a 400.
#[utoipa::path(get, path = "/accounts/{accountId}/entries", tag = "Accounts", operation_id = "listAccountEntries",
    params(("accountId" = String, Path, description = "The account.", pattern = "^[0-9a-f]{24}$"), ListParams),
    responses((status = 200, description = "The entries.", content(
        (ListEnvelope<EntryView> = "application/json"), (String = "text/csv")))),
    security(("apiKey" = ["accounts:read"]), ("bearer" = ["accounts:read"])))]
pub async fn list_entries(
    State(app): State<Api>,
    Allowed(caller): Allowed<ACCOUNTS_READ>,
    PathId(id): PathId<AccountId>,
    Query(params): Query,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let only_its = vec![Filter::equals(columns::ACCOUNT, id.0)];
    let timeout = app.settings.list_timeout_ms;
    if csv::is_wanted(&headers) {
        let spec = ListSpec { default_sort: "seq", ..SPEC };
        let query = lists::read_whole(&spec, params, caller.client, only_its, timeout)?;
        existing(&app, caller.client, id).await?;
        return csv::reply::<columns::List, _>(&app.reader, query, &SHEET, EntryView::of).await;
    }
    let list = lists::read(&SPEC, params, caller.client, only_its, timeout)?;
    existing(&app, caller.client, id).await?;
    let page = app.reader.list::<columns::List>(&list.query).await?;
    list.reply(page, EntryView::of)
}
