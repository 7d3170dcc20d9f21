//! Checkpoints copy the write-ahead log into the database, on a connection of their own.
//!
//! SQLite begins the log again from its start only when a commit finds all of it in the database. A single passive
//! checkpoint beside a busy writer always leaves a rest, so the log would grow without end. A checkpoint is therefore
//! repeated until little is left, and the rest is copied while no commit can add to it.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rusqlite::Connection;

use super::connection::{self, explain};
use super::periodic::{Periodic, Turn};
use super::writer::Writer;
use crate::StoreError;

const POLL_INTERVAL: Duration = Duration::from_millis(20);

/// A checkpoint begins when the log has grown by so much and the last one was so long ago. The more it copies, the longer
/// its fsync takes, and with it those of the commits meanwhile. The less, the more often a page that changes again and
/// again is copied.
const MIN_BYTES: u64 = 4 << 20;
const MIN_PERIOD: Duration = Duration::from_millis(250);

/// It begins in any case when the log has grown by so much.
const MAX_BYTES: u64 = 64 << 20;

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

/// Runs until it is dropped.
pub(super) fn start(path: &Path, writer: Arc<Writer>) -> Result<Periodic, StoreError> {
    let connection = connection::open_to_write(path)?;
    let page = connection.pragma_query_value(None, "page_size", |row| row.get::<_, u32>(0));
    let page = page.map_err(|error| explain(&error))?.into();
    let mut checkpoints = Checkpoints { connection, writer, page, copied: 0, last: Instant::now() };
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
    last: Instant,
}

impl Checkpoints {
    fn run_if_due(&mut self) {
        let pages = self.writer.log_pages();
        if pages < self.copied {
            // The log has begun again.
            self.copied = 0;
        }
        let new = (pages - self.copied) * self.page;
        if new < MIN_BYTES || new < MAX_BYTES && self.last.elapsed() < MIN_PERIOD {
            return;
        }
        self.last = Instant::now();
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
        for _ in 0..MAX_LAST_PASSES {
            if self.run("PASSIVE") == Some(0) {
                break;
            }
            std::thread::sleep(READER_PAUSE);
        }
        drop(commits_wait);
        self.copied = self.writer.log_pages();
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
