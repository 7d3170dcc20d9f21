//! The binary `paygen`: command line, configuration, start and stop, backup, scenarios.

pub mod admin;
pub mod admin_users;
pub mod backup;
pub mod cli;
pub mod common_args;
pub mod config;
pub mod config_error;
pub mod console;
pub mod environment;
pub mod listen_address;
pub mod logging;
pub mod mode;
pub mod oidc_config;
pub mod operator;
pub mod owner;
pub mod plain_words;
pub mod program;
pub mod sandbox;
pub mod scenarios;
pub mod secret;
pub mod start;
pub mod webhooks_config;
