//! `GET /accounts/{accountId}/balance`: the balance now or at any time, with the entries that explain it.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use paygen_core::ids::{AccountId, LedgerAccountId};
use paygen_core::ledger::{Balance, Line};
use paygen_core::money::Currency;
use paygen_core::record::Key;
use paygen_core::time::Instant;
use paygen_core::view::Money;
use serde::Serialize;

use super::details::existing;
use crate::Api;
use crate::gate::{ACCOUNTS_READ, Allowed};
use crate::path::PathId;
use crate::problem::Problem;
use crate::query::{Params, Query};
use crate::reply::{self, Envelope};

/// Upper bound on the entries of an explanation; earlier ones are summed up as its opening balance.
const MAX_EXPLAINED_ENTRIES: i64 = 200;

/// Balances of an account at an instant.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct BalanceAt {
    account_id: String,
    /// The account's currency.
    currency: String,
    /// Ledger balance.
    ledger: Money,
    /// Amount held by open authorizations.
    held: Money,
    /// Available balance: ledger balance, less held amounts, plus the credit limit at that time.
    available: Money,
    /// The instant.
    #[schema(value_type = String, format = DateTime)]
    at: String,
    /// With `explain`: the entries and holds that the amounts consist of.
    #[serde(skip_serializing_if = "Option::is_none")]
    explanation: Option<Explanation>,
}

/// An opening balance, and everything since that adds up to the balance.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Explanation {
    /// The balance before the first entry listed.
    opening: Opening,
    /// The entries since, oldest first: `opening.ledger` plus their amounts is `ledger`.
    entries: Vec<ExplainedEntry>,
    /// The open holds: their amounts sum to `held`.
    holds: Vec<OpenHold>,
}

/// A known balance.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Opening {
    /// The number of the last line it includes; 0 for none.
    seq: i64,
    /// Ledger balance.
    ledger: Money,
    /// Held balance.
    held: Money,
}

/// A ledger line.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ExplainedEntry {
    /// Number of the line on the account.
    seq: i64,
    /// The ledger entry.
    entry_id: String,
    /// Kind of the entry.
    kind: &'static str,
    /// Change of the ledger balance.
    amount: Money,
    /// Change of the held balance.
    held_amount: Money,
    /// Time.
    #[schema(value_type = String, format = DateTime)]
    at: String,
}

/// An amount held by an authorization.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct OpenHold {
    authorization_id: String,
    /// Held amount.
    amount: Money,
}

/// Retrieve a balance
///
/// The account's balance, now or at the instant `at`. `explain` adds an opening balance, the entries since, and the
/// open holds, which add up to it.
#[utoipa::path(get, path = "/accounts/{accountId}/balance", tag = "Accounts", operation_id = "getBalance",
    params(("accountId" = String, Path, description = "The account.", pattern = "^[0-9a-f]{24}$"),
        ("at" = Option<String>, Query, description = "An instant in ISO 8601, not in the future. A date means its beginning in UTC."),
        ("explain" = Option<bool>, Query, description = "Whether to explain the balance.")),
    responses((status = 200, description = "The balance.", body = Envelope<BalanceAt>)),
    security(("apiKey" = ["accounts:read"]), ("bearer" = ["accounts:read"])))]
pub async fn get_balance(
    State(app): State<Api>,
    Allowed(caller): Allowed<ACCOUNTS_READ>,
    PathId(id): PathId<AccountId>,
    Query(params): Query,
) -> Result<Response, Problem> {
    let (at, explain) = read_params(params, &app)?;
    let account = existing(&app, caller.client, id).await?;
    let ledger_account = LedgerAccountId::from(id);
    let now = app.clock.now();
    let reading = match at {
        Some(at) => app.reader.line_at(caller.client, ledger_account, at).await?.map(Reading::from),
        None => app.reader.get::<Balance>(Key::of(caller.client, id.0)).await?.map(Reading::from),
    };
    let reading = reading.unwrap_or_default();
    let explanation = if explain {
        Some(explain_lines(&app, caller.client, ledger_account, &reading, account.currency).await?)
    } else {
        None
    };
    let money = |minor| Money::new(minor, account.currency);
    let balance = BalanceAt {
        account_id: id.to_string(),
        currency: account.currency.code().to_owned(),
        ledger: money(reading.ledger),
        held: money(reading.held),
        available: money(reading.ledger - reading.held + reading.credit_limit),
        at: at.unwrap_or(now).to_string(),
        explanation,
    };
    Ok(reply::ok("Balance fetched successfully.", &balance))
}

#[derive(Clone, Copy, Debug, Default)]
struct Reading {
    seq: i64,
    ledger: i64,
    held: i64,
    credit_limit: i64,
}

impl From<Line> for Reading {
    fn from(line: Line) -> Reading {
        Reading { seq: line.seq, ledger: line.ledger_after, held: line.held_after, credit_limit: line.credit_limit }
    }
}

impl From<Balance> for Reading {
    fn from(head: Balance) -> Reading {
        Reading { seq: head.seq, ledger: head.ledger, held: head.held, credit_limit: head.credit_limit }
    }
}

fn read_params(mut params: Params, app: &Api) -> Result<(Option<Instant>, bool), Problem> {
    // A + in a query string arrives as a space.
    let read = |text: &str| Instant::parse(&text.replace(' ', "+")).ok_or("must be an ISO 8601 instant".to_owned());
    let at = params.take_with("at", read);
    let explain = params.take_with("explain", |text| text.parse().map_err(|_| "must be true or false".to_owned()));
    params.finish(&["at", "explain"])?;
    if at.is_some_and(|at| at > app.clock.now()) {
        let message = "at is in the future; balances are known up to now.";
        return Err(Problem::new(StatusCode::BAD_REQUEST, "validation_failed", message).field("at", "maximum", message));
    }
    Ok((at, explain.unwrap_or(false)))
}

async fn explain_lines(
    app: &Api,
    client: paygen_core::ids::ClientId,
    account: LedgerAccountId,
    reading: &Reading,
    currency: Currency,
) -> Result<Explanation, Problem> {
    let money = |minor| Money::new(minor, currency);
    let first = (reading.seq - MAX_EXPLAINED_ENTRIES + 1).max(1);
    let lines = app.reader.lines(client, account, first, reading.seq).await?;
    let holds = app.reader.open_holds(client, account, reading.seq).await?;
    let posted: i64 = lines.iter().map(|line| line.delta).sum();
    let held: i64 = lines.iter().map(|line| line.held_delta).sum();
    Ok(Explanation {
        opening: Opening { seq: first - 1, ledger: money(reading.ledger - posted), held: money(reading.held - held) },
        entries: lines
            .iter()
            .map(|line| ExplainedEntry {
                seq: line.seq,
                entry_id: line.entry.to_string(),
                kind: line.kind.as_str(),
                amount: money(line.delta),
                held_amount: money(line.held_delta),
                at: line.at.to_string(),
            })
            .collect(),
        holds: holds
            .into_iter()
            .map(|(id, held)| OpenHold { authorization_id: id.to_string(), amount: money(held) })
            .collect(),
    })
}
