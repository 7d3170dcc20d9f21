//! Clearings. A clearing is never refused; what does not match is posted and raises an exception.

use std::sync::Arc;

use crate::authorizations::emit::emit_authorization;
use crate::authorizations::funds::{Movement, book, forward_released_funds};
use crate::authorizations::pricing::add_settled;
use crate::authorizations::release::{close, release};
use crate::authorizations::usage::consume;
use crate::authorizations::{Authorization, AuthorizationStatus, Step, end_question, find_for_update, identity};
use crate::cards;
use crate::events::EventType;
use crate::exceptions::{Deferred, ExceptionDraft, ExceptionKind, raise_exception};
use crate::ids::{ClientId, Id};
use crate::ledger::EntryKind;
use crate::messages::{AuthorizationType, Trace};
use crate::programs::{self, Fee};
use crate::refusal::{Refusal, Stop};
use crate::transactions::force_post::{UnauthorizedPayment, post_forced};
use crate::transactions::identity::PostingMessage;
use crate::transactions::post::{Lookup, defer, draft, finish, keep, lookup_of};
use crate::transactions::{Clear, Transaction, TransactionType, TransactionView, pricing};
use crate::verb::Verb;
use crate::work::Work;

impl Verb for Clear {
    type Answer = Option<TransactionView>;

    fn home(&self) -> Option<Id> {
        self.authorization.map(|id| id.0).or(self.unmatched.as_ref().map(|what| what.card.0))
    }

    fn prefetch(&self, _: &mut Work, _: ClientId) {}

    fn run(&self, work: &mut Work) -> Result<Option<TransactionView>, Stop> {
        clear(work, self)
    }
}

/// `None` if the clearing waits for a price.
fn clear(work: &mut Work, command: &Clear) -> Result<Option<TransactionView>, Stop> {
    let posted = post_clearing(work, command, false)?;
    Ok(posted.map(|posted| TransactionView::of(&posted, &command.terms.environment)))
}

/// `resolving` posts a clearing that was deferred.
pub(crate) fn post_clearing(work: &mut Work, command: &Clear, resolving: bool) -> Result<Option<Transaction>, Stop> {
    let found = authorization_to_clear(work, command)?;
    let own = found.as_ref().and_then(|found| found.card);
    let message = PostingMessage {
        kind: TransactionType::Capture,
        trace: &command.trace,
        sequence: &command.sequence,
        requested: command.requested.as_ref(),
        card: own.or(command.unmatched.as_ref().map(|what| what.card)),
    };
    let lookup = match lookup_of(work, &message, resolving)? {
        Ok(lookup) => lookup,
        Err(before) => return Ok(before),
    };
    match found {
        Some(found) => clear_open(work, command, &found, &lookup),
        None => clear_unmatched(work, command, &lookup),
    }
}

/// The authorization that a clearing matches.
fn authorization_to_clear(work: &mut Work, command: &Clear) -> Result<Option<Arc<Authorization>>, Stop> {
    let found = match command.authorization {
        Some(id) => Some(find_for_update(work, id)?),
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
    found.filter(matches).map(|found| end_question(work, found)).transpose()
}

fn clear_open(
    work: &mut Work,
    command: &Clear,
    found: &Authorization,
    lookup: &Lookup,
) -> Result<Option<Transaction>, Stop> {
    let card = found.card.ok_or(Refusal::CardNotFound)?;
    let card = cards::find(work, card)?;
    let program = programs::of_card(work, &card)?;
    let Some(part) = pricing::clearing(found, command.requested.as_ref(), &program.settings.terms)? else {
        let requested = command.requested.as_ref().ok_or(Refusal::NothingToClear)?;
        let deferred = Deferred::clearing(command);
        let exception = ExceptionDraft::unpriced(card.id, requested, &command.trace, deferred)?;
        return defer(work, ExceptionDraft { authorization: Some(found.id), ..exception }, lookup);
    };
    let amount = part.amount;
    // A final clearing of zero releases the rest of the hold. A part may convert to zero because it is less than a
    // minor unit.
    let nothing = command.requested.as_ref().is_none_or(|requested| requested.amount.is_zero());
    if amount == 0 && nothing && !(command.is_final && found.outstanding > 0) {
        return Err(Refusal::NothingToClear.into());
    }
    let mut changed = found.clone();
    let credit = found.kind == AuthorizationType::Deposit;
    let fee = if credit { Fee::default() } else { found.fee_terms.between(found.cleared, found.cleared + amount) };
    let collected = amount.min(found.outstanding);
    let pending = found.status == AuthorizationStatus::Pending;
    let last = command.is_final || (collected == found.outstanding && !pending);
    let fee_release = if credit {
        0
    } else if last && collected == found.outstanding {
        found.outstanding_fee
    } else {
        fee.total().min(found.outstanding_fee)
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
    changed.outstanding -= collected;
    changed.outstanding_fee -= fee_release;
    add_settled(&mut changed, part.settled);
    changed.cleared += amount;
    changed.note(Step::Cleared, amount, Some(booked.entry.id), None, work.now());
    if amount > collected && !credit {
        // A payment that was reversed in full counts again if it is cleared after all.
        let again = i64::from(!found.limit_usage.counts());
        consume(work, &card, &mut changed.limit_usage, &found.merchant.category, (amount - collected, again))?;
    }
    if last && changed.outstanding > 0 {
        let rest = changed.outstanding;
        release(work, &card, &mut changed, rest, Step::Released, Some("the last clearing collected less"))?;
    }
    if changed.outstanding == 0 && last {
        close(&mut changed, AuthorizationStatus::Closed);
    }
    let changed = Arc::new(changed);
    work.authorizations.put(changed.clone());
    let posted = Transaction {
        channel: found.channel,
        usage: found.kind,
        with_pin: found.with_pin(),
        authorization: Some(found.id),
        merchant: found.merchant.clone(),
        trace: Trace { authorization_code: found.trace.authorization_code.clone(), ..command.trace.clone() },
        merchant_amount: part.merchant_amount,
        merchant_currency: part.merchant_currency,
        ..draft(work, &card, TransactionType::Capture, if credit { amount } else { -amount }, fee, &booked)
    };
    keep(work, &posted, lookup)?;
    flag(work, found, &changed, &posted, amount - collected)?;
    finish(work, &card, &posted, &booked, &command.terms)?;
    emit_authorization(work, &card, EventType::AuthorizationUpdated, &changed)?;
    forward_released_funds(work, &card, Some(&changed))?;
    Ok(Some(posted))
}

/// Raises an exception for a late clearing, or for more than was approved.
fn flag(
    work: &mut Work,
    found: &Authorization,
    changed: &Authorization,
    posted: &Transaction,
    over: i64,
) -> Result<(), Stop> {
    let (kind, amount) = match found.status {
        AuthorizationStatus::Approved if over > 0 => (ExceptionKind::OverClearing, over),
        // A pending advice has an exception already.
        AuthorizationStatus::Approved | AuthorizationStatus::Pending => return Ok(()),
        _ => (ExceptionKind::LateClearing, posted.amount.saturating_abs()),
    };
    raise_exception(
        work,
        ExceptionDraft { transaction: Some(posted.id), ..ExceptionDraft::about(kind, changed, amount) },
    )
    .map(|_| ())
}

fn clear_unmatched(work: &mut Work, command: &Clear, lookup: &Lookup) -> Result<Option<Transaction>, Stop> {
    let (Some(what), Some(requested)) = (&command.unmatched, command.requested) else {
        return Err(Refusal::AuthorizationNotFound.into());
    };
    let deferred = || Deferred::clearing(command);
    let forced = UnauthorizedPayment { what, requested, trace: &command.trace, kind: ExceptionKind::UnmatchedClearing };
    post_forced(work, &forced, deferred, lookup, &command.terms)
}
