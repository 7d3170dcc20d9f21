//! Payments without an authorization: what the network imposes is posted, and listed.

use crate::authorizations::funds::{Movement, book};
use crate::authorizations::usage::take;
use crate::cards::{self, used};
use crate::exceptions::{Deferred, ExceptionKind, Exceptional, except};
use crate::fields::not_negative;
use crate::ids::{ClientId, Id};
use crate::ledger::EntryKind;
use crate::messages::{Asked, AuthorizationType, Trace};
use crate::programs::{Terms, billing};
use crate::refusal::{Refusal, Stop};
use crate::transactions::identity::PostingMessage;
use crate::transactions::post::{Place, defer, draft, finish, keep, place_of};
use crate::transactions::{ForcePost, Posted, PostingType, TransactionView, Unmatched};
use crate::verb::Verb;
use crate::work::Work;

impl Verb for ForcePost {
    type Shown = Option<TransactionView>;

    fn home(&self) -> Option<Id> {
        Some(self.what.card.0)
    }

    fn prefetch(&self, _: &mut Work, _: ClientId) {}

    fn run(&self, work: &mut Work) -> Result<Option<TransactionView>, Stop> {
        force_post(work, self)
    }
}

/// Posts a payment that was never authorized here. None when it waits to be priced.
fn force_post(work: &mut Work, command: &ForcePost) -> Result<Option<TransactionView>, Stop> {
    let posted = post_unauthorized(work, command, false)?;
    Ok(posted.map(|posted| TransactionView::of(&posted, &command.terms.environment)))
}

/// Posts a payment without an authorization; one that waited when it is `resolving`.
pub(crate) fn post_unauthorized(work: &mut Work, command: &ForcePost, resolving: bool) -> Result<Option<Posted>, Stop> {
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
pub(super) struct Forced<'a> {
    pub(super) what: &'a Unmatched,
    pub(super) asked: Asked,
    pub(super) trace: &'a Trace,
    pub(super) kind: ExceptionKind,
}

pub(super) fn post_forced(
    work: &mut Work,
    forced: &Forced<'_>,
    deferred: impl Fn() -> Deferred,
    place: &Place,
    terms: &Terms,
) -> Result<Option<Posted>, Stop> {
    let (what, asked) = (forced.what, &forced.asked);
    let card = cards::find(work, what.card)?;
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
        merchant_amount: not_negative(asked.amount, asked.currency, "/amount")?,
        merchant_currency: asked.currency,
        trace: forced.trace.clone(),
        ..draft(work, &card, PostingType::ForcePost, -amount, fee, &booked)
    };
    keep(work, &posted, place)?;
    except(work, Exceptional::of_posting(forced.kind, &posted, amount))?;
    finish(work, &card, &posted, &booked, terms)?;
    used(work, &card, &posted.merchant.merchant_id)?;
    Ok(Some(posted))
}
