//! Resolving exceptions: posting a deferred message, or paying out money in suspense.

use std::sync::Arc;

use crate::accounts::{check_active, check_creditable, check_debitable, emit_balance_updated};
use crate::approvals::{ApprovalAction, Ask};
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

/// Resolves an exception: posts its deferred message or pays out its money in suspense.
#[derive(Clone, Debug)]
pub struct ResolveException {
    pub id: ExceptionId,
    pub note: String,
    /// For unpriced messages: units of the card's currency for one unit of the message's.
    pub rate: Option<Decimal>,
    /// For unpriced messages: the amount in the card's currency.
    pub billing: Option<Decimal>,
    /// For money in suspense: the account that receives it, or that pays a debt.
    pub account: Option<AccountId>,
    pub terms: Arc<Terms>,
    pub if_match: Option<i64>,
}

impl Verb for ResolveException {
    type Answer = ExceptionView;

    fn home(&self) -> Option<Id> {
        Some(self.id.0)
    }

    fn prefetch(&self, _: &mut Work, _: ClientId) {}

    fn approvals(&self) -> Vec<Ask> {
        vec![Ask::of(ApprovalAction::ExceptionResolve)]
    }

    fn run(&self, work: &mut Work) -> Result<ExceptionView, Stop> {
        resolve(work, self)
    }
}

/// An exception is resolved once, except that money still in suspense can be paid out later.
fn resolve(work: &mut Work, command: &ResolveException) -> Result<ExceptionView, Stop> {
    let found = work.network_exceptions.get_for_update(Key::of(work.client(), command.id.0))?;
    let found = found.ok_or(Refusal::ExceptionNotFound)?;
    check_version(command.if_match, found.version)?;
    let suspended = suspended(work, &found)?;
    // The note did not settle money that is still in suspense.
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

/// Exactly the inputs that this exception needs must be given.
fn check_means(command: &ResolveException, found: &NetworkException, suspended: bool) -> Result<(), Refusal> {
    let unpriced = found.kind == ExceptionKind::Unpriced;
    let priced = command.rate.is_some() || command.billing.is_some();
    let wanted = |field, wanted| Refusal::ResolutionMismatch { field, kind: found.kind.as_str(), wanted };
    match (unpriced, priced) {
        (true, false) => return Err(wanted("/rate", "rate or billingAmount is required")),
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
                // The refund has a price now, and it exceeds what is left of its transaction. That is an exception of
                // its own.
                (resolved.kind, resolved.status) = (ExceptionKind::OverRefund, ExceptionStatus::Open);
                resolved.deferred = Some(Deferred::refund(&priced));
                return Ok(());
            }
            posted
        }
        Deferred::Advice(requested) => {
            let id = resolved.authorization.ok_or(Refusal::AuthorizationNotFound)?;
            price_pending_advice(work, id, &price(requested))?;
            return Ok(());
        }
    };
    let posted = posted.ok_or_else(|| Refusal::ResolutionMismatch {
        field: "/rate",
        kind: resolved.kind.as_str(),
        wanted: "rate or billingAmount is required",
    })?;
    resolved.transaction = Some(posted.id);
    Ok(())
}

/// The amount of the exception that is still in suspense; negative if it is owed.
fn suspended(work: &mut Work, found: &NetworkException) -> Result<Option<i64>, Stop> {
    if found.kind != ExceptionKind::Suspense || found.entry.is_some() {
        return Ok(None);
    }
    if let Some(id) = found.transaction {
        let posted = work.transactions.get(Key::of(work.client(), id.0))?.ok_or(Refusal::TransactionNotFound)?;
        let credit = posted.kind == TransactionType::Refund || posted.amount > 0;
        return Ok(Some(if credit { found.amount } else { -found.amount }));
    }
    // Released funds of a closed account. Other exceptions without a transaction, from older versions, moved no money.
    let Some(card) = found.card else { return Ok(None) };
    let card = crate::cards::find(work, card)?;
    let settles = found.authorization.is_none_or(|_| card.currency == found.currency);
    Ok(settles.then_some(found.amount))
}

/// Moves money from suspense to an account. A debt is paid by the account if it has the funds.
fn pay_out(work: &mut Work, found: &NetworkException, amount: i64, to: AccountId) -> Result<Entry, Stop> {
    let account = crate::accounts::find(work, to, Some("/accountId"))?;
    match amount {
        1.. => check_creditable(&account)?,
        0 => check_active(&account)?,
        _ => check_debitable(&account)?,
    }
    if account.currency != found.currency {
        return Err(Refusal::CardCurrencyMismatch { account: account.currency, card: found.currency }.into());
    }
    let legs = [
        Leg::Account { account: to.into(), delta: amount, held: 0 },
        Leg::System { system: System::Suspense, currency: found.currency, delta: -amount },
    ];
    let posting = Posting {
        source: Some(found.id.0),
        authorization: found.authorization,
        ..Posting::new(EntryKind::SuspensePayout, &legs)
    };
    let entry = post(work, posting)?;
    emit_balance_updated(work, to, amount, &entry)?;
    Ok(entry)
}
