//! Advices: decisions that the network made in our place. A transaction has one hold, whoever decided: an advice of a
//! known transaction sets that transaction's approved amount.

use std::sync::Arc;

use crate::authorizations::emit::emit_authorization;
use crate::authorizations::funds::{can_hold, emit_overdrawn, forward_released_funds, hold};
use crate::authorizations::identity::EarlyReversal;
use crate::authorizations::release::{close, release};
use crate::authorizations::reverse::early_reversal_amount;
use crate::authorizations::usage::consume;
use crate::authorizations::{Authorization, AuthorizationStatus, AuthorizationView, Step, find_for_update, pricing};
use crate::cards::{self, Card, apply_payment_effects};
use crate::events::EventType;
use crate::exceptions::{ExceptionDraft, ExceptionKind, raise_exception};
use crate::fields::not_negative;
use crate::ids::AuthorizationId;
use crate::messages::{AuthorizationType, NetworkRequest, ReferenceHash, RequestedAmount};
use crate::programs::{self, ProgramTerms, billing};
use crate::refusal::{Refusal, Stop};
use crate::work::Work;

/// Applies an advice to the card's authorization of the same transaction. `None` if we declined it and the network
/// approved it: the advice then creates an authorization of its own.
pub(super) fn advise(
    work: &mut Work,
    request: &NetworkRequest,
    terms: &ProgramTerms,
    own: &Authorization,
    approved: bool,
) -> Result<Option<AuthorizationView>, Stop> {
    use AuthorizationStatus::{Approved, Declined, Pending};
    let card = cards::find(work, own.card.ok_or(Refusal::CardNotFound)?)?;
    let requested = &request.requested;
    let price = |own: &Authorization| -> Result<Option<i64>, Refusal> {
        let minor = not_negative(requested.amount, requested.currency, "/amount")?;
        let known =
            requested.billing.is_some() || requested.rate.is_some() || requested.currency != own.merchant_currency;
        let at_its_rate = if known { None } else { pricing::whole(own, minor) };
        at_its_rate.map_or_else(|| billing(requested, own.currency, terms), |amount| Ok(Some(amount)))
    };
    if approved && own.kind != request.kind {
        return list_unmatched(work, own, price(own)?.unwrap_or(0)).map(Some);
    }
    Ok(match (approved, own.status) {
        (true, Declined) => None,
        (true, Pending) => match price(own)? {
            Some(amount) => Some(set_approved_amount(work, &card, own, amount, requested, terms)?),
            None => Some(AuthorizationView::of(own)),
        },
        (true, Approved) => match price(own)? {
            Some(amount) => Some(set_approved_amount(work, &card, own, amount, requested, terms)?),
            None => Some(list_unmatched(work, own, 0)?),
        },
        (true, _) => match price(own)?.filter(|amount| *amount > own.approved) {
            Some(amount) => Some(list_unmatched(work, own, amount - own.approved)?),
            None => Some(AuthorizationView::of(own)),
        },
        (false, Approved | Pending) => Some(revoke_approval(work, &card, own)?),
        (false, _) => Some(AuthorizationView::of(own)),
    })
}

/// Nothing can be held for the advice: an operator has to look at it.
fn list_unmatched(work: &mut Work, own: &Authorization, amount: i64) -> Result<AuthorizationView, Stop> {
    raise_exception(work, ExceptionDraft::about(ExceptionKind::UnmatchedAdvice, own, amount))?;
    Ok(AuthorizationView::of(own))
}

/// The network declined what we approved: the outstanding amount is released.
fn revoke_approval(work: &mut Work, card: &Arc<Card>, own: &Authorization) -> Result<AuthorizationView, Stop> {
    let mut changed = own.clone();
    let open = own.outstanding;
    release(work, card, &mut changed, open, Step::Reversed, Some("the network declined it"))?;
    changed.reversed += open;
    close(&mut changed, AuthorizationStatus::Reversed);
    let changed = Arc::new(changed);
    work.authorizations.put(changed.clone());
    emit_authorization(work, card, EventType::AuthorizationReversed, &changed)?;
    forward_released_funds(work, card, Some(&changed))?;
    Ok(AuthorizationView::of(&changed))
}

/// Applies a pending advice once it has a price.
pub(crate) fn price_pending_advice(
    work: &mut Work,
    id: AuthorizationId,
    requested: &RequestedAmount,
) -> Result<AuthorizationView, Stop> {
    let own = find_for_update(work, id)?;
    let card = cards::find(work, own.card.ok_or(Refusal::CardNotFound)?)?;
    let program = programs::of_card(work, &card)?;
    let terms = &program.settings.terms;
    let amount = billing(requested, own.currency, terms)?;
    let amount = amount.ok_or(Refusal::RateUnknown { from: requested.currency, to: own.currency })?;
    if own.status == AuthorizationStatus::Pending {
        return set_approved_amount(work, &card, &own, amount, requested, terms);
    }
    // It was cleared or reversed in the meantime.
    Ok(AuthorizationView::of(&own))
}

/// Deducts a reversal that arrived before the advice had a price.
fn take_back_early(work: &mut Work, pending: &mut Authorization, amount: i64) -> Result<(), Stop> {
    let transaction = &pending.trace.transaction_id;
    let waiting = EarlyReversal::find(work, transaction, ReferenceHash::of(transaction), pending.card)?;
    let Some(early) = waiting.exception else { return Ok(()) };
    let back = early_reversal_amount(&early, pending).min(amount);
    pending.reversed += back;
    let part = pricing::in_merchant_currency(pending, back);
    pricing::add_settled(pending, part);
    pending.note(Step::Reversed, back, None, Some("its reversal had come before it"), work.now());
    Ok(())
}

/// Sets the approved amount of an open authorization, with or without sufficient funds.
fn set_approved_amount(
    work: &mut Work,
    card: &Arc<Card>,
    own: &Authorization,
    amount: i64,
    requested: &RequestedAmount,
    terms: &ProgramTerms,
) -> Result<AuthorizationView, Stop> {
    let now = work.now();
    let pending = own.status == AuthorizationStatus::Pending;
    if amount == own.approved && !pending {
        return Ok(AuthorizationView::of(own));
    }
    let mut changed = own.clone();
    if pending && !can_hold(work, card)? {
        changed.note(Step::Advised, amount, None, Some("the account is closed: nothing can be held"), now);
        changed.approved = amount;
        close(&mut changed, AuthorizationStatus::Closed);
        let changed = Arc::new(changed);
        work.authorizations.put(changed.clone());
        emit_authorization(work, card, EventType::AuthorizationUpdated, &changed)?;
        return list_unmatched(work, &changed, amount);
    }
    if requested.currency == own.merchant_currency {
        changed.requested = amount;
        changed.merchant_amount = not_negative(requested.amount, requested.currency, "/amount")?;
        if requested.billing.is_some() || requested.rate.is_some() || own.requested == 0 {
            changed.rate = programs::rate(requested, own.currency, terms);
        }
    }
    if pending {
        take_back_early(work, &mut changed, amount)?;
    }
    let open = (amount - own.cleared - changed.reversed).max(0);
    let note = Some("the network decided");
    if open > own.outstanding {
        let more = open - own.outstanding;
        changed.outstanding = open;
        changed.stand_in = true;
        if own.kind == AuthorizationType::Deposit {
            changed.note(Step::Advised, amount, None, note, now);
        } else {
            let fee = own.fee_terms.between(own.approved, amount).total().max(0);
            let entry = hold(work, card, own.id, more + fee, true)?;
            changed.outstanding_fee += fee;
            let first = i64::from(!own.limit_usage.counts());
            consume(work, card, &mut changed.limit_usage, &own.merchant.category, (more, first))?;
            changed.note(Step::Advised, amount, Some(entry.id), note, now);
            emit_overdrawn(work, card, &entry)?;
        }
    } else if open < own.outstanding {
        release(work, card, &mut changed, own.outstanding - open, Step::Advised, note)?;
        changed.stand_in = true;
    } else {
        changed.note(Step::Advised, amount, None, note, now);
    }
    changed.approved = amount;
    if changed.outstanding == 0 {
        close(&mut changed, AuthorizationStatus::Reversed);
    } else if pending {
        changed.status = AuthorizationStatus::Approved;
        let days = terms.hold_days(card.brand, false, &own.merchant.category);
        changed.expires_at = Some(now.plus_seconds(days * 86_400));
        changed.due_at = changed.expires_at;
    }
    let changed = Arc::new(changed);
    work.authorizations.put(changed.clone());
    let kind = if pending { EventType::AuthorizationApproved } else { EventType::AuthorizationUpdated };
    emit_authorization(work, card, kind, &changed)?;
    if pending && !changed.limit_usage.is_empty() {
        apply_payment_effects(work, card, &changed.merchant.merchant_id)?;
    }
    forward_released_funds(work, card, Some(&changed))?;
    Ok(AuthorizationView::of(&changed))
}
