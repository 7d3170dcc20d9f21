//! A progress line for long chores: on a terminal only, and not for chores that take less than a second.

use std::io::IsTerminal;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// Chores that take less than this show no progress.
const SHOW_AFTER: Duration = Duration::from_secs(1);

/// How often the line is redrawn.
const REDRAW_INTERVAL: Duration = Duration::from_millis(200);

/// A progress line, shown until it is dropped.
pub(super) struct Progress {
    what: &'static str,
    bar: ProgressBar,
    showing: Option<tokio::task::JoinHandle<()>>,
}

impl Progress {
    /// Starts a progress line, with words such as "Verifying the ledger".
    pub(super) fn with(what: &'static str) -> Progress {
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::hidden()).with_message(what);
        if let Ok(style) = ProgressStyle::with_template("{spinner} {msg}  {elapsed}") {
            bar.set_style(style);
        }
        let showing = std::io::stderr().is_terminal().then(|| {
            let bar = bar.clone();
            tokio::spawn(async move {
                tokio::time::sleep(SHOW_AFTER).await;
                bar.set_draw_target(ProgressDrawTarget::stderr());
                bar.enable_steady_tick(REDRAW_INTERVAL);
            })
        });
        Progress { what, bar, showing }
    }

    /// Updates the progress.
    pub(super) fn at(&self, count: u64, of_what: &str) {
        if self.showing.is_some() {
            self.bar.set_message(format!("{}: {count} {of_what}", self.what));
        }
    }

    /// Prints something without the progress line in between.
    pub(super) fn aside(&self, print: impl FnOnce()) {
        self.bar.suspend(print);
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some(showing) = self.showing.take() {
            showing.abort();
        }
        self.bar.finish_and_clear();
    }
}
