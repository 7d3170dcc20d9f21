//! What messages requested, compared with their effects: each message has exactly one effect, in the requested amount.

use std::collections::{HashMap, HashSet};

use crate::authorizations::{
    Authorization, AuthorizationStatus, MAX_TIMELINE_STEPS, ReverseByReference, Step, TimelineStep,
};
use crate::exceptions::NetworkException;
use crate::ids::{AuthorizationId, CardId, TransactionId};
use crate::messages::{AuthorizationType, RequestedAmount};
use crate::money::Currency;
use crate::record::Key;
use crate::testing::World;
use crate::transactions::{Refund, Transaction, TransactionType};
use crate::{Command, Outcome};

#[derive(Default)]
pub(super) struct Effects {
    /// Reversals that arrived before their authorization, by network transaction id.
    early: HashMap<String, Vec<ReverseByReference>>,
    /// Authorizations with parts in other currencies or at other rates: their sums may be off by rounding.
    mixed: HashSet<AuthorizationId>,
    /// Transactions with such refunds.
    mixed_refunds: HashSet<TransactionId>,
}

impl Effects {
    /// Records a message and its outcome.
    pub(super) fn note(&mut self, world: &World, command: &Command, outcome: Option<&Outcome>) {
        let posted = match outcome {
            Some(Outcome::MaybeTransaction(view)) => (**view).as_ref().map(|view| &view.id),
            _ => None,
        };
        let posted = posted.map(|id| row(world, TransactionId::parse(id).expect("an id")));
        match (command, posted) {
            (Command::ForcePost(force), Some(posted)) => {
                check_posted(
                    posted,
                    Some(&force.requested),
                    Some(force.what.card),
                    TransactionType::ForcePost,
                    command,
                );
            }
            (Command::Clear(clear), Some(posted)) => {
                check_posted(posted, clear.requested.as_ref(), None, posted.kind, command);
                let own = |requested: &RequestedAmount, made: &Authorization| {
                    requested.currency == made.merchant_currency
                        && requested.billing.is_none()
                        && requested.rate.is_none()
                };
                let made = posted.authorization.map(|id| authorization(world, id));
                if let Some(made) = made
                    && clear.requested.as_ref().is_some_and(|requested| !own(requested, made))
                {
                    self.mixed.insert(made.id);
                }
            }
            (Command::Refund(refund), Some(posted)) => {
                let card = match refund.original {
                    Some(original) => row(world, original).card,
                    None => refund.unlinked.as_ref().expect("one of the two").card,
                };
                check_posted(posted, refund.requested.as_ref(), Some(card), TransactionType::Refund, command);
                self.note_refund(world, refund);
            }
            (Command::Refund(refund), None) => self.note_refund(world, refund),
            (Command::ReverseByReference(reversal), _) => {
                if matches!(outcome, Some(Outcome::MaybeAuthorization(view)) if view.is_none()) {
                    let early = self.early.entry(reversal.trace.transaction_id.clone()).or_default();
                    let known = early.iter().any(|known| {
                        (known.amount, known.currency, &known.trace)
                            == (reversal.amount, reversal.currency, &reversal.trace)
                    });
                    if !known {
                        early.push((**reversal).clone());
                    }
                }
                if let Some(Outcome::MaybeAuthorization(view)) = outcome
                    && let Some(view) = &**view
                {
                    let id = AuthorizationId::parse(&view.id).expect("an id");
                    let foreign = reversal.currency == Some(authorization(world, id).merchant_currency);
                    self.mixed.extend((reversal.amount.is_some() && !foreign).then_some(id));
                }
            }
            (Command::ReverseAuthorization(reversal), _) => {
                self.mixed.extend(reversal.amount.map(|_| reversal.id));
            }
            (Command::IncrementAuthorization(more), _) => {
                let made = authorization(world, more.id);
                let own = more.requested.currency == made.merchant_currency && more.requested.billing.is_none();
                self.mixed.extend((!own || more.requested.rate.is_some()).then_some(more.id));
            }
            (Command::Authorize(advice), _) if advice.advice.is_some() => {
                let Some(Outcome::Authorization(view)) = outcome else { return };
                self.mixed.insert(AuthorizationId::parse(&view.id).expect("an id"));
            }
            (Command::ResolveException(resolved), _) => {
                let found = world.work.network_exceptions.peek(Key::of(world.client, resolved.id.0));
                let found = found.expect("an exception");
                self.mixed.extend(found.authorization);
                let posted = found.transaction.map(|id| row(world, id));
                self.mixed_refunds.extend(posted.and_then(|posted| posted.original));
            }
            _ => {}
        }
    }

    fn note_refund(&mut self, world: &World, refund: &Refund) {
        let Some(original) = refund.original.map(|id| row(world, id)) else { return };
        let own = |requested: &RequestedAmount| {
            requested.currency == original.merchant_currency && requested.billing.is_none() && requested.rate.is_none()
        };
        if refund.requested.as_ref().is_some_and(|requested| !own(requested)) {
            self.mixed_refunds.insert(original.id);
        }
    }

    /// Early reversals count, and parts add up to the whole.
    pub(super) fn check(&self, made: &[&Authorization], transactions: &[&Transaction]) {
        for of in made {
            self.check_early(of);
            // Expired or released amounts are neither cleared nor reversed.
            let released = of.timeline.iter().any(|step| matches!(step.step, Step::Released | Step::Expired));
            let settled = of.merchant_settled == of.merchant_amount && of.approved == of.requested;
            let whole = settled && of.outstanding == 0 && !released;
            if whole && of.merchant_amount > 0 && !self.mixed.contains(&of.id) {
                assert_eq!(of.cleared + of.reversed, of.requested, "the parts of {of:?}");
            }
        }
        for of in
            transactions.iter().filter(|of| matches!(of.kind, TransactionType::Capture | TransactionType::ForcePost))
        {
            let taken_back = |refund: &&&Transaction| refund.refunded == 0;
            let refunds = transactions
                .iter()
                .filter(|refund| refund.kind == TransactionType::Refund && refund.original == Some(of.id));
            let refunds: Vec<_> = refunds.filter(taken_back).collect();
            let sum: i64 = refunds.iter().map(|refund| refund.amount).sum();
            assert_eq!(sum, of.refunded, "refunds of {of:?}");
            let whole = of.amount < 0 && of.refunded == -of.amount && of.refunded > 0;
            // If the merchant's minor unit is worth less, a part of the amount may already convert to all of the
            // card's.
            let exact = of.merchant_amount <= of.amount.abs();
            if whole && exact && !self.mixed_refunds.contains(&of.id) {
                let sum: i64 = refunds.iter().map(|refund| refund.merchant_amount).sum();
                assert_eq!(sum, of.merchant_amount, "refunds of {of:?} in the merchant's currency");
            }
        }
    }

    fn check_early(&self, of: &Authorization) {
        let Some(early) = self.early.get(&of.trace.transaction_id) else { return };
        if of.approved == 0 || early.iter().any(|early| early.currency != Some(of.currency)) {
            return;
        }
        let sum: Option<i64> = early.iter().map(|early| early.amount?.to_minor(of.currency.exponent())).sum();
        // Later changes by an advice do not matter, nor do advices that waited for a price.
        let first =
            of.timeline.first().filter(|first| matches!(first.step, Step::Approved | Step::Advised | Step::Asked));
        // Nothing is held for an advice of a card whose account is closed, so there is nothing to take back.
        let holds = |first: &TimelineStep| first.note.as_deref() != Some("the account is closed: nothing can be held");
        let counts = |first: &&TimelineStep| first.amount > 0 && holds(first);
        let Some(first) = first.filter(counts).filter(|_| of.timeline.len() < MAX_TIMELINE_STEPS) else { return };
        let taken = of.timeline.iter().filter(|step| step.note.as_deref() == Some("its reversal had come before it"));
        let taken: i64 = taken.map(|step| step.amount).sum();
        let expected = sum.map_or(first.amount, |sum| sum.min(first.amount));
        assert_eq!(taken, expected, "{early:?} precedes {of:?}");
    }
}

fn row(world: &World, id: TransactionId) -> &Transaction {
    world.work.transactions.peek(Key::of(world.client, id.0)).expect("a transaction")
}

fn authorization(world: &World, id: AuthorizationId) -> &Authorization {
    world.work.authorizations.peek(Key::of(world.client, id.0)).expect("an authorization")
}

/// The transaction in the answer to a message belongs to that message.
fn check_posted(
    posted: &Transaction,
    requested: Option<&RequestedAmount>,
    card: Option<CardId>,
    kind: TransactionType,
    command: &Command,
) {
    if let Some(requested) = requested {
        let minor = requested.amount.to_minor(requested.currency.exponent());
        assert_eq!(
            (minor, requested.currency),
            (Some(posted.merchant_amount), posted.merchant_currency),
            "{command:?} is answered with {posted:?}"
        );
    }
    assert!(card.is_none_or(|card| card == posted.card), "{command:?} is answered with {posted:?}");
    // A clearing without an authorization is a force post.
    let kinds = [kind, TransactionType::ForcePost, TransactionType::Capture];
    assert!(kinds.contains(&posted.kind), "{command:?} is answered with {posted:?}");
}

/// A transaction has one hold, and only positive amounts are approved.
pub(super) fn check_holds(made: &[&Authorization]) {
    let mut held: HashMap<(&str, Option<CardId>), AuthorizationId> = HashMap::new();
    for of in made {
        let is_open = of.status == AuthorizationStatus::Approved || of.awaits_answer();
        if !is_open || of.kind == AuthorizationType::Deposit {
            continue;
        }
        assert!(of.approved > 0 || of.awaits_answer(), "approved for zero: {of:?}");
        let other = held.insert((&of.trace.transaction_id, of.card), of.id);
        assert!(other.is_none(), "one transaction has two holds: {of:?} and {other:?}");
    }
}

/// The amounts in suspense are those of the open exceptions.
pub(super) fn suspended(exceptions: &[&NetworkException], transactions: &[&Transaction]) -> HashMap<Currency, i64> {
    let mut sums: HashMap<Currency, i64> = HashMap::new();
    for of in exceptions {
        if of.kind.as_str() != "suspense" || of.entry.is_some() {
            continue;
        }
        let posted = of.transaction.and_then(|id| transactions.iter().find(|posted| posted.id == id));
        let owed = posted.is_some_and(|posted| posted.kind != TransactionType::Refund && posted.amount <= 0);
        *sums.entry(of.currency).or_default() += if owed { -of.amount } else { of.amount };
    }
    sums
}
