//! Tests the running server against its own contract: schemathesis generates requests, valid and invalid, and checks
//! the responses.

use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::postgres::{Cluster, Durability};
use crate::workspace::{Failure, cargo, run};

const VERSION: &str = "4.32.5";
const KEY: &str = "pgk_test_schemathesis_0123456789abcdef";

/// Builds the binary as the tests build it: another selection of packages would build most dependencies once more, with
/// other features.
pub fn build() -> Result<(), Failure> {
    run(cargo().args(["test", "--workspace", "--no-run", "--quiet"]))
}

/// Runs schemathesis on SQLite and on PostgreSQL, both at a time.
pub fn schemathesis(root: &Path) -> Result<(), Failure> {
    build()?;
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), Into::into);
    let binary = target.join("debug/paygen");
    let tool = install(&target)?;
    let cluster = Cluster::start(Durability::Fast)?;
    let url = cluster.url();
    let (sqlite, postgres) = std::thread::scope(|scope| {
        let sqlite = scope.spawn(|| examine(&tool, &binary, None).map_err(|error| error.to_string()));
        let postgres = examine(&tool, &binary, Some(&url));
        (sqlite.join(), postgres)
    });
    sqlite.map_err(|_| "schemathesis on SQLite panicked")?.map_err(|error| format!("on SQLite: {error}"))?;
    postgres.map_err(|error| format!("on PostgreSQL: {error}").into())
}

fn install(target: &Path) -> Result<std::path::PathBuf, Failure> {
    let venv = target.join("schemathesis");
    let tool = venv.join("bin/schemathesis");
    if !tool.exists() {
        run(Command::new("python3").args(["-m", "venv"]).arg(&venv))?;
        let package = format!("schemathesis=={VERSION}");
        run(Command::new(venv.join("bin/pip")).args(["install", "--quiet", "--disable-pip-version-check", &package]))?;
    }
    Ok(tool)
}

/// A sandbox with its own directory; it is stopped on drop.
pub struct Server {
    child: Child,
    pub url: String,
    /// Its data and log.
    pub directory: tempfile::TempDir,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Server {
    pub fn key(&self) -> &'static str {
        KEY
    }

    /// Starts a sandbox, on SQLite unless a database is named.
    pub fn start(binary: &Path, database: Option<&str>) -> Result<Server, Failure> {
        let directory = tempfile::tempdir()?;
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let command = |subcommand: &str| {
            let mut command = Command::new(binary);
            command.arg(subcommand).arg("--data-dir").arg(directory.path()).current_dir(directory.path());
            if let Some(url) = database {
                command.args(["--database-url", url]);
            }
            command.env("PAYGEN_SANDBOX_API_KEY", KEY);
            command
        };
        if database.is_some() {
            run(&mut command("migrate"))?;
        }
        let log = std::fs::File::create(directory.path().join("log"))?;
        let listen = format!("127.0.0.1:{port}");
        let child = command("dev").args(["--listen", &listen]).stdout(Stdio::null()).stderr(log).spawn()?;
        let server = Server { child, url: format!("http://{listen}"), directory };
        let deadline = Instant::now() + Duration::from_secs(30);
        while TcpStream::connect(&listen).is_err() {
            if Instant::now() > deadline {
                return Err("the server did not start".into());
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        Ok(server)
    }
}

/// Runs a command beside another one: its output is printed when it has ended.
fn quietly(command: &mut Command) -> Result<(), Failure> {
    let output = command.output()?;
    println!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    if output.status.success() { Ok(()) } else { Err(format!("schemathesis ended with {}", output.status).into()) }
}

fn examine(tool: &Path, binary: &Path, database: Option<&str>) -> Result<(), Failure> {
    let server = Server::start(binary, database)?;
    let mut examination = Command::new(tool);
    examination
        .arg("run")
        .arg(format!("{}/openapi.json", server.url))
        .args(["--header", &format!("x-api-key: {KEY}")])
        .args([
            "--max-examples",
            "25",
            "--seed",
            "20261",
            "--workers",
            "1",
            "--no-color",
            "--suppress-health-check",
            "all",
        ])
        // A generated revocation or clock change is a valid request, but the rest of the run would test its effects.
        .args(["--exclude-operation-id", "revokeApiKey", "--exclude-operation-id", "advanceClock"])
        .args(["--exclude-operation-id", "rotateApiKey"])
        // A stream does not end.
        .args(["--exclude-operation-id", "streamEvents"])
        // A refusal by a rule (4xx) cannot be predicted from the schema: the balance may be too low.
        .args(["--exclude-checks", "positive_data_acceptance"])
        .current_dir(server.directory.path());
    let outcome = quietly(&mut examination);
    let log = std::fs::read_to_string(server.directory.path().join("log")).unwrap_or_default();
    if log.contains("internal_error") {
        return Err(format!("the server had internal errors:\n{log}").into());
    }
    outcome
}
