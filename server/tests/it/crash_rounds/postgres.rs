//! A PostgreSQL that the test may kill: `cargo xtask` starts it, and passes its address and how to restart it.

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// A cluster that nobody else uses.
pub(super) struct Cluster {
    pub(super) url: String,
    data: PathBuf,
    start: String,
}

impl Cluster {
    /// The cluster named by the environment, if any.
    pub(super) fn given() -> Option<Cluster> {
        let url = std::env::var("PAYGEN_CRASH_POSTGRES_URL").ok()?;
        let data = std::env::var_os("PAYGEN_CRASH_POSTGRES_DATA")?.into();
        Some(Cluster { url, data, start: std::env::var("PAYGEN_CRASH_POSTGRES_START").ok()? })
    }

    /// Kills all of its processes at once: otherwise those of sessions would finish their work.
    pub(super) fn kill(&self) {
        let file = std::fs::read_to_string(self.data.join("postmaster.pid")).expect("a running postmaster");
        let postmaster = file.lines().next().expect("its number");
        let children = Command::new("pgrep").args(["-P", postmaster]).output().expect("pgrep runs").stdout;
        let children = String::from_utf8(children).expect("numbers");
        // A process that ends meanwhile is no error.
        let _ = Command::new("kill")
            .args(["-KILL", postmaster])
            .args(children.split_whitespace())
            .stderr(Stdio::null())
            .status()
            .expect("kill runs");
    }

    /// Starts it again, once all old processes are gone.
    pub(super) fn start(&self) {
        let deadline = Instant::now() + Duration::from_secs(60);
        let mut start = Command::new("sh");
        // The server would keep a pipe open.
        start.args(["-c", &self.start]).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        while !start.status().expect("sh runs").success() {
            assert!(Instant::now() < deadline, "PostgreSQL does not start again: see {}/log", self.data.display());
            std::thread::sleep(Duration::from_millis(100));
        }
    }
}
