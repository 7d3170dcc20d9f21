//! Clearings. What the network imposes is never refused; what does not fit is posted and listed.

use std::sync::Arc;

use crate::authorizations::emit::tell;
use crate::authorizations::funds::{Movement, book, sweep};
use crate::authorizations::pricing::settle;
use crate::authorizations::release::{close, release};
use crate::authorizations::usage::take;
use crate::authorizations::{Authorization, AuthorizationStatus, Step, find_to_change, identity};
use crate::cards;
use crate::events::EventType;
use crate::exceptions::{Deferred, ExceptionKind, Exceptional, except};
use crate::ids::{ClientId, Id};
use crate::ledger::EntryKind;
use crate::limits::add_taken;
use crate::messages::{AuthorizationType, Trace};
use crate::programs::Fee;
use crate::refusal::{Refusal, Stop};
use crate::transactions::force_post::{Forced, post_forced};
use crate::transactions::identity::PostingMessage;
use crate::transactions::post::{Place, defer, draft, finish, keep, place_of};
use crate::transactions::{Clear, Posted, PostingType, TransactionView, pricing};
use crate::verb::Verb;
use crate::work::Work;

impl Verb for Clear {
    type Shown = Option<TransactionView>;

    fn home(&self) -> Option<Id> {
        self.authorization.map(|id| id.0).or(self.unmatched.as_ref().map(|what| what.card.0))
    }

    fn prefetch(&self, _: &mut Work, _: ClientId) {}

    fn run(&self, work: &mut Work) -> Result<Option<TransactionView>, Stop> {
        clear(work, self)
    }
}

/// Collects. None when it waits to be priced.
fn clear(work: &mut Work, command: &Clear) -> Result<Option<TransactionView>, Stop> {
    let posted = post_clearing(work, command, false)?;
    Ok(posted.map(|posted| TransactionView::of(&posted, &command.terms.environment)))
}

/// Posts a clearing; one that waited when it is `resolving`.
pub(crate) fn post_clearing(work: &mut Work, command: &Clear, resolving: bool) -> Result<Option<Posted>, Stop> {
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
    let card = cards::find(work, card)?;
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
    settle(&mut changed, part.settled);
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
