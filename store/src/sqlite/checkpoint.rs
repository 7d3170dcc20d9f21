//! Checkpoints: the write-ahead log is copied into the database on a connection of its own.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::connection;
use super::periodic::{Periodic, Turn};
use crate::StoreError;

const INTERVAL: Duration = Duration::from_millis(50);
const PAST: u64 = 16 << 20;

/// Runs until it is dropped.
pub(super) fn start(path: &Path) -> Result<Periodic, StoreError> {
    let connection = connection::open_to_write(path)?;
    let log = wal_of(path);
    Periodic::start("checkpoints", INTERVAL, move |turn| match turn {
        Turn::Usual if std::fs::metadata(&log).is_ok_and(|log| log.len() > PAST) => checkpoint(&connection, "PASSIVE"),
        Turn::Usual => {}
        Turn::Last => checkpoint(&connection, "TRUNCATE"),
    })
}

fn checkpoint(connection: &rusqlite::Connection, mode: &str) {
    let done = connection.query_row(&format!("PRAGMA wal_checkpoint({mode})"), [], |_| Ok(()));
    if let Err(error) = done {
        tracing::warn!(error = %error, "a checkpoint was put off");
    }
}

fn wal_of(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push("-wal");
    PathBuf::from(name)
}
