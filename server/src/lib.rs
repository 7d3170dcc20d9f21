//! The edge of Paygen: HTTP, the engine, the command line.

pub mod admin;
pub mod app;
pub mod cli;
pub mod clock;
pub mod config;
pub mod credentials;
pub mod engine;
pub mod http;
pub mod logging;
pub mod sandbox;
pub mod start;
pub mod tokens;
pub mod vault_keys;
pub mod workers;
