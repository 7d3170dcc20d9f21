//! Storing a transaction: the row, the reference of its message, the event, and exceptions.

use std::sync::Arc;

use crate::authorizations::Authorization;
use crate::authorizations::funds::Booked;
use crate::cards::{Card, owner};
use crate::events::{EventType, emit_with, part};
use crate::exceptions::{ExceptionDraft, ExceptionKind, raise_exception};
use crate::ids::{AuthorizationId, TransactionId};
use crate::limits::LimitUsage;
use crate::messages::{AuthorizationType, Channel, Merchant, Trace};
use crate::programs::{Fee, Terms};
use crate::record::Key;
use crate::refusal::Stop;
use crate::transactions::identity::{Before, PostingMessage, remember_posting};
use crate::transactions::{RefundView, Transaction, TransactionType, TransactionView};
use crate::view::Pictured;
use crate::work::Work;

/// `Ok` with the reference under which a new message is stored; `Err` with the result of an earlier copy.
pub(super) fn lookup_of(
    work: &mut Work,
    message: &PostingMessage<'_>,
    resolving: bool,
) -> Result<Result<Lookup, Option<Transaction>>, Stop> {
    Ok(match message.before(work)? {
        Before::New { lookup, reused } => Ok(Lookup { lookup, reused }),
        Before::Transaction(posted) => Err(Some((*posted).clone())),
        Before::Waits { lookup } if resolving => Ok(Lookup { lookup, reused: false }),
        Before::Waits { .. } => Err(None),
    })
}

/// The reference under which a message is stored.
pub(super) struct Lookup {
    lookup: String,
    reused: bool,
}

/// Defers a message until its exception is resolved.
pub(super) fn defer(work: &mut Work, what: ExceptionDraft, lookup: &Lookup) -> Result<Option<Transaction>, Stop> {
    let exception = raise_exception(work, what)?;
    remember_posting(work, &lookup.lookup, exception.id.0);
    Ok(None)
}

/// A transaction with the card's data; the caller fills in the message's.
pub(super) fn draft(
    work: &mut Work,
    card: &Card,
    kind: TransactionType,
    amount: i64,
    fee: Fee,
    booked: &Booked,
) -> Transaction {
    let now = work.now();
    Transaction {
        client: work.client(),
        id: TransactionId(work.new_id()),
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
        limit_usage: LimitUsage::default(),
        entry: booked.entry.id,
        created_at: now,
        updated_at: now,
    }
}

/// Stores a transaction and its message's reference. Reused numbers raise an exception.
pub(super) fn keep(work: &mut Work, posted: &Transaction, lookup: &Lookup) -> Result<(), Stop> {
    work.transactions.put(posted.clone());
    remember_posting(work, &lookup.lookup, posted.id.0);
    if lookup.reused {
        let amount = posted.amount.saturating_abs();
        raise_exception(work, ExceptionDraft::of_transaction(ExceptionKind::NumbersReused, posted, amount))?;
    }
    Ok(())
}

/// Emits the transaction's event. An amount in suspense raises an exception.
pub(super) fn finish(
    work: &mut Work,
    card: &Card,
    posted: &Transaction,
    booked: &Booked,
    terms: &Terms,
) -> Result<(), Stop> {
    if booked.suspense != 0 {
        let exception =
            ExceptionDraft::of_transaction(ExceptionKind::Suspense, posted, booked.suspense.saturating_abs());
        raise_exception(work, exception)?;
    }
    emit_transaction(work, card, posted, &terms.environment)
}

/// The authorization of a transaction, if it still exists.
pub(super) fn authorization_of(
    work: &mut Work,
    id: Option<AuthorizationId>,
) -> Result<Option<Arc<Authorization>>, Stop> {
    match id {
        Some(id) => work.authorizations.get_for_update(Key::of(work.client(), id.0)),
        None => Ok(None),
    }
}
/// Emits the event in the published format.
fn emit_transaction(work: &mut Work, card: &Card, posted: &Transaction, environment: &str) -> Result<(), Stop> {
    let transaction = Pictured::from(TransactionView::of(posted, environment));
    if posted.kind == TransactionType::Refund {
        let refund = Pictured::from(RefundView::of(&transaction));
        return emit_with(work, owner(card), EventType::TransactionRefund, [part(&transaction), part(&refund)]);
    }
    emit_with(work, owner(card), EventType::TransactionCreated, [part(&transaction)])
}
