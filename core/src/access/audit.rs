//! The audit log: who changed what, in the transaction of the change.

use crate::ids::{ApiKeyId, AuditId, ClientId, TokenId};
use crate::time::Instant;

/// With which credential something was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Actor {
    /// An API key.
    ApiKey(ApiKeyId),
    /// A bearer token.
    Token(TokenId),
    /// A token that reveals a card: kept only as a hash, it has no id.
    RevealToken,
    /// The operator, from the command line.
    Operator,
    /// The system by itself, such as an expiry.
    System,
}

impl Actor {
    /// The kind of credential, as it is shown and kept.
    pub fn kind(self) -> &'static str {
        match self {
            Actor::ApiKey(_) => "api_key",
            Actor::Token(_) => "token",
            Actor::RevealToken => "reveal_token",
            Actor::Operator => "operator",
            Actor::System => "system",
        }
    }

    /// The credential's id.
    pub fn id(self) -> Option<crate::ids::Id> {
        match self {
            Actor::ApiKey(id) => Some(id.0),
            Actor::Token(id) => Some(id.0),
            Actor::RevealToken | Actor::Operator | Actor::System => None,
        }
    }

    /// From what is kept.
    pub fn from_parts(kind: &str, id: Option<crate::ids::Id>) -> Actor {
        match (kind, id) {
            ("api_key", Some(id)) => Actor::ApiKey(ApiKeyId(id)),
            ("token", Some(id)) => Actor::Token(TokenId(id)),
            ("reveal_token", _) => Actor::RevealToken,
            ("operator", _) => Actor::Operator,
            _ => Actor::System,
        }
    }
}

/// An entry of the audit log.
#[derive(Clone, Debug, PartialEq)]
pub struct AuditEntry {
    /// Whose.
    pub client: ClientId,
    /// Its id.
    pub id: AuditId,
    /// Who did it.
    pub actor: Actor,
    /// The command's name.
    pub action: String,
    /// The kind of object that changed.
    pub object_type: String,
    /// Which object, as hex.
    pub object_id: String,
    /// A JSON object: each field with what it was and is; secret and personal fields by name only.
    pub changes: String,
    /// The request.
    pub request_id: String,
    /// Where it came from.
    pub address: Option<String>,
    /// When, in business time.
    pub created_at: Instant,
}
