//! `GET /responders/{responderId}/calls` and `/stats`.

use std::collections::BTreeMap;

use axum::extract::State;
use axum::response::Response;
use paygen_core::ids::{Id, ResponderId};
use paygen_core::programs::Program;
use paygen_core::responders::{BudgetUse, CallOutcome, CallView};
use paygen_core::time::Instant;
use paygen_core::view::Money;
use paygen_store::lists::responder_calls as columns;
use paygen_store::query::Filter;
use serde::Serialize;

use super::read::found;
use crate::Api;
use crate::gate::{RESPONDERS_READ, Unbound};
use crate::lists::{self, ListParams, ListSpec};
use crate::path::PathId;
use crate::problem::Problem;
use crate::query::{NoParams, Query};
use crate::reply::{self, Envelope, ListEnvelope};

const SPEC: ListSpec = ListSpec::of::<CallView>(columns::FIELDS);

/// Calls that the figures are of: the newest of the last day.
const MAX_FIGURES: u32 = 10_000;

const HOURS: i64 = 24;

/// List a responder's calls
///
/// Every question and test call: what was sent, what was answered, how long it took, and what it came to.
#[utoipa::path(get, path = "/responders/{responderId}/calls", tag = "Responders", operation_id = "listResponderCalls",
    params(("responderId" = String, Path, description = "The responder.", pattern = "^[0-9a-f]{24}$"), ListParams),
    responses((status = 200, description = "The calls.", body = ListEnvelope<CallView>)),
    security(("apiKey" = ["responders:read"]), ("bearer" = ["responders:read"])))]
pub async fn list_responder_calls(
    State(app): State<Api>,
    Unbound(caller): Unbound<RESPONDERS_READ>,
    PathId(id): PathId<ResponderId>,
    Query(params): Query,
) -> Result<Response, Problem> {
    let only = vec![Filter::equals(columns::RESPONDER, id.0)];
    lists::answer::<columns::List, _>(&app, &caller, params, &SPEC, only, CallView::of).await
}

/// Latencies of answered and failed calls.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ResponderLatency {
    /// Half of the calls took at most this, in milliseconds.
    #[schema(required = true, example = 42)]
    p50_ms: Option<i64>,
    /// 95 of 100.
    #[schema(required = true, example = 180)]
    p95_ms: Option<i64>,
    /// 99 of 100.
    #[schema(required = true, example = 950)]
    p99_ms: Option<i64>,
}

/// The calls of an hour, by what they came to.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ResponderHour {
    /// Its beginning.
    #[schema(value_type = String, format = DateTime)]
    hour: String,
    /// Number of calls for each outcome.
    #[schema(value_type = BTreeMap<String, i64>, example = json!({"approved": 118, "declined": 4, "timeout": 1}))]
    outcomes: BTreeMap<CallOutcome, i64>,
}

/// What the fallback approved in the present hour, for a card or for a program.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct FallbackUse {
    /// Whose: card or program.
    #[serde(rename = "type")]
    kind: &'static str,
    /// The card; null for a program.
    #[schema(required = true)]
    card_id: Option<String>,
    /// The program; null for a card.
    #[schema(required = true)]
    program_id: Option<String>,
    /// Currency.
    #[schema(example = "USD")]
    currency: String,
    /// The sum.
    amount: Money,
    /// The number of payments.
    count: i64,
}

/// Figures of a responder.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ResponderStats {
    /// Calls that these figures are of: at most the newest 10,000 of the last 24 hours.
    calls: i64,
    /// How long they took; those that were skipped do not count.
    latency: ResponderLatency,
    /// The last hours with calls, the newest first.
    hours: Vec<ResponderHour>,
    /// What the fallback approved in the present hour, as far as a budget is set.
    fallback_used: Vec<FallbackUse>,
}

/// Retrieve a responder's figures
///
/// How long its calls took, what they came to hour by hour, and how much of the fallback's budgets is used.
#[utoipa::path(get, path = "/responders/{responderId}/stats", tag = "Responders", operation_id = "getResponderStats",
    params(("responderId" = String, Path, description = "The responder.", pattern = "^[0-9a-f]{24}$")),
    responses((status = 200, description = "The figures.", body = Envelope<ResponderStats>)),
    security(("apiKey" = ["responders:read"]), ("bearer" = ["responders:read"])))]
pub async fn get_responder_stats(
    State(app): State<Api>,
    Unbound(caller): Unbound<RESPONDERS_READ>,
    PathId(id): PathId<ResponderId>,
    _: NoParams,
) -> Result<Response, Problem> {
    found(&app, &caller, id).await?;
    let now = app.clock.now();
    let since = now.plus_seconds(-HOURS * 3600);
    let calls = app.reader.call_figures(caller.client, id, since, MAX_FIGURES).await?;
    let used = app.reader.budgets_used(caller.client, id, BudgetUse::hour_of(now)).await?;
    let owners: Vec<Id> = used.iter().map(|used| used.owner).collect();
    let programs = app.reader.get_many::<Program>(caller.client, &owners).await?;
    let is_program = |owner: Id| programs.iter().any(|program| program.id.0 == owner);
    let used = used.into_iter().map(|used| FallbackUse {
        kind: if is_program(used.owner) { "program" } else { "card" },
        card_id: (!is_program(used.owner)).then(|| used.owner.to_string()),
        program_id: is_program(used.owner).then(|| used.owner.to_string()),
        currency: used.currency.code().to_owned(),
        amount: Money::new(used.amount, used.currency),
        count: used.count,
    });
    let stats = ResponderStats {
        calls: i64::try_from(calls.len()).unwrap_or(i64::MAX),
        latency: latency(&calls),
        hours: hours(&calls),
        fallback_used: used.collect(),
    };
    Ok(reply::ok("Responder figures fetched successfully.", &stats))
}

fn latency(calls: &[(Instant, String, i64)]) -> ResponderLatency {
    let skipped = CallOutcome::Skipped.as_str();
    let mut all: Vec<i64> = calls.iter().filter(|call| call.1 != skipped).map(|call| call.2).collect();
    all.sort_unstable();
    let at = |percent: usize| {
        let rank = (all.len() * percent).div_ceil(100);
        rank.checked_sub(1).and_then(|rank| all.get(rank)).copied()
    };
    ResponderLatency { p50_ms: at(50), p95_ms: at(95), p99_ms: at(99) }
}

fn hours(calls: &[(Instant, String, i64)]) -> Vec<ResponderHour> {
    let mut found: BTreeMap<i64, BTreeMap<CallOutcome, i64>> = BTreeMap::new();
    for (at, outcome, _) in calls {
        if let Some(outcome) = CallOutcome::parse(outcome) {
            *found.entry(BudgetUse::hour_of(*at)).or_default().entry(outcome).or_default() += 1;
        }
    }
    let hour = |(hour, outcomes): (i64, BTreeMap<CallOutcome, i64>)| ResponderHour {
        hour: Instant::default().plus_seconds(hour * 3600).to_string(),
        outcomes,
    };
    found.into_iter().rev().map(hour).collect()
}
