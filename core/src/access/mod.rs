//! Who may do what: clients, API keys, bearer tokens, the audit log, and what was answered to whom.

mod audit;
mod clients;
mod idempotency;
mod keys;
mod purge_idempotency;
mod record;
mod scopes;
mod tokens;
mod view;

pub use audit::{Actor, AuditEntry};
pub use clients::{CreateClient, DisableClient, create_client, disable_client};
pub use idempotency::Idempotency;
pub use keys::{
    CreateApiKey, ExpireApiKey, KeyUse, Maker, NewKey, RevokeApiKey, RotateApiKey, TouchApiKeys, create_api_key,
    expire_api_key, revoke_api_key, rotate_api_key, touch_api_keys,
};
pub use purge_idempotency::{PurgeIdempotency, purge_idempotency};
pub use record::{ApiKey, ApiKeyHash, ApiKeyStatus, Client, ClientStatus, Token};
pub use scopes::{Scope, Scopes};
pub use tokens::{IssueToken, PurgeTokens, RevokeToken, issue_token, purge_tokens, revoke_token};
pub use view::{ApiKeyView, TokenView};

#[cfg(test)]
mod tests;
