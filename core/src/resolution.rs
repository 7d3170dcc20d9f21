//! Resolving an exception: a message that waited is posted, and money in suspense is paid out.

use std::sync::Arc;

use crate::accounts::{AccountStatus, emit_balance_updated};
use crate::authorizations::price_pending_advice;
use crate::exceptions::{Deferred, ExceptionKind, ExceptionStatus, ExceptionView, NetworkException};
use crate::fields::check_version;
use crate::ids::{AccountId, ClientId, ExceptionId, Id};
use crate::ledger::{Entry, EntryKind, Leg, Posting, System, post};
use crate::messages::RequestedAmount;
use crate::money::Decimal;
use crate::programs::Terms;
use crate::record::Key;
use crate::refusal::{Refusal, Stop};
use crate::transactions::{Clear, ForcePost, Refund, TransactionType, post_clearing, post_refund, post_unauthorized};
use crate::verb::Verb;
use crate::work::Work;

/// Resolves an exception. What waits is posted; what is in suspense is paid out.
#[derive(Clone, Debug)]
pub struct ResolveException {
    /// Which.
    pub id: ExceptionId,
    /// What was found.
    pub note: String,
    /// For one that no rate is known for: units of the card's currency for one of the message's.
    pub rate: Option<Decimal>,
    /// For one that no rate is known for: the amount in the card's currency.
    pub billing: Option<Decimal>,
    /// For one whose money is in suspense: the account that takes it, or pays what is owed.
    pub account: Option<AccountId>,
    /// The terms of the card programme.
    pub terms: Arc<Terms>,
    /// The version the caller read.
    pub if_match: Option<i64>,
}

impl Verb for ResolveException {
    type Answer = ExceptionView;

    fn home(&self) -> Option<Id> {
        Some(self.id.0)
    }

    fn prefetch(&self, _: &mut Work, _: ClientId) {}

    fn run(&self, work: &mut Work) -> Result<ExceptionView, Stop> {
        resolve(work, self)
    }
}

/// Resolves it; once.
fn resolve(work: &mut Work, command: &ResolveException) -> Result<ExceptionView, Stop> {
    let found = work.network_exceptions.get_for_update(Key::of(work.client(), command.id.0))?;
    let found = found.ok_or(Refusal::ExceptionNotFound)?;
    check_version(command.if_match, found.version)?;
    let suspended = suspended(work, &found)?;
    // Of money that is still in suspense the note was not the end.
    if found.status == ExceptionStatus::Resolved && suspended.is_none() {
        return Err(Refusal::ExceptionResolved.into());
    }
    check_means(command, &found, suspended.is_some())?;
    let mut resolved = NetworkException {
        status: ExceptionStatus::Resolved,
        note: Some(command.note.clone()),
        version: found.version + 1,
        updated_at: work.now(),
        ..(*found).clone()
    };
    if let Some(deferred) = &found.deferred {
        post_deferred(work, command, deferred, &mut resolved)?;
    } else if let Some((amount, account)) = suspended.zip(command.account) {
        resolved.entry = Some(pay_out(work, &found, amount, account)?.id);
    }
    work.network_exceptions.put(resolved.clone());
    Ok(ExceptionView::of(&resolved))
}

/// What is needed to resolve it was given, and nothing else.
fn check_means(command: &ResolveException, found: &NetworkException, suspended: bool) -> Result<(), Refusal> {
    let unpriced = found.kind == ExceptionKind::Unpriced;
    let priced = command.rate.is_some() || command.billing.is_some();
    let wanted = |field, wanted| Refusal::ResolutionMismatch { field, kind: found.kind.as_str(), wanted };
    match (unpriced, priced) {
        (true, false) => return Err(wanted("/rate", "rate or billingAmount says what is posted")),
        (false, true) => return Err(wanted("/rate", "it has a price already: leave rate and billingAmount out")),
        (true, true) if command.rate.is_some() && command.billing.is_some() => {
            return Err(wanted("/rate", "send rate or billingAmount, not both"));
        }
        _ => {}
    }
    match (suspended, command.account.is_some()) {
        (true, false) => Err(wanted("/accountId", "its money is in suspense: name the account that takes it")),
        (false, true) => Err(wanted("/accountId", "none of its money is in suspense: leave accountId out")),
        _ => Ok(()),
    }
}

fn post_deferred(
    work: &mut Work,
    command: &ResolveException,
    deferred: &Deferred,
    resolved: &mut NetworkException,
) -> Result<(), Stop> {
    let price = |requested: &RequestedAmount| match (command.rate, command.billing) {
        (None, None) => *requested,
        (rate, billing) => RequestedAmount { rate, billing, ..*requested },
    };
    let terms = command.terms.clone();
    let posted = match deferred {
        Deferred::Clearing(clear) => {
            let requested = clear.requested.as_ref().map(price);
            post_clearing(work, &Clear { requested, terms, ..(**clear).clone() }, true)?
        }
        Deferred::ForcePost(force) => {
            let requested = price(&force.requested);
            post_unauthorized(work, &ForcePost { requested, terms, ..(**force).clone() }, true)?
        }
        Deferred::Refund(refund) => {
            let requested = refund.requested.as_ref().map(price);
            let priced = Refund { requested, terms, ..(**refund).clone() };
            let posted = post_refund(work, &priced, Some(resolved.kind))?;
            if posted.is_none() {
                // It has a price now, and that is more than is left: somebody decides about that too.
                (resolved.kind, resolved.status) = (ExceptionKind::OverRefund, ExceptionStatus::Open);
                resolved.deferred = Some(Deferred::refund(&priced));
                return Ok(());
            }
            posted
        }
        Deferred::Advice(requested) => {
            let id = resolved.authorization.ok_or(Refusal::AuthorizationNotFound)?;
            price_pending_advice(work, id, &price(requested), &command.terms)?;
            return Ok(());
        }
    };
    let posted = posted.ok_or_else(|| Refusal::ResolutionMismatch {
        field: "/rate",
        kind: resolved.kind.as_str(),
        wanted: "rate or billingAmount says what is posted",
    })?;
    resolved.transaction = Some(posted.id);
    Ok(())
}

/// What of an exception is in suspense still: below zero what is owed.
fn suspended(work: &mut Work, found: &NetworkException) -> Result<Option<i64>, Stop> {
    if found.kind != ExceptionKind::Suspense || found.entry.is_some() {
        return Ok(None);
    }
    if let Some(id) = found.transaction {
        let posted = work.transactions.get(Key::of(work.client(), id.0))?.ok_or(Refusal::TransactionNotFound)?;
        let credit = posted.kind == TransactionType::Refund || posted.amount > 0;
        return Ok(Some(if credit { found.amount } else { -found.amount }));
    }
    // What a late release freed; other exceptions of this kind, from before they had kinds of their own, moved nothing.
    let Some(card) = found.card else { return Ok(None) };
    let card = crate::cards::find(work, card)?;
    let settles = found.authorization.is_none_or(|_| card.currency == found.currency);
    Ok(settles.then_some(found.amount))
}

/// Moves what is in suspense to an account; what is owed is paid by it, if it has the money.
fn pay_out(work: &mut Work, found: &NetworkException, amount: i64, to: AccountId) -> Result<Entry, Stop> {
    let account = crate::accounts::find(work, to, Some("/accountId"))?;
    if account.status != AccountStatus::Active {
        return Err(Refusal::AccountInactive { id: account.id, status: account.status.as_str() }.into());
    }
    if amount > 0 && !account.can_credit {
        return Err(Refusal::CreditNotAllowed { id: account.id }.into());
    }
    if amount < 0 && !account.can_debit {
        return Err(Refusal::DebitNotAllowed { id: account.id }.into());
    }
    if account.currency != found.currency {
        return Err(Refusal::CardCurrencyMismatch { account: account.currency, card: found.currency }.into());
    }
    let legs = [
        Leg::Account { account: to.into(), delta: amount, held: 0 },
        Leg::System { system: System::Suspense, currency: found.currency, delta: -amount },
    ];
    let posting = Posting {
        kind: EntryKind::SuspensePayout,
        source: Some(found.id.0),
        authorization: found.authorization,
        reference: None,
        narration: None,
        forced: false,
        legs: &legs,
    };
    let entry = post(work, posting)?;
    emit_balance_updated(work, to, amount, &entry)?;
    Ok(entry)
}
