//! What happened, told in the transaction that caused it.
//!
//! An event belongs to one object and carries that object's next `sequence`; its `position` in the client's
//! stream is given by the store when it can be given without gaps.

use serde::Serialize;
use serde::ser::SerializeMap;

use crate::ids::{AccountId, ApiKeyId, ClientId, EventId, Id};
use crate::record::Key;
use crate::refusal::Stop;
use crate::time::Instant;
use crate::work::Work;

crate::words! {
    /// Every type of event.
    pub enum EventType {
        /// An account was opened.
        AccountCreated = "account.created",
        /// Settings of an account changed.
        AccountUpdated = "account.updated",
        /// An account was closed.
        AccountClosed = "account.closed",
        /// Amounts of an account changed.
        AccountBalanceUpdated = "account.balance.updated",
        /// Money moved between accounts.
        TransferCreated = "transfer.created",
        /// A transfer was given back, whole or in part.
        TransferReversed = "transfer.reversed",
        /// An API key was made.
        ApiKeyCreated = "api_key.created",
        /// An API key stopped working.
        ApiKeyRevoked = "api_key.revoked",
    }
}

/// The object an event belongs to and is ordered within.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Owner {
    /// An account, with its transfers and balance.
    Account(AccountId),
    /// An API key.
    ApiKey(ApiKeyId),
}

impl Owner {
    fn object_type(self) -> &'static str {
        match self {
            Owner::Account(_) => "account",
            Owner::ApiKey(_) => "api_key",
        }
    }

    fn id(self) -> Id {
        match self {
            Owner::Account(id) => id.0,
            Owner::ApiKey(id) => id.0,
        }
    }
}

/// An event as it is kept.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// Whose.
    pub client: ClientId,
    /// Its id.
    pub id: EventId,
    /// Its type, a word of [`EventType`].
    pub kind: String,
    /// The kind of object it belongs to.
    pub object_type: String,
    /// The object it belongs to.
    pub object_id: Id,
    /// Its number within that object, from 1.
    pub sequence: i64,
    /// Its place in the client's stream, from 1, once given.
    pub position: Option<i64>,
    /// What happened, as JSON.
    pub data: String,
    /// The request that caused it.
    pub request_id: String,
    /// When, in business time.
    pub created_at: Instant,
}

/// Tells that something happened to `owner`. Its row must be held to be changed: it counts the events.
pub fn emit(work: &mut Work, owner: Owner, kind: EventType, what: &impl Serialize) -> Result<(), Stop> {
    let sequence = next_sequence(work, owner)?;
    let data = Data { kind, owner, what };
    let event = Event {
        client: work.client(),
        id: EventId(work.new_id()),
        kind: kind.as_str().to_owned(),
        object_type: owner.object_type().to_owned(),
        object_id: owner.id(),
        sequence,
        position: None,
        data: serde_json::to_string(&data).expect("event data is plain JSON"),
        request_id: work.context().request_id.to_string(),
        created_at: work.now(),
    };
    work.appended.events.push(event);
    Ok(())
}

fn next_sequence(work: &mut Work, owner: Owner) -> Result<i64, Stop> {
    let key = Key::of(work.client(), owner.id());
    match owner {
        Owner::Account(_) => {
            let balance = work.balances.get_to_change(key)?.expect("an account has a balance");
            let mut balance = (*balance).clone();
            balance.event_seq += 1;
            let sequence = balance.event_seq;
            work.balances.put(balance);
            Ok(sequence)
        }
        Owner::ApiKey(_) => {
            let api_key = work.api_keys.get_to_change(key)?.expect("an event's key exists");
            let mut api_key = (*api_key).clone();
            api_key.event_seq += 1;
            let sequence = api_key.event_seq;
            work.api_keys.put(api_key);
            Ok(sequence)
        }
    }
}

/// `{"eventType": …, "<owner>Id": …, "<what>": {…}}`: the members of `what` beside the two that every event has.
struct Data<'a, T> {
    kind: EventType,
    owner: Owner,
    what: &'a T,
}

impl<T: Serialize> Serialize for Data<'_, T> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (owner, what) = match self.owner {
            Owner::Account(_) => ("accountId", "account"),
            Owner::ApiKey(_) => ("apiKeyId", "apiKey"),
        };
        let what = match self.kind {
            EventType::TransferCreated | EventType::TransferReversed => "transfer",
            EventType::AccountBalanceUpdated => "balance",
            _ => what,
        };
        let mut map = serializer.serialize_map(Some(3))?;
        map.serialize_entry("eventType", &self.kind)?;
        map.serialize_entry(owner, &self.owner.id().to_string())?;
        map.serialize_entry(what, self.what)?;
        map.end()
    }
}
