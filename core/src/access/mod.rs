//! Clients, API keys, bearer tokens and scopes; the audit log; stored responses for idempotent retries.

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
pub use clients::{CreateClient, DisableClient};
pub use idempotency::Idempotency;
pub use keys::{CreateApiKey, ExpireApiKey, Granter, KeyUse, NewKey, RevokeApiKey, RotateApiKey, TouchApiKeys};
pub use purge_idempotency::PurgeIdempotency;
pub use record::{ApiKey, ApiKeyHash, ApiKeyStatus, Client, ClientStatus, Token};
pub use scopes::{Scope, Scopes};
pub use tokens::{IssueToken, PurgeTokens, RevokeToken};
pub use view::{ApiKeyView, TokenView};

#[cfg(test)]
mod tests;
