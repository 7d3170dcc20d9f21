//! Checkpoints copy the write-ahead log into the database, on a connection of their own.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rusqlite::Connection;

use super::connection::{self, explain};
use super::periodic::{Periodic, Turn};
use super::writer::Writer;
use crate::StoreError;

const POLL_INTERVAL: Duration = Duration::from_millis(50);
const CHECKPOINT_AT_BYTES: u64 = 16 << 20;

/// Runs until it is dropped.
pub(super) fn start(path: &Path, writer: Arc<Writer>) -> Result<Periodic, StoreError> {
    let connection = connection::open_to_write(path)?;
    let log = wal_of(path);
    Periodic::start("checkpoints", POLL_INTERVAL, move |turn| match turn {
        Turn::Usual if std::fs::metadata(&log).is_ok_and(|log| log.len() > CHECKPOINT_AT_BYTES) => {
            checkpoint(&connection, &writer, "PASSIVE");
        }
        Turn::Usual => {}
        Turn::Last => checkpoint(&connection, &writer, "TRUNCATE"),
    })
}

fn checkpoint(connection: &Connection, writer: &Writer, mode: &str) {
    // After a failed fsync, the log is the only copy known to be complete; a checkpoint would overwrite it.
    if writer.check().is_err() {
        return;
    }
    let done = connection.query_row(&format!("PRAGMA wal_checkpoint({mode})"), [], |_| Ok(()));
    match writer.note(done.map_err(|error| explain(&error))) {
        Ok(()) => {}
        Err(StoreError::Fatal(why)) => tracing::error!(error = %why, "a checkpoint failed"),
        Err(error) => tracing::warn!(error = %error, "a checkpoint was put off"),
    }
}

pub(super) fn wal_of(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push("-wal");
    PathBuf::from(name)
}
