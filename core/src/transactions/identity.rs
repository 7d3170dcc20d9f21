//! The identity of messages that post money: each message is posted once, however often it is sent.

use std::sync::Arc;

use crate::ids::{CardId, Id};
use crate::messages::{NetworkReference, ReferenceHash, ReferenceKind, RequestedAmount, Trace};
use crate::money::Currency;
use crate::record::Key;
use crate::refusal::Stop;
use crate::transactions::{Transaction, TransactionType};
use crate::work::Work;

pub(super) struct PostingMessage<'a> {
    pub(super) kind: TransactionType,
    pub(super) trace: &'a Trace,
    /// The number within its transaction.
    pub(super) sequence: &'a str,
    /// The whole amount if `None`.
    pub(super) requested: Option<&'a RequestedAmount>,
    pub(super) card: Option<CardId>,
}

/// What an earlier copy of the message led to.
pub(super) enum Before {
    /// No earlier copy. `reused`: another message had the same numbers.
    New {
        lookup: String,
        reused: bool,
    },
    Transaction(Arc<Transaction>),
    /// It waits for an exception to be resolved.
    Waits {
        lookup: String,
    },
}

impl PostingMessage<'_> {
    fn numbers(&self) -> String {
        let all = if self.requested.is_none() { "\nall" } else { "" };
        format!("{}\n{}\n{}{all}", self.kind, self.trace.transaction_id, self.sequence)
    }

    fn content(&self) -> String {
        let (amount, currency) = match self.requested {
            Some(requested) => (requested.amount.to_string(), requested.currency.code().to_owned()),
            None => Default::default(),
        };
        let card = self.card.map(|card| card.to_string()).unwrap_or_default();
        format!("{}\n{card}\n{amount}\n{currency}", self.numbers())
    }

    fn is(&self, card: Option<CardId>, amount: i64, currency: &Currency) -> bool {
        let same_amount = self.requested.is_none_or(|requested| {
            requested.currency == *currency && requested.amount.to_minor(currency.exponent()) == Some(amount)
        });
        same_amount && (self.card.is_none() || card == self.card)
    }

    /// What became of an earlier copy. The numbers alone identify the first message that had them; numbers and content
    /// identify any further one.
    pub(super) fn before(&self, work: &mut Work) -> Result<Before, Stop> {
        let numbers = self.numbers();
        let Some(first) = self.at(work, &numbers)? else { return Ok(Before::New { lookup: numbers, reused: false }) };
        if first.0 {
            return Ok(first.1);
        }
        let lookup = self.content();
        Ok(match self.at(work, &lookup)? {
            Some((_, before)) => before,
            None => Before::New { lookup, reused: true },
        })
    }

    /// The object found under a reference, and whether this very message created it.
    fn at(&self, work: &mut Work, lookup: &str) -> Result<Option<(bool, Before)>, Stop> {
        let key = NetworkReference::key_of(work.client(), ReferenceKind::Transaction, lookup);
        let Some(reference) = work.network_references.get_for_update(key)? else { return Ok(None) };
        let key = Key::of(work.client(), reference.object);
        let is_transaction = !work.made_in_batch(reference.object) || work.transactions.peek(key).is_some();
        if is_transaction && let Some(posted) = work.transactions.get(key)? {
            let same = self.is(Some(posted.card), posted.merchant_amount, &posted.merchant_currency);
            return Ok(Some((same, Before::Transaction(posted))));
        }
        let Some(waits) = work.network_exceptions.get(key)? else { return Ok(None) };
        let requested = waits.deferred.as_ref().and_then(|deferred| deferred.requested());
        let same = requested.is_some_and(|requested| {
            let minor = requested.amount.to_minor(requested.currency.exponent());
            minor.is_some_and(|minor| self.is(waits.card, minor, &requested.currency))
        });
        Ok(Some((same, Before::Waits { lookup: lookup.to_owned() })))
    }
}

/// Lets a repeated message find the transaction, or the exception it waits in.
pub(super) fn remember_posting(work: &mut Work, lookup: &str, object: Id) {
    let reference = ReferenceHash::of(lookup).leading_to(work.client(), ReferenceKind::Transaction, object);
    work.network_references.put(reference);
}
