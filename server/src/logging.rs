//! Logging, human-readable or as JSON, to standard error. Routes are logged as templates; query strings and secrets
//! never.

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;

use crate::config::{Config, LogFormat};

/// These crates never log below warning, whatever level is set: PostgreSQL's driver logs the values of every statement
/// at debug, and they may be personal data.
const QUIET: &[&str] = &["tokio_postgres", "hyper", "hyper_util", "h2", "rustls", "reqwest", "object_store"];

/// Initializes logging.
pub fn init(config: &Config) -> Result<(), String> {
    let filter = EnvFilter::try_new(&config.log_level)
        .map_err(|error| format!("log_level ({}) is not understood: {error}.", config.log_level))?;
    let filter = QUIET.iter().fold(filter, |filter, name| match format!("{name}=warn").parse() {
        Ok(directive) => filter.add_directive(directive),
        Err(_) => filter,
    });
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_target(false)
        .with_ansi(std::io::stderr().is_terminal())
        // A failure to write the log must not fail a request.
        .log_internal_errors(false);
    let started = match config.log_format {
        LogFormat::Human => builder.try_init(),
        LogFormat::Json => builder.json().flatten_event(true).try_init(),
    };
    started.map_err(|error| error.to_string())
}
