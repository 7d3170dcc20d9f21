//! A world to test in: servers as processes, a client, and a database of its own for each test.

use std::io::{BufRead, BufReader};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

/// The sandbox key of every test server.
pub const KEY: &str = "pgk_test_integration_0123456789abcdef";

/// The store that a test runs on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Backend {
    Sqlite,
    Postgres,
}

/// Declares an async test for each store.
#[macro_export]
macro_rules! on_both_stores {
    ($($(#[$meta:meta])* async fn $name:ident($backend:ident: Backend) $body:block)*) => {$(
        $(#[$meta])*
        mod $name {
            use super::*;

            async fn test($backend: Backend) $body

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn sqlite() {
                test(Backend::Sqlite).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn postgres() {
                test(Backend::Postgres).await;
            }
        }
    )*};
}

/// A database on which servers can be started repeatedly.
pub struct World {
    pub dir: tempfile::TempDir,
    pub database_url: Option<String>,
}

static DATABASES: AtomicU32 = AtomicU32::new(0);

impl World {
    pub async fn new(backend: Backend) -> World {
        match backend {
            Backend::Sqlite => World { dir: new_directory(), database_url: None },
            Backend::Postgres => {
                let admin = std::env::var("PAYGEN_TEST_POSTGRES_URL")
                    .expect("PAYGEN_TEST_POSTGRES_URL is not set: run the tests with `cargo xtask test`");
                World::on_postgres(&admin).await
            }
        }
    }

    /// A world with a database of its own on this PostgreSQL.
    pub async fn on_postgres(admin: &str) -> World {
        World { dir: new_directory(), database_url: Some(create_database(admin).await) }
    }

    pub fn data_dir(&self) -> PathBuf {
        self.dir.path().join("data")
    }

    /// The binary with this world's settings, for a subcommand.
    pub fn command(&self, subcommand: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_paygen"));
        command.args(subcommand.split_whitespace()).arg("--data-dir").arg(self.data_dir());
        if let Some(url) = &self.database_url {
            command.arg("--database-url").arg(url);
        }
        command.env("PAYGEN_SANDBOX_API_KEY", KEY).env_remove("PAYGEN_DATABASE_URL").current_dir(self.dir.path());
        command
    }

    pub async fn start(&self) -> Server {
        Server::start(self.command("dev"), &self.data_dir()).await
    }
}

fn new_directory() -> tempfile::TempDir {
    tempfile::tempdir().expect("a temporary directory")
}

/// A database with the schema: a copy of a template that the first test on this PostgreSQL makes.
async fn create_database(admin: &str) -> String {
    // Process ids are reused on a long-lived cluster; the time is not.
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).map_or(0, |since| since.as_nanos());
    let name = format!("it_{}_{now}_{}", std::process::id(), DATABASES.fetch_add(1, Ordering::Relaxed));
    let (client, connection) = tokio_postgres::connect(admin, tokio_postgres::NoTls).await.expect("PostgreSQL answers");
    let connection = tokio::spawn(connection);
    let template = template(&client, admin).await;
    client.batch_execute(&format!("CREATE DATABASE {name} TEMPLATE {template}")).await.expect("a fresh database");
    drop(client);
    let _ = connection.await;
    on(admin, &name)
}

/// The URL of another database of the same PostgreSQL.
fn on(admin: &str, name: &str) -> String {
    let (base, _) = admin.rsplit_once('/').expect("the URL names a database");
    format!("{base}/{name}")
}

/// The database that this binary migrated. Tests are processes of their own, so a lock of PostgreSQL lets one make it.
async fn template(client: &tokio_postgres::Client, admin: &str) -> String {
    let binary = std::fs::metadata(env!("CARGO_BIN_EXE_paygen")).and_then(|binary| binary.modified());
    let built = binary.ok().and_then(|at| at.duration_since(std::time::UNIX_EPOCH).ok()).map_or(0, |at| at.as_nanos());
    let name = format!("template_{built}");
    let found = "SELECT 1 FROM pg_database WHERE datname = $1";
    client.batch_execute("SELECT pg_advisory_lock(7316)").await.expect("the lock");
    if client.query(found, &[&name]).await.expect("databases").is_empty() {
        // Those of earlier builds are of no more use.
        let old = "SELECT datname FROM pg_database WHERE datname LIKE 'template\\_%'";
        for row in client.query(old, &[]).await.expect("databases") {
            let old: String = row.get(0);
            client.batch_execute(&format!("DROP DATABASE IF EXISTS {old}")).await.expect("an old template is dropped");
        }
        // A name that is there has the whole schema: it gets it last.
        let unfinished = format!("{name}_unfinished");
        client.batch_execute(&format!("DROP DATABASE IF EXISTS {unfinished} WITH (FORCE)")).await.expect("dropped");
        client.batch_execute(&format!("CREATE DATABASE {unfinished}")).await.expect("a database");
        let world = World { dir: new_directory(), database_url: Some(on(admin, &unfinished)) };
        let output = world.command("migrate").output().expect("paygen migrate runs");
        assert!(output.status.success(), "migrate: {}", String::from_utf8_lossy(&output.stderr));
        let renamed = format!("ALTER DATABASE {unfinished} RENAME TO {name}");
        client.batch_execute(&renamed).await.expect("nobody is connected to it any more");
    }
    client.batch_execute("SELECT pg_advisory_unlock(7316)").await.expect("unlocked");
    name
}

/// A tool or right that a test needs and that is missing here. The test fails, unless `PAYGEN_TEST_WITHOUT` names it:
/// nothing is green because it was not run by accident.
pub fn missing(tool: &str) {
    let without = std::env::var("PAYGEN_TEST_WITHOUT").unwrap_or_default();
    assert!(
        without.split(',').any(|named| named == tool),
        "{tool} does not work here. Run the tests with `cargo xtask test`, which installs it, or name it in PAYGEN_TEST_WITHOUT."
    );
    eprintln!("not run: PAYGEN_TEST_WITHOUT names {tool}");
}

/// A running server and a client for it.
pub struct Server {
    child: std::sync::Mutex<Child>,
    pub url: String,
    pub http: reqwest::Client,
    pub key: String,
    printed: std::sync::Arc<std::sync::Mutex<Vec<String>>>,
}

impl Server {
    pub async fn start(mut command: Command, log_dir: &Path) -> Server {
        // With the permissions the server uses: production refuses a file that others can read.
        let made = std::fs::DirBuilder::new().recursive(true).mode(0o700).create(log_dir);
        made.expect("the data directory");
        let log = std::fs::OpenOptions::new().create(true).append(true).open(log_dir.join("stderr.log"));
        command.args(["--listen", "127.0.0.1:0"]);
        command.stdout(Stdio::piped()).stderr(log.expect("a log file")).stdin(Stdio::null());
        let mut child = command.spawn().expect("paygen starts");
        let mut lines = BufReader::new(child.stdout.take().expect("its standard output")).lines();
        let deadline = Instant::now() + Duration::from_secs(60);
        let url = loop {
            let line = lines.next().and_then(Result::ok);
            let log = || std::fs::read_to_string(log_dir.join("stderr.log")).unwrap_or_default();
            let Some(line) = line else { panic!("paygen ended before it was ready: {}", log()) };
            assert!(Instant::now() < deadline, "paygen was not ready in time: {}", log());
            if let Some((_, rest)) = line.split_once("http://127.0.0.1:") {
                let port: String = rest.chars().take_while(char::is_ascii_digit).collect();
                break format!("http://127.0.0.1:{port}");
            }
        };
        // The rest of the output is drained, so that the server never blocks on a full pipe.
        let printed = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
        let all = printed.clone();
        std::thread::spawn(move || lines.map_while(Result::ok).for_each(|line| all.lock().expect("lines").push(line)));
        let http = reqwest::Client::builder().timeout(Duration::from_secs(60)).build().expect("an HTTP client");
        let server = Server { child: std::sync::Mutex::new(child), url, http, key: KEY.to_owned(), printed };
        while server.http.get(format!("{}/readyz", server.url)).send().await.map_or(true, |r| !r.status().is_success())
        {
            assert!(Instant::now() < deadline, "paygen was not ready in time");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        server
    }

    fn child(&self) -> std::sync::MutexGuard<'_, Child> {
        self.child.lock().unwrap_or_else(|poison| poison.into_inner())
    }

    /// The word with this text that the server printed when it started.
    pub fn printed(&self, text: &str) -> String {
        let deadline = Instant::now() + Duration::from_secs(10);
        loop {
            let lines = self.printed.lock().expect("lines").join("\n");
            if let Some(word) = lines.split_whitespace().find(|word| word.contains(text)) {
                return word.to_owned();
            }
            assert!(Instant::now() < deadline, "{text} was not printed");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Kills the process at once, as a crash would.
    pub fn kill(&self) {
        let mut child = self.child();
        child.kill().expect("kill");
        child.wait().expect("wait");
    }

    /// The one-time link to the console that the sandbox prints.
    pub fn console_link(&self) -> String {
        let deadline = Instant::now() + Duration::from_secs(30);
        loop {
            let printed = self.printed.lock().unwrap_or_else(|poison| poison.into_inner()).clone();
            let link = printed.iter().find_map(|line| line.trim().strip_prefix("Console"));
            if let Some(link) = link {
                return link.trim().to_owned();
            }
            assert!(Instant::now() < deadline, "the sandbox prints a link to its console");
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// The process id.
    pub fn pid(&self) -> u32 {
        self.child().id()
    }

    /// Waits until the process exits.
    pub async fn ended(&self) -> std::process::ExitStatus {
        let deadline = Instant::now() + Duration::from_secs(60);
        loop {
            if let Some(status) = self.child().try_wait().expect("wait") {
                return status;
            }
            assert!(Instant::now() < deadline, "the process goes on");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Asks the process to stop, as an operator would; returns its exit status.
    pub fn stop(&mut self) -> std::process::ExitStatus {
        let pid = self.child().id().to_string();
        Command::new("kill").args(["-TERM", &pid]).status().expect("kill -TERM");
        self.child().wait().expect("wait")
    }

    pub fn request(&self, method: &str, path: &str) -> Call {
        let method = method.parse().expect("an HTTP method");
        let request = self.http.request(method, format!("{}{path}", self.url)).header("x-api-key", &self.key);
        Call { request }
    }

    /// The same server, called with another key.
    pub fn with_key<'a>(&'a self, key: &'a str) -> OtherKey<'a> {
        OtherKey { server: self, key }
    }

    pub async fn get(&self, path: &str) -> Reply {
        self.request("GET", path).send().await
    }

    pub async fn post(&self, path: &str, body: Value) -> Reply {
        self.request("POST", path).json(body).send().await
    }

    pub async fn put(&self, path: &str, body: Value) -> Reply {
        self.request("PUT", path).json(body).send().await
    }

    pub async fn delete(&self, path: &str) -> Reply {
        self.request("DELETE", path).send().await
    }

    /// A USD account with this balance; returns its id.
    pub async fn account(&self, name: &str, balance: i64) -> String {
        let body = json!({
            "ownerType": "business", "name": name, "type": "checking", "category": "fiat", "currency": "USD",
            "balance": balance,
        });
        let reply = self.post("/accounts", body).await;
        assert_eq!(reply.status, 201, "{}", reply.text);
        reply.data()["_id"].as_str().expect("an id").to_owned()
    }

    pub async fn balance(&self, account: &str) -> f64 {
        let reply = self.get(&format!("/accounts/{account}")).await;
        reply.data()["balance"].as_f64().expect("a balance")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child().kill();
        let _ = self.child().wait();
    }
}

/// A server, called with a key of its own.
pub struct OtherKey<'a> {
    server: &'a Server,
    key: &'a str,
}

impl OtherKey<'_> {
    pub fn request(&self, method: &str, path: &str) -> Call {
        let method = method.parse().expect("an HTTP method");
        let request = self.server.http.request(method, format!("{}{path}", self.server.url));
        Call { request: request.header("x-api-key", self.key) }
    }

    pub async fn post(&self, path: &str, body: Value) -> Reply {
        self.request("POST", path).json(body).send().await
    }
}

/// A request being built.
pub struct Call {
    request: reqwest::RequestBuilder,
}

impl Call {
    pub fn header(mut self, name: &str, value: &str) -> Call {
        self.request = self.request.header(name, value);
        self
    }

    pub fn json(mut self, body: Value) -> Call {
        self.request = self.request.header("content-type", "application/json").body(body.to_string());
        self
    }

    pub fn text(mut self, body: impl Into<String>) -> Call {
        self.request = self.request.header("content-type", "application/json").body(body.into());
        self
    }

    pub fn form(mut self, form: Form) -> Call {
        let kind = format!("multipart/form-data; boundary={}", form.boundary);
        let body = [form.body, format!("--{}--\r\n", form.boundary).into_bytes()].concat();
        self.request = self.request.header("content-type", kind).body(body);
        self
    }

    pub async fn send(self) -> Reply {
        self.try_send().await.expect("an answer")
    }

    /// Headers and body as received.
    pub async fn send_raw(self) -> (reqwest::header::HeaderMap, Vec<u8>) {
        let response = self.request.send().await.expect("an answer");
        let headers = response.headers().clone();
        (headers, response.bytes().await.expect("a body").to_vec())
    }

    pub async fn try_send(self) -> Result<Reply, reqwest::Error> {
        let (http, request) = self.request.build_split();
        let request = request?;
        let (method, path) = (request.method().to_string(), request.url().path().to_owned());
        let response = http.execute(request).await?;
        let status = response.status().as_u16();
        let headers = response.headers().clone();
        let text = response.text().await?;
        if status >= 400 {
            crate::callers::check(&method, &path, &text);
        }
        Ok(Reply { status, headers, text })
    }
}

/// A form with files; each has another boundary, as clients make them.
pub struct Form {
    boundary: String,
    body: Vec<u8>,
}

static FORMS: AtomicU32 = AtomicU32::new(0);

impl Default for Form {
    fn default() -> Form {
        Form { boundary: format!("----form{}", FORMS.fetch_add(1, Ordering::Relaxed)), body: Vec::new() }
    }
}

impl Form {
    pub fn text(mut self, name: &str, value: &str) -> Form {
        let head = format!("--{}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n", self.boundary);
        self.body.extend([head.as_bytes(), value.as_bytes(), b"\r\n"].concat());
        self
    }

    /// A file input with no file chosen, as browsers send it.
    pub fn nothing_chosen(mut self, name: &str) -> Form {
        let head = format!(
            "--{}\r\nContent-Disposition: form-data; name=\"{name}\"; filename=\"\"\r\nContent-Type: application/octet-stream\r\n\r\n\r\n",
            self.boundary
        );
        self.body.extend(head.into_bytes());
        self
    }

    pub fn file(mut self, name: &str, kind: &str, content: &[u8]) -> Form {
        let head = format!(
            "--{}\r\nContent-Disposition: form-data; name=\"{name}\"; filename=\"{name}.bin\"\r\nContent-Type: {kind}\r\n\r\n",
            self.boundary
        );
        self.body.extend([head.as_bytes(), content, b"\r\n"].concat());
        self
    }
}

/// A response.
pub struct Reply {
    pub status: u16,
    pub headers: reqwest::header::HeaderMap,
    pub text: String,
}

impl Reply {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("not JSON: {}", self.text))
    }

    pub fn data(&self) -> Value {
        self.json()["data"].clone()
    }

    pub fn id(&self) -> String {
        self.data()["_id"].as_str().unwrap_or_else(|| panic!("no _id in {}", self.text)).to_owned()
    }

    pub fn code(&self) -> String {
        self.json()["error"]["code"].as_str().unwrap_or_else(|| panic!("no error in {}", self.text)).to_owned()
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// The pointers of the wrong fields, in order.
    pub fn pointers(&self) -> Vec<String> {
        let fields = self.json()["error"]["fields"].as_array().cloned().unwrap_or_default();
        fields.iter().filter_map(|field| field["pointer"].as_str().map(str::to_owned)).collect()
    }

    #[track_caller]
    pub fn expect(self, status: u16) -> Reply {
        assert_eq!(self.status, status, "{}", self.text);
        self
    }
}
