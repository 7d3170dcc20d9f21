//! Writing pending rows down, beside commits.

use std::sync::Arc;
use std::time::Duration;

use super::periodic::{Periodic, Turn};
use super::writer::{Open, Writer};
use crate::StoreError;

/// How often it is looked whether there is something to write down.
const INTERVAL: Duration = Duration::from_millis(100);

/// Between two steps, so that a commit that waits goes first.
const PAUSE: Duration = Duration::from_millis(1);

/// Writes down what has been pending for long enough, until it is dropped; then everything.
pub(super) fn start(writer: Arc<Writer>) -> Result<Periodic, StoreError> {
    Periodic::start("write-down", INTERVAL, move |turn| {
        let written = match turn {
            Turn::Usual if writer.lazy.is_due() => everything(&writer, PAUSE),
            Turn::Usual => Ok(()),
            Turn::Last => everything(&writer, Duration::ZERO),
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
pub(super) fn everything(writer: &Writer, pause: Duration) -> Result<(), StoreError> {
    let target = writer.open().progress.last;
    loop {
        let mut open = writer.open_whole()?;
        if open.progress.written >= target {
            return Ok(());
        }
        let Open { connection, progress, .. } = &mut *open;
        writer.note(writer.lazy.step(connection, progress))?;
        drop(open);
        writer.give_way();
        if !pause.is_zero() {
            std::thread::sleep(pause);
        }
    }
}
