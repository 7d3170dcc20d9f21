//! Settling a pending authorization: by the responder's answer, by the fallback when there is none, or by what the
//! network says meanwhile. The first of them wins.

use std::sync::Arc;

use crate::authorizations::emit::{emit_authorization, emit_declined};
use crate::authorizations::funds::{forward_released_funds, hold};
use crate::authorizations::release::release;
use crate::authorizations::usage::release_usage;
use crate::authorizations::{
    Authorization, AuthorizationStatus, AuthorizationView, Decided, Decision, DecisionOutcome, Step, decide,
};
use crate::cards::{self, Card, apply_payment_effects};
use crate::events::{EventType, Owner, emit};
use crate::ids::{AuthorizationId, CallId, CardId, ClientId, Id, ResponderId};
use crate::programs::Terms;
use crate::record::Key;
use crate::refusal::{Refusal, Stop};
use crate::responders::{
    AnswerWord, CallResult, CallView, CalledAbout, DecidedBy, FallbackPayment, ResponderCall, Ruling, rule_by_fallback,
};
use crate::table::Access;
use crate::verb::Verb;
use crate::work::Work;

/// Settles a pending authorization with the result of its call. Of one that is settled already, the result is only
/// recorded, and told if it is an answer.
#[derive(Clone, Debug)]
pub struct SettleAuthorization {
    pub id: AuthorizationId,
    /// Its card, where it is known: then the settlement runs in the card's lane.
    pub card: Option<CardId>,
    pub call: CallId,
    pub result: CallResult,
    pub terms: Arc<Terms>,
}

impl Verb for SettleAuthorization {
    type Answer = AuthorizationView;

    fn home(&self) -> Option<Id> {
        Some(self.card.map_or(self.id.0, |card| card.0))
    }

    fn prefetch(&self, work: &mut Work, client: ClientId) {
        work.authorizations.prefetch(Key::of(client, self.id.0), Access::Exclusive);
        work.responder_questions.prefetch(Key::of(client, self.id.0), Access::Exclusive);
        let Some(card) = self.card.map(|card| Key::of(client, card.0)) else { return };
        work.cards.prefetch(card, Access::Shared);
        work.counters.prefetch(card, Access::Exclusive);
        if let Some(links) = work.hints.links(card) {
            work.card_holders.prefetch(Key::of(client, links.card_holder.0), Access::Shared);
            work.counters.prefetch(Key::of(client, links.card_holder.0), Access::Exclusive);
            work.balances.prefetch(Key::of(client, links.funds.0), Access::Exclusive);
        }
    }

    fn run(&self, work: &mut Work) -> Result<AuthorizationView, Stop> {
        settle(work, self)
    }
}

pub(super) fn settle(work: &mut Work, command: &SettleAuthorization) -> Result<AuthorizationView, Stop> {
    let key = Key::of(work.client(), command.id.0);
    let question = work.responder_questions.get_for_update(key)?;
    let found = work.authorizations.get_for_update(key)?.ok_or(Refusal::AuthorizationNotFound)?;
    let open = question.filter(|question| question.call == command.call && found.awaits_answer());
    let Some(question) = open else { return record_late(work, command, &found) };
    let card = cards::find(work, found.card.ok_or(Refusal::CardNotFound)?)?;
    let ruling = ruling(work, question.responder, &command.result, &found, found.outstanding)?;
    let decided_by = ruling.by;
    let mut changed = (*found).clone();
    let decision = decide_again(&mut changed, &card, ruling);
    note_answer(&mut changed, &command.result, decided_by, false);
    work.responder_questions.delete(key);
    let about = (CalledAbout::Authorization, &changed);
    let call = called(work, (question.responder, command.call), &command.result, about, decided_by, false);
    work.responder_calls.put(call);
    finish(work, &card, changed, decision, &command.terms)
}

/// The responder's answer, or the fallback's, on an amount in minor units.
pub(super) fn ruling(
    work: &mut Work,
    responder: ResponderId,
    result: &CallResult,
    found: &Authorization,
    amount: i64,
) -> Result<Ruling, Stop> {
    if let Some(answer) = &result.answer {
        return Ok(Ruling {
            by: DecidedBy::Responder,
            approves: answer.decision == AnswerWord::Approve,
            most: answer.approved_amount,
            reason: answer.reason.clone(),
        });
    }
    let responder = work.responders.get(Key::of(work.client(), responder.0))?;
    let ruled = match (responder, found.card) {
        (Some(responder), Some(card)) => {
            let (category, channel) = (&*found.merchant.category, found.channel);
            let program = cards::find(work, card)?.program;
            let payment = FallbackPayment { card, program, amount, currency: found.currency, category, channel };
            rule_by_fallback(work, &responder, &payment)?
        }
        _ => Err("the responder was deleted".to_owned()),
    };
    Ok(Ruling { by: DecidedBy::Fallback, approves: ruled.is_ok(), most: None, reason: ruled.err() })
}

/// Decides again with the ruling as a further fact. What may have changed on the card while the question was open is
/// looked at again: a card that was frozen or canceled, or locked to another merchant, is not paid with.
fn decide_again(changed: &mut Authorization, card: &Card, ruling: Ruling) -> Decision {
    let Some(first) = changed.decided.first_mut() else { unreachable!("every authorization has a decision") };
    let Decided { mut facts, request, .. } = first.clone();
    if let Some(card_facts) = &mut facts.card {
        // A card that ended with its last payment was open when this one was counted.
        if card.cancellation_reason.as_deref() != Some(cards::CANCELED_AFTER_PAYMENTS) {
            card_facts.status = card.status;
        }
        card_facts.locked_merchant = card.locked_merchant.as_ref().filter(|_| card.merchant_lock).cloned();
        card_facts.locked_merchant = card_facts.locked_merchant.take().map(|id| id.trim().to_owned());
    }
    facts.ruling = Some(ruling);
    let decision = decide(&facts, &request);
    *first = Decided::of(facts, request, &decision);
    decision
}

fn note_answer(changed: &mut Authorization, result: &CallResult, decided_by: DecidedBy, late: bool) {
    if let Some(asked) = &mut changed.responder {
        asked.outcome.get_or_insert(result.outcome);
        asked.decided_by.get_or_insert(decided_by);
        asked.latency_ms = Some(result.latency_ms);
        asked.late = late;
        asked.answer.clone_from(&result.answer);
    }
}

/// Holds what was approved and gives back the rest.
fn finish(
    work: &mut Work,
    card: &Arc<Card>,
    mut changed: Authorization,
    decision: Decision,
    terms: &Terms,
) -> Result<AuthorizationView, Stop> {
    let now = work.now();
    if decision.outcome == DecisionOutcome::Declined {
        let open = changed.outstanding;
        let note = decision.reason.map(|reason| reason.as_str());
        release(work, card, &mut changed, open, Step::Declined, note)?;
        changed.status = AuthorizationStatus::Declined;
        changed.reason = decision.reason;
        changed.trace.authorization_code = None;
        changed.expires_at = None;
        let changed = Arc::new(changed);
        work.authorizations.put(changed.clone());
        emit_declined(work, card, &changed, &terms.environment)?;
        forward_released_funds(work, card, Some(&changed))?;
        return Ok(AuthorizationView::of(&changed));
    }
    let less = changed.outstanding - (decision.approved - changed.reversed).max(0);
    let less_fee = changed.outstanding_fee - decision.fee.total();
    let mut entry = None;
    if less + less_fee > 0 {
        entry = Some(hold(work, card, changed.id, -(less + less_fee), false)?.id);
        release_usage(work, card, &mut changed.limit_usage, less, 0)?;
    }
    changed.outstanding -= less;
    changed.outstanding_fee -= less_fee;
    changed.approved = decision.approved;
    changed.status = AuthorizationStatus::Approved;
    changed.due_at = changed.expires_at;
    let by_fallback = changed.responder.as_ref().is_some_and(|asked| asked.decided_by == Some(DecidedBy::Fallback));
    changed.note(Step::Approved, decision.approved, entry, by_fallback.then_some("decided by the fallback"), now);
    let changed = Arc::new(changed);
    work.authorizations.put(changed.clone());
    let shown = emit_authorization(work, card, EventType::AuthorizationApproved, &changed)?;
    apply_payment_effects(work, card, &changed.merchant.merchant_id)?;
    forward_released_funds(work, card, Some(&changed))?;
    Ok((*shown).clone())
}

/// Ends an open question because the network goes on with the payment: it stands as the built-in checks decided it.
/// Returns the authorization as it is then; one that awaits no answer is returned as it is.
pub(crate) fn end_question(work: &mut Work, found: Arc<Authorization>) -> Result<Arc<Authorization>, Stop> {
    if !found.awaits_answer() {
        return Ok(found);
    }
    let key = Key::of(work.client(), found.id.0);
    let card = cards::find(work, found.card.ok_or(Refusal::CardNotFound)?)?;
    if work.responder_questions.get_for_update(key)?.is_some() {
        work.responder_questions.delete(key);
    }
    let found = work.authorizations.get_for_update(key)?.ok_or(Refusal::AuthorizationNotFound)?;
    let mut changed = (*found).clone();
    changed.approved = changed.decided.first().map_or(0, |decided| decided.approved);
    changed.status = AuthorizationStatus::Approved;
    changed.due_at = changed.expires_at;
    if let Some(asked) = &mut changed.responder {
        asked.decided_by = Some(DecidedBy::Network);
    }
    let note = Some("the network went on without an answer");
    changed.note(Step::Approved, changed.approved, None, note, work.now());
    let changed = Arc::new(changed);
    work.authorizations.put(changed.clone());
    emit_authorization(work, &card, EventType::AuthorizationApproved, &changed)?;
    apply_payment_effects(work, &card, &changed.merchant.merchant_id)?;
    Ok(changed)
}

/// Records a result that came after the decision. It changes nothing but what is known of the call.
fn record_late(
    work: &mut Work,
    command: &SettleAuthorization,
    found: &Authorization,
) -> Result<AuthorizationView, Stop> {
    let asked = found.responder.as_ref().filter(|asked| asked.call == command.call).cloned();
    let (Some(asked), Some(_)) = (asked, &command.result.answer) else { return Ok(AuthorizationView::of(found)) };
    if asked.answer.is_some() {
        return Ok(AuthorizationView::of(found));
    }
    let mut changed = found.clone();
    let decided_by = asked.decided_by.unwrap_or(DecidedBy::Network);
    note_answer(&mut changed, &command.result, decided_by, true);
    changed.version += 1;
    changed.updated_at = work.now();
    work.authorizations.put(changed.clone());
    let known = work.responder_calls.get_for_update(Key::of(work.client(), command.call.0))?;
    let call = match known {
        Some(known) => ResponderCall {
            late: true,
            answer: command.result.answer.clone(),
            status: command.result.status,
            latency_ms: command.result.latency_ms,
            ..(*known).clone()
        },
        None => {
            let about = (CalledAbout::Authorization, found);
            called(work, (asked.responder, command.call), &command.result, about, decided_by, true)
        }
    };
    let responder = call.responder;
    let shown = CallView::of(&call);
    work.responder_calls.put(call);
    let key = Key::of(work.client(), responder.0);
    if work.responders.get_for_update(key)?.is_some() {
        emit(work, Owner::Responder(responder), EventType::ResponderAnsweredLate, shown)?;
    }
    Ok(AuthorizationView::of(&changed))
}

/// The log's row of a call.
pub(super) fn called(
    work: &Work,
    (responder, id): (ResponderId, CallId),
    result: &CallResult,
    (about, authorization): (CalledAbout, &Authorization),
    decided_by: DecidedBy,
    late: bool,
) -> ResponderCall {
    ResponderCall {
        client: work.client(),
        id,
        responder,
        about,
        authorization: Some(authorization.id),
        outcome: result.outcome,
        decided_by: Some(decided_by),
        status: result.status,
        latency_ms: result.latency_ms,
        late,
        answer: result.answer.clone(),
        currency: authorization.currency,
        request: result.request.clone(),
        excerpt: result.excerpt.clone(),
        error: result.error.clone(),
        created_at: work.now(),
    }
}
