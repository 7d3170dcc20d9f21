//! Servers in processes of their own: Paygen, and one with an empty handler.

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
