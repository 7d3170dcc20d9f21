//! What is kept of an event, its types, and the objects that events belong to.

use crate::ids::{AccountId, ApiKeyId, CardHolderId, CardId, ClientId, EventId, Id, WebhookId};
use crate::time::Instant;

crate::string_enum! {
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
    pub(crate) fn object_type(self) -> &'static str {
        match self {
            Owner::Account(_) => "account",
            Owner::CardHolder(_) => "card_holder",
            Owner::Card { .. } => "card",
            Owner::ApiKey(_) => "api_key",
            Owner::Webhook(_) => "webhook",
        }
    }

    /// What names it in an event's data, and what it belongs to.
    pub(crate) fn names(self) -> &'static [&'static str] {
        match self {
            Owner::Account(_) => &["accountId"],
            Owner::CardHolder(_) => &["cardHolderId"],
            Owner::Card { .. } => &["cardId", "cardHolderId", "accountId"],
            Owner::ApiKey(_) => &["apiKeyId"],
            Owner::Webhook(_) => &["webhookId"],
        }
    }

    pub(crate) fn id(self) -> Id {
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
