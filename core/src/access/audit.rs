//! The audit log: who changed what, stored in the transaction of the change.

use crate::ids::{ApiKeyId, AuditId, ClientId, TokenId, UserId};
use crate::time::Instant;

/// The credential that a command was submitted with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Actor {
    ApiKey(ApiKeyId),
    Token(TokenId),
    /// Somebody who uses the console.
    User(UserId),
    /// It has no id: only its hash is stored.
    RevealToken,
    /// The operator, on the command line.
    Operator,
    /// The system itself, such as an expiry.
    System,
}

impl Actor {
    pub fn kind(self) -> &'static str {
        match self {
            Actor::ApiKey(_) => "api_key",
            Actor::Token(_) => "token",
            Actor::User(_) => "user",
            Actor::RevealToken => "reveal_token",
            Actor::Operator => "operator",
            Actor::System => "system",
        }
    }

    pub fn id(self) -> Option<crate::ids::Id> {
        match self {
            Actor::ApiKey(id) => Some(id.0),
            Actor::Token(id) => Some(id.0),
            Actor::User(id) => Some(id.0),
            Actor::RevealToken | Actor::Operator | Actor::System => None,
        }
    }

    /// Reads the stored columns.
    pub fn from_parts(kind: &str, id: Option<crate::ids::Id>) -> Actor {
        match (kind, id) {
            ("api_key", Some(id)) => Actor::ApiKey(ApiKeyId(id)),
            ("token", Some(id)) => Actor::Token(TokenId(id)),
            ("user", Some(id)) => Actor::User(UserId(id)),
            ("reveal_token", _) => Actor::RevealToken,
            ("operator", _) => Actor::Operator,
            _ => Actor::System,
        }
    }
}

#[derive(Clone, Debug, PartialEq)]
pub struct AuditEntry {
    pub client: ClientId,
    pub id: AuditId,
    pub actor: Actor,
    pub action: String,
    pub object_type: String,
    /// As hex.
    pub object_id: String,
    /// A JSON object: each changed field with its old and new value; secret and personal fields without values.
    pub changes: String,
    pub request_id: String,
    pub address: Option<String>,
    /// Business time.
    pub created_at: Instant,
}
