//! Writing pending rows down, beside commits.

use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use super::writer::Writer;
use crate::StoreError;

/// How often it is looked whether there is something to write down.
const INTERVAL: Duration = Duration::from_millis(100);

/// Between two steps, so that a commit that waits goes first.
const PAUSE: Duration = Duration::from_millis(1);

/// Writes down what has been pending for long enough, until it is dropped; then everything.
pub(super) struct WriteDown {
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl WriteDown {
    pub(super) fn start(writer: Arc<Writer>) -> Result<WriteDown, StoreError> {
        let (stop, stopped) = channel();
        let run = move || {
            while stopped.recv_timeout(INTERVAL) == Err(RecvTimeoutError::Timeout) {
                if writer.lazy.is_due()
                    && let Err(error) = everything(&writer, PAUSE)
                {
                    tracing::warn!(error = %error, "writing rows down was put off");
                }
            }
            if let Err(error) = everything(&writer, Duration::ZERO) {
                tracing::warn!(error = %error, "rows stay in the journal until the next start");
            }
        };
        let thread = std::thread::Builder::new().name("write-down".to_owned()).spawn(run);
        let thread = thread.map_err(|error| StoreError::Unavailable(error.to_string()))?;
        Ok(WriteDown { stop: Some(stop), thread: Some(thread) })
    }
}

impl Drop for WriteDown {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the thread that writes rows down panicked");
        }
    }
}

/// Writes down everything that was committed until now.
pub(super) fn everything(writer: &Writer, pause: Duration) -> Result<(), StoreError> {
    let target = writer.open().progress.last;
    loop {
        let mut open = writer.open();
        if open.progress.written >= target {
            return Ok(());
        }
        open.step(&writer.lazy)?;
        drop(open);
        if !pause.is_zero() {
            std::thread::sleep(pause);
        }
    }
}
