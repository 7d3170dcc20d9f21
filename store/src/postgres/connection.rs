//! Connections to PostgreSQL, and the meaning of their errors for a batch.

use std::time::Duration;

use tokio_postgres::config::{Host, SslMode};
use tokio_postgres::error::SqlState;
use tokio_postgres::{Client, Config, Error, NoTls};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::DIALECT;
use crate::StoreError;
use crate::migrations::{ALL, tables};
use crate::tls::tls_client;

/// A server process. Its number alone could be reused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Backend {
    pub(super) pid: i32,
    pub(super) started: i64,
}

/// Session settings: durable commits, and locks that do not outlive a stuck node.
pub(super) const SESSION: &str = "SET synchronous_commit = on;
    SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL READ COMMITTED;
    SET lock_timeout = '10s'; SET idle_in_transaction_session_timeout = '60s'";

pub(super) fn config(url: &str) -> Result<Config, StoreError> {
    // The parser's message may contain the URL, and with it a password.
    let mut config: Config = url.parse().map_err(|_| {
        StoreError::Unfit("the database URL is not a postgres:// URL PostgreSQL's clients understand".to_owned())
    })?;
    config.application_name("paygen").connect_timeout(Duration::from_secs(10)).keepalives_idle(Duration::from_secs(30));
    // Without this, a connection whose other end is silent would hang for a quarter of an hour.
    config.tcp_user_timeout(Duration::from_secs(20));
    Ok(config)
}

pub(super) fn tls() -> Result<MakeRustlsConnect, StoreError> {
    tls_client().map(MakeRustlsConnect::new).map_err(StoreError::Unavailable)
}

/// Whether TLS is required. `prefer`, the default, means no TLS here: use `require`.
pub(super) fn wants_tls(config: &Config) -> bool {
    config.get_ssl_mode() == SslMode::Require
}

pub(super) async fn connect(url: &str) -> Result<(Client, Backend), StoreError> {
    let config = config(url)?;
    let client = if wants_tls(&config) {
        let (client, connection) = config.connect(tls()?).await.map_err(|error| explain(&error))?;
        tokio::spawn(connection);
        client
    } else {
        let (client, connection) = config.connect(NoTls).await.map_err(|error| explain(&error))?;
        tokio::spawn(connection);
        client
    };
    client.batch_execute(SESSION).await.map_err(|error| explain(&error))?;
    let sql = "SELECT pid, (extract(epoch FROM backend_start) * 1000000)::bigint
         FROM pg_stat_activity WHERE pid = pg_backend_pid()";
    let row = client.query_one(sql, &[]).await.map_err(|error| explain(&error))?;
    let backend = Backend { pid: row.get(0), started: row.get(1) };
    Ok((client, backend))
}

/// Renews the statistics of all tables.
pub(super) async fn analyze(client: &Client) -> Result<(), Error> {
    client.batch_execute(&format!("ANALYZE {}", tables(ALL.len(), &DIALECT).collect::<Vec<_>>().join(", "))).await
}

/// Opens the first session of a process. Failures are most likely due to a setting, so the error names it.
pub(super) async fn connect_first(url: &str) -> Result<(Client, Backend), StoreError> {
    let connected = connect(url).await;
    connected.map_err(|error| {
        let place = config(url).map(|config| place(&config)).unwrap_or_default();
        let why = match &error {
            StoreError::Unfit(_) => return error,
            StoreError::Unavailable(why) | StoreError::CommandFault(why) => in_short(why),
            other => other.to_string(),
        };
        StoreError::Unfit(format!(
            "cannot connect to PostgreSQL{place}: {why}. Check database_url (PAYGEN_DATABASE_URL), and that the server runs."
        ))
    })
}

/// The cause, without what the surrounding sentence already says.
fn in_short(why: &str) -> String {
    let why = why.strip_prefix("error connecting to server: ").unwrap_or(why);
    let why = why.split(" (os error ").next().unwrap_or(why);
    let mut letters = why.chars();
    letters.next().map(|first| first.to_lowercase().chain(letters).collect()).unwrap_or_default()
}

/// Host and port only.
fn place(config: &Config) -> String {
    let host = match config.get_hosts().first() {
        Some(Host::Tcp(host)) => host.clone(),
        Some(Host::Unix(path)) => path.display().to_string(),
        None => return String::new(),
    };
    format!(" at {host}:{}", config.get_ports().first().unwrap_or(&5432))
}

/// Whether the connection is lost, as opposed to a failed statement.
pub(super) fn is_lost(error: &Error) -> bool {
    match error.code() {
        None => true,
        Some(state) => {
            state.code().starts_with("08")
                || [SqlState::ADMIN_SHUTDOWN, SqlState::CRASH_SHUTDOWN, SqlState::CANNOT_CONNECT_NOW].contains(state)
                || state.code() == "25P03"
        }
    }
}

/// The meaning of an error for a batch.
pub(super) fn explain(error: &Error) -> StoreError {
    let Some(refused) = error.as_db_error() else {
        return StoreError::Unavailable(with_cause(error));
    };
    let why = format!("{} ({})", refused.message(), refused.code().code());
    let state = refused.code();
    if is_lost(error) {
        return StoreError::Unavailable(why);
    }
    let conflicts = [
        SqlState::T_R_SERIALIZATION_FAILURE,
        SqlState::T_R_DEADLOCK_DETECTED,
        SqlState::LOCK_NOT_AVAILABLE,
        SqlState::FEATURE_NOT_SUPPORTED,
    ];
    // A row that was absent when it was loaded and exists on insert was created by another writer in between.
    let raced = *state == SqlState::UNIQUE_VIOLATION
        && refused.constraint().is_some_and(|constraint| constraint.ends_with("_pkey"));
    if conflicts.contains(state) || raced {
        return StoreError::Conflict(why);
    }
    if *state == SqlState::QUERY_CANCELED {
        return StoreError::TooBroad;
    }
    // Out of disk, memory or connections.
    if state.code().starts_with("53") || state.code().starts_with("58") || *state == SqlState::READ_ONLY_SQL_TRANSACTION
    {
        return StoreError::Unavailable(why);
    }
    StoreError::CommandFault(why)
}

fn with_cause(error: &Error) -> String {
    let cause = std::error::Error::source(error).map(|cause| format!(": {cause}"));
    format!("{error}{}", cause.unwrap_or_default())
}
