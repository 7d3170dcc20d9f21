//! Authorizations: every decision strict, explained and replayable, and the whole life after it.
//!
//! [`decide`] is pure: facts and request in, decision out. The verbs gather the facts, hold and post money, count what
//! was spent, and tell what happened. Messages come through one door ([`message`]), whoever speaks them.

mod advise;
mod authorize;
mod checks;
mod clear;
pub mod counters;
mod decide;
mod exceptions;
mod facts;
mod funds;
mod gather;
mod identity;
mod increment;
mod message;
mod pricing;
mod record;
mod refund;
mod replay;
mod reverse;
mod sample;
mod terms;
mod transaction_view;
mod view;
pub mod windows;

pub(crate) use authorize::expect as expect_authorize;
pub use authorize::{Authorize, authorize};
pub use clear::{Clear, ForcePost, Unmatched, clear, force_post};
pub use counters::{Answered, Counters, MessageDigest, Taken, Window, WindowKey};
pub use decide::{Check, CheckOutcome, Decision, DecisionOutcome, Figures, LimitLevel, RULES_VERSION, Reason, decide};
pub use exceptions::{Deferred, ResolveException, resolve};
use exceptions::{Exceptional, except};
pub use facts::{CardFacts, Facts, LimitFact, Request};
pub(crate) use funds::{is_unsettled, note_settled};
pub(crate) use gather::counters as counters_of;
pub use increment::{IncrementAuthorization, increment};
pub use message::{
    Asked, AuthorizationType, Channel, Links, Match, Merchant, NetworkRequest, Presented, ThreeDs, Trace,
};
#[cfg(any(test, feature = "testing"))]
pub(crate) use record::MOST_STEPS;
pub use record::{
    Authorization, AuthorizationStatus, Decided, ExceptionKind, ExceptionStatus, NetworkException, NetworkReference,
    Posted, PostingType, ReferenceKind, Step, TimelineStep,
};
pub use refund::{Refund, ReverseRefund, refund, reverse_refund};
pub use replay::{Difference, Replay};
pub use reverse::{
    ExpireAuthorization, ReleaseAuthorization, ReverseAuthorization, ReverseByReference, expire, release_by_hand,
    reverse, reverse_by_reference,
};
pub use terms::{Fee, FeeRule, FeeTerms, HoldRule, RateRule, Terms, convert};
pub use transaction_view::{DeclineView, RefundView, TransactionView};
pub use view::{AuthorizationView, DecisionView, ExceptionView, StepView, TerminalView};

use std::sync::Arc;

use crate::cards::Card;
use crate::events::{EventType, Owner, emit, emit_with, part};
use crate::ids::AuthorizationId;
use crate::record::Key;
use crate::refusal::{Refusal, Stop};
use crate::work::Work;

fn find(work: &mut Work, id: AuthorizationId) -> Result<Arc<Authorization>, Stop> {
    let found = work.authorizations.get(Key::of(work.client(), id.0))?;
    Ok(found.ok_or(Refusal::AuthorizationNotFound)?)
}

fn find_to_change(work: &mut Work, id: AuthorizationId) -> Result<Arc<Authorization>, Stop> {
    let found = work.authorizations.get_to_change(Key::of(work.client(), id.0))?;
    Ok(found.ok_or(Refusal::AuthorizationNotFound)?)
}

fn owner(card: &Card) -> Owner {
    Owner::Card { id: card.id, holder: card.card_holder, account: card.debit_account }
}

/// Tells what happened to an authorization.
fn tell(work: &mut Work, card: &Card, kind: EventType, authorization: &Authorization) -> Result<(), Stop> {
    emit(work, owner(card), kind, &AuthorizationView::of(authorization))
}

/// Tells of a declined payment, in the published shape.
fn tell_declined(work: &mut Work, card: &Card, declined: &Authorization, environment: &str) -> Result<(), Stop> {
    let transaction = TransactionView::declined(declined, card, environment);
    let decline = DeclineView::of(declined);
    emit_with(work, owner(card), EventType::AuthorizationDeclined, [part(&transaction), part(&decline)])
}

/// Tells what was posted, in the published shapes.
fn tell_posted(work: &mut Work, card: &Card, posted: &Posted, environment: &str) -> Result<(), Stop> {
    let transaction = TransactionView::of(posted, environment);
    if posted.kind == PostingType::Refund {
        let refund = RefundView::of(&transaction);
        return emit_with(work, owner(card), EventType::TransactionRefund, [part(&transaction), part(&refund)]);
    }
    emit(work, owner(card), EventType::TransactionCreated, &transaction)
}

#[cfg(test)]
mod tests;
