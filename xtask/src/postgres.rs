//! A temporary PostgreSQL cluster for tests and benchmarks; it is removed on drop.

use std::io::Write;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::workspace::{Failure, is_root};

/// Whether commits reach the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    /// They need not: tests kill processes, not machines.
    Fast,
    /// They must, or measurements mean nothing.
    Durable,
}

/// A running cluster.
pub struct Cluster {
    binaries: PathBuf,
    directory: tempfile::TempDir,
    port: u16,
}

impl Cluster {
    /// Starts a cluster; installs PostgreSQL first where that is possible.
    pub fn start(durability: Durability) -> Result<Cluster, Failure> {
        let binaries = match find() {
            Some(binaries) => binaries,
            None => {
                crate::packages::install(
                    &["postgresql"],
                    "the tests need PostgreSQL's server programs, initdb and pg_ctl",
                )?;
                find().ok_or("PostgreSQL was installed but its server programs were not found")?
            }
        };
        let directory = tempfile::Builder::new().prefix("paygen-postgres-").tempdir()?;
        if is_root() {
            // PostgreSQL refuses to run as root; its package brings a user of its own.
            quietly(Command::new("chown").arg("postgres").arg(directory.path()))?;
        }
        let data = directory.path().join("data");
        let mut initdb = as_server_user(&binaries.join("initdb"));
        quietly(
            initdb.arg("-D").arg(&data).args(["-A", "trust", "-U", "postgres", "-E", "UTF8", "--locale", "C.UTF-8"]),
        )?;
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let fsync = if durability == Durability::Durable { "on" } else { "off" };
        // Set in its configuration, so that a restart keeps them.
        let settings = format!(
            "port = {port}\nlisten_addresses = '127.0.0.1'\nunix_socket_directories = ''\nfsync = {fsync}\n\
             max_connections = 500\nshared_buffers = 256MB\n"
        );
        let mut configuration = std::fs::File::options().append(true).open(data.join("postgresql.conf"))?;
        configuration.write_all(settings.as_bytes())?;
        let cluster = Cluster { binaries, directory, port };
        quietly(&mut cluster.start_command())?;
        Ok(cluster)
    }

    fn data(&self) -> PathBuf {
        self.directory.path().join("data")
    }

    fn start_command(&self) -> Command {
        let mut start = as_server_user(&self.binaries.join("pg_ctl"));
        start.arg("-D").arg(self.data()).args(["-w", "-t", "60", "-l"]).arg(self.data().join("log")).arg("start");
        start
    }

    /// The variables for a test that kills this cluster and restarts it.
    pub fn kill_variables(&self) -> [(&'static str, String); 3] {
        let start = self.start_command();
        let words = std::iter::once(start.get_program()).chain(start.get_args());
        let words: Vec<String> = words.map(|word| format!("'{}'", word.to_string_lossy())).collect();
        [
            ("PAYGEN_CRASH_POSTGRES_URL", self.url()),
            ("PAYGEN_CRASH_POSTGRES_DATA", self.data().display().to_string()),
            ("PAYGEN_CRASH_POSTGRES_START", words.join(" ")),
        ]
    }

    /// The URL it is reached at.
    pub fn url(&self) -> String {
        format!("postgres://postgres@127.0.0.1:{}/postgres", self.port)
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        let mut stop = as_server_user(&self.binaries.join("pg_ctl"));
        stop.arg("-D").arg(self.data()).args(["-m", "immediate", "-w", "stop"]);
        if let Err(failure) = quietly(&mut stop) {
            eprintln!("xtask: PostgreSQL did not stop: {failure}");
        }
    }
}

fn find() -> Option<PathBuf> {
    let mut places: Vec<PathBuf> = Vec::new();
    if let Ok(versions) = std::fs::read_dir("/usr/lib/postgresql") {
        places.extend(versions.flatten().map(|version| version.path().join("bin")));
        places.sort_by_key(|place| {
            let version = place.parent().and_then(Path::file_name).and_then(|name| name.to_str());
            std::cmp::Reverse(version.and_then(|version| version.parse::<u32>().ok()).unwrap_or(0))
        });
    }
    places.extend(std::env::var_os("PATH").iter().flat_map(std::env::split_paths));
    places.into_iter().find(|place| ["initdb", "pg_ctl", "postgres"].iter().all(|name| place.join(name).is_file()))
}

fn as_server_user(program: &Path) -> Command {
    if is_root() {
        let mut command = Command::new("runuser");
        command.args(["-u", "postgres", "--"]).arg(program);
        command
    } else {
        Command::new(program)
    }
}

/// Runs a command whose output matters only when it fails. The output goes to a file: a server started by the command
/// would keep a pipe open forever.
fn quietly(command: &mut Command) -> Result<(), Failure> {
    let log = tempfile::NamedTempFile::new()?;
    let status = command
        .stdin(Stdio::null())
        .stdout(log.reopen()?)
        .stderr(log.reopen()?)
        .current_dir("/")
        .status()
        .map_err(|error| format!("{command:?} cannot be started: {error}"))?;
    if status.success() {
        return Ok(());
    }
    Err(format!("{command:?} failed:\n{}", std::fs::read_to_string(log.path()).unwrap_or_default()).into())
}
