//! `GET /programs/{programId}/impact`: what a change would mean, before it is made.

use std::collections::HashMap;

use axum::extract::State;
use axum::response::Response;
use paygen_core::authorizations::{Authorization, DecisionOutcome, Reason, WhatIf, inherits_otherwise};
use paygen_core::cards::Card;
use paygen_core::ids::{CardId, ProgramId};
use paygen_core::programs::{Program, ProgramSettings, ProgramView};
use paygen_core::record::Key;
use paygen_core::time::Instant;
use paygen_core::view::Money;
use paygen_edge::json::Json;
use paygen_store::lists::{authorizations as payments, cards};
use paygen_store::query::{Filter, ListQuery, Operand, Order, Paging, Test};
use paygen_store::value::Value;
use serde::Serialize;

use super::bodies::UpdateProgramBody;
use super::read::existing;
use crate::Api;
use crate::body::{Faults, Fields, Members};
use crate::gate::{AUTHORIZATIONS_READ, Caller, PROGRAMS_READ, Unbound};
use crate::path::PathId;
use crate::problem::{FieldProblem, Problem};
use crate::query::{Params, Query};
use crate::reply::{self, Envelope};

/// The most cards and decisions that are looked at.
const MOST: usize = 10_000;

/// The most cards and decisions that are shown.
const MOST_SHOWN: usize = 100;

/// Rows of a page.
const PAGE: u32 = 500;

/// Cards that a change is about.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AffectedCards {
    /// Cards of the program that were looked at, without canceled ones.
    examined: usize,
    /// How many of them would have other controls, limits or terms.
    affected: usize,
    /// The first 100 of these.
    card_ids: Vec<String>,
    /// Whether there are more than 10,000 cards, of which the first were looked at.
    truncated: bool,
}

/// The result of a decision.
#[derive(Debug, PartialEq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct DecisionResult {
    /// Outcome.
    outcome: DecisionOutcome,
    /// Why it was declined.
    #[schema(required = true)]
    reason: Option<Reason>,
    /// Approved amount.
    approved_amount: Money,
    /// Fee with its tax.
    fee: Money,
}

/// A decision that would come out otherwise.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ChangedDecision {
    /// The authorization.
    #[schema(example = "665f1c4f4a4f4a4f4a4f4a4f", pattern = "^[0-9a-f]{24}$")]
    authorization_id: String,
    /// The card.
    #[schema(example = "665f1c4f4a4f4a4f4a4f4a4f", pattern = "^[0-9a-f]{24}$")]
    card_id: String,
    /// Currency of the amounts.
    #[schema(example = "USD")]
    currency: String,
    /// Time of the decision.
    #[schema(value_type = String, format = DateTime)]
    decided_at: String,
    /// What it came to.
    before: DecisionResult,
    /// What it would come to.
    after: DecisionResult,
}

/// Decisions under a change.
#[derive(Debug, Default, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ChangedDecisions {
    /// Decisions of the program's cards that were made again: first decisions of authorizations, not increments.
    examined: usize,
    /// How many would come out otherwise, in outcome, reason, amount or fee.
    changed: usize,
    /// Approved then, declined under the change.
    approved_to_declined: usize,
    /// Declined then, approved under the change.
    declined_to_approved: usize,
    /// The first 100 that would come out otherwise, oldest first.
    decisions: Vec<ChangedDecision>,
    /// Whether there are more than 10,000 authorizations in the period, of which the first were looked at.
    truncated: bool,
}

/// What a change of a program would mean.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ProgramImpact {
    /// The program with the change. Nothing is stored.
    proposed: ProgramView,
    /// Beginning of the period whose decisions were made again.
    #[schema(value_type = String, format = DateTime)]
    since: String,
    /// Cards that would have other settings.
    cards: AffectedCards,
    /// Decisions that would come out otherwise.
    decisions: ChangedDecisions,
}

/// Show the impact of a change
///
/// What a change of a program would mean, without making it: which cards would have other settings, and which decisions of
/// the last days would come out otherwise. They are made again from their stored facts. Of limits that cards share, and of
/// limits that are new, only payments in the period count.
#[utoipa::path(get, path = "/programs/{programId}/impact", tag = "Programs", operation_id = "getProgramImpact",
    params(("programId" = String, Path, description = "The program.", pattern = "^[0-9a-f]{24}$"),
        ("proposed" = String, Query, description = "The change, as the JSON text of an update's body."),
        ("days" = Option<i64>, Query, description = "Days of decisions that are made again, from 1 to 90. Defaults to 30.",
            minimum = 1, maximum = 90)),
    responses((status = 200, description = "The impact.", body = Envelope<ProgramImpact>)),
    security(("apiKey" = ["programs:read", "authorizations:read"]), ("bearer" = ["programs:read", "authorizations:read"])))]
pub async fn get_program_impact(
    State(app): State<Api>,
    Unbound(caller): Unbound<PROGRAMS_READ>,
    Unbound(_payments): Unbound<AUTHORIZATIONS_READ>,
    PathId(id): PathId<ProgramId>,
    Query(mut params): Query,
) -> Result<Response, Problem> {
    let program = existing(&app, &caller, id).await?;
    let days = params.take_with("days", |text| {
        let days = text.parse::<i64>().ok().filter(|days| (1..=90).contains(days));
        days.ok_or_else(|| "must be a whole number from 1 to 90".to_owned())
    });
    let proposed = proposed(&mut params, &program, app.clock.now())?;
    params.finish(&["proposed", "days"])?;
    let since = app.clock.now().plus_seconds(-days.unwrap_or(30) * 86_400);
    let (cards, known) = affected_cards(&app, &caller, &program, &proposed).await?;
    let decisions = changed_decisions(&app, &caller, &program, proposed.clone(), since, known).await?;
    let changed = Program { settings: proposed, ..program };
    let impact = ProgramImpact { proposed: ProgramView::of(&changed), since: since.to_string(), cards, decisions };
    Ok(reply::ok("Program impact fetched successfully.", &impact))
}

/// The settings with the proposed change, which is checked as an update is.
fn proposed(params: &mut Params, program: &Program, now: Instant) -> Result<ProgramSettings, Problem> {
    let wrong = |message: String| Problem::invalid(vec![FieldProblem::new("proposed", "invalid", message)]);
    let Some(text) = params.take("proposed") else {
        return Err(wrong("is required: the JSON text of an update's body, percent-encoded".to_owned()));
    };
    let json = Json::parse(text.as_bytes()).map_err(|why| wrong(format!("cannot be read as JSON: {why}")))?;
    let mut faults = Faults::new();
    let body = Members::of(&json, "", &mut faults).and_then(|members| UpdateProgramBody::read(members, &mut faults));
    let Some(mut body) = body.filter(|_| faults.is_empty()) else { return Err(Problem::invalid(faults)) };
    let changes = body.settings(program.settings.currency)?;
    Ok(changes.apply(&program.settings, now)?)
}

/// Whether the change is about all cards: their terms, or limits that they share.
fn is_for_all(before: &ProgramSettings, after: &ProgramSettings) -> bool {
    before.terms != after.terms || before.limits != after.limits
}

async fn affected_cards(
    app: &Api,
    caller: &Caller,
    program: &Program,
    proposed: &ProgramSettings,
) -> Result<(AffectedCards, HashMap<CardId, Card>), Problem> {
    let filter = Filter::equals(cards::PROGRAM, program.id.0);
    let all = is_for_all(&program.settings, proposed);
    let mut found = AffectedCards { examined: 0, affected: 0, card_ids: Vec::new(), truncated: false };
    let (mut known, mut after) = (HashMap::new(), None);
    loop {
        let order = vec![Order { column: cards::CREATED_AT, descending: false }];
        let query = query(app, caller, vec![filter.clone()], order, after);
        let page = app.reader.list::<cards::List>(&query).await?;
        for (card, _) in page.rows {
            if card.status != paygen_core::cards::CardStatus::Canceled {
                found.examined += 1;
                if all || inherits_otherwise(&program.settings, proposed, &card) {
                    found.affected += 1;
                    if found.card_ids.len() < MOST_SHOWN {
                        found.card_ids.push(card.id.to_string());
                    }
                }
            }
            known.insert(card.id, card);
        }
        match page.next {
            None => return Ok((found, known)),
            Some(_) if known.len() >= MOST => return Ok((AffectedCards { truncated: true, ..found }, known)),
            next => after = next,
        }
    }
}

async fn changed_decisions(
    app: &Api,
    caller: &Caller,
    program: &Program,
    proposed: ProgramSettings,
    since: Instant,
    mut known: HashMap<CardId, Card>,
) -> Result<ChangedDecisions, Problem> {
    let since = Operand::Value(Value::Integer(since.micros()));
    let filter = Filter { column: payments::CREATED_AT, test: Test::Gte(since) };
    let (mut what_if, mut found, mut after, mut seen) =
        (WhatIf::new(&program.settings, proposed), ChangedDecisions::default(), None, 0);
    loop {
        let order = vec![Order { column: payments::CREATED_AT, descending: false }];
        let query = query(app, caller, vec![filter.clone()], order, after);
        let page = app.reader.list::<payments::List>(&query).await?;
        for authorization in &page.rows {
            let Some(card) = authorization.card else { continue };
            if let std::collections::hash_map::Entry::Vacant(entry) = known.entry(card) {
                // A card of another program, or beyond those that were looked at.
                let Some(card) = app.reader.get::<Card>(Key::of(caller.client, card.0)).await? else { continue };
                entry.insert(card);
            }
            let Some(card) = known.get(&card).filter(|card| card.program == program.id) else { continue };
            look(&mut what_if, &mut found, authorization, card);
        }
        seen += page.rows.len();
        match page.next {
            None => return Ok(found),
            Some(_) if seen >= MOST => return Ok(ChangedDecisions { truncated: true, ..found }),
            next => after = next,
        }
    }
}

fn look(what_if: &mut WhatIf, found: &mut ChangedDecisions, authorization: &Authorization, card: &Card) {
    let (Some(decided), Some(decision)) = (authorization.decided.first(), what_if.decide(authorization, card)) else {
        return;
    };
    let money = |minor| Money::new(minor, authorization.currency);
    let result = |outcome, reason, approved, fee| DecisionResult {
        outcome,
        reason,
        approved_amount: money(approved),
        fee: money(fee),
    };
    let before = result(decided.outcome, decided.reason, decided.approved, decided.fee.total());
    let after = result(decision.outcome, decision.reason, decision.approved, decision.fee.total());
    found.examined += 1;
    if before == after {
        return;
    }
    found.changed += 1;
    let is_declined = |outcome| outcome == DecisionOutcome::Declined;
    found.approved_to_declined += usize::from(!is_declined(before.outcome) && is_declined(after.outcome));
    found.declined_to_approved += usize::from(is_declined(before.outcome) && !is_declined(after.outcome));
    if found.decisions.len() < MOST_SHOWN {
        found.decisions.push(ChangedDecision {
            authorization_id: authorization.id.to_string(),
            card_id: card.id.to_string(),
            currency: authorization.currency.code().to_owned(),
            decided_at: Instant::from_micros(decided.facts.now).to_string(),
            before,
            after,
        });
    }
}

fn query(app: &Api, caller: &Caller, filters: Vec<Filter>, order: Vec<Order>, after: Option<Vec<Value>>) -> ListQuery {
    let (client, timeout_ms) = (caller.client, app.settings.list_timeout_ms);
    ListQuery { client, filters, search: None, order, limit: PAGE, paging: Paging::After(after), timeout_ms }
}
