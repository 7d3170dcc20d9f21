//! Writing pending rows down, beside commits.

use std::sync::Arc;
use std::time::Duration;

use super::periodic::{Periodic, Turn};
use super::writer::{Open, Writer};
use crate::StoreError;

/// How often it is looked whether there is something to write down.
const POLL_INTERVAL: Duration = Duration::from_millis(100);

/// Between two steps, so that a commit that waits goes first.
const PAUSE_BETWEEN_FLUSHES: Duration = Duration::from_millis(1);

/// Writes down what has been pending for long enough, until it is dropped; then everything.
pub(super) fn start(writer: Arc<Writer>) -> Result<Periodic, StoreError> {
    Periodic::start("flush", POLL_INTERVAL, move |turn| {
        let written = match turn {
            Turn::Usual if writer.write_back.is_due() => flush_all(&writer, PAUSE_BETWEEN_FLUSHES),
            Turn::Usual => Ok(()),
            Turn::Last => flush_all(&writer, Duration::ZERO),
        };
        if let Err(StoreError::Fatal(why)) = written {
            // Everything after it is refused for the same reason, which ends the process.
            tracing::error!(error = %why, "rows could not be written down");
        } else if let Err(error) = written {
            tracing::warn!(error = %error, "rows stay in the journal for now");
        }
    })
}

/// Writes down everything that was committed until now.
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
