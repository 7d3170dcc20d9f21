//! What happened, told in the transaction that caused it.
//!
//! An event belongs to one object and carries that object's next `sequence`; its `position` in the client's
//! stream is given by the store when it can be given without gaps.

mod catalogue;
mod purge;
mod told;

use serde::Serialize;
use serde::ser::SerializeMap;
use serde_json::value::{RawValue, to_raw_value};

use crate::ids::{AccountId, ApiKeyId, CardHolderId, CardId, ClientId, EventId, Id, WebhookId};
use crate::record::{Key, Record};
use crate::refusal::Stop;
use crate::table::Table;
use crate::time::Instant;
use crate::work::Work;

pub use catalogue::{CatalogueEntry, Sampled, body_schema, catalogue};
pub(crate) use catalogue::{SAMPLE_TIME, sample_text};
pub use purge::{PurgeEvents, purge_events};
pub use told::{body, told};

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
        /// A card holder was enrolled.
        CardHolderCreated = "card_holder.created",
        /// A card holder's data or status changed.
        CardHolderUpdated = "card_holder.updated",
        /// The documents of a card holder are verified.
        CardHolderVerified = "card_holder.verified",
        /// A document of a card holder was rejected.
        CardHolderRejected = "card_holder.rejected",
        /// A card holder's personal data was erased.
        CardHolderErased = "card_holder.erased",
        /// A card was issued.
        CardCreated = "card.created",
        /// Settings or status of a card changed.
        CardUpdated = "card.updated",
        /// Money was moved onto a card.
        CardFunded = "card.funded",
        /// Money was moved off a card.
        CardWithdrawn = "card.withdrawn",
        /// A card was replaced by another one.
        CardReplaced = "card.replaced",
        /// A card's number was shown.
        CardRevealed = "card.revealed",
        /// A card ended for good.
        CardTerminated = "card.terminated",
        /// A payment was posted.
        TransactionCreated = "transaction.created",
        /// A payment was given back.
        TransactionRefund = "transaction.refund",
        /// An authorization was approved.
        AuthorizationApproved = "authorization.approved",
        /// An authorization was declined.
        AuthorizationDeclined = "authorization.declined",
        /// More was asked for, or some was collected.
        AuthorizationUpdated = "authorization.updated",
        /// An authorization was taken back, whole or in part.
        AuthorizationReversed = "authorization.reversed",
        /// The hold of an authorization ran out.
        AuthorizationExpired = "authorization.expired",
        /// A webhook endpoint was disabled.
        WebhookDisabled = "webhook.disabled",
        /// A webhook endpoint is tested; only that endpoint gets it.
        WebhookTest = "webhook.test",
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
    /// A card holder.
    CardHolder(CardHolderId),
    /// A card, with whose it is and the account behind it.
    Card {
        /// Which.
        id: CardId,
        /// Who holds it.
        holder: CardHolderId,
        /// The account behind it.
        account: AccountId,
    },
    /// An API key.
    ApiKey(ApiKeyId),
    /// A webhook endpoint.
    Webhook(WebhookId),
}

impl Owner {
    fn object_type(self) -> &'static str {
        match self {
            Owner::Account(_) => "account",
            Owner::CardHolder(_) => "card_holder",
            Owner::Card { .. } => "card",
            Owner::ApiKey(_) => "api_key",
            Owner::Webhook(_) => "webhook",
        }
    }

    /// What names it in an event's data, and what it belongs to.
    fn names(self) -> &'static [&'static str] {
        match self {
            Owner::Account(_) => &["accountId"],
            Owner::CardHolder(_) => &["cardHolderId"],
            Owner::Card { .. } => &["cardId", "cardHolderId", "accountId"],
            Owner::ApiKey(_) => &["apiKeyId"],
            Owner::Webhook(_) => &["webhookId"],
        }
    }

    fn id(self) -> Id {
        match self {
            Owner::Account(id) => id.0,
            Owner::CardHolder(id) => id.0,
            Owner::Card { id, .. } => id.0,
            Owner::ApiKey(id) => id.0,
            Owner::Webhook(id) => id.0,
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

/// What a member of an event's data is.
pub(crate) type Part = Box<RawValue>;

/// What a member of an event's data is.
pub(crate) fn part(what: &impl Serialize) -> Part {
    to_raw_value(what).expect("event data is plain JSON")
}

/// Tells that something happened to `owner`. Its row must be held to be changed: it counts the events.
pub fn emit(work: &mut Work, owner: Owner, kind: EventType, what: &impl Serialize) -> Result<(), Stop> {
    emit_with(work, owner, kind, [part(what)])
}

/// As [`emit`], with the parts of the members that the catalogue names, in its order.
pub(crate) fn emit_with<const PARTS: usize>(
    work: &mut Work,
    owner: Owner,
    kind: EventType,
    parts: [Part; PARTS],
) -> Result<(), Stop> {
    let members = catalogue::members(kind);
    assert_eq!(members.len(), PARTS, "{kind} has as many parts as the catalogue says");
    let parts: Vec<(&'static str, Part)> = members.iter().map(|member| member.name).zip(parts).collect();
    let sequence = next_sequence(work, owner)?;
    let event = Event {
        client: work.client(),
        id: EventId(work.new_id()),
        kind: kind.as_str().to_owned(),
        object_type: owner.object_type().to_owned(),
        object_id: owner.id(),
        sequence,
        position: None,
        data: data_of(kind, owner, &parts),
        request_id: work.context().request_id.to_string(),
        created_at: work.now(),
    };
    work.appended.events.push(event);
    Ok(())
}

fn next_sequence(work: &mut Work, owner: Owner) -> Result<i64, Stop> {
    let key = Key::of(work.client(), owner.id());
    match owner {
        Owner::Account(_) | Owner::Card { .. } => count(&mut work.balances, key, |row| &mut row.event_seq),
        Owner::CardHolder(_) => count(&mut work.card_holders, key, |row| &mut row.event_seq),
        Owner::ApiKey(_) => count(&mut work.api_keys, key, |row| &mut row.event_seq),
        Owner::Webhook(_) => count(&mut work.webhooks, key, |row| &mut row.event_seq),
    }
}

/// Counts one more on the row that does so for an owner.
fn count<R: Record>(table: &mut Table<R>, key: Key, last: fn(&mut R) -> &mut i64) -> Result<i64, Stop> {
    let found = table.get_to_change(key)?.expect("what an event belongs to is there");
    let mut row = (*found).clone();
    *last(&mut row) += 1;
    let sequence = *last(&mut row);
    table.put(row);
    Ok(sequence)
}

/// The text of an event's data.
fn data_of(kind: EventType, owner: Owner, parts: &[(&'static str, Part)]) -> String {
    serde_json::to_string(&Data { kind, owner, parts }).expect("event data is plain JSON")
}

/// `{"eventType": …, "<owner>Id": …, …}`: the members of the event beside those that every event has. Events of a card
/// also name its card holder and account.
struct Data<'a> {
    kind: EventType,
    owner: Owner,
    parts: &'a [(&'static str, Part)],
}

impl Serialize for Data<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("eventType", &self.kind)?;
        map.serialize_entry(self.owner.names()[0], &self.owner.id().to_string())?;
        if let Owner::Card { holder, account, .. } = self.owner {
            map.serialize_entry("cardHolderId", &holder.to_string())?;
            map.serialize_entry("accountId", &account.to_string())?;
        }
        for (name, what) in self.parts {
            map.serialize_entry(name, what)?;
        }
        map.end()
    }
}
