//! What makes two messages of the network the same one, for every kind of message.
//!
//! A message is known by its kind, its numbers (network transaction id, STAN, RRN), its amount and its card. The same again
//! is answered as the first was, from the last messages of the card or from what became of the first; what differs in any
//! of these is another message.

use std::sync::Arc;

use crate::authorizations::counters::MessageDigest;
use crate::authorizations::{
    Asked, Authorization, AuthorizationStatus, Authorize, NetworkException, NetworkReference, Posted, PostingType,
    ReferenceKind, ReverseByReference, Trace,
};
use crate::ids::{CardId, Id};
use crate::record::Key;
use crate::refusal::Stop;
use crate::work::Work;

fn digest(parts: &[&str]) -> MessageDigest {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, parts.join("\n").as_bytes());
    *digest.as_ref().first_chunk().expect("SHA-256 has 32 bytes")
}

/// An authorization request or an advice, among the messages of a card.
pub(super) fn of_request(command: &Authorize) -> MessageDigest {
    let (trace, asked) = (&command.request.trace, &command.request.asked);
    let class = match command.advice {
        None => "0100",
        Some(true) => "0120",
        Some(false) => "0120 declined",
    };
    let (amount, kind) = (asked.amount.to_string(), command.request.kind.as_str());
    digest(&[class, &trace.transaction_id, &trace.stan, &trace.rrn, &amount, asked.currency.code(), kind])
}

/// A reversal, among the messages of a card.
pub(super) fn of_reversal(command: &ReverseByReference) -> MessageDigest {
    let amount = command.amount.map(|amount| amount.to_string()).unwrap_or_default();
    let trace = &command.trace;
    let currency = command.currency.map(|currency| currency.code().to_owned()).unwrap_or_default();
    digest(&["0400", &trace.transaction_id, &trace.stan, &trace.rrn, &amount, &currency])
}

/// Whether an authorization was made by this very message.
pub(super) fn is_same(made: &Authorization, command: &Authorize, amount: Option<i64>) -> bool {
    let (trace, request) = (&command.request.trace, &command.request);
    let asked = made.decided.first().and_then(|decided| decided.request.amount);
    let decided_alike = match command.advice {
        None => !made.stand_in,
        Some(approved) => made.stand_in && approved == (made.status != AuthorizationStatus::Declined),
    };
    decided_alike
        && made.card == request.presented.card
        && made.kind == request.kind
        && made.merchant_currency == request.asked.currency
        && asked == amount
        && (made.trace.stan == trace.stan && made.trace.rrn == trace.rrn)
}

/// What is known of a transaction of the network on a card.
pub(super) struct Known {
    /// Its authorization on this card.
    pub(super) own: Option<Arc<Authorization>>,
    /// Another card's authorization under the same network transaction id.
    pub(super) other: Option<Id>,
    /// Where its authorization is found: a second card's has a place of its own.
    place: String,
}

impl Known {
    /// Looks a transaction up. Without a card it is that of a card that is not one of ours.
    pub(super) fn find(work: &mut Work, transaction: &str, card: Option<CardId>) -> Result<Known, Stop> {
        let Some(first) = authorization_at(work, transaction)? else {
            return Ok(Known { own: None, other: None, place: transaction.to_owned() });
        };
        if first.card == card {
            return Ok(Known { own: Some(first), other: None, place: transaction.to_owned() });
        }
        let place = place_of_card(transaction, card);
        let own = authorization_at(work, &place)?;
        Ok(Known { own, other: Some(first.id.0), place })
    }

    /// Lets the messages of the transaction find this authorization from now on.
    pub(super) fn lead_to(&self, work: &mut Work, made: &Authorization) {
        let hash = NetworkReference::hash(ReferenceKind::Authorization, &self.place);
        let (client, kind, object) = (work.client(), ReferenceKind::Authorization, made.id.0);
        work.network_references.put(NetworkReference { client, hash, kind, object });
    }
}

fn place_of_card(transaction: &str, card: Option<CardId>) -> String {
    let card = card.map_or_else(|| "unknown".to_owned(), |card| card.to_string());
    format!("{transaction}\n{card}")
}

fn authorization_at(work: &mut Work, place: &str) -> Result<Option<Arc<Authorization>>, Stop> {
    let key = NetworkReference::key_of(work.client(), ReferenceKind::Authorization, place);
    let Some(reference) = work.network_references.get_to_change(key)? else { return Ok(None) };
    let key = Key::of(work.client(), reference.object);
    // It leads to a reversal's exception until the authorization comes.
    if work.made_in_batch(reference.object) && work.authorizations.peek(key).is_none() {
        return Ok(None);
    }
    work.authorizations.get_to_change(key)
}

/// The authorization of a transaction, on the card when the message names one.
pub(super) fn authorization(
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
pub(super) struct Waiting {
    /// The exception that lists it.
    pub(super) exception: Option<Arc<NetworkException>>,
    /// Where it is found.
    place: String,
}

impl Waiting {
    /// The reversal that came before the authorization of a transaction on a card; without a card that of any.
    pub(super) fn find(work: &mut Work, transaction: &str, card: Option<CardId>) -> Result<Waiting, Stop> {
        Waiting::look(work, transaction, card, false)
    }

    /// The same, to be changed.
    pub(super) fn find_to_change(work: &mut Work, transaction: &str, card: Option<CardId>) -> Result<Waiting, Stop> {
        Waiting::look(work, transaction, card, true)
    }

    fn look(work: &mut Work, transaction: &str, card: Option<CardId>, change: bool) -> Result<Waiting, Stop> {
        let of_any = Waiting { exception: exception_at(work, transaction, change)?, place: transaction.to_owned() };
        let others = |found: &Arc<NetworkException>| found.card.is_some() && card.is_some() && found.card != card;
        if !of_any.exception.as_ref().is_some_and(others) {
            return Ok(of_any);
        }
        let place = place_of_card(transaction, card);
        Ok(Waiting { exception: exception_at(work, &place, change)?, place })
    }

    /// Keeps it for the authorization that comes. It takes the authorization's place in the look-up too, so that of the two,
    /// when they come at once, the later one finds the earlier.
    pub(super) fn keep(&self, work: &mut Work, exception: &NetworkException, alone: bool) {
        lead_to_exception(work, &self.place, exception);
        if !alone {
            return;
        }
        let hash = NetworkReference::hash(ReferenceKind::Authorization, &self.place);
        let (client, kind, object) = (work.client(), ReferenceKind::Authorization, exception.id.0);
        work.network_references.put(NetworkReference { client, hash, kind, object });
    }
}

fn exception_at(work: &mut Work, place: &str, change: bool) -> Result<Option<Arc<NetworkException>>, Stop> {
    let key = NetworkReference::key_of(work.client(), ReferenceKind::Reversal, place);
    let references = &mut work.network_references;
    let found = if change { references.get_to_change(key)? } else { references.get(key)? };
    let Some(reference) = found else { return Ok(None) };
    let key = Key::of(work.client(), reference.object);
    if change { work.network_exceptions.get_to_change(key) } else { work.network_exceptions.get(key) }
}

fn lead_to_exception(work: &mut Work, place: &str, exception: &NetworkException) {
    let hash = NetworkReference::hash(ReferenceKind::Reversal, place);
    let (client, kind, object) = (work.client(), ReferenceKind::Reversal, exception.id.0);
    work.network_references.put(NetworkReference { client, hash, kind, object });
}

fn place_of_message(command: &ReverseByReference) -> String {
    format!("message\n{}", crate::work::hex(&of_reversal(command)))
}

/// Whether this very reversal came before, when its authorization was not known yet.
pub(super) fn came_early(work: &mut Work, command: &ReverseByReference) -> Result<bool, Stop> {
    Ok(exception_at(work, &place_of_message(command), true)?.is_some())
}

/// Remembers a reversal that came before its authorization.
pub(super) fn remember_early(work: &mut Work, command: &ReverseByReference, exception: &NetworkException) {
    lead_to_exception(work, &place_of_message(command), exception);
}

/// A message that posts money.
pub(super) struct PostingMessage<'a> {
    /// What it posts.
    pub(super) kind: PostingType,
    /// Its numbers.
    pub(super) trace: &'a Trace,
    /// Its number among those of its transaction.
    pub(super) sequence: &'a str,
    /// Its amount; all there is when none.
    pub(super) asked: Option<&'a Asked>,
    /// Its card, where it is known.
    pub(super) card: Option<CardId>,
}

/// What became of a message that posts money, when it came before.
pub(super) enum Before {
    /// It is new. `reused` tells that its numbers were those of another message.
    New { place: String, reused: bool },
    /// It was posted.
    Posted(Arc<Posted>),
    /// It waits for somebody to resolve its exception.
    Waits { place: String },
}

impl PostingMessage<'_> {
    fn numbers(&self) -> String {
        let all = if self.asked.is_none() { "\nall" } else { "" };
        format!("{}\n{}\n{}{all}", self.kind, self.trace.transaction_id, self.sequence)
    }

    fn content(&self) -> String {
        let (amount, currency) = match self.asked {
            Some(asked) => (asked.amount.to_string(), asked.currency.code().to_owned()),
            None => Default::default(),
        };
        let card = self.card.map(|card| card.to_string()).unwrap_or_default();
        format!("{}\n{card}\n{amount}\n{currency}", self.numbers())
    }

    fn is(&self, card: Option<CardId>, amount: i64, currency: &crate::money::Currency) -> bool {
        let same_amount = self.asked.is_none_or(|asked| {
            asked.currency == *currency && asked.amount.to_minor(currency.exponent()) == Some(amount)
        });
        same_amount && (self.card.is_none() || card == self.card)
    }

    /// What became of it, when it came before. Its numbers lead to the first message that had them, its numbers with its
    /// content to any other: each is posted once.
    pub(super) fn before(&self, work: &mut Work) -> Result<Before, Stop> {
        let numbers = self.numbers();
        let Some(first) = self.at(work, &numbers)? else { return Ok(Before::New { place: numbers, reused: false }) };
        if first.0 {
            return Ok(first.1);
        }
        let place = self.content();
        Ok(match self.at(work, &place)? {
            Some((_, before)) => before,
            None => Before::New { place, reused: true },
        })
    }

    /// What is found at a place, and whether it is this message.
    fn at(&self, work: &mut Work, place: &str) -> Result<Option<(bool, Before)>, Stop> {
        let key = NetworkReference::key_of(work.client(), ReferenceKind::Posting, place);
        let Some(reference) = work.network_references.get_to_change(key)? else { return Ok(None) };
        let key = Key::of(work.client(), reference.object);
        let is_posting = !work.made_in_batch(reference.object) || work.postings.peek(key).is_some();
        if is_posting && let Some(posted) = work.postings.get(key)? {
            let same = self.is(Some(posted.card), posted.merchant_amount, &posted.merchant_currency);
            return Ok(Some((same, Before::Posted(posted))));
        }
        let Some(waits) = work.network_exceptions.get(key)? else { return Ok(None) };
        let asked = waits.deferred.as_ref().and_then(|deferred| deferred.asked());
        let same = asked.is_some_and(|asked| {
            let minor = asked.amount.to_minor(asked.currency.exponent());
            minor.is_some_and(|minor| self.is(waits.card, minor, &asked.currency))
        });
        Ok(Some((same, Before::Waits { place: place.to_owned() })))
    }
}

/// Lets a message that comes again find what became of it: a transaction, or the exception it waits in.
pub(super) fn remember_posting(work: &mut Work, place: &str, object: Id) {
    let hash = NetworkReference::hash(ReferenceKind::Posting, place);
    let (client, kind) = (work.client(), ReferenceKind::Posting);
    work.network_references.put(NetworkReference { client, hash, kind, object });
}
