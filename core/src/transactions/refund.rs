//! Refunds, and reversing a refund.

use std::sync::Arc;

use crate::authorizations::Step;
use crate::authorizations::funds::{Movement, book, forward_released_funds};
use crate::authorizations::pricing::Part;
use crate::authorizations::usage::{consume, consume_again};
use crate::cards::{self, Card};
use crate::exceptions::{Deferred, ExceptionDraft, ExceptionKind};
use crate::fields::not_negative;
use crate::ids::{ClientId, Id, TransactionId};
use crate::ledger::EntryKind;
use crate::limits::LimitUsage;
use crate::messages::{AuthorizationType, RequestedAmount};
use crate::money::Decimal;
use crate::programs::{self, Fee, ProgramTerms, Terms, billing};
use crate::record::Key;
use crate::refusal::{Refusal, Stop};
use crate::transactions::identity::PostingMessage;
use crate::transactions::post::{Lookup, authorization_of, defer, draft, finish, keep, lookup_of};
use crate::transactions::{Refund, Transaction, TransactionType, TransactionView, Unmatched, pricing};
use crate::verb::Verb;
use crate::work::Work;

#[derive(Clone, Debug)]
pub struct ReverseRefund {
    pub id: TransactionId,
    pub terms: Arc<Terms>,
}

fn find_posted(work: &mut Work, id: TransactionId) -> Result<Arc<Transaction>, Stop> {
    let found = work.transactions.get_for_update(Key::of(work.client(), id.0))?;
    Ok(found.ok_or(Refusal::TransactionNotFound)?)
}

impl Verb for Refund {
    type Answer = Option<TransactionView>;

    fn home(&self) -> Option<Id> {
        self.original.map(|id| id.0).or(self.unlinked.as_ref().map(|what| what.card.0))
    }

    fn prefetch(&self, _: &mut Work, _: ClientId) {}

    fn run(&self, work: &mut Work) -> Result<Option<TransactionView>, Stop> {
        refund(work, self)
    }
}

/// Posts the refund to whoever has the card's funds now. `None` if it waits for a price, or because it exceeds what is
/// left of its transaction.
fn refund(work: &mut Work, command: &Refund) -> Result<Option<TransactionView>, Stop> {
    let posted = post_refund(work, command, None)?;
    Ok(posted.map(|posted| TransactionView::of(&posted, &command.terms.environment)))
}

/// `resolving` posts a refund that was deferred. One that exceeds the rest of its transaction is posted only if it was
/// deferred for that reason.
pub(crate) fn post_refund(
    work: &mut Work,
    command: &Refund,
    resolving: Option<ExceptionKind>,
) -> Result<Option<Transaction>, Stop> {
    let original = command.original.map(|id| find_posted(work, id)).transpose()?;
    if let Some(original) = &original
        && (original.amount > 0 || !matches!(original.kind, TransactionType::Capture | TransactionType::ForcePost))
    {
        return Err(Refusal::NotRefundable { kind: original.kind.as_str() }.into());
    }
    let what = match (&original, &command.unlinked) {
        (Some(original), _) => {
            Unmatched { card: original.card, merchant: original.merchant.clone(), channel: original.channel }
        }
        (None, Some(what)) => what.clone(),
        (None, None) => return Err(Refusal::CardNotFound.into()),
    };
    let message = PostingMessage {
        kind: TransactionType::Refund,
        trace: &command.trace,
        sequence: &command.sequence,
        requested: command.requested.as_ref(),
        card: Some(what.card),
    };
    let lookup = match lookup_of(work, &message, resolving.is_some())? {
        Ok(lookup) => lookup,
        Err(before) => return Ok(before),
    };
    let card = cards::find(work, what.card)?;
    let left = original.as_ref().map(|original| original.amount.saturating_abs() - original.refunded);
    let program = programs::of_card(work, &card)?;
    let Some(part) = part_of(command, &program.settings.terms, original.as_deref(), &card)? else {
        let requested = command.requested.as_ref().ok_or(Refusal::AmountNotPositive { field: "/amount" })?;
        let deferred = Deferred::refund(command);
        return defer(work, ExceptionDraft::unpriced(card.id, requested, &command.trace, deferred)?, &lookup);
    };
    if command.requested.is_none() && left.is_some_and(|left| left <= 0) {
        return Err(Refusal::AlreadyRefunded.into());
    }
    if part.amount <= 0 && command.requested.is_none_or(|requested| requested.amount.is_zero()) {
        return Err(Refusal::AmountNotPositive { field: "/amount" }.into());
    }
    let over = left.is_some_and(|left| part.amount > left) && resolving != Some(ExceptionKind::OverRefund);
    if let Some(original) = original.as_ref().filter(|_| over) {
        if resolving.is_some() {
            return Ok(None);
        }
        return wait_for_eyes(work, command, original, part, &lookup);
    }
    post_part(work, command, &card, &what, original, part, &lookup).map(Some)
}

/// `None` if no rate is known.
fn part_of(
    command: &Refund,
    terms: &ProgramTerms,
    original: Option<&Transaction>,
    card: &Card,
) -> Result<Option<Part>, Refusal> {
    if let Some(original) = original {
        return pricing::refund(original, command.requested.as_ref(), terms);
    }
    let requested = command.requested.as_ref().ok_or(Refusal::AmountNotPositive { field: "/amount" })?;
    let merchant_amount = not_negative(requested.amount, requested.currency, "/amount")?;
    Ok(billing(requested, card.currency, terms)?.map(|amount| Part {
        amount,
        merchant_amount,
        merchant_currency: requested.currency,
        settled: 0,
    }))
}

/// Defers a refund of more than was cleared, at today's price, until an operator resolves its exception.
fn wait_for_eyes(
    work: &mut Work,
    command: &Refund,
    original: &Transaction,
    part: Part,
    lookup: &Lookup,
) -> Result<Option<Transaction>, Stop> {
    let price = Decimal::new(part.amount, original.currency.exponent());
    let requested =
        command.requested.map(|requested| RequestedAmount { billing: Some(price), rate: None, ..requested });
    let deferred = Deferred::refund(&Refund { requested, ..command.clone() });
    let exception = ExceptionDraft::of_transaction(ExceptionKind::OverRefund, original, part.amount);
    let (trace, deferred) = (command.trace.clone(), Some(deferred));
    defer(work, ExceptionDraft { transaction: None, trace, deferred, ..exception }, lookup)
}

fn post_part(
    work: &mut Work,
    command: &Refund,
    card: &Arc<Card>,
    what: &Unmatched,
    original: Option<Arc<Transaction>>,
    part: Part,
    lookup: &Lookup,
) -> Result<Transaction, Stop> {
    let amount = part.amount;
    let refund_fees = programs::of_card(work, card)?.settings.terms.refund_fees;
    // The refund that completes the payment's refunds returns the fee.
    let completes = |original: &&Arc<Transaction>| {
        let whole = original.amount.saturating_abs();
        refund_fees && original.refunded < whole && original.refunded + amount >= whole
    };
    let fee = original
        .as_ref()
        .filter(completes)
        .map_or(Fee::default(), |original| Fee { fee: -original.fee, vat: -original.vat });
    let authorization = original.as_ref().and_then(|original| original.authorization);
    let movement = Movement {
        kind: EntryKind::Refund,
        authorization,
        source: original.as_ref().map_or(card.id.0, |original| original.id.0),
        reference: Some(command.trace.transaction_id.clone()),
        amount: -amount,
        fee: fee.fee,
        vat: fee.vat,
        release: 0,
    };
    let booked = book(work, card, &movement)?;
    let mut limit_usage = LimitUsage::default();
    consume(work, card, &mut limit_usage, &what.merchant.category, (-amount, 0))?;
    let posted = Transaction {
        authorization,
        original: command.original,
        channel: what.channel,
        usage: original.as_ref().map_or(AuthorizationType::Purchase, |original| original.usage),
        merchant: what.merchant.clone(),
        merchant_amount: part.merchant_amount,
        merchant_currency: part.merchant_currency,
        trace: command.trace.clone(),
        limit_usage,
        ..draft(work, card, TransactionType::Refund, amount, fee, &booked)
    };
    keep(work, &posted, lookup)?;
    let now = work.now();
    if let Some(original) = original {
        let refunded = original.refunded + amount;
        let merchant_refunded = original.merchant_refunded.saturating_add(part.settled);
        work.transactions.put(Transaction { refunded, merchant_refunded, updated_at: now, ..(*original).clone() });
    }
    if let Some(found) = authorization_of(work, authorization)? {
        let mut changed = (*found).clone();
        changed.refunded += amount;
        changed.note(Step::Refunded, amount, Some(booked.entry.id), None, now);
        work.authorizations.put(changed);
    }
    finish(work, card, &posted, &booked, &command.terms)?;
    forward_released_funds(work, card, None)?;
    Ok(posted)
}

impl Verb for ReverseRefund {
    type Answer = TransactionView;

    fn home(&self) -> Option<Id> {
        Some(self.id.0)
    }

    fn prefetch(&self, _: &mut Work, _: ClientId) {}

    fn run(&self, work: &mut Work) -> Result<TransactionView, Stop> {
        reverse_refund(work, self)
    }
}

/// A refund is reversed once, with or without sufficient funds.
fn reverse_refund(work: &mut Work, command: &ReverseRefund) -> Result<TransactionView, Stop> {
    let refund = find_posted(work, command.id)?;
    if refund.kind != TransactionType::Refund {
        return Err(Refusal::NotRefundable { kind: refund.kind.as_str() }.into());
    }
    if refund.refunded > 0 {
        return Err(Refusal::RefundReversed.into());
    }
    let card = cards::find(work, refund.card)?;
    let fee = Fee { fee: -refund.fee, vat: -refund.vat };
    let movement = Movement {
        kind: EntryKind::RefundReversal,
        authorization: refund.authorization,
        source: refund.id.0,
        reference: Some(refund.trace.transaction_id.clone()),
        amount: refund.amount,
        fee: fee.fee,
        vat: fee.vat,
        release: 0,
    };
    let booked = book(work, &card, &movement)?;
    let posted = Transaction {
        authorization: refund.authorization,
        original: Some(refund.id),
        channel: refund.channel,
        usage: refund.usage,
        merchant: refund.merchant.clone(),
        merchant_amount: refund.merchant_amount,
        merchant_currency: refund.merchant_currency,
        trace: refund.trace.clone(),
        ..draft(work, &card, TransactionType::RefundReversal, -refund.amount, fee, &booked)
    };
    let posted = Arc::new(posted);
    work.transactions.put(posted.clone());
    if refund.limit_usage.is_empty() {
        // Older refunds did not record the windows they were credited to.
        consume(work, &card, &mut LimitUsage::default(), &refund.merchant.category, (refund.amount, 0))?;
    } else {
        consume_again(work, &card, &refund.limit_usage)?;
    }
    let now = work.now();
    work.transactions.put(Transaction { refunded: refund.amount, updated_at: now, ..(*refund).clone() });
    if let Some(original) = refund.original {
        let original = find_posted(work, original)?;
        let refunded = original.refunded - refund.amount;
        let own = refund.merchant_currency == original.merchant_currency;
        let part = if own { refund.merchant_amount } else { pricing::merchant_share(&original, refund.amount) };
        let merchant_refunded = (original.merchant_refunded - part).max(0);
        work.transactions.put(Transaction { refunded, merchant_refunded, updated_at: now, ..(*original).clone() });
    }
    if let Some(found) = authorization_of(work, refund.authorization)? {
        let mut changed = (*found).clone();
        changed.refunded -= refund.amount;
        changed.note(Step::RefundReversed, refund.amount, Some(booked.entry.id), None, now);
        work.authorizations.put(changed);
    }
    finish(work, &card, &posted, &booked, &command.terms)?;
    Ok(TransactionView::of(&posted, &command.terms.environment))
}
