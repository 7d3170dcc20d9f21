//! The edge of Paygen: HTTP, the engine, the command line.

pub mod admin;
pub mod app;
pub mod backup;
pub mod cli;
pub mod clock;
pub mod config;
pub mod credentials;
pub mod delivery;
pub mod docs_site;
pub mod documents;
pub mod engine;
pub mod http;
pub mod issuing;
pub mod logging;
pub mod network;
pub mod personal;
pub mod program;
pub mod rotation;
pub mod sandbox;
pub mod scenarios;
pub mod start;
pub mod tail;
pub mod tokens;
pub mod vault_keys;
pub mod webhooks_config;
pub mod workers;
