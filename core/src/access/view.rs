//! The views of credentials. They never contain a secret.

use serde::Serialize;

use crate::access::{ApiKey, ApiKeyStatus, Client, Scope, Token};
use crate::audit::{Audited, Picture};
use crate::events::EventPart;

/// An API key, without the key.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ApiKey)]
pub struct ApiKeyView {
    /// Its id.
    #[serde(rename = "_id")]
    #[schema(example = "665f1c4f4a4f4a4f4a4f4a4f", pattern = "^[0-9a-f]{24}$")]
    pub id: String,
    /// Its name.
    #[schema(example = "Back office")]
    pub name: String,
    /// How the key begins and ends.
    #[schema(example = "pgk_test_Zk3v…9QdA")]
    pub hint: String,
    /// What it may do.
    pub scopes: Vec<Scope>,
    /// Whether it works.
    pub status: ApiKeyStatus,
    /// When it ends.
    #[schema(required = true, value_type = Option<String>, format = DateTime)]
    pub expires_at: Option<String>,
    /// The networks it works from; everywhere when empty.
    pub allowed_ips: Vec<String>,
    /// When it was last used, to the minute.
    #[schema(required = true, value_type = Option<String>, format = DateTime)]
    pub last_used_at: Option<String>,
    /// The key that takes its place after a rotation.
    #[schema(required = true)]
    pub replaced_by: Option<String>,
    /// When it stops working, where that is known.
    #[schema(required = true, value_type = Option<String>, format = DateTime)]
    pub ends_at: Option<String>,
    /// Counts changes.
    pub version: i64,
    /// When it was made.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: String,
    /// When it last changed.
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

/// A bearer token, without the token.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Token)]
pub struct TokenView {
    /// Its id, with which it can be revoked.
    #[serde(rename = "_id")]
    #[schema(example = "665f1c4f4a4f4a4f4a4f4a4f", pattern = "^[0-9a-f]{24}$")]
    pub id: String,
    /// What it may do.
    pub scopes: Vec<Scope>,
    /// The one card holder it may see, with their cards.
    #[schema(required = true)]
    pub card_holder_id: Option<String>,
    /// The one card it may see.
    #[schema(required = true)]
    pub card_id: Option<String>,
    /// When it ends, in wall time.
    #[schema(value_type = String, format = DateTime)]
    pub expires_at: String,
    /// When it was revoked.
    #[schema(required = true, value_type = Option<String>, format = DateTime)]
    pub revoked_at: Option<String>,
    /// When it was made.
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
