//! What is kept of clients, API keys and tokens. No secret is among it: keys are kept as keyed hashes.

use crate::access::Scopes;
use crate::ids::{ApiKeyId, CardHolderId, CardId, ClientId, TokenId};
use crate::record::{AuditValue, Key, KeyBytes, Kind, Record};
use crate::time::Instant;

crate::string_enum! {
    /// Whether a client's credentials work.
    pub enum ClientStatus {
        /// They do.
        Active = "active",
        /// They do not.
        Disabled = "disabled",
    }
}

crate::string_enum! {
    /// Whether an API key works.
    pub enum ApiKeyStatus {
        /// It does.
        Active = "active",
        /// It was revoked.
        Revoked = "revoked",
        /// Its time was over.
        Expired = "expired",
    }
}

/// A tenant.
#[derive(Clone, Debug, PartialEq)]
pub struct Client {
    /// Its id.
    pub id: ClientId,
    /// Its name.
    pub name: String,
    /// Whether its credentials work.
    pub status: ClientStatus,
    /// When it was made.
    pub created_at: Instant,
    /// When it last changed.
    pub updated_at: Instant,
}

impl Record for Client {
    const KIND: Kind = Kind::Client;
    const AUDITED: Option<&'static str> = Some("client");

    fn key(&self) -> Key {
        Key::of(self.id, self.id.0)
    }

    fn audit_fields(&self) -> Vec<(&'static str, AuditValue)> {
        vec![("name", self.name.clone().into()), ("status", self.status.as_str().into())]
    }
}

/// An API key.
#[derive(Clone, Debug, PartialEq)]
pub struct ApiKey {
    /// Whose.
    pub client: ClientId,
    /// Its id.
    pub id: ApiKeyId,
    /// Its name.
    pub name: String,
    /// How it begins and ends, to be recognised by.
    pub hint: String,
    /// The keyed hash it is found by.
    pub hash: [u8; 32],
    /// What it may do.
    pub scopes: Scopes,
    /// Whether it works.
    pub status: ApiKeyStatus,
    /// When it ends, in business time.
    pub expires_at: Option<Instant>,
    /// The addresses it works from, as CIDR; everywhere when empty.
    pub allowed_ips: Vec<ipnet::IpNet>,
    /// When it was last used, to the minute.
    pub last_used_at: Option<Instant>,
    /// The key that takes its place.
    pub replaced_by: Option<ApiKeyId>,
    /// When something has to be done about it: the end of its time, or of the overlap of a rotation.
    pub due_at: Option<Instant>,
    /// The number of the last event of the key.
    pub event_seq: i64,
    /// Counts changes.
    pub version: i64,
    /// When it was made.
    pub created_at: Instant,
    /// When it last changed.
    pub updated_at: Instant,
}

impl Record for ApiKey {
    const KIND: Kind = Kind::ApiKey;
    const AUDITED: Option<&'static str> = Some("api_key");

    fn key(&self) -> Key {
        Key::of(self.client, self.id.0)
    }

    fn audit_fields(&self) -> Vec<(&'static str, AuditValue)> {
        let ips: Vec<String> = self.allowed_ips.iter().map(ToString::to_string).collect();
        vec![
            ("name", self.name.clone().into()),
            ("scopes", self.scopes.to_string().into()),
            ("status", self.status.as_str().into()),
            ("expiresAt", self.expires_at.map(|at| at.to_string()).into()),
            ("allowedIps", ips.into()),
            ("replacedBy", self.replaced_by.map(|id| id.to_string()).into()),
        ]
    }
}

/// The look-up from a key's hash to whose it is.
#[derive(Clone, Debug, PartialEq)]
pub struct ApiKeyHash {
    /// The keyed hash.
    pub hash: [u8; 32],
    /// Whose key.
    pub client: ClientId,
    /// Which key.
    pub api_key: ApiKeyId,
}

impl Record for ApiKeyHash {
    const KIND: Kind = Kind::ApiKeyHash;

    fn key(&self) -> Key {
        Key { client: ClientId::INSTALLATION, id: KeyBytes::new(&self.hash) }
    }
}

/// A short-lived bearer token; the signed text itself is not kept.
#[derive(Clone, Debug, PartialEq)]
pub struct Token {
    /// Whose.
    pub client: ClientId,
    /// Its id.
    pub id: TokenId,
    /// The key it was made with; it ends with it.
    pub api_key: ApiKeyId,
    /// What it may do.
    pub scopes: Scopes,
    /// The one card holder it may see, with their cards.
    pub card_holder: Option<CardHolderId>,
    /// The one card it may see.
    pub card: Option<CardId>,
    /// When it ends, in wall time.
    pub expires_at: Instant,
    /// When it was revoked.
    pub revoked_at: Option<Instant>,
    /// When it was made.
    pub created_at: Instant,
}

impl Record for Token {
    const KIND: Kind = Kind::Token;
    const AUDITED: Option<&'static str> = Some("token");

    fn key(&self) -> Key {
        Key::of(self.client, self.id.0)
    }

    fn audit_fields(&self) -> Vec<(&'static str, AuditValue)> {
        vec![
            ("scopes", self.scopes.to_string().into()),
            ("cardHolderId", self.card_holder.map(|id| id.to_string()).into()),
            ("cardId", self.card.map(|id| id.to_string()).into()),
            ("expiresAt", self.expires_at.to_string().into()),
            ("revokedAt", self.revoked_at.map(|at| at.to_string()).into()),
        ]
    }
}
