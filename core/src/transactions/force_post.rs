//! Payments without an authorization. They are posted, and raise an exception.

use crate::authorizations::funds::{Movement, book};
use crate::authorizations::usage::consume;
use crate::cards::{self, apply_payment_effects};
use crate::exceptions::{Deferred, ExceptionDraft, ExceptionKind, raise_exception};
use crate::fields::not_negative;
use crate::ids::{ClientId, Id};
use crate::ledger::EntryKind;
use crate::limits::LimitUsage;
use crate::messages::{AuthorizationType, RequestedAmount, Trace};
use crate::programs::{self, Terms, billing};
use crate::refusal::{Refusal, Stop};
use crate::transactions::identity::PostingMessage;
use crate::transactions::post::{Lookup, defer, draft, finish, keep, lookup_of};
use crate::transactions::{ForcePost, Transaction, TransactionType, TransactionView, Unmatched};
use crate::verb::Verb;
use crate::work::Work;

impl Verb for ForcePost {
    type Answer = Option<TransactionView>;

    fn home(&self) -> Option<Id> {
        Some(self.what.card.0)
    }

    fn prefetch(&self, _: &mut Work, _: ClientId) {}

    fn run(&self, work: &mut Work) -> Result<Option<TransactionView>, Stop> {
        force_post(work, self)
    }
}

/// `None` if the payment waits for a price.
fn force_post(work: &mut Work, command: &ForcePost) -> Result<Option<TransactionView>, Stop> {
    let posted = post_unauthorized(work, command, false)?;
    Ok(posted.map(|posted| TransactionView::of(&posted, &command.terms.environment)))
}

/// `resolving` posts a payment that was deferred.
pub(crate) fn post_unauthorized(
    work: &mut Work,
    command: &ForcePost,
    resolving: bool,
) -> Result<Option<Transaction>, Stop> {
    let message = PostingMessage {
        kind: TransactionType::ForcePost,
        trace: &command.trace,
        sequence: &command.sequence,
        requested: Some(&command.requested),
        card: Some(command.what.card),
    };
    let lookup = match lookup_of(work, &message, resolving)? {
        Ok(lookup) => lookup,
        Err(before) => return Ok(before),
    };
    if command.requested.amount.is_zero() {
        return Err(Refusal::AmountNotPositive { field: "/amount" }.into());
    }
    let deferred = || Deferred::force_post(command);
    let (what, requested, trace) = (&command.what, command.requested, &command.trace);
    let forced = UnauthorizedPayment { what, requested, trace, kind: ExceptionKind::ForcePost };
    post_forced(work, &forced, deferred, &lookup, &command.terms)
}

pub(super) struct UnauthorizedPayment<'a> {
    pub(super) what: &'a Unmatched,
    pub(super) requested: RequestedAmount,
    pub(super) trace: &'a Trace,
    pub(super) kind: ExceptionKind,
}

pub(super) fn post_forced(
    work: &mut Work,
    forced: &UnauthorizedPayment<'_>,
    deferred: impl Fn() -> Deferred,
    lookup: &Lookup,
    terms: &Terms,
) -> Result<Option<Transaction>, Stop> {
    let (what, requested) = (forced.what, &forced.requested);
    let card = cards::find(work, what.card)?;
    let program = programs::of_card(work, &card)?;
    let Some(amount) = billing(requested, card.currency, &program.settings.terms)? else {
        return defer(work, ExceptionDraft::unpriced(card.id, requested, forced.trace, deferred())?, lookup);
    };
    let fee = program.settings.terms.fee(card.currency, AuthorizationType::Purchase, &what.merchant.country);
    let fee = fee.on(amount, true);
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
    let mut limit_usage = LimitUsage::default();
    consume(work, &card, &mut limit_usage, &what.merchant.category, (amount, 1))?;
    let posted = Transaction {
        limit_usage,
        channel: what.channel,
        merchant: what.merchant.clone(),
        merchant_amount: not_negative(requested.amount, requested.currency, "/amount")?,
        merchant_currency: requested.currency,
        trace: forced.trace.clone(),
        ..draft(work, &card, TransactionType::ForcePost, -amount, fee, &booked)
    };
    keep(work, &posted, lookup)?;
    raise_exception(work, ExceptionDraft::of_transaction(forced.kind, &posted, amount))?;
    finish(work, &card, &posted, &booked, terms)?;
    apply_payment_effects(work, &card, &posted.merchant.merchant_id)?;
    Ok(Some(posted))
}
