//! The views of credentials. They never contain a secret.

use serde::Serialize;

use crate::access::{ApiKey, ApiKeyStatus, Client, Scope, Token};
use crate::audit::{Audited, Picture};
use crate::events::EventPart;

/// An API key, without its secret.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ApiKey)]
pub struct ApiKeyView {
    /// Id of the object: 24 lowercase hex characters.
    #[serde(rename = "_id")]
    #[schema(example = "665f1c4f4a4f4a4f4a4f4a4f", pattern = "^[0-9a-f]{24}$")]
    pub id: String,
    /// Name.
    #[schema(example = "Back office")]
    pub name: String,
    /// Beginning and end of the key.
    #[schema(example = "pgk_test_Zk3v…9QdA")]
    pub hint: String,
    /// Scopes.
    pub scopes: Vec<Scope>,
    /// Status.
    pub status: ApiKeyStatus,
    /// Expiry.
    #[schema(required = true, value_type = Option<String>, format = DateTime)]
    pub expires_at: Option<String>,
    /// Networks that the key may be used from; all if empty.
    pub allowed_ips: Vec<String>,
    /// Time of the last use, to the minute.
    #[schema(required = true, value_type = Option<String>, format = DateTime)]
    pub last_used_at: Option<String>,
    /// The key that replaced this key in a rotation.
    #[schema(required = true)]
    pub replaced_by: Option<String>,
    /// Time at which it stops working, if known.
    #[schema(required = true, value_type = Option<String>, format = DateTime)]
    pub ends_at: Option<String>,
    /// Version of the object, from 1.
    pub version: i64,
    /// Time of creation.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: String,
    /// Time of the last change.
    #[schema(value_type = String, format = DateTime)]
    pub updated_at: String,
}

impl EventPart for ApiKeyView {
    const NAME: &'static str = "apiKey";
}

impl ApiKeyView {
    pub fn of(key: &ApiKey) -> ApiKeyView {
        ApiKeyView {
            id: key.id.to_string(),
            name: key.name.clone(),
            hint: key.hint.clone(),
            scopes: key.scopes.iter().collect(),
            status: key.status,
            expires_at: key.expires_at.map(|at| at.to_string()),
            allowed_ips: key.allowed_ips.iter().map(ToString::to_string).collect(),
            last_used_at: key.last_used_at.map(|at| at.to_string()),
            replaced_by: key.replaced_by.map(|id| id.to_string()),
            ends_at: key.due_at.map(|at| at.to_string()),
            version: key.version,
            created_at: key.created_at.to_string(),
            updated_at: key.updated_at.to_string(),
        }
    }
}

/// A bearer token, without its secret.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Token)]
pub struct TokenView {
    /// Id of the token, with which it can be revoked.
    #[serde(rename = "_id")]
    #[schema(example = "665f1c4f4a4f4a4f4a4f4a4f", pattern = "^[0-9a-f]{24}$")]
    pub id: String,
    /// Scopes.
    pub scopes: Vec<Scope>,
    /// The card holder that the token is restricted to, with their cards.
    #[schema(required = true)]
    pub card_holder_id: Option<String>,
    /// The card that the token is restricted to.
    #[schema(required = true)]
    pub card_id: Option<String>,
    /// Expiry, in wall time.
    #[schema(value_type = String, format = DateTime)]
    pub expires_at: String,
    /// Time of revocation.
    #[schema(required = true, value_type = Option<String>, format = DateTime)]
    pub revoked_at: Option<String>,
    /// Time of creation.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: String,
}

impl TokenView {
    pub fn of(token: &Token) -> TokenView {
        TokenView {
            id: token.id.to_string(),
            scopes: token.scopes.iter().collect(),
            card_holder_id: token.card_holder.map(|id| id.to_string()),
            card_id: token.card.map(|id| id.to_string()),
            expires_at: token.expires_at.to_string(),
            revoked_at: token.revoked_at.map(|at| at.to_string()),
            created_at: token.created_at.to_string(),
        }
    }
}

impl Audited for Client {
    const OBJECT: &'static str = "client";

    fn picture(&self) -> Picture {
        Picture::of(&serde_json::json!({ "name": self.name, "status": self.status }))
    }
}

impl Audited for ApiKey {
    const OBJECT: &'static str = "api_key";

    fn picture(&self) -> Picture {
        // Every use of a key moves `lastUsedAt`.
        Picture::of(&ApiKeyView::of(self)).without(&["lastUsedAt"])
    }
}

impl Audited for Token {
    const OBJECT: &'static str = "token";

    fn picture(&self) -> Picture {
        Picture::of(&TokenView::of(self))
    }
}
