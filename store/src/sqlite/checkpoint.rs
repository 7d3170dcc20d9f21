//! Checkpoints copy the write-ahead log into the database, on a connection of their own.
//!
//! SQLite begins the log again from its start only when a commit finds all of it in the database. A single passive
//! checkpoint beside a busy writer always leaves a rest, so the log would grow without end. A checkpoint is therefore
//! repeated until little is left, and the rest is copied while no commit can add to it.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rusqlite::Connection;

use super::connection::{self, explain};
use super::periodic::{Periodic, Turn};
use super::writer::Writer;
use crate::StoreError;

const POLL_INTERVAL: Duration = Duration::from_millis(50);

/// How much the log grows until a checkpoint. The more, the more often a page is changed before it is copied once.
const CHECKPOINT_AT_BYTES: u64 = 64 << 20;

/// With less than this left, the rest is copied while commits wait.
const SMALL_REST_BYTES: u64 = 1 << 20;

/// How often a checkpoint is repeated beside commits.
const MAX_PASSES: usize = 12;

/// A larger rest is left to the next poll instead of letting commits wait, unless the log has this many bytes.
const MAX_REST_BYTES: u64 = 4 << 20;
const MAX_LOG_BYTES: u64 = 256 << 20;

/// How often, and with which pause, it is repeated while commits wait: a reader that began before the last commit keeps
/// its part of the log from being copied.
const MAX_LAST_PASSES: usize = 10;
const READER_PAUSE: Duration = Duration::from_millis(1);

/// How much the log grows until the next try, if readers kept it from beginning again.
const RETRY_AFTER_BYTES: u64 = 4 << 20;

/// Runs until it is dropped.
pub(super) fn start(path: &Path, writer: Arc<Writer>) -> Result<Periodic, StoreError> {
    let connection = connection::open_to_write(path)?;
    let page = connection.pragma_query_value(None, "page_size", |row| row.get::<_, u32>(0));
    let page = page.map_err(|error| explain(&error))?.into();
    let mut checkpoints = Checkpoints { connection, writer, page, copied: 0 };
    Periodic::start("checkpoints", POLL_INTERVAL, move |turn| match turn {
        Turn::Usual => checkpoints.run_if_due(),
        Turn::Last => {
            checkpoints.run("TRUNCATE");
        }
    })
}

struct Checkpoints {
    connection: Connection,
    writer: Arc<Writer>,
    /// The size of a page in bytes.
    page: u64,
    /// How many pages the log had at the last checkpoint.
    copied: u64,
}

impl Checkpoints {
    fn run_if_due(&mut self) {
        let pages = self.writer.log_pages();
        if pages < self.copied {
            // The log has begun again.
            self.copied = 0;
        }
        if (pages - self.copied) * self.page < CHECKPOINT_AT_BYTES {
            return;
        }
        let mut rest = u64::MAX;
        for _ in 0..MAX_PASSES {
            let Some(left) = self.run("PASSIVE") else { return };
            rest = left * self.page;
            if rest < SMALL_REST_BYTES {
                break;
            }
        }
        if rest > MAX_REST_BYTES && pages * self.page < MAX_LOG_BYTES {
            return;
        }
        let commits_wait = self.writer.open();
        let mut is_whole = false;
        for _ in 0..MAX_LAST_PASSES {
            is_whole = self.run("PASSIVE") == Some(0);
            if is_whole {
                break;
            }
            std::thread::sleep(READER_PAUSE);
        }
        drop(commits_wait);
        let retry = if is_whole { CHECKPOINT_AT_BYTES } else { RETRY_AFTER_BYTES };
        self.copied = self.writer.log_pages().saturating_sub((CHECKPOINT_AT_BYTES - retry) / self.page);
    }

    /// Returns how many pages of the log are left; `None` after a failure.
    fn run(&self, mode: &str) -> Option<u64> {
        // After a failed fsync, the log is the only copy known to be complete; a checkpoint would overwrite it.
        self.writer.check().ok()?;
        let pragma = format!("PRAGMA wal_checkpoint({mode})");
        let left = self.connection.query_row(&pragma, [], |row| Ok(row.get::<_, i64>(1)? - row.get::<_, i64>(2)?));
        match self.writer.note(left.map_err(|error| explain(&error))) {
            Ok(left) => return Some(u64::try_from(left).unwrap_or(0)),
            Err(StoreError::Fatal(why)) => tracing::error!(error = %why, "a checkpoint failed"),
            Err(error) => tracing::warn!(error = %error, "a checkpoint was put off"),
        }
        None
    }
}

pub(super) fn wal_of(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push("-wal");
    PathBuf::from(name)
}
