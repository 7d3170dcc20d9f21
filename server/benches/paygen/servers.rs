//! Servers in processes of their own: Paygen, and one with an empty handler.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use axum::Router;
use axum::serve::ListenerExt;
use tokio::net::TcpListener;

/// A running server; it is killed on drop.
pub struct Server {
    child: Child,
    /// The address it listens on.
    pub address: String,
}

impl Server {
    /// `paygen dev` on this database, and the time until it listened.
    pub fn paygen(data_dir: &Path, database_url: Option<&str>, key: &str) -> (Server, Duration) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_paygen"));
        command.args(["dev", "--listen", "127.0.0.1:0", "--log-level", "warn", "--data-dir"]).arg(data_dir);
        if let Some(url) = database_url {
            command.args(["--database-url", url]);
        }
        command.env("PAYGEN_SANDBOX_API_KEY", key).env("PAYGEN_WEBHOOKS_ALLOW_PRIVATE", "127.0.0.0/8");
        let started = Instant::now();
        let server = Server::start(command.current_dir(data_dir));
        (server, started.elapsed())
    }

    /// Kills it.
    pub fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Asks it to stop, and waits until it has.
    pub fn stop(mut self) {
        let _ = Command::new("kill").arg(self.child.id().to_string()).status();
        let _ = self.child.wait();
    }

    /// Its resident memory in bytes, where the system shows it.
    pub fn memory(&self) -> Option<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).ok()?;
        let kib = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?.trim().strip_suffix(" kB")?;
        kib.parse::<u64>().ok().map(|kib| kib * 1024)
    }

    /// What it has used so far, where the system shows it.
    pub fn used(&self) -> Option<Used> {
        let tasks = std::fs::read_dir(format!("/proc/{}/task", self.child.id())).ok()?;
        let mut ticks: BTreeMap<String, u64> = BTreeMap::new();
        for task in tasks.flatten() {
            // `pid (name) state …`; user and system time are the 14th and 15th fields.
            let Ok(line) = std::fs::read_to_string(task.path().join("stat")) else { continue };
            let Some((name, rest)) = line.split_once('(').and_then(|(_, rest)| rest.rsplit_once(')')) else { continue };
            let of_thread: u64 = rest.split_whitespace().skip(11).take(2).filter_map(|at| at.parse::<u64>().ok()).sum();
            *ticks.entry(name.to_owned()).or_default() += of_thread;
        }
        let io = std::fs::read_to_string(format!("/proc/{}/io", self.child.id())).ok()?;
        let written = io.lines().find_map(|line| line.strip_prefix("write_bytes:")?.trim().parse().ok())?;
        Some(Used { ticks, written })
    }

    /// Its open files and sockets, where the system shows them.
    pub fn files(&self) -> Option<usize> {
        Some(std::fs::read_dir(format!("/proc/{}/fd", self.child.id())).ok()?.count())
    }

    /// A server whose handler does nothing.
    pub fn empty() -> Server {
        Server::start(Command::new(std::env::current_exe().expect("this program")).arg("--empty-handler"))
    }

    fn start(command: &mut Command) -> Server {
        let mut child = command.stdout(Stdio::piped()).stdin(Stdio::null()).spawn().expect("the server starts");
        let mut lines = BufReader::new(child.stdout.take().expect("its standard output")).lines();
        let address = loop {
            let line = lines.next().and_then(Result::ok).expect("the server tells where it listens");
            if let Some((_, rest)) = line.split_once("http://127.0.0.1:") {
                let port: String = rest.chars().take_while(char::is_ascii_digit).collect();
                break format!("127.0.0.1:{port}");
            }
        };
        // Its further output is drained, so that it never blocks on a full pipe.
        std::thread::spawn(move || lines.for_each(drop));
        Server { child, address }
    }
}

/// The microseconds of a tick of the processor's clock: Linux counts a hundred a second.
const TICK_MICROS: f64 = 10_000.0;

/// Processor time by thread, and bytes written to disk.
pub struct Used {
    ticks: BTreeMap<String, u64>,
    written: u64,
}

impl Used {
    /// What was used since `before`, for each of so many calls.
    pub fn each(&self, before: &Used, calls: f64) -> String {
        let micros = |ticks: u64| ticks as f64 * TICK_MICROS / calls;
        let used = self.ticks.iter().map(|(name, ticks)| (name, ticks - before.ticks.get(name).unwrap_or(&0)));
        let mut threads: Vec<(&String, f64)> = used.map(|(name, ticks)| (name, micros(ticks))).collect();
        threads.sort_by(|a, b| b.1.total_cmp(&a.1));
        let sum: f64 = threads.iter().map(|(_, micros)| micros).sum();
        let named = threads.iter().filter(|(_, micros)| *micros >= 0.5);
        let named: Vec<String> = named.map(|(name, micros)| format!("{name} {micros:.0}")).collect();
        let written = (self.written - before.written) as f64 / calls / 1000.0;
        format!("{sum:.0} µs of processor time a call ({}), {written:.1} kB written", named.join(", "))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Answers every request with an empty response until the process is killed.
pub async fn answer_nothing() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    println!("http://{}", listener.local_addr().expect("its address"));
    let listener = listener.tap_io(|stream| {
        let _ = stream.set_nodelay(true);
    });
    axum::serve(listener, Router::new().fallback(|| async {})).await.expect("it serves");
}
