//! What makes two requests, advices or reversals of the network the same one, and what became of a transaction of the network.
//!
//! A message is known by its kind, its numbers (network transaction id, STAN, RRN), its amount and its card. The same again
//! is answered as the first was, from the last messages of the card or from what became of the first; what differs in any
//! of these is another message.

use std::sync::Arc;

use crate::authorizations::{Authorization, AuthorizationStatus};
use crate::exceptions::NetworkException;
use crate::hash::hex;
use crate::ids::{CardId, Id};
use crate::limits::MessageDigest;
use crate::messages::{NetworkReference, NetworkRequest, ReferenceKind, Trace};
use crate::money::{Currency, Decimal};
use crate::record::Key;
use crate::refusal::Stop;
use crate::work::Work;

fn digest(parts: &[&str]) -> MessageDigest {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, parts.join("\n").as_bytes());
    *digest.as_ref().first_chunk().expect("SHA-256 has 32 bytes")
}

/// An authorization request or an advice, among the messages of a card.
pub(crate) fn of_request(request: &NetworkRequest, advice: Option<bool>) -> MessageDigest {
    let (trace, requested) = (&request.trace, &request.requested);
    let class = match advice {
        None => "0100",
        Some(true) => "0120",
        Some(false) => "0120 declined",
    };
    let (amount, kind) = (requested.amount.to_string(), request.kind.as_str());
    digest(&[class, &trace.transaction_id, &trace.stan, &trace.rrn, &amount, requested.currency.code(), kind])
}

/// A reversal, among the messages of a card.
pub(crate) fn of_reversal(trace: &Trace, amount: Option<Decimal>, currency: Option<Currency>) -> MessageDigest {
    let amount = amount.map(|amount| amount.to_string()).unwrap_or_default();
    let currency = currency.map(|currency| currency.code().to_owned()).unwrap_or_default();
    digest(&["0400", &trace.transaction_id, &trace.stan, &trace.rrn, &amount, &currency])
}

/// Whether an authorization was made by this very message.
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

/// What is known of a transaction of the network on a card.
pub(crate) struct Known {
    /// Its authorization on this card.
    pub(crate) own: Option<Arc<Authorization>>,
    /// Another card's authorization under the same network transaction id.
    pub(crate) other: Option<Id>,
    /// Where its authorization is found: a second card's has a place of its own.
    lookup: String,
}

impl Known {
    /// Looks a transaction up. Without a card it is that of a card that is not one of ours.
    pub(crate) fn find(work: &mut Work, transaction: &str, card: Option<CardId>) -> Result<Known, Stop> {
        let Some(first) = authorization_at(work, transaction)? else {
            return Ok(Known { own: None, other: None, lookup: transaction.to_owned() });
        };
        if first.card == card {
            return Ok(Known { own: Some(first), other: None, lookup: transaction.to_owned() });
        }
        let lookup = lookup_of_card(transaction, card);
        let own = authorization_at(work, &lookup)?;
        Ok(Known { own, other: Some(first.id.0), lookup })
    }

    /// Lets the messages of the transaction find this authorization from now on.
    pub(crate) fn lead_to(&self, work: &mut Work, made: &Authorization) {
        let hash = NetworkReference::hash(ReferenceKind::Authorization, &self.lookup);
        let (client, kind, object) = (work.client(), ReferenceKind::Authorization, made.id.0);
        work.network_references.put(NetworkReference { client, hash, kind, object });
    }
}

fn lookup_of_card(transaction: &str, card: Option<CardId>) -> String {
    let card = card.map_or_else(|| "unknown".to_owned(), |card| card.to_string());
    format!("{transaction}\n{card}")
}

fn authorization_at(work: &mut Work, lookup: &str) -> Result<Option<Arc<Authorization>>, Stop> {
    let key = NetworkReference::key_of(work.client(), ReferenceKind::Authorization, lookup);
    let Some(reference) = work.network_references.get_for_update(key)? else { return Ok(None) };
    let key = Key::of(work.client(), reference.object);
    // It leads to a reversal's exception until the authorization comes.
    if work.made_in_batch(reference.object) && work.authorizations.peek(key).is_none() {
        return Ok(None);
    }
    work.authorizations.get_for_update(key)
}

/// The authorization of a transaction, on the card when the message names one.
pub(crate) fn authorization(
    work: &mut Work,
    transaction: &str,
    card: Option<CardId>,
) -> Result<Option<Arc<Authorization>>, Stop> {
    match card {
        Some(card) => Ok(Known::find(work, transaction, Some(card))?.own),
        None => authorization_at(work, transaction),
    }
}

/// A reversal that waits for its authorization.
pub(crate) struct EarlyReversal {
    /// The exception that lists it.
    pub(crate) exception: Option<Arc<NetworkException>>,
    /// Where it is found.
    lookup: String,
}

impl EarlyReversal {
    /// The reversal that came before the authorization of a transaction on a card; without a card that of any.
    pub(crate) fn find(work: &mut Work, transaction: &str, card: Option<CardId>) -> Result<EarlyReversal, Stop> {
        EarlyReversal::look(work, transaction, card, false)
    }

    /// The same, to be changed.
    pub(crate) fn find_for_update(
        work: &mut Work,
        transaction: &str,
        card: Option<CardId>,
    ) -> Result<EarlyReversal, Stop> {
        EarlyReversal::look(work, transaction, card, true)
    }

    fn look(work: &mut Work, transaction: &str, card: Option<CardId>, change: bool) -> Result<EarlyReversal, Stop> {
        let of_any =
            EarlyReversal { exception: exception_at(work, transaction, change)?, lookup: transaction.to_owned() };
        let others = |found: &Arc<NetworkException>| found.card.is_some() && card.is_some() && found.card != card;
        if !of_any.exception.as_ref().is_some_and(others) {
            return Ok(of_any);
        }
        let lookup = lookup_of_card(transaction, card);
        Ok(EarlyReversal { exception: exception_at(work, &lookup, change)?, lookup })
    }

    /// Keeps it for the authorization that comes. It takes the authorization's place in the look-up too, so that of the two,
    /// when they come at once, the later one finds the earlier.
    pub(crate) fn keep(&self, work: &mut Work, exception: &NetworkException, alone: bool) {
        lead_to_exception(work, &self.lookup, exception);
        if !alone {
            return;
        }
        let hash = NetworkReference::hash(ReferenceKind::Authorization, &self.lookup);
        let (client, kind, object) = (work.client(), ReferenceKind::Authorization, exception.id.0);
        work.network_references.put(NetworkReference { client, hash, kind, object });
    }
}

fn exception_at(work: &mut Work, lookup: &str, change: bool) -> Result<Option<Arc<NetworkException>>, Stop> {
    let key = NetworkReference::key_of(work.client(), ReferenceKind::Reversal, lookup);
    let references = &mut work.network_references;
    let found = if change { references.get_for_update(key)? } else { references.get(key)? };
    let Some(reference) = found else { return Ok(None) };
    let key = Key::of(work.client(), reference.object);
    if change { work.network_exceptions.get_for_update(key) } else { work.network_exceptions.get(key) }
}

fn lead_to_exception(work: &mut Work, lookup: &str, exception: &NetworkException) {
    let hash = NetworkReference::hash(ReferenceKind::Reversal, lookup);
    let (client, kind, object) = (work.client(), ReferenceKind::Reversal, exception.id.0);
    work.network_references.put(NetworkReference { client, hash, kind, object });
}

fn lookup_of_message(message: &MessageDigest) -> String {
    format!("message\n{}", hex(message))
}

/// Whether this very reversal came before, when its authorization was not known yet.
pub(crate) fn is_known_early_reversal(work: &mut Work, message: &MessageDigest) -> Result<bool, Stop> {
    Ok(exception_at(work, &lookup_of_message(message), true)?.is_some())
}

/// Remembers a reversal that came before its authorization.
pub(crate) fn remember_early_reversal(work: &mut Work, message: &MessageDigest, exception: &NetworkException) {
    lead_to_exception(work, &lookup_of_message(message), exception);
}
