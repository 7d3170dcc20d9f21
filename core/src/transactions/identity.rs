//! Which message that posts money is which: each is posted once, however often it comes.

use std::sync::Arc;

use crate::ids::{CardId, Id};
use crate::messages::{NetworkReference, ReferenceKind, RequestedAmount, Trace};
use crate::money::Currency;
use crate::record::Key;
use crate::refusal::Stop;
use crate::transactions::{Transaction, TransactionType};
use crate::work::Work;

/// A message that posts money.
pub(super) struct PostingMessage<'a> {
    /// What it posts.
    pub(super) kind: TransactionType,
    /// Its numbers.
    pub(super) trace: &'a Trace,
    /// Its number among those of its transaction.
    pub(super) sequence: &'a str,
    /// Its amount; all there is when none.
    pub(super) requested: Option<&'a RequestedAmount>,
    /// Its card, where it is known.
    pub(super) card: Option<CardId>,
}

/// What became of a message that posts money, when it came before.
pub(super) enum Before {
    /// It is new. `reused` tells that its numbers were those of another message.
    New { lookup: String, reused: bool },
    /// It was posted.
    Transaction(Arc<Transaction>),
    /// It waits for somebody to resolve its exception.
    Waits { lookup: String },
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

    /// What became of it, when it came before. Its numbers lead to the first message that had them, its numbers with its
    /// content to any other: each is posted once.
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

    /// What is found at a place, and whether it is this message.
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

/// Lets a message that comes again find what became of it: a transaction, or the exception it waits in.
pub(super) fn remember_posting(work: &mut Work, lookup: &str, object: Id) {
    let hash = NetworkReference::hash(ReferenceKind::Transaction, lookup);
    let (client, kind) = (work.client(), ReferenceKind::Transaction);
    work.network_references.put(NetworkReference { client, hash, kind, object });
}
