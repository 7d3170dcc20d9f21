//! Reversals by the merchant, expiry, and release by an operator.

use std::sync::Arc;

use crate::authorizations::emit::emit_authorization;
use crate::authorizations::funds::forward_released_funds;
use crate::authorizations::identity::{self, EarlyReversal};
use crate::authorizations::release::{close, release};
use crate::authorizations::{
    Authorization, AuthorizationStatus, AuthorizationView, Step, end_question, find_for_update, pricing,
};
use crate::cards;
use crate::events::EventType;
use crate::exceptions::{ExceptionDraft, ExceptionKind, NetworkException, raise_exception};
use crate::fields::{check_version, not_negative, positive};
use crate::ids::{AuthorizationId, CardId, ClientId, Id};
use crate::limits::counters;
use crate::messages::Trace;
use crate::money::{Currency, Decimal};
use crate::record::Key;
use crate::refusal::{Refusal, Stop};
use crate::table::Access;
use crate::verb::Verb;
use crate::work::Work;

/// Reverses an authorization, in full or in part. A reversal of more than is outstanding releases what is, and raises
/// an exception for the rest.
#[derive(Clone, Debug)]
pub struct ReverseAuthorization {
    pub id: AuthorizationId,
    /// In the card's currency; the whole outstanding amount if `None`.
    pub amount: Option<Decimal>,
}

/// A reversal that names the network's transaction id. Its authorization may not have arrived yet.
#[derive(Clone, Debug)]
pub struct ReverseByReference {
    pub trace: Trace,
    /// If the message names it.
    pub card: Option<CardId>,
    /// In `currency`; everything if `None`.
    pub amount: Option<Decimal>,
    /// The card's currency if `None`.
    pub currency: Option<Currency>,
}

/// Expires an authorization. Until this command runs, a hold that is due still holds.
#[derive(Clone, Debug)]
pub struct ExpireAuthorization {
    pub id: AuthorizationId,
    /// Whether to do nothing if the authorization is not due.
    pub when_due: bool,
}

/// Releases an open authorization on behalf of an operator.
#[derive(Clone, Debug)]
pub struct ReleaseAuthorization {
    pub id: AuthorizationId,
    pub reason: String,
    pub if_match: Option<i64>,
}

impl Verb for ReverseAuthorization {
    type Answer = AuthorizationView;

    fn home(&self) -> Option<Id> {
        Some(self.id.0)
    }

    fn prefetch(&self, work: &mut Work, client: ClientId) {
        work.authorizations.prefetch(Key::of(client, self.id.0), Access::Exclusive);
    }

    fn run(&self, work: &mut Work) -> Result<AuthorizationView, Stop> {
        reverse(work, self)
    }
}

fn reverse(work: &mut Work, command: &ReverseAuthorization) -> Result<AuthorizationView, Stop> {
    let found = find_for_update(work, command.id)?;
    let found = end_question(work, found)?;
    if found.status == AuthorizationStatus::Pending {
        return void_pending(work, &found);
    }
    let part = match command.amount {
        Some(amount) => {
            let amount = positive(amount, found.currency, "/amount")?;
            Part { amount, settled: pricing::in_merchant_currency(&found, amount.min(found.outstanding)) }
        }
        None => all_of(&found),
    };
    take_back(work, &found, part)
}

/// The part to reverse, in the card's and in the merchant's currency.
struct Part {
    amount: i64,
    settled: i64,
}

fn all_of(found: &Authorization) -> Part {
    Part { amount: found.outstanding, settled: pricing::rest_of(found, found.outstanding).settled }
}

fn take_back(work: &mut Work, found: &Authorization, part: Part) -> Result<AuthorizationView, Stop> {
    let Part { amount, settled } = part;
    let Some(card) = found.card.filter(|_| found.status == AuthorizationStatus::Approved) else {
        return Err(Refusal::AuthorizationNotOpen { status: found.status.as_str() }.into());
    };
    let card = cards::find(work, card)?;
    let mut changed = found.clone();
    let back = amount.min(found.outstanding);
    release(work, &card, &mut changed, back, Step::Reversed, None)?;
    pricing::add_settled(&mut changed, settled);
    changed.reversed += back;
    if changed.outstanding == 0 {
        close(&mut changed, AuthorizationStatus::Reversed);
    }
    let changed = Arc::new(changed);
    work.authorizations.put(changed.clone());
    if amount > back {
        let exception = ExceptionDraft::about(ExceptionKind::OverReversal, &changed, amount - back);
        raise_exception(work, exception)?;
    }
    emit_authorization(work, &card, EventType::AuthorizationReversed, &changed)?;
    forward_released_funds(work, &card, Some(&changed))?;
    Ok(AuthorizationView::of(&changed))
}

impl Verb for ReverseByReference {
    type Answer = Option<AuthorizationView>;

    fn home(&self) -> Option<Id> {
        self.card.map(|card| card.0)
    }

    fn prefetch(&self, _: &mut Work, _: ClientId) {}

    fn run(&self, work: &mut Work) -> Result<Option<AuthorizationView>, Stop> {
        reverse_by_reference(work, self)
    }
}

/// Reverses the authorization of the network's transaction, or stores the reversal until the authorization arrives.
/// Returns the authorization if there is one.
fn reverse_by_reference(work: &mut Work, command: &ReverseByReference) -> Result<Option<AuthorizationView>, Stop> {
    let transaction = &command.trace.transaction_id;
    let found = identity::authorization(work, transaction, command.card)?;
    let message = identity::of_reversal(&command.trace, command.amount, command.currency);
    if identity::is_known_early_reversal(work, &message)? {
        return Ok(found.map(|found| AuthorizationView::of(&found)));
    }
    let found = found.map(|found| end_question(work, found)).transpose()?;
    // A partial reversal of an advice without a price waits until the advice has one.
    let pending = |found: &Authorization| found.status == AuthorizationStatus::Pending && command.amount.is_some();
    if let Some(found) = found.as_ref().filter(|found| !pending(found)) {
        return reverse_known(work, command, found).map(Some);
    }
    let amount = command.amount.unwrap_or(Decimal::ZERO);
    let waiting = EarlyReversal::find_for_update(work, transaction, command.card)?;
    let likely = found.as_ref().map(|found| found.merchant_currency);
    let likely = likely.or(waiting.exception.as_ref().map(|known| known.currency));
    let currency = command.currency.or(likely).unwrap_or_else(Currency::us_dollar);
    let amount = not_negative(amount, currency, "/amount")?;
    let known = waiting.exception.clone().filter(|known| known.currency == currency);
    let exception = match known {
        // Several early reversals of one transaction add up; one of the whole amount remains one of the whole amount.
        Some(known) => {
            let all = known.amount == 0 || amount == 0;
            let sum = if all { 0 } else { known.amount.saturating_add(amount) };
            let more = NetworkException {
                amount: sum,
                version: known.version + 1,
                updated_at: work.now(),
                ..(*known).clone()
            };
            work.network_exceptions.put(more.clone());
            more
        }
        None => raise_exception(
            work,
            ExceptionDraft {
                kind: ExceptionKind::UnmatchedReversal,
                card: command.card.or(found.as_ref().and_then(|found| found.card)),
                authorization: found.as_ref().map(|found| found.id),
                transaction: None,
                amount,
                currency,
                trace: command.trace.clone(),
                deferred: None,
            },
        )?,
    };
    if waiting.exception.is_none() {
        waiting.keep(work, &exception)?;
    }
    identity::remember_early_reversal(work, &message, &exception);
    Ok(found.map(|found| AuthorizationView::of(&found)))
}

/// How much was reversed before the authorization arrived, in the card's currency: everything if the reversal had no
/// amount, nothing if its currency cannot be compared (its exception then stays open).
pub(crate) fn early_reversal_amount(early: &NetworkException, made: &Authorization) -> i64 {
    if early.amount == 0 {
        return i64::MAX;
    }
    if early.currency == made.currency {
        return early.amount;
    }
    let own = early.currency == made.merchant_currency;
    pricing::next_part(made, early.amount).filter(|_| own).unwrap_or(0)
}

/// A reversal by the network is never refused. A repeated one is answered like the first; one of an authorization that
/// is no longer open raises an exception.
fn reverse_known(
    work: &mut Work,
    command: &ReverseByReference,
    found: &Authorization,
) -> Result<AuthorizationView, Stop> {
    let Some(card) = found.card else { return Ok(AuthorizationView::of(found)) };
    let part = match in_card_currency(command, found)? {
        Some(part) => part,
        None => return incomparable(work, command, found),
    };
    let mut counters = counters(work, card.0)?;
    let message = identity::of_reversal(&command.trace, command.amount, command.currency);
    if counters.answer_to(&message).is_some() || found.status == AuthorizationStatus::Declined {
        return Ok(AuthorizationView::of(found));
    }
    counters.remember(message, found.id);
    work.counters.put(counters);
    match found.status {
        AuthorizationStatus::Approved => take_back(work, found, part.unwrap_or_else(|| all_of(found))),
        AuthorizationStatus::Pending => void_pending(work, found),
        _ => {
            let over = part.map_or(found.requested, |part| part.amount);
            raise_exception(work, ExceptionDraft::about(ExceptionKind::OverReversal, found, over))?;
            Ok(AuthorizationView::of(found))
        }
    }
}

/// Reverses an advice that has no price yet.
fn void_pending(work: &mut Work, found: &Authorization) -> Result<AuthorizationView, Stop> {
    let card = cards::find(work, found.card.ok_or(Refusal::CardNotFound)?)?;
    let mut changed = found.clone();
    changed.note(Step::Reversed, 0, None, None, work.now());
    close(&mut changed, AuthorizationStatus::Reversed);
    let changed = Arc::new(changed);
    work.authorizations.put(changed.clone());
    emit_authorization(work, &card, EventType::AuthorizationReversed, &changed)?;
    Ok(AuthorizationView::of(&changed))
}

/// An amount in a third currency reverses nothing; it raises an exception.
fn incomparable(
    work: &mut Work,
    command: &ReverseByReference,
    found: &Authorization,
) -> Result<AuthorizationView, Stop> {
    let currency = command.currency.unwrap_or(found.currency);
    let amount = positive(command.amount.unwrap_or(Decimal::ZERO), currency, "/amount")?;
    let exception = ExceptionDraft::about(ExceptionKind::UnmatchedReversal, found, amount);
    let exception = raise_exception(work, ExceptionDraft { currency, ..exception })?;
    let message = identity::of_reversal(&command.trace, command.amount, command.currency);
    identity::remember_early_reversal(work, &message, &exception);
    Ok(AuthorizationView::of(found))
}

/// The amount to reverse in the card's currency. The inner `None` means everything, the outer one a currency that
/// cannot be compared.
fn in_card_currency(command: &ReverseByReference, found: &Authorization) -> Result<Option<Option<Part>>, Refusal> {
    let Some(amount) = command.amount else { return Ok(Some(None)) };
    let currency = command.currency.unwrap_or(found.currency);
    let minor = positive(amount, currency, "/amount")?;
    if currency == found.currency {
        let settled = pricing::in_merchant_currency(found, minor.min(found.outstanding));
        return Ok(Some(Some(Part { amount: minor, settled })));
    }
    if currency != found.merchant_currency {
        return Ok(None);
    }
    Ok(pricing::next_part(found, minor).map(|amount| Some(Part { amount, settled: minor })))
}

impl Verb for ExpireAuthorization {
    type Answer = AuthorizationView;

    fn home(&self) -> Option<Id> {
        Some(self.id.0)
    }

    fn prefetch(&self, work: &mut Work, client: ClientId) {
        work.authorizations.prefetch(Key::of(client, self.id.0), Access::Exclusive);
    }

    fn run(&self, work: &mut Work) -> Result<AuthorizationView, Stop> {
        expire(work, self)
    }
}

fn expire(work: &mut Work, command: &ExpireAuthorization) -> Result<AuthorizationView, Stop> {
    let found = find_for_update(work, command.id)?;
    let due = found.due_at.is_some_and(|at| at <= work.now());
    let Some(card) = found.card.filter(|_| found.status == AuthorizationStatus::Approved) else {
        if command.when_due {
            return Ok(AuthorizationView::of(&found));
        }
        return Err(Refusal::AuthorizationNotOpen { status: found.status.as_str() }.into());
    };
    if command.when_due && !due {
        return Ok(AuthorizationView::of(&found));
    }
    end_hold(work, card, &found, Step::Expired, None)
}

impl Verb for ReleaseAuthorization {
    type Answer = AuthorizationView;

    fn home(&self) -> Option<Id> {
        Some(self.id.0)
    }

    fn prefetch(&self, _: &mut Work, _: ClientId) {}

    fn run(&self, work: &mut Work) -> Result<AuthorizationView, Stop> {
        release_manually(work, self)
    }
}

fn release_manually(work: &mut Work, command: &ReleaseAuthorization) -> Result<AuthorizationView, Stop> {
    let found = find_for_update(work, command.id)?;
    check_version(command.if_match, found.version)?;
    let found = end_question(work, found)?;
    let open = matches!(found.status, AuthorizationStatus::Approved | AuthorizationStatus::Pending);
    let Some(card) = found.card.filter(|_| open) else {
        return Err(Refusal::AuthorizationNotOpen { status: found.status.as_str() }.into());
    };
    let mut changes = serde_json::Map::new();
    changes.insert("released".to_owned(), command.reason.clone().into());
    work.audit("authorization", &found.id.to_string(), changes);
    end_hold(work, card, &found, Step::Released, Some(&command.reason))
}

fn end_hold(
    work: &mut Work,
    card: CardId,
    found: &Authorization,
    step: Step,
    note: Option<&str>,
) -> Result<AuthorizationView, Stop> {
    let card = cards::find(work, card)?;
    let mut changed = found.clone();
    release(work, &card, &mut changed, found.outstanding, step, note)?;
    close(
        &mut changed,
        if step == Step::Expired { AuthorizationStatus::Expired } else { AuthorizationStatus::Reversed },
    );
    let changed = Arc::new(changed);
    work.authorizations.put(changed.clone());
    let kind = if step == Step::Expired { EventType::AuthorizationExpired } else { EventType::AuthorizationReversed };
    emit_authorization(work, &card, kind, &changed)?;
    forward_released_funds(work, &card, Some(&changed))?;
    Ok(AuthorizationView::of(&changed))
}
