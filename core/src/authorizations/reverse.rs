//! Giving holds back: reversed by the merchant, run out, released by an operator.

use crate::authorizations::counters::{MessageDigest, message_digest};
use crate::authorizations::funds::{hold, sweep};
use crate::authorizations::gather::{counters, give_back};
use crate::authorizations::{
    Authorization, AuthorizationStatus, AuthorizationType, AuthorizationView, ExceptionKind, Exceptional,
    NetworkReference, ReferenceKind, Step, Trace, except, find_to_change, tell,
};
use crate::cards::Card;
use crate::events::EventType;
use crate::ids::{AuthorizationId, CardId};
use crate::money::{Currency, Decimal};
use crate::refusal::{Refusal, Stop};
use crate::work::Work;

/// Takes an authorization back, whole or in part. It is never refused for more than is open: that is released, and the
/// rest is flagged.
#[derive(Clone, Debug)]
pub struct ReverseAuthorization {
    /// Which.
    pub id: AuthorizationId,
    /// How much, in the card's currency; all that is open unless said.
    pub amount: Option<Decimal>,
}

/// A reversal that is known by its network transaction id alone: its authorization may not have come yet.
#[derive(Clone, Debug)]
pub struct ReverseByReference {
    /// How the network knows it.
    pub trace: Trace,
    /// The card, when the message names it.
    pub card: Option<CardId>,
    /// How much, in `currency`; all unless said.
    pub amount: Option<Decimal>,
    /// The currency of the amount.
    pub currency: Currency,
}

/// Gives back what ran out. A hold that is due but unswept still holds.
#[derive(Clone, Debug)]
pub struct ExpireAuthorization {
    /// Which.
    pub id: AuthorizationId,
    /// Whether only when it is due.
    pub when_due: bool,
}

/// Gives an open hold back by hand.
#[derive(Clone, Debug)]
pub struct ReleaseAuthorization {
    /// Which.
    pub id: AuthorizationId,
    /// Why.
    pub reason: String,
    /// The version the operator read.
    pub if_match: Option<i64>,
}

/// Takes it back.
pub fn reverse(work: &mut Work, command: &ReverseAuthorization) -> Result<AuthorizationView, Stop> {
    let found = find_to_change(work, command.id)?;
    let amount = match command.amount {
        Some(amount) => crate::accounts::positive(amount, found.currency, "/amount")?,
        None => found.open,
    };
    let Some(card) = found.card.filter(|_| found.status == AuthorizationStatus::Approved) else {
        return Err(Refusal::AuthorizationNotOpen { status: found.status.as_str() }.into());
    };
    let card = crate::cards::find(work, card)?;
    let mut changed = (*found).clone();
    let back = amount.min(found.open);
    release(work, &card, &mut changed, back, Step::Reversed, None)?;
    changed.reversed += back;
    if changed.open == 0 {
        close(&mut changed, AuthorizationStatus::Reversed);
    }
    work.authorizations.put(changed.clone());
    if amount > back {
        let exception = Exceptional::about(ExceptionKind::OverReversal, &changed, amount - back);
        except(work, exception)?;
    }
    tell(work, &card, EventType::AuthorizationReversed, &changed)?;
    sweep(work, &card, Some(&changed))?;
    Ok(AuthorizationView::of(&changed))
}

/// Takes back what the reference leads to, or keeps the reversal until its authorization comes. Gives the
/// authorization, when there is one.
pub fn reverse_by_reference(work: &mut Work, command: &ReverseByReference) -> Result<Option<AuthorizationView>, Stop> {
    let client = work.client();
    let id = &command.trace.transaction_id;
    let known = NetworkReference::key_of(client, ReferenceKind::Authorization, id);
    if let Some(reference) = work.network_references.get_to_change(known)? {
        return reverse_known(work, command, AuthorizationId(reference.object)).map(Some);
    }
    let waiting = NetworkReference::key_of(client, ReferenceKind::Reversal, id);
    if work.network_references.get_to_change(waiting)?.is_some() {
        return Ok(None);
    }
    let amount = command.amount.unwrap_or(Decimal::ZERO);
    let exception = except(
        work,
        Exceptional {
            kind: ExceptionKind::UnmatchedReversal,
            card: command.card,
            authorization: None,
            posting: None,
            amount: crate::accounts::not_negative(amount, command.currency, "/amount")?,
            currency: command.currency,
            trace: command.trace.clone(),
        },
    )?;
    let hash = NetworkReference::hash(ReferenceKind::Reversal, id);
    let object = exception.id.0;
    work.network_references.put(NetworkReference { client, hash, kind: ReferenceKind::Reversal, object });
    Ok(None)
}

/// A reversal of the network is never refused: one that came before is answered as the first was, and one of what is not
/// open any more is flagged.
fn reverse_known(
    work: &mut Work,
    command: &ReverseByReference,
    id: AuthorizationId,
) -> Result<AuthorizationView, Stop> {
    let found = find_to_change(work, id)?;
    let Some(card) = found.card else { return Ok(AuthorizationView::of(&found)) };
    let amount = in_card_currency(command, &found)?;
    let mut counters = counters(work, card.0)?;
    let message = identity(command);
    if counters.answer_to(&message).is_some() || found.status == AuthorizationStatus::Declined {
        return Ok(AuthorizationView::of(&found));
    }
    counters.remember(message, id);
    work.counters.put(counters);
    if found.status == AuthorizationStatus::Approved {
        return reverse(work, &ReverseAuthorization { id, amount });
    }
    let over = amount.and_then(|amount| amount.to_minor(found.currency.exponent())).unwrap_or(found.asked);
    except(work, Exceptional::about(ExceptionKind::OverReversal, &found, over))?;
    Ok(AuthorizationView::of(&found))
}

/// What makes two reversals the same one.
fn identity(command: &ReverseByReference) -> MessageDigest {
    let trace = &command.trace;
    let amount = command.amount.map(|amount| amount.to_string()).unwrap_or_default();
    let parts = ["0400", &trace.transaction_id, &trace.stan, &trace.rrn, &amount, command.currency.code()];
    message_digest(&parts)
}

/// The amount in the card's currency: that of the authorization in the merchant's is converted as the authorization was.
fn in_card_currency(command: &ReverseByReference, found: &Authorization) -> Result<Option<Decimal>, Refusal> {
    let Some(amount) = command.amount else { return Ok(None) };
    if command.currency == found.currency {
        return Ok(Some(amount));
    }
    let minor = crate::accounts::positive(amount, command.currency, "/amount")?;
    if command.currency != found.merchant_currency || found.merchant_amount == 0 {
        return Ok(None);
    }
    let share = i128::from(minor) * i128::from(found.asked);
    let share = crate::authorizations::terms::divide_half_even(share, i128::from(found.merchant_amount));
    let share = i64::try_from(share).map_err(|_| Refusal::AmountTooLarge { field: "/amount" })?;
    Ok((share > 0).then(|| Decimal::new(share, found.currency.exponent())))
}

/// Gives the hold back when its time is over.
pub fn expire(work: &mut Work, command: &ExpireAuthorization) -> Result<AuthorizationView, Stop> {
    let found = find_to_change(work, command.id)?;
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
    end(work, card, &found, Step::Expired, None)
}

/// Gives the hold back, for the reason an operator has.
pub fn release_by_hand(work: &mut Work, command: &ReleaseAuthorization) -> Result<AuthorizationView, Stop> {
    let found = find_to_change(work, command.id)?;
    crate::accounts::check_version(command.if_match, found.version)?;
    let Some(card) = found.card.filter(|_| found.status == AuthorizationStatus::Approved) else {
        return Err(Refusal::AuthorizationNotOpen { status: found.status.as_str() }.into());
    };
    let mut changes = serde_json::Map::new();
    changes.insert("released".to_owned(), command.reason.clone().into());
    work.audit("authorization", &found.id.to_string(), changes);
    end(work, card, &found, Step::Released, Some(&command.reason))
}

fn end(
    work: &mut Work,
    card: CardId,
    found: &Authorization,
    step: Step,
    note: Option<&str>,
) -> Result<AuthorizationView, Stop> {
    let card = crate::cards::find(work, card)?;
    let mut changed = found.clone();
    release(work, &card, &mut changed, found.open, step, note)?;
    close(
        &mut changed,
        if step == Step::Expired { AuthorizationStatus::Expired } else { AuthorizationStatus::Reversed },
    );
    work.authorizations.put(changed.clone());
    let kind = if step == Step::Expired { EventType::AuthorizationExpired } else { EventType::AuthorizationReversed };
    tell(work, &card, kind, &changed)?;
    sweep(work, &card, Some(&changed))?;
    Ok(AuthorizationView::of(&changed))
}

/// Nothing is left open.
pub(super) fn close(authorization: &mut Authorization, unless_cleared: AuthorizationStatus) {
    let cleared = authorization.cleared > 0;
    authorization.status = if cleared { AuthorizationStatus::Closed } else { unless_cleared };
    authorization.due_at = None;
}

/// Gives back `amount` of what is open, on the ledger and in the windows; with the last of it the fees.
pub(super) fn release(
    work: &mut Work,
    card: &Card,
    authorization: &mut Authorization,
    amount: i64,
    step: Step,
    note: Option<&str>,
) -> Result<(), Stop> {
    let now = work.now();
    authorization.open -= amount;
    let fee = if authorization.open == 0 { std::mem::take(&mut authorization.open_fee) } else { 0 };
    let mut entry = None;
    if authorization.kind != AuthorizationType::Deposit {
        if amount + fee > 0 {
            entry = Some(hold(work, card, authorization.id, -(amount + fee), false)?.id);
        }
        let whole = authorization.open == 0 && authorization.cleared == 0;
        give_back(work, card, &mut authorization.taken, amount, i64::from(whole))?;
    }
    authorization.note(step, amount, entry, note, now);
    Ok(())
}
