//! Giving back what was collected, and taking such a refund back.

use std::sync::Arc;

use crate::authorizations::clear::{
    Unmatched, authorization_of, draft, finish, keep, posted_before, posting_reference,
};
use crate::authorizations::funds::{Movement, book, sweep};
use crate::authorizations::gather::{billing, give_to_current, take};
use crate::authorizations::{
    Asked, ExceptionKind, Exceptional, Fee, Posted, PostingType, Step, Terms, Trace, TransactionView, except,
};
use crate::ids::PostingId;
use crate::ledger::EntryKind;
use crate::record::Key;
use crate::refusal::{Refusal, Stop};
use crate::work::Work;

/// A refund, of a transaction or of none that is known.
#[derive(Clone, Debug)]
pub struct Refund {
    /// The transaction it gives back.
    pub original: Option<PostingId>,
    /// The card, the merchant and the channel, when no transaction is named.
    pub unlinked: Option<Unmatched>,
    /// How much; all of the transaction unless said.
    pub asked: Option<Asked>,
    /// How the network knows it.
    pub trace: Trace,
    /// The number of the message among those of its transaction.
    pub sequence: String,
    /// The terms of the card programme.
    pub terms: Arc<Terms>,
}

/// Takes a refund back.
#[derive(Clone, Debug)]
pub struct ReverseRefund {
    /// The refund.
    pub id: PostingId,
    /// The terms of the card programme.
    pub terms: Arc<Terms>,
}

fn find_posted(work: &mut Work, id: PostingId) -> Result<Arc<Posted>, Stop> {
    let found = work.postings.get_to_change(Key::of(work.client(), id.0))?;
    Ok(found.ok_or(Refusal::TransactionNotFound)?)
}

/// Gives money back: always posted, to whoever has the card's money now.
pub fn refund(work: &mut Work, command: &Refund) -> Result<TransactionView, Stop> {
    let reference = posting_reference(PostingType::Refund, &command.trace, &command.sequence);
    if let Some(again) = posted_before(work, &reference)? {
        return Ok(TransactionView::of(&again, &command.terms.environment));
    }
    let original = command.original.map(|id| find_posted(work, id)).transpose()?;
    if let Some(original) = &original
        && (original.amount > 0 || !matches!(original.kind, PostingType::Capture | PostingType::ForcePost))
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
    let card = crate::cards::find(work, what.card)?;
    let left = original.as_ref().map_or(0, |original| original.amount.saturating_abs() - original.refunded);
    let amount = match &command.asked {
        Some(asked) => billing(asked, card.currency, &command.terms)?
            .ok_or(Refusal::RateUnknown { from: asked.currency, to: card.currency })?,
        None => left,
    };
    if amount <= 0 {
        return Err(Refusal::AmountNotPositive { field: "/amount" }.into());
    }
    let fee = match &original {
        Some(original) if command.terms.refund_fees && original.refunded == 0 && amount >= left => {
            Fee { fee: -original.fee, vat: -original.vat }
        }
        _ => Fee::default(),
    };
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
    let booked = book(work, &card, &movement)?;
    let (merchant_amount, merchant_currency) = match &command.asked {
        Some(asked) => (crate::accounts::not_negative(asked.amount, asked.currency, "/amount")?, asked.currency),
        None => original.as_ref().map_or((amount, card.currency), |o| (o.merchant_amount, o.merchant_currency)),
    };
    let posted = Posted {
        authorization,
        original: command.original,
        channel: what.channel,
        usage: original.as_ref().map_or(crate::authorizations::AuthorizationType::Purchase, |original| original.usage),
        merchant: what.merchant,
        merchant_amount,
        merchant_currency,
        trace: command.trace.clone(),
        ..draft(work, &card, PostingType::Refund, amount, fee, &booked)
    };
    keep(work, &posted, &reference);
    give_to_current(work, &card, &posted.merchant.category, amount)?;
    let now = work.now();
    if let Some(original) = original {
        work.postings.put(Posted { refunded: original.refunded + amount, updated_at: now, ..(*original).clone() });
        if amount > left {
            except(work, Exceptional::of_posting(ExceptionKind::OverRefund, &posted, amount - left))?;
        }
    }
    if let Some(found) = authorization_of(work, authorization)? {
        let mut changed = (*found).clone();
        changed.refunded += amount;
        changed.note(Step::Refunded, amount, Some(booked.entry.id), None, now);
        work.authorizations.put(changed);
    }
    finish(work, &card, &posted, &booked, &command.terms)?;
    sweep(work, &card, None)?;
    Ok(TransactionView::of(&posted, &command.terms.environment))
}

/// Takes a refund back, once: posted whether the money is still there or not.
pub fn reverse_refund(work: &mut Work, command: &ReverseRefund) -> Result<TransactionView, Stop> {
    let refund = find_posted(work, command.id)?;
    if refund.kind != PostingType::Refund {
        return Err(Refusal::NotRefundable { kind: refund.kind.as_str() }.into());
    }
    if refund.refunded > 0 {
        return Err(Refusal::RefundReversed.into());
    }
    let card = crate::cards::find(work, refund.card)?;
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
    let posted = Posted {
        authorization: refund.authorization,
        original: Some(refund.id),
        channel: refund.channel,
        usage: refund.usage,
        merchant: refund.merchant.clone(),
        merchant_amount: refund.merchant_amount,
        merchant_currency: refund.merchant_currency,
        trace: refund.trace.clone(),
        ..draft(work, &card, PostingType::RefundReversal, -refund.amount, fee, &booked)
    };
    work.postings.put(posted.clone());
    take(work, &card, &posted.merchant.category, (refund.amount, 0))?;
    let now = work.now();
    work.postings.put(Posted { refunded: refund.amount, updated_at: now, ..(*refund).clone() });
    if let Some(original) = refund.original {
        let original = find_posted(work, original)?;
        let refunded = (original.refunded - refund.amount).max(0);
        work.postings.put(Posted { refunded, updated_at: now, ..(*original).clone() });
    }
    if let Some(found) = authorization_of(work, refund.authorization)? {
        let mut changed = (*found).clone();
        changed.refunded = (changed.refunded - refund.amount).max(0);
        changed.note(Step::RefundReversed, refund.amount, Some(booked.entry.id), None, now);
        work.authorizations.put(changed);
    }
    finish(work, &card, &posted, &booked, &command.terms)?;
    Ok(TransactionView::of(&posted, &command.terms.environment))
}
