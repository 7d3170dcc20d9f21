//! Increments: requests for more on an open authorization.

use std::sync::Arc;

use crate::authorizations::emit::emit_authorization;
use crate::authorizations::funds::hold;
use crate::authorizations::gather::{PriorAmounts, Under, card_context, facts, request};
use crate::authorizations::record::MAX_DECISIONS;
use crate::authorizations::settle::{called, ruling};
use crate::authorizations::{
    Authorization, AuthorizationStatus, AuthorizationView, Decided, DecisionOutcome, Step, decide, find_for_update,
    pricing,
};
use crate::cards;
use crate::events::EventType;
use crate::fields::not_negative;
use crate::ids::{AuthorizationId, CallId, ClientId, Id, ResponderId};
use crate::messages::{AuthorizationType, Match, NetworkRequest, Presented, RequestedAmount, ThreeDs};
use crate::programs::{self, Terms, billing};
use crate::record::Key;
use crate::refusal::{Refusal, Stop};
use crate::responders::CallResult;
use crate::responders::{Asked, CalledAbout, Ruling};
use crate::table::Access;
use crate::verb::Verb;
use crate::work::Work;

#[derive(Clone, Debug)]
pub struct IncrementAuthorization {
    pub id: AuthorizationId,
    pub requested: RequestedAmount,
    /// Whether a lower amount may be approved.
    pub partial_allowed: bool,
    pub terms: Arc<Terms>,
    /// What the responder said, if it was asked before.
    pub asked: Option<AskedIncrement>,
}

/// A question about an increment. It is asked before the command, because nothing is held for an increment until it is
/// decided: so there is nothing pending that could be left over.
#[derive(Clone, Debug)]
pub struct AskedIncrement {
    pub responder: ResponderId,
    pub call: CallId,
    pub result: CallResult,
}

impl Verb for IncrementAuthorization {
    type Answer = AuthorizationView;

    fn home(&self) -> Option<Id> {
        Some(self.id.0)
    }

    fn prefetch(&self, work: &mut Work, client: ClientId) {
        work.authorizations.prefetch(Key::of(client, self.id.0), Access::Exclusive);
    }

    fn run(&self, work: &mut Work) -> Result<AuthorizationView, Stop> {
        increment(work, self)
    }
}

/// A declined increment leaves the authorization open and is recorded on it.
fn increment(work: &mut Work, command: &IncrementAuthorization) -> Result<AuthorizationView, Stop> {
    let found = find_for_update(work, command.id)?;
    let card = match (found.status, found.card) {
        (AuthorizationStatus::Approved, Some(card)) => cards::find(work, card)?,
        _ => return Err(Refusal::AuthorizationNotOpen { status: found.status.as_str() }.into()),
    };
    // Every decision is stored for replay, so their number is bounded.
    if found.decided.len() >= MAX_DECISIONS {
        return Err(Refusal::TooManyIncrements { most: MAX_DECISIONS - 1 }.into());
    }
    if command.requested.amount.is_zero() {
        return Err(Refusal::AmountNotPositive { field: "/amount" }.into());
    }
    let of_merchant = not_negative(command.requested.amount, command.requested.currency, "/amount")?;
    let program = programs::of_card(work, &card)?;
    let terms = &program.settings.terms;
    let mut context = card_context(work, &card, &program)?;
    let own = command.requested.currency == found.merchant_currency;
    let said = command.requested.billing.is_some() || command.requested.rate.is_some();
    let amount = match pricing::increase(&found, of_merchant).filter(|_| own && !said) {
        Some(amount) => Some(amount),
        None => billing(&command.requested, card.currency, terms)?,
    };
    let more = more_of(&found, command);
    let request = request(&more, amount, Match::NotGiven);
    let already = PriorAmounts { spent: found.outstanding + found.cleared, approved: found.approved };
    context.counters.make_room(work, &found.merchant.category, amount.unwrap_or(0), 0)?;
    let under = Under { terms, verified_only: command.terms.verified_only };
    let mut facts = facts(work, Some(&context), &more, under, None, Some(already));
    let mut decision = decide(&facts, &request);
    let now = work.now();
    let mut changed: Authorization = (*found).clone();
    if let Some(asked) = command.asked.as_ref().filter(|_| decision.outcome != DecisionOutcome::Declined) {
        facts.ruling = Some(rule_on_increment(work, asked, &mut changed, decision.approved)?);
        decision = decide(&facts, &request);
    }
    changed.decided.push(Decided::of(facts, request, &decision));
    if decision.outcome == DecisionOutcome::Declined {
        let note = decision.reason.map(|reason| reason.as_str());
        changed.note(Step::IncrementDeclined, amount.unwrap_or(0), None, note, now);
    } else {
        let more = decision.approved;
        // A deposit holds nothing and counts towards no limit.
        let entry = if changed.kind == AuthorizationType::Deposit {
            None
        } else {
            let entry = hold(work, &card, changed.id, more + decision.fee.total(), false)?;
            context.counters.consume(&mut changed.limit_usage, &changed.merchant.category, more, 0);
            context.counters.keep(work);
            Some(entry.id)
        };
        // Both amounts grow together: clearings are converted at the rate between them.
        let requested = amount.unwrap_or(0);
        changed.merchant_amount += if own { of_merchant } else { pricing::in_merchant_currency(&found, requested) };
        changed.requested += requested;
        if said && own {
            changed.rate = None;
        }
        changed.approved += more;
        changed.outstanding += more;
        changed.outstanding_fee += decision.fee.total();
        changed.note(Step::Incremented, more, entry, None, now);
    }
    let changed = Arc::new(changed);
    work.authorizations.put(changed.clone());
    emit_authorization(work, &card, EventType::AuthorizationUpdated, &changed)?;
    Ok(AuthorizationView::of(&changed))
}

/// The ruling on an increment, which is noted and logged.
fn rule_on_increment(
    work: &mut Work,
    asked: &AskedIncrement,
    changed: &mut Authorization,
    amount: i64,
) -> Result<Ruling, Stop> {
    let ruling = ruling(work, asked.responder, &asked.result, changed, amount)?;
    let result = &asked.result;
    changed.responder = Some(Asked {
        responder: asked.responder,
        call: asked.call,
        outcome: Some(result.outcome),
        decided_by: Some(ruling.by),
        latency_ms: Some(result.latency_ms),
        late: false,
        answer: result.answer.clone(),
    });
    let about = (CalledAbout::Increment, &*changed);
    work.responder_calls.put(called(work, (asked.responder, asked.call), result, about, ruling.by, false));
    Ok(ruling)
}

fn more_of(open: &Authorization, command: &IncrementAuthorization) -> NetworkRequest {
    NetworkRequest {
        presented: Presented {
            card: open.card,
            expiry: Match::NotGiven,
            cvv: Match::NotGiven,
            pin: Match::NotGiven,
            pin_sealed: None,
            links: None,
        },
        channel: open.channel,
        kind: open.kind,
        requested: command.requested,
        merchant: open.merchant.clone(),
        three_ds: ThreeDs::None,
        partial_allowed: command.partial_allowed,
        estimated: true,
        risk_score: None,
        trace: open.trace.clone(),
    }
}
