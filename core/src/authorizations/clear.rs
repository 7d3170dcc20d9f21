//! Collecting: clearings and force posts. What the network imposes is never refused; what does not fit is flagged.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::authorizations::authorize::used;
use crate::authorizations::counters::add_taken;
use crate::authorizations::funds::{Booked, Movement, book, sweep};
use crate::authorizations::gather::take;
use crate::authorizations::identity::{Before, PostingMessage};
use crate::authorizations::pricing::billing;
use crate::authorizations::reverse::{close, release};
use crate::authorizations::{
    Asked, Authorization, AuthorizationStatus, AuthorizationType, Channel, Deferred, ExceptionKind, Exceptional, Fee,
    Merchant, Posted, PostingType, Step, Terms, Trace, TransactionView, except, find_to_change, identity, pricing,
    tell, tell_posted,
};
use crate::cards::Card;
use crate::events::EventType;
use crate::ids::{AuthorizationId, CardId, PostingId};
use crate::ledger::EntryKind;
use crate::record::Key;
use crate::refusal::{Refusal, Stop};
use crate::work::Work;

/// A clearing: it finds its authorization by the network transaction id and the authorization code.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Clear {
    /// The authorization, where it is known beforehand.
    pub authorization: Option<AuthorizationId>,
    /// How the network knows it.
    pub trace: Trace,
    /// The number of the clearing among those of its authorization, as the network tells it.
    pub sequence: String,
    /// How much; all that is open unless said.
    pub asked: Option<Asked>,
    /// Whether nothing follows.
    pub is_final: bool,
    /// The card, the merchant and the channel as the clearing tells them: for one that finds no authorization.
    pub unmatched: Option<Unmatched>,
    /// The terms of the card programme.
    #[serde(skip)]
    pub terms: Arc<Terms>,
}

/// What is known of a payment that has no authorization here.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Unmatched {
    /// The card.
    pub card: CardId,
    /// Who collects.
    pub merchant: Merchant,
    /// Where.
    pub channel: Channel,
}

/// A payment without an authorization.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ForcePost {
    /// The card, the merchant and the channel.
    pub what: Unmatched,
    /// How much.
    pub asked: Asked,
    /// How the network knows it.
    pub trace: Trace,
    /// The number of the message among those of its transaction.
    pub sequence: String,
    /// The terms of the card programme.
    #[serde(skip)]
    pub terms: Arc<Terms>,
}

/// Collects. None when it waits to be priced.
pub fn clear(work: &mut Work, command: &Clear) -> Result<Option<TransactionView>, Stop> {
    let posted = post_clearing(work, command, false)?;
    Ok(posted.map(|posted| TransactionView::of(&posted, &command.terms.environment)))
}

/// Posts a clearing; one that waited when it is `resolving`.
pub(super) fn post_clearing(work: &mut Work, command: &Clear, resolving: bool) -> Result<Option<Posted>, Stop> {
    let found = authorization_to_clear(work, command)?;
    let own = found.as_ref().and_then(|found| found.card);
    let message = PostingMessage {
        kind: PostingType::Capture,
        trace: &command.trace,
        sequence: &command.sequence,
        asked: command.asked.as_ref(),
        card: own.or(command.unmatched.as_ref().map(|what| what.card)),
    };
    let place = match place_of(work, &message, resolving)? {
        Ok(place) => place,
        Err(before) => return Ok(before),
    };
    match found {
        Some(found) => clear_open(work, command, &found, &place),
        None => clear_unmatched(work, command, &place),
    }
}

/// Where a message that is new is remembered; what became of one that came before.
pub(super) fn place_of(
    work: &mut Work,
    message: &PostingMessage<'_>,
    resolving: bool,
) -> Result<Result<Place, Option<Posted>>, Stop> {
    Ok(match message.before(work)? {
        Before::New { place, reused } => Ok(Place { place, reused }),
        Before::Posted(posted) => Err(Some((*posted).clone())),
        Before::Waits { place } if resolving => Ok(Place { place, reused: false }),
        Before::Waits { .. } => Err(None),
    })
}

/// Where a message that posts money is remembered.
pub(super) struct Place {
    place: String,
    reused: bool,
}

/// The authorization that a clearing belongs to.
fn authorization_to_clear(work: &mut Work, command: &Clear) -> Result<Option<Arc<Authorization>>, Stop> {
    let found = match command.authorization {
        Some(id) => Some(find_to_change(work, id)?),
        None => {
            let card = command.unmatched.as_ref().map(|what| what.card);
            identity::authorization(work, &command.trace.transaction_id, card)?
        }
    };
    let matches = |found: &Arc<Authorization>| {
        let code = &command.trace.authorization_code;
        found.card.is_some()
            && found.status != AuthorizationStatus::Declined
            && found.kind != AuthorizationType::AccountVerification
            && (code.is_none() || *code == found.trace.authorization_code)
    };
    Ok(found.filter(matches))
}

fn clear_open(work: &mut Work, command: &Clear, found: &Authorization, place: &Place) -> Result<Option<Posted>, Stop> {
    let card = found.card.ok_or(Refusal::CardNotFound)?;
    let card = crate::cards::find(work, card)?;
    let Some(part) = pricing::clearing(found, command.asked.as_ref(), &command.terms)? else {
        let asked = command.asked.as_ref().ok_or(Refusal::NothingToClear)?;
        let deferred = Deferred::clearing(command);
        let exception = Exceptional::unpriced(card.id, asked, &command.trace, deferred)?;
        return defer(work, Exceptional { authorization: Some(found.id), ..exception }, place);
    };
    let amount = part.amount;
    // A last clearing of nothing says that nothing is collected: the rest of the hold is given back. A part may be nothing
    // because it is less than a minor unit.
    let nothing = command.asked.as_ref().is_none_or(|asked| asked.amount.is_zero());
    if amount == 0 && nothing && !(command.is_final && found.open > 0) {
        return Err(Refusal::NothingToClear.into());
    }
    let mut changed = found.clone();
    let credit = found.kind == AuthorizationType::Deposit;
    let fee = if credit { Fee::default() } else { found.fee_terms.between(found.cleared, found.cleared + amount) };
    let collected = amount.min(found.open);
    let pending = found.status == AuthorizationStatus::Pending;
    let last = command.is_final || (collected == found.open && !pending);
    let fee_release = if credit {
        0
    } else if last && collected == found.open {
        found.open_fee
    } else {
        fee.total().min(found.open_fee)
    };
    let movement = Movement {
        kind: EntryKind::Clearing,
        authorization: Some(found.id),
        source: found.id.0,
        reference: Some(command.trace.transaction_id.clone()),
        amount: if credit { -amount } else { amount },
        fee: fee.fee,
        vat: fee.vat,
        release: if credit { 0 } else { collected + fee_release },
    };
    let booked = book(work, &card, &movement)?;
    changed.open -= collected;
    changed.open_fee -= fee_release;
    pricing::settle(&mut changed, part.settled);
    changed.cleared += amount;
    changed.note(Step::Cleared, amount, Some(booked.entry.id), None, work.now());
    if amount > collected && !credit {
        // A payment that was given back whole counts again once it is collected after all.
        let again = i64::from(found.taken.iter().all(|part| part.count == 0));
        let taken = take(work, &card, &found.merchant.category, (amount - collected, again))?;
        add_taken(&mut changed.taken, taken);
    }
    if last && changed.open > 0 {
        let rest = changed.open;
        release(work, &card, &mut changed, rest, Step::Released, Some("the last clearing collected less"))?;
    }
    if changed.open == 0 && last {
        close(&mut changed, AuthorizationStatus::Closed);
    }
    work.authorizations.put(changed.clone());
    let posted = Posted {
        channel: found.channel,
        usage: found.kind,
        with_pin: found.with_pin(),
        authorization: Some(found.id),
        merchant: found.merchant.clone(),
        trace: Trace { authorization_code: found.trace.authorization_code.clone(), ..command.trace.clone() },
        merchant_amount: part.merchant_amount,
        merchant_currency: part.merchant_currency,
        ..draft(work, &card, PostingType::Capture, if credit { amount } else { -amount }, fee, &booked)
    };
    keep(work, &posted, place)?;
    flag(work, found, &changed, &posted, amount - collected)?;
    finish(work, &card, &posted, &booked, &command.terms)?;
    tell(work, &card, EventType::AuthorizationUpdated, &changed)?;
    sweep(work, &card, Some(&changed))?;
    Ok(Some(posted))
}

/// Flags what was collected late, or over what was approved.
fn flag(
    work: &mut Work,
    found: &Authorization,
    changed: &Authorization,
    posted: &Posted,
    over: i64,
) -> Result<(), Stop> {
    let (kind, amount) = match found.status {
        AuthorizationStatus::Approved if over > 0 => (ExceptionKind::OverClearing, over),
        // What an advice is about that has no price yet is listed already.
        AuthorizationStatus::Approved | AuthorizationStatus::Pending => return Ok(()),
        _ => (ExceptionKind::LateClearing, posted.amount.saturating_abs()),
    };
    except(work, Exceptional { posting: Some(posted.id), ..Exceptional::about(kind, changed, amount) }).map(|_| ())
}

fn clear_unmatched(work: &mut Work, command: &Clear, place: &Place) -> Result<Option<Posted>, Stop> {
    let (Some(what), Some(asked)) = (&command.unmatched, command.asked) else {
        return Err(Refusal::AuthorizationNotFound.into());
    };
    let deferred = || Deferred::clearing(command);
    let forced = Forced { what, asked, trace: &command.trace, kind: ExceptionKind::UnmatchedClearing };
    post_forced(work, &forced, deferred, place, &command.terms)
}

/// Posts a payment that was never authorized here. None when it waits to be priced.
pub fn force_post(work: &mut Work, command: &ForcePost) -> Result<Option<TransactionView>, Stop> {
    let posted = post_unauthorized(work, command, false)?;
    Ok(posted.map(|posted| TransactionView::of(&posted, &command.terms.environment)))
}

/// Posts a payment without an authorization; one that waited when it is `resolving`.
pub(super) fn post_unauthorized(work: &mut Work, command: &ForcePost, resolving: bool) -> Result<Option<Posted>, Stop> {
    let message = PostingMessage {
        kind: PostingType::ForcePost,
        trace: &command.trace,
        sequence: &command.sequence,
        asked: Some(&command.asked),
        card: Some(command.what.card),
    };
    let place = match place_of(work, &message, resolving)? {
        Ok(place) => place,
        Err(before) => return Ok(before),
    };
    if command.asked.amount.is_zero() {
        return Err(Refusal::AmountNotPositive { field: "/amount" }.into());
    }
    let deferred = || Deferred::force_post(command);
    let (what, asked, trace) = (&command.what, command.asked, &command.trace);
    let forced = Forced { what, asked, trace, kind: ExceptionKind::ForcePost };
    post_forced(work, &forced, deferred, &place, &command.terms)
}

/// A payment that is posted without an authorization.
struct Forced<'a> {
    what: &'a Unmatched,
    asked: Asked,
    trace: &'a Trace,
    kind: ExceptionKind,
}

fn post_forced(
    work: &mut Work,
    forced: &Forced<'_>,
    deferred: impl Fn() -> Deferred,
    place: &Place,
    terms: &Terms,
) -> Result<Option<Posted>, Stop> {
    let (what, asked) = (forced.what, &forced.asked);
    let card = crate::cards::find(work, what.card)?;
    let Some(amount) = billing(asked, card.currency, terms)? else {
        return defer(work, Exceptional::unpriced(card.id, asked, forced.trace, deferred())?, place);
    };
    let fee = terms.fee(card.currency, AuthorizationType::Purchase, &what.merchant.country).on(amount, true);
    let movement = Movement {
        kind: EntryKind::ForcePost,
        authorization: None,
        source: card.id.0,
        reference: Some(forced.trace.transaction_id.clone()),
        amount,
        fee: fee.fee,
        vat: fee.vat,
        release: 0,
    };
    let booked = book(work, &card, &movement)?;
    let posted = Posted {
        taken: take(work, &card, &what.merchant.category, (amount, 1))?,
        channel: what.channel,
        merchant: what.merchant.clone(),
        merchant_amount: crate::accounts::not_negative(asked.amount, asked.currency, "/amount")?,
        merchant_currency: asked.currency,
        trace: forced.trace.clone(),
        ..draft(work, &card, PostingType::ForcePost, -amount, fee, &booked)
    };
    keep(work, &posted, place)?;
    except(work, Exceptional::of_posting(forced.kind, &posted, amount))?;
    finish(work, &card, &posted, &booked, terms)?;
    used(work, &card, &posted.merchant)?;
    Ok(Some(posted))
}

/// Lets a message wait for somebody to resolve its exception.
pub(super) fn defer(work: &mut Work, what: Exceptional, place: &Place) -> Result<Option<Posted>, Stop> {
    let exception = except(work, what)?;
    identity::remember_posting(work, &place.place, exception.id.0);
    Ok(None)
}

/// A transaction on a card, to be completed with what the message told.
pub(super) fn draft(work: &mut Work, card: &Card, kind: PostingType, amount: i64, fee: Fee, booked: &Booked) -> Posted {
    let now = work.now();
    Posted {
        client: work.client(),
        id: PostingId(work.new_id()),
        card: card.id,
        card_holder: card.card_holder,
        account: card.debit_account,
        authorization: None,
        original: None,
        kind,
        usage: AuthorizationType::Purchase,
        channel: Channel::Web,
        currency: card.currency,
        amount,
        fee: fee.fee,
        vat: fee.vat,
        merchant_amount: amount.saturating_abs(),
        merchant_currency: card.currency,
        merchant: Merchant::default(),
        trace: Trace::default(),
        with_pin: false,
        refunded: 0,
        merchant_refunded: 0,
        taken: Vec::new(),
        entry: booked.entry.id,
        created_at: now,
        updated_at: now,
    }
}

/// Keeps a transaction, and lets the message that posted it find it again. Numbers that were another message's are flagged.
pub(super) fn keep(work: &mut Work, posted: &Posted, place: &Place) -> Result<(), Stop> {
    work.postings.put(posted.clone());
    identity::remember_posting(work, &place.place, posted.id.0);
    if place.reused {
        let amount = posted.amount.saturating_abs();
        except(work, Exceptional::of_posting(ExceptionKind::NumbersReused, posted, amount))?;
    }
    Ok(())
}

/// Tells what was posted, and flags what could not be booked where it belongs.
pub(super) fn finish(
    work: &mut Work,
    card: &Card,
    posted: &Posted,
    booked: &Booked,
    terms: &Terms,
) -> Result<(), Stop> {
    if booked.suspense != 0 {
        let exception = Exceptional::of_posting(ExceptionKind::Suspense, posted, booked.suspense.saturating_abs());
        except(work, exception)?;
    }
    tell_posted(work, card, posted, &terms.environment)
}

/// Names the authorization a transaction belongs to, when it still can be found.
pub(super) fn authorization_of(
    work: &mut Work,
    id: Option<AuthorizationId>,
) -> Result<Option<Arc<Authorization>>, Stop> {
    match id {
        Some(id) => work.authorizations.get_to_change(Key::of(work.client(), id.0)),
        None => Ok(None),
    }
}
