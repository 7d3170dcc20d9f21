//! The identity of requests, advices and reversals: whether two messages are the same one, and what is known of a
//! transaction.
//!
//! A message is identified by its kind, its numbers (network transaction id, STAN, RRN), its amount and its card. A
//! repeated message gets the first answer, found among the last messages of the card or through the authorization it
//! led to. A message that differs in any of these is another message.

use std::sync::Arc;

use aws_lc_rs::digest::{Context, SHA256};

use crate::authorizations::{Authorization, AuthorizationStatus};
use crate::exceptions::NetworkException;
use crate::hash::hex;
use crate::ids::{AuthorizationId, CardId, Id};
use crate::limits::MessageDigest;
use crate::messages::{NetworkRequest, ReferenceHash, ReferenceKind, Trace};
use crate::money::{Currency, Decimal};
use crate::record::Key;
use crate::refusal::Stop;
use crate::work::Work;

/// The digest of the parts, with a line feed between them.
fn digest(parts: &[&str]) -> MessageDigest {
    let mut context = Context::new(&SHA256);
    for (number, part) in parts.iter().enumerate() {
        if number > 0 {
            context.update(b"\n");
        }
        context.update(part.as_bytes());
    }
    *context.finish().as_ref().first_chunk().expect("SHA-256 has 32 bytes")
}

/// The digest of a request or advice.
pub(crate) fn of_request(request: &NetworkRequest, advice: Option<bool>) -> MessageDigest {
    let (trace, requested) = (&request.trace, &request.requested);
    let class = match advice {
        None => "0100",
        Some(true) => "0120",
        Some(false) => "0120 declined",
    };
    let (amount, kind) = (requested.amount.digits(), request.kind.as_str());
    let currency = requested.currency.code();
    digest(&[class, &trace.transaction_id, &trace.stan, &trace.rrn, amount.trimmed(), currency, kind])
}

/// The digest of a reversal.
pub(crate) fn of_reversal(trace: &Trace, amount: Option<Decimal>, currency: Option<Currency>) -> MessageDigest {
    let amount = amount.map(Decimal::digits);
    let amount = amount.as_ref().map_or("", |amount| amount.trimmed());
    let currency = currency.as_ref().map_or("", |currency| currency.code());
    digest(&["0400", &trace.transaction_id, &trace.stan, &trace.rrn, amount, currency])
}

/// Whether this very message created the authorization.
pub(crate) fn is_same(
    made: &Authorization,
    request: &NetworkRequest,
    advice: Option<bool>,
    amount: Option<i64>,
) -> bool {
    let trace = &request.trace;
    let requested = made.decided.first().and_then(|decided| decided.request.amount);
    let decided_alike = match advice {
        None => !made.stand_in,
        Some(approved) => made.stand_in && approved == (made.status != AuthorizationStatus::Declined),
    };
    decided_alike
        && made.card == request.presented.card
        && made.kind == request.kind
        && made.merchant_currency == request.requested.currency
        && requested == amount
        && (made.trace.stan == trace.stan && made.trace.rrn == trace.rrn)
}

/// What is known of a network transaction on a card.
pub(crate) struct Known {
    pub(crate) own: Option<Arc<Authorization>>,
    /// Another card's authorization with the same network transaction id.
    pub(crate) other: Option<Id>,
    /// The reference of its authorization. A second card's transaction has a reference of its own.
    lookup: ReferenceHash,
}

impl Known {
    /// `card` is `None` for a number that is not of a card issued here.
    pub(crate) fn find(
        work: &mut Work,
        transaction: &str,
        lookup: ReferenceHash,
        card: Option<CardId>,
    ) -> Result<Known, Stop> {
        let Some(first) = authorization_at(work, lookup)? else {
            return Ok(Known { own: None, other: None, lookup });
        };
        if first.card == card {
            return Ok(Known { own: Some(first), other: None, lookup });
        }
        let lookup = lookup_of_card(transaction, card);
        let own = authorization_at(work, lookup)?;
        Ok(Known { own, other: Some(first.id.0), lookup })
    }

    /// From now on the transaction's reference leads to this authorization.
    pub(crate) fn lead_to(&self, work: &mut Work, made: AuthorizationId) {
        let reference = self.lookup.leading_to(work.client(), ReferenceKind::Authorization, made.0);
        work.network_references.put(reference);
    }
}

fn lookup_of_card(transaction: &str, card: Option<CardId>) -> ReferenceHash {
    let card = card.map_or_else(|| "unknown".to_owned(), |card| card.to_string());
    ReferenceHash::of(&format!("{transaction}\n{card}"))
}

fn authorization_at(work: &mut Work, lookup: ReferenceHash) -> Result<Option<Arc<Authorization>>, Stop> {
    let key = lookup.key(work.client(), ReferenceKind::Authorization);
    let Some(reference) = work.network_references.get_for_update(key)? else { return Ok(None) };
    let key = Key::of(work.client(), reference.object);
    // The reference leads to an early reversal's exception until the authorization arrives.
    if work.made_in_batch(reference.object) && work.authorizations.peek(key).is_none() {
        return Ok(None);
    }
    work.authorizations.get_for_update(key)
}

/// The authorization of a transaction, on the given card if there is one.
pub(crate) fn authorization(
    work: &mut Work,
    transaction: &str,
    card: Option<CardId>,
) -> Result<Option<Arc<Authorization>>, Stop> {
    let lookup = ReferenceHash::of(transaction);
    match card {
        Some(card) => Ok(Known::find(work, transaction, lookup, Some(card))?.own),
        None => authorization_at(work, lookup),
    }
}

/// A reversal that arrived before its authorization.
pub(crate) struct EarlyReversal {
    pub(crate) exception: Option<Arc<NetworkException>>,
    /// The reference it is stored under.
    lookup: ReferenceHash,
}

impl EarlyReversal {
    /// Finds the early reversal of a transaction on a card; on any card if `None`. `lookup` is the transaction's hash.
    pub(crate) fn find(
        work: &mut Work,
        transaction: &str,
        lookup: ReferenceHash,
        card: Option<CardId>,
    ) -> Result<EarlyReversal, Stop> {
        EarlyReversal::look(work, transaction, lookup, card, false)
    }

    /// As [`EarlyReversal::find`], for update.
    pub(crate) fn find_for_update(
        work: &mut Work,
        transaction: &str,
        card: Option<CardId>,
    ) -> Result<EarlyReversal, Stop> {
        EarlyReversal::look(work, transaction, ReferenceHash::of(transaction), card, true)
    }

    fn look(
        work: &mut Work,
        transaction: &str,
        lookup: ReferenceHash,
        card: Option<CardId>,
        change: bool,
    ) -> Result<EarlyReversal, Stop> {
        let of_any = EarlyReversal { exception: exception_at(work, lookup, change)?, lookup };
        let others = |found: &Arc<NetworkException>| found.card.is_some() && card.is_some() && found.card != card;
        if !of_any.exception.as_ref().is_some_and(others) {
            return Ok(of_any);
        }
        let lookup = lookup_of_card(transaction, card);
        Ok(EarlyReversal { exception: exception_at(work, lookup, change)?, lookup })
    }

    /// Stores the reversal until the authorization arrives. It also takes the authorization's reference, so that of two
    /// concurrent messages the later one sees the earlier; not if another card's authorization has that reference.
    pub(crate) fn keep(&self, work: &mut Work, exception: &NetworkException) -> Result<(), Stop> {
        let key = self.lookup.key(work.client(), ReferenceKind::Authorization);
        let is_free = work.network_references.get_for_update(key)?.is_none();
        lead_to_exception(work, self.lookup, exception);
        if is_free {
            let reference = self.lookup.leading_to(work.client(), ReferenceKind::Authorization, exception.id.0);
            work.network_references.put(reference);
        }
        Ok(())
    }
}

fn exception_at(work: &mut Work, lookup: ReferenceHash, change: bool) -> Result<Option<Arc<NetworkException>>, Stop> {
    let key = lookup.key(work.client(), ReferenceKind::Reversal);
    let references = &mut work.network_references;
    let found = if change { references.get_for_update(key)? } else { references.get(key)? };
    let Some(reference) = found else { return Ok(None) };
    let key = Key::of(work.client(), reference.object);
    if change { work.network_exceptions.get_for_update(key) } else { work.network_exceptions.get(key) }
}

fn lead_to_exception(work: &mut Work, lookup: ReferenceHash, exception: &NetworkException) {
    let reference = lookup.leading_to(work.client(), ReferenceKind::Reversal, exception.id.0);
    work.network_references.put(reference);
}

fn lookup_of_message(message: &MessageDigest) -> ReferenceHash {
    ReferenceHash::of(&format!("message\n{}", hex(message)))
}

/// Whether this very reversal has arrived before.
pub(crate) fn is_known_early_reversal(work: &mut Work, message: &MessageDigest) -> Result<bool, Stop> {
    Ok(exception_at(work, lookup_of_message(message), true)?.is_some())
}

/// Remembers a reversal that arrived before its authorization.
pub(crate) fn remember_early_reversal(work: &mut Work, message: &MessageDigest, exception: &NetworkException) {
    lead_to_exception(work, lookup_of_message(message), exception);
}
