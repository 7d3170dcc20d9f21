//! The body of a question: the authorization as the API shows it, the facts it was decided on, and the deadline. No card
//! number, code or PIN is in any of them.

use paygen_core::authorizations::{Authorization, AuthorizationView, Decided, DecisionView};
use paygen_core::limits::Interval;
use paygen_core::money::Currency;
use paygen_core::responders::Question;
use paygen_core::time::Instant;
use paygen_core::view::Money;
use serde::Serialize;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Body<'a> {
    id: String,
    #[serde(rename = "type")]
    about: &'a str,
    authorization: AuthorizationView,
    facts: Facts<'a>,
    deadline_at: String,
    attempt: u32,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Facts<'a> {
    /// What would be approved: less than the amount if the message allows that.
    approvable_amount: Money,
    /// Whether less may be approved.
    partial_allowed: bool,
    /// Before this payment's hold.
    available_balance: Option<Money>,
    risk_score: Option<i64>,
    limits: Vec<Limit<'a>>,
    checks: Vec<paygen_core::authorizations::CheckView>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Limit<'a> {
    level: &'a str,
    interval: Interval,
    categories: &'a [String],
    amount: Option<Money>,
    remaining_amount: Option<Money>,
    max_count: Option<i64>,
    remaining_count: Option<i64>,
    /// Whether so much is left at least: the payment fitted into a part of a limit that cards share.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    at_least: bool,
}

/// The body of a question about a pending authorization.
pub(super) fn of_authorization(question: &Question, about: &Authorization) -> Vec<u8> {
    let Some(decided) = about.decided.first() else { return Vec::new() };
    let body = Body {
        id: question.call.to_string(),
        about: "authorization",
        authorization: AuthorizationView::of(about),
        facts: facts(decided, about.currency),
        deadline_at: question.deadline.to_string(),
        attempt: 1,
    };
    serde_json::to_vec(&body).unwrap_or_default()
}

fn facts(decided: &Decided, currency: Currency) -> Facts<'_> {
    let money = |minor| Money::new(minor, currency);
    let card = decided.facts.card.as_ref();
    let limits = card.into_iter().flat_map(|card| &card.limits).map(|limit| Limit {
        level: limit.level().as_str(),
        interval: limit.interval,
        categories: &limit.categories,
        amount: limit.amount.map(money),
        remaining_amount: limit.amount.map(|most| money(most.saturating_sub(limit.used_amount).max(0))),
        max_count: limit.max_count,
        remaining_count: limit.max_count.map(|most| most.saturating_sub(limit.used_count).max(0)),
        at_least: limit.at_most,
    });
    Facts {
        approvable_amount: money(decided.approved),
        partial_allowed: decided.request.partial_allowed,
        available_balance: card.map(|card| money(card.available)),
        risk_score: decided.request.risk_score,
        limits: limits.collect(),
        checks: DecisionView::of(decided, currency).checks,
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct IncrementBody {
    id: String,
    #[serde(rename = "type")]
    about: &'static str,
    authorization: AuthorizationView,
    facts: IncrementFacts,
    deadline_at: String,
    attempt: u32,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct IncrementFacts {
    /// What would be approved in addition.
    approvable_amount: Money,
    partial_allowed: bool,
}

/// The body of a question about an increment by so much, in minor units.
pub(super) fn of_increment(
    id: String,
    about: &Authorization,
    (amount, partial_allowed): (i64, bool),
    deadline: Instant,
) -> Vec<u8> {
    let body = IncrementBody {
        id,
        about: "increment",
        authorization: AuthorizationView::of(about),
        facts: IncrementFacts { approvable_amount: Money::new(amount, about.currency), partial_allowed },
        deadline_at: deadline.to_string(),
        attempt: 1,
    };
    serde_json::to_vec(&body).unwrap_or_default()
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct TestBody<'a> {
    id: &'a str,
    #[serde(rename = "type")]
    about: &'a str,
    message: &'a str,
    deadline_at: String,
    attempt: u32,
}

/// The body of a test call.
pub(super) fn of_test(id: &str, deadline: Instant) -> Vec<u8> {
    let message = "A test of this responder. Answer it as a question; nothing is paid.";
    let body = TestBody { id, about: "test", message, deadline_at: deadline.to_string(), attempt: 1 };
    serde_json::to_vec(&body).unwrap_or_default()
}
