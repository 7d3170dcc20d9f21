//! The thread that flushes the write-back cache.

use std::sync::Arc;
use std::time::Duration;

use super::periodic::{Periodic, Turn};
use super::writer::{Open, Writer};
use crate::StoreError;

/// How often the thread checks whether a flush is due.
const POLL_INTERVAL: Duration = Duration::from_millis(100);

/// A pause between transactions of a flush, so that waiting commits go first.
const PAUSE_BETWEEN_FLUSHES: Duration = Duration::from_millis(1);

/// Flushes rows when a flush is due, until it is dropped; then flushes everything.
pub(super) fn start(writer: Arc<Writer>) -> Result<Periodic, StoreError> {
    Periodic::start("flush", POLL_INTERVAL, move |turn| {
        let written = match turn {
            Turn::Usual if writer.write_back.is_due() => flush_all(&writer, PAUSE_BETWEEN_FLUSHES),
            Turn::Usual => Ok(()),
            Turn::Last => flush_all(&writer, Duration::ZERO),
        };
        if let Err(StoreError::Fatal(why)) = written {
            // All later writes fail for the same reason, which stops the process.
            tracing::error!(error = %why, "rows could not be written down");
        } else if let Err(error) = written {
            tracing::warn!(error = %error, "rows stay in the journal for now");
        }
    })
}

/// Flushes everything that has been committed so far.
pub(super) fn flush_all(writer: &Writer, pause: Duration) -> Result<(), StoreError> {
    let target = writer.open().progress.last;
    loop {
        let mut open = writer.open_whole()?;
        if open.progress.written >= target {
            return Ok(());
        }
        let Open { connection, progress, .. } = &mut *open;
        writer.note(writer.write_back.flush_some(connection, progress))?;
        drop(open);
        writer.give_way();
        if !pause.is_zero() {
            std::thread::sleep(pause);
        }
    }
}
