//! Checkpoints: the write-ahead log is copied into the database on a connection of its own.

use std::path::{Path, PathBuf};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use super::connection;
use crate::StoreError;

const INTERVAL: Duration = Duration::from_millis(50);
const PAST: u64 = 16 << 20;

/// Runs until it is dropped.
pub(super) struct Checkpoints {
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Checkpoints {
    pub(super) fn start(path: &Path) -> Result<Checkpoints, StoreError> {
        let connection = connection::open_to_write(path)?;
        let log = wal_of(path);
        let (stop, stopped) = channel();
        let thread = std::thread::Builder::new().name("checkpoints".to_owned()).spawn(move || {
            while stopped.recv_timeout(INTERVAL) == Err(RecvTimeoutError::Timeout) {
                if std::fs::metadata(&log).is_ok_and(|log| log.len() > PAST) {
                    checkpoint(&connection, "PASSIVE");
                }
            }
            checkpoint(&connection, "TRUNCATE");
        });
        let thread = thread.map_err(|error| StoreError::Unavailable(error.to_string()))?;
        Ok(Checkpoints { stop: Some(stop), thread: Some(thread) })
    }
}

impl Drop for Checkpoints {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the checkpoint thread panicked");
        }
    }
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
