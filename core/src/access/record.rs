//! The records of clients, API keys and tokens. Secrets are only stored as keyed hashes.

use crate::access::Scopes;
use crate::ids::{ApiKeyId, CardHolderId, CardId, ClientId, TokenId};
use crate::record::{Key, KeyBytes, Kind, Record};
use crate::time::Instant;

crate::string_enum! {
    pub enum ClientStatus {
        Active = "active",
        Disabled = "disabled",
    }
}

crate::string_enum! {
    pub enum ApiKeyStatus {
        Active = "active",
        Revoked = "revoked",
        Expired = "expired",
    }
}

#[derive(Clone, Debug, PartialEq)]
pub struct Client {
    pub id: ClientId,
    pub name: String,
    pub status: ClientStatus,
    pub created_at: Instant,
    pub updated_at: Instant,
}

impl Record for Client {
    const KIND: Kind = Kind::Client;

    fn key(&self) -> Key {
        Key::of(self.id, self.id.0)
    }
}

#[derive(Clone, Debug, PartialEq)]
pub struct ApiKey {
    pub client: ClientId,
    pub id: ApiKeyId,
    pub name: String,
    /// The beginning and end of the key, by which people recognise it.
    pub hint: String,
    /// The keyed hash of the secret.
    pub hash: [u8; 32],
    pub scopes: Scopes,
    pub status: ApiKeyStatus,
    /// Business time.
    pub expires_at: Option<Instant>,
    /// CIDR; all addresses if empty.
    pub allowed_ips: Vec<ipnet::IpNet>,
    /// To the minute.
    pub last_used_at: Option<Instant>,
    pub replaced_by: Option<ApiKeyId>,
    /// When the key must be ended: at its expiry, or after the overlap of a rotation.
    pub due_at: Option<Instant>,
    /// The sequence of the key's last event.
    pub event_seq: i64,
    pub version: i64,
    pub created_at: Instant,
    pub updated_at: Instant,
}

impl Record for ApiKey {
    const KIND: Kind = Kind::ApiKey;

    fn key(&self) -> Key {
        Key::of(self.client, self.id.0)
    }
}

/// Maps the keyed hash of a key to its client and id.
#[derive(Clone, Debug, PartialEq)]
pub struct ApiKeyHash {
    pub hash: [u8; 32],
    pub client: ClientId,
    pub api_key: ApiKeyId,
}

impl Record for ApiKeyHash {
    const KIND: Kind = Kind::ApiKeyHash;

    fn key(&self) -> Key {
        Key { client: ClientId::INSTALLATION, id: KeyBytes::new(&self.hash) }
    }
}

/// A short-lived bearer token. The signed text is not stored.
#[derive(Clone, Debug, PartialEq)]
pub struct Token {
    pub client: ClientId,
    pub id: TokenId,
    /// The key it was issued with. When that ends, so does the token.
    pub api_key: ApiKeyId,
    pub scopes: Scopes,
    /// If set, the token only sees this card holder and their cards.
    pub card_holder: Option<CardHolderId>,
    /// If set, the token only sees this card.
    pub card: Option<CardId>,
    /// Wall time.
    pub expires_at: Instant,
    pub revoked_at: Option<Instant>,
    pub created_at: Instant,
}

impl Record for Token {
    const KIND: Kind = Kind::Token;

    fn key(&self) -> Key {
        Key::of(self.client, self.id.0)
    }
}
