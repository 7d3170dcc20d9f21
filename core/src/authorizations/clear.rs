//! Collecting: clearings and force posts. What the network imposes is never refused; what does not fit is flagged.

use std::sync::Arc;

use crate::authorizations::counters::add_taken;
use crate::authorizations::funds::{Booked, Movement, book, sweep};
use crate::authorizations::gather::{billing, take};
use crate::authorizations::reverse::{close, release};
use crate::authorizations::{
    Asked, Authorization, AuthorizationStatus, AuthorizationType, Channel, ExceptionKind, Exceptional, Fee, Merchant,
    NetworkReference, Posted, PostingType, ReferenceKind, Step, Terms, Trace, TransactionView, except, tell,
    tell_posted,
};
use crate::cards::Card;
use crate::events::EventType;
use crate::ids::{AuthorizationId, CardId, Id, PostingId};
use crate::ledger::EntryKind;
use crate::money::Currency;
use crate::record::Key;
use crate::refusal::{Refusal, Stop};
use crate::work::Work;

/// A clearing: it finds its authorization by the network transaction id and the authorization code.
#[derive(Clone, Debug)]
pub struct Clear {
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
    pub terms: Arc<Terms>,
}

/// What is known of a payment that has no authorization here.
#[derive(Clone, Debug)]
pub struct Unmatched {
    /// The card.
    pub card: CardId,
    /// Who collects.
    pub merchant: Merchant,
    /// Where.
    pub channel: Channel,
}

/// A payment without an authorization.
#[derive(Clone, Debug)]
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
    pub terms: Arc<Terms>,
}

/// What identifies a message that posts money, for ever.
pub(super) fn posting_reference(kind: PostingType, trace: &Trace, sequence: &str) -> String {
    format!("{kind}\n{}\n{sequence}", trace.transaction_id)
}

/// The transaction that this very message posted before.
pub(super) fn posted_before(work: &mut Work, reference: &str) -> Result<Option<Arc<Posted>>, Stop> {
    let key = NetworkReference::key_of(work.client(), ReferenceKind::Posting, reference);
    match work.network_references.get_to_change(key)? {
        Some(known) => Ok(work.postings.get(Key::of(work.client(), known.object))?),
        None => Ok(None),
    }
}

/// Collects.
pub fn clear(work: &mut Work, command: &Clear) -> Result<TransactionView, Stop> {
    let reference = posting_reference(PostingType::Capture, &command.trace, &command.sequence);
    if let Some(again) = posted_before(work, &reference)? {
        return Ok(TransactionView::of(&again, &command.terms.environment));
    }
    let id = &command.trace.transaction_id;
    let known = NetworkReference::key_of(work.client(), ReferenceKind::Authorization, id);
    let found = match work.network_references.get(known)? {
        Some(reference) => work.authorizations.get_to_change(Key::of(work.client(), reference.object))?,
        None => None,
    };
    let matches = |found: &Arc<Authorization>| {
        let code = &command.trace.authorization_code;
        found.card.is_some()
            && found.status != AuthorizationStatus::Declined
            && found.kind != AuthorizationType::AccountVerification
            && (code.is_none() || *code == found.trace.authorization_code)
    };
    match found.filter(matches) {
        Some(found) => clear_open(work, command, &found, &reference),
        None => clear_unmatched(work, command, &reference),
    }
}

fn clear_open(
    work: &mut Work,
    command: &Clear,
    found: &Authorization,
    reference: &str,
) -> Result<TransactionView, Stop> {
    let card = found.card.ok_or(Refusal::CardNotFound)?;
    let card = crate::cards::find(work, card)?;
    let amount = match &command.asked {
        Some(asked) => {
            // A clearing in a currency no rate is known for collects what was converted for the authorization.
            billing(asked, card.currency, &command.terms)?.unwrap_or(found.open)
        }
        None => found.open,
    };
    // A last clearing of nothing says that nothing is collected: the rest of the hold is given back.
    if amount == 0 && !(command.is_final && found.open > 0) {
        return Err(Refusal::NothingToClear.into());
    }
    let (merchant_amount, merchant_currency) = merchant_side(command, found, amount)?;
    let mut changed = found.clone();
    let first = found.cleared == 0;
    let credit = found.kind == AuthorizationType::Deposit;
    let fee = if credit { Fee::default() } else { found.fee_terms.on(amount, first) };
    let collected = amount.min(found.open);
    let last = command.is_final || collected == found.open;
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
    if changed.open == 0 {
        close(&mut changed, AuthorizationStatus::Closed);
    }
    work.authorizations.put(changed.clone());
    let kind = match found.status {
        AuthorizationStatus::Approved if amount > collected => Some(ExceptionKind::OverClearing),
        AuthorizationStatus::Approved => None,
        _ => Some(ExceptionKind::LateClearing),
    };
    let posted = Posted {
        channel: found.channel,
        usage: found.kind,
        with_pin: found.with_pin(),
        authorization: Some(found.id),
        merchant: found.merchant.clone(),
        trace: Trace { authorization_code: found.trace.authorization_code.clone(), ..command.trace.clone() },
        merchant_amount,
        merchant_currency,
        ..draft(work, &card, PostingType::Capture, if credit { amount } else { -amount }, fee, &booked)
    };
    keep(work, &posted, reference);
    if let Some(kind) = kind {
        let late = kind == ExceptionKind::LateClearing;
        let amount = if late { amount } else { amount - collected };
        except(work, Exceptional { posting: Some(posted.id), ..Exceptional::about(kind, &changed, amount) })?;
    }
    finish(work, &card, &posted, &booked, &command.terms)?;
    tell(work, &card, EventType::AuthorizationUpdated, &changed)?;
    sweep(work, &card, Some(&changed))?;
    Ok(TransactionView::of(&posted, &command.terms.environment))
}

/// The amount in the merchant's currency: as the clearing tells it, or the authorization's share of it.
fn merchant_side(command: &Clear, found: &Authorization, amount: i64) -> Result<(i64, Currency), Refusal> {
    match &command.asked {
        Some(asked) => {
            let minor = crate::accounts::not_negative(asked.amount, asked.currency, "/amount")?;
            Ok((minor, asked.currency))
        }
        None if found.asked == 0 => Ok((amount, found.currency)),
        None => {
            let share = i128::from(found.merchant_amount) * i128::from(amount);
            let share = crate::authorizations::terms::divide_half_even(share, i128::from(found.asked));
            Ok((i64::try_from(share).unwrap_or(found.merchant_amount), found.merchant_currency))
        }
    }
}

fn clear_unmatched(work: &mut Work, command: &Clear, reference: &str) -> Result<TransactionView, Stop> {
    let (Some(what), Some(asked)) = (&command.unmatched, command.asked) else {
        return Err(Refusal::AuthorizationNotFound.into());
    };
    let what = (what.clone(), asked, command.trace.clone());
    post_forced(work, what, ExceptionKind::UnmatchedClearing, reference, &command.terms)
}

/// Posts a payment that was never authorized here.
pub fn force_post(work: &mut Work, command: &ForcePost) -> Result<TransactionView, Stop> {
    let reference = posting_reference(PostingType::ForcePost, &command.trace, &command.sequence);
    if let Some(again) = posted_before(work, &reference)? {
        return Ok(TransactionView::of(&again, &command.terms.environment));
    }
    if command.asked.amount.is_zero() {
        return Err(Refusal::AmountNotPositive { field: "/amount" }.into());
    }
    let what = (command.what.clone(), command.asked, command.trace.clone());
    post_forced(work, what, ExceptionKind::ForcePost, &reference, &command.terms)
}

fn post_forced(
    work: &mut Work,
    (what, asked, trace): (Unmatched, Asked, Trace),
    kind: ExceptionKind,
    reference: &str,
    terms: &Terms,
) -> Result<TransactionView, Stop> {
    let card = crate::cards::find(work, what.card)?;
    let amount = billing(&asked, card.currency, terms)?
        .ok_or(Refusal::RateUnknown { from: asked.currency, to: card.currency })?;
    let fee = terms.fee(card.currency, AuthorizationType::Purchase, &what.merchant.country).on(amount, true);
    let movement = Movement {
        kind: EntryKind::ForcePost,
        authorization: None,
        source: card.id.0,
        reference: Some(trace.transaction_id.clone()),
        amount,
        fee: fee.fee,
        vat: fee.vat,
        release: 0,
    };
    let booked = book(work, &card, &movement)?;
    take(work, &card, &what.merchant.category, (amount, 0))?;
    let posted = Posted {
        channel: what.channel,
        merchant: what.merchant,
        merchant_amount: crate::accounts::not_negative(asked.amount, asked.currency, "/amount")?,
        merchant_currency: asked.currency,
        trace,
        ..draft(work, &card, PostingType::ForcePost, -amount, fee, &booked)
    };
    keep(work, &posted, reference);
    let exception = Exceptional::of_posting(kind, &posted, amount);
    except(work, exception)?;
    finish(work, &card, &posted, &booked, terms)?;
    Ok(TransactionView::of(&posted, &terms.environment))
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
        entry: booked.entry.id,
        created_at: now,
        updated_at: now,
    }
}

/// Keeps a transaction and the identity of the message that posted it.
pub(super) fn keep(work: &mut Work, posted: &Posted, reference: &str) {
    work.postings.put(posted.clone());
    let hash = NetworkReference::hash(ReferenceKind::Posting, reference);
    let object: Id = posted.id.0;
    let kind = ReferenceKind::Posting;
    work.network_references.put(NetworkReference { client: posted.client, hash, kind, object });
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
