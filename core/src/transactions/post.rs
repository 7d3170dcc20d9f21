//! Keeping a transaction: its row, the message that leads to it, its event, and what is listed about it.

use std::sync::Arc;

use crate::authorizations::Authorization;
use crate::authorizations::funds::Booked;
use crate::cards::{Card, owner};
use crate::events::{EventType, emit, emit_with, part};
use crate::exceptions::{ExceptionDraft, ExceptionKind, raise_exception};
use crate::ids::{AuthorizationId, TransactionId};
use crate::messages::{AuthorizationType, Channel, Merchant, Trace};
use crate::programs::{Fee, Terms};
use crate::record::Key;
use crate::refusal::Stop;
use crate::transactions::identity::{Before, PostingMessage, remember_posting};
use crate::transactions::{RefundView, Transaction, TransactionType, TransactionView};
use crate::work::Work;

/// Where a message that is new is remembered; what became of one that came before.
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

/// Where a message that posts money is remembered.
pub(super) struct Lookup {
    lookup: String,
    reused: bool,
}

/// Lets a message wait for somebody to resolve its exception.
pub(super) fn defer(work: &mut Work, what: ExceptionDraft, lookup: &Lookup) -> Result<Option<Transaction>, Stop> {
    let exception = raise_exception(work, what)?;
    remember_posting(work, &lookup.lookup, exception.id.0);
    Ok(None)
}

/// A transaction on a card, to be completed with what the message told.
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
        limit_usage: Vec::new(),
        entry: booked.entry.id,
        created_at: now,
        updated_at: now,
    }
}

/// Keeps a transaction, and lets the message that posted it find it again. Numbers that were another message's are flagged.
pub(super) fn keep(work: &mut Work, posted: &Transaction, lookup: &Lookup) -> Result<(), Stop> {
    work.transactions.put(posted.clone());
    remember_posting(work, &lookup.lookup, posted.id.0);
    if lookup.reused {
        let amount = posted.amount.saturating_abs();
        raise_exception(work, ExceptionDraft::of_transaction(ExceptionKind::NumbersReused, posted, amount))?;
    }
    Ok(())
}

/// Tells what was posted, and flags what could not be booked where it belongs.
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

/// Names the authorization a transaction belongs to, when it still can be found.
pub(super) fn authorization_of(
    work: &mut Work,
    id: Option<AuthorizationId>,
) -> Result<Option<Arc<Authorization>>, Stop> {
    match id {
        Some(id) => work.authorizations.get_for_update(Key::of(work.client(), id.0)),
        None => Ok(None),
    }
}
/// Tells what was posted, in the published shapes.
fn emit_transaction(work: &mut Work, card: &Card, posted: &Transaction, environment: &str) -> Result<(), Stop> {
    let transaction = TransactionView::of(posted, environment);
    if posted.kind == TransactionType::Refund {
        let refund = RefundView::of(&transaction);
        return emit_with(work, owner(card), EventType::TransactionRefund, [part(&transaction), part(&refund)]);
    }
    emit(work, owner(card), EventType::TransactionCreated, &transaction)
}
