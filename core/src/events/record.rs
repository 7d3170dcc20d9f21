//! The event record, event types, and the objects that events belong to.

use crate::ids::{AccountId, ApiKeyId, CardHolderId, CardId, ClientId, EventId, Id, ProgramId, ResponderId, WebhookId};
use crate::time::Instant;

crate::string_enum! {
    /// Every type of event.
    pub enum EventType {
        AccountCreated = "account.created",
        AccountUpdated = "account.updated",
        AccountClosed = "account.closed",
        AccountBalanceUpdated = "account.balance.updated",
        TransferCreated = "transfer.created",
        /// A transfer was reversed, in full or in part.
        TransferReversed = "transfer.reversed",
        CardHolderCreated = "card_holder.created",
        CardHolderUpdated = "card_holder.updated",
        /// Identity document and proof of address are verified.
        CardHolderVerified = "card_holder.verified",
        CardHolderRejected = "card_holder.rejected",
        CardHolderErased = "card_holder.erased",
        CardCreated = "card.created",
        CardUpdated = "card.updated",
        CardFunded = "card.funded",
        CardWithdrawn = "card.withdrawn",
        CardReplaced = "card.replaced",
        CardRevealed = "card.revealed",
        CardTerminated = "card.terminated",
        TransactionCreated = "transaction.created",
        TransactionRefund = "transaction.refund",
        AuthorizationApproved = "authorization.approved",
        AuthorizationDeclined = "authorization.declined",
        /// An increment was decided, or a part was cleared.
        AuthorizationUpdated = "authorization.updated",
        /// An authorization was reversed, in full or in part, or its hold was released by an operator.
        AuthorizationReversed = "authorization.reversed",
        AuthorizationExpired = "authorization.expired",
        WebhookDisabled = "webhook.disabled",
        /// Only the tested endpoint receives it.
        WebhookTest = "webhook.test",
        /// A responder without a URL is asked.
        ResponderQuestion = "responder.question",
        /// An answer came after the authorization was decided without it.
        ResponderAnsweredLate = "responder.answered_late",
        /// A server stopped asking a responder that failed repeatedly.
        ResponderDegraded = "responder.degraded",
        ResponderRecovered = "responder.recovered",
        ApiKeyCreated = "api_key.created",
        ApiKeyRevoked = "api_key.revoked",
        ProgramCreated = "program.created",
        ProgramUpdated = "program.updated",
        /// No further cards are issued.
        ProgramArchived = "program.archived",
    }
}

/// The object that an event belongs to, which orders the events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Owner {
    /// An account, including its transfers and balance.
    Account(AccountId),
    CardHolder(CardHolderId),
    /// A card, with its card holder and account.
    Card {
        id: CardId,
        holder: CardHolderId,
        account: AccountId,
    },
    ApiKey(ApiKeyId),
    Webhook(WebhookId),
    Program(ProgramId),
    Responder(ResponderId),
}

impl Owner {
    pub(crate) fn object_type(self) -> &'static str {
        match self {
            Owner::Account(_) => "account",
            Owner::CardHolder(_) => "card_holder",
            Owner::Card { .. } => "card",
            Owner::ApiKey(_) => "api_key",
            Owner::Webhook(_) => "webhook",
            Owner::Program(_) => "program",
            Owner::Responder(_) => "responder",
        }
    }

    /// The members of an event's data that name the owner and what it belongs to.
    pub(crate) fn names(self) -> &'static [&'static str] {
        match self {
            Owner::Account(_) => &["accountId"],
            Owner::CardHolder(_) => &["cardHolderId"],
            Owner::Card { .. } => &["cardId", "cardHolderId", "accountId"],
            Owner::ApiKey(_) => &["apiKeyId"],
            Owner::Webhook(_) => &["webhookId"],
            Owner::Program(_) => &["programId"],
            Owner::Responder(_) => &["responderId"],
        }
    }

    pub(crate) fn id(self) -> Id {
        match self {
            Owner::Account(id) => id.0,
            Owner::CardHolder(id) => id.0,
            Owner::Card { id, .. } => id.0,
            Owner::ApiKey(id) => id.0,
            Owner::Webhook(id) => id.0,
            Owner::Program(id) => id.0,
            Owner::Responder(id) => id.0,
        }
    }
}

#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    pub client: ClientId,
    pub id: EventId,
    /// A string of [`EventType`].
    pub kind: String,
    pub object_type: String,
    pub object_id: Id,
    /// The number within the object, from 1.
    pub sequence: i64,
    /// The number within the client's stream, from 1; `None` until the store assigns it.
    pub position: Option<i64>,
    /// The data as JSON, without its `context`.
    pub data: String,
    pub request_id: String,
    /// Business time.
    pub created_at: Instant,
}
