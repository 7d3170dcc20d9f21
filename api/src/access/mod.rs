//! Credentials: API keys and bearer tokens; and the audit log.

mod api_keys;
mod audit_log;
mod bodies;
mod tokens;

pub use api_keys::*;
pub use audit_log::*;
pub use tokens::*;
