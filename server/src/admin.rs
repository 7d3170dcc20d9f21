//! The admin socket: lets the command line change data beside a running server that owns the database file.
//!
//! One line of JSON is the request and one line the response; progress lines may precede it. The socket is in the data
//! directory and accessible to its owner only: anybody who can open it can read the key file as well.

use std::net::{IpAddr, SocketAddr};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use paygen_core::access::{Actor, Client, DisableClient};
use paygen_core::ids::ClientId;
use paygen_core::record::Key;
use paygen_core::work::Context;
use paygen_core::{Command, Request};
use paygen_store::Reader;
use paygen_vault::{ApiKeySecret, KeyKind};
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::unix::OwnedWriteHalf;
use tokio::net::{UnixListener, UnixStream};

use crate::admin_users::{self, NewUser, UserAnswer};
use paygen_app::App;
use paygen_app::Environment;
use paygen_app::clients::{MAX_KEYS, make_client, make_key, too_many_keys};
use paygen_app::rotation::{self, Progress};

/// Upper bound on the bytes of a line, on either side.
const MAX_LINE_BYTES: u64 = 64 * 1024;

/// A request to the running server.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "ask", rename_all = "camelCase")]
pub enum AdminRequest {
    /// Create a client and its first key.
    CreateClient { name: String },
    /// Create one more key of a client.
    CreateKey {
        /// The client's id.
        client: String,
        name: String,
    },
    /// Disable or enable a client's credentials.
    DisableClient { id: String, disabled: bool },
    /// Add a user, or a role of one.
    CreateUser {
        email: String,
        name: String,
        role: String,
        /// The client's id; without one the role is for every client.
        client: Option<String>,
    },
    /// Give a user a new one-time link.
    LinkUser { email: String },
    /// Disable or enable a user.
    SwitchUser { email: String, disabled: bool },
    /// Describe the server.
    Status,
    /// Rotate the data keys. The rotation continues when the requester disconnects.
    RotateKeys,
}

/// A running server.
#[derive(Clone, Default, Serialize, Deserialize)]
pub struct Running {
    pub version: String,
    /// The process id.
    pub process: u32,
    /// The address it listens on.
    pub url: String,
}

/// The response. It may contain a new key or link, so it cannot be printed.
#[derive(Default, Serialize, Deserialize)]
pub struct AdminResponse {
    /// Why the request failed.
    pub error: Option<String>,
    /// The client's id.
    pub client: Option<String>,
    /// The new key, shown only here.
    pub key: Option<String>,
    /// The id of the new key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<UserAnswer>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub running: Option<Running>,
    /// Progress of a request; the last line has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub progress: Option<Progress>,
}

/// The path of the socket.
pub fn socket(data_dir: &Path) -> PathBuf {
    data_dir.join("admin.sock")
}

/// Carries out a request and reports its progress.
pub async fn carry_out(app: &App, ask: AdminRequest, report: &mut (dyn FnMut(Progress) + Send)) -> AdminResponse {
    let failed = |error: String| AdminResponse { error: Some(error), ..AdminResponse::default() };
    let about = |answer: Result<UserAnswer, String>| match answer {
        Ok(user) => AdminResponse { user: Some(user), ..AdminResponse::default() },
        Err(error) => failed(error),
    };
    match ask {
        // Only a server can describe itself: without one, nothing runs.
        AdminRequest::Status => failed("no server runs here".to_owned()),
        AdminRequest::RotateKeys => match rotation::rotate(app, report).await {
            Ok(()) => AdminResponse::default(),
            Err(error) => failed(error.to_string()),
        },
        AdminRequest::CreateClient { name } => {
            let secret = new_secret(app);
            match make_client(&app.engine, &app.vault, &name, &secret, app.seed()).await {
                Ok(id) => {
                    let (client, key) = (Some(id.to_string()), Some(secret.expose().to_owned()));
                    AdminResponse { client, key, ..AdminResponse::default() }
                }
                Err(error) => failed(error.to_string()),
            }
        }
        AdminRequest::CreateKey { client, name } => match create_key(app, &client, &name).await {
            Ok(response) => response,
            Err(error) => failed(error),
        },
        AdminRequest::CreateUser { email, name, role, client } => {
            let client = match client {
                Some(id) => self::client(&app.reader, &id).await.map(|client| Some(client.id)),
                None => Ok(None),
            };
            match client {
                Ok(client) => about(admin_users::create(app, NewUser { email, name, role, client }).await),
                Err(error) => failed(error),
            }
        }
        AdminRequest::LinkUser { email } => about(admin_users::link(app, &email).await),
        AdminRequest::SwitchUser { email, disabled } => about(admin_users::switch(app, &email, disabled).await),
        AdminRequest::DisableClient { id, disabled } => {
            let id = match client_id(&id) {
                Ok(id) => id,
                Err(error) => return failed(error),
            };
            let mut context = Context::system(id, "");
            context.actor = Actor::Operator;
            let command = Command::DisableClient(DisableClient { id, disabled });
            let decision = app.engine.run_background(Request::new(context, command)).await;
            app.credentials.forget();
            match decision {
                Ok(Ok(_)) => AdminResponse { client: Some(id.to_string()), ..AdminResponse::default() },
                Ok(Err(refusal)) => failed(refusal.to_string()),
                Err(error) => failed(error.to_string()),
            }
        }
    }
}

/// Parses the id of a client, as typed.
pub fn client_id(text: &str) -> Result<ClientId, String> {
    let id = ClientId::parse(text);
    id.ok_or_else(|| "a client's id has 24 lowercase hex characters; see `paygen clients list`".to_owned())
}

/// Looks up a client by its id, as typed.
pub async fn client(reader: &Reader, id: &str) -> Result<Client, String> {
    let id = client_id(id)?;
    let found = reader.get::<Client>(Key::of(id, id.0)).await.map_err(|error| error.to_string())?;
    found.ok_or_else(|| format!("there is no client {id}; see `paygen clients list`"))
}

fn new_secret(app: &App) -> ApiKeySecret {
    let kind = if app.environment == Environment::Sandbox { KeyKind::Test } else { KeyKind::Live };
    ApiKeySecret::generate(kind)
}

async fn create_key(app: &App, id: &str, name: &str) -> Result<AdminResponse, String> {
    let client = client(&app.reader, id).await?;
    if app.reader.active_api_keys(client.id).await.map_err(|error| error.to_string())? >= MAX_KEYS {
        return Err(too_many_keys());
    }
    let secret = new_secret(app);
    let made = make_key(app, client.id, name, &secret).await.map_err(|error| error.to_string())?;
    Ok(AdminResponse {
        client: Some(client.id.to_string()),
        key: Some(secret.expose().to_owned()),
        key_id: made.map(|view| view.id),
        ..AdminResponse::default()
    })
}

/// Listens until the process stops. `address` is where the server answers HTTP, `console` where its console is.
pub async fn serve(app: App, path: PathBuf, address: SocketAddr, console: Option<String>) {
    // A socket left by a crash is stale: the lock on the database shows that this is the only server.
    let _ = std::fs::remove_file(&path);
    let listener = UnixListener::bind(&path).and_then(|listener| {
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600))?;
        Ok(listener)
    });
    let listener = match listener {
        Ok(listener) => listener,
        Err(error) => {
            tracing::warn!(error = %error, "there is no admin socket: `paygen clients`, `paygen users` and `paygen keys` work when this server is stopped");
            return;
        }
    };
    let mut stopping = app.stopping.clone();
    loop {
        tokio::select! {
            _ = stopping.changed() => break,
            connection = listener.accept() => {
                if let Ok((stream, _)) = connection {
                    let (app, console) = (app.clone(), console.clone());
                    tokio::spawn(async move {
                        if let Err(error) = answer(&app, address, console, stream).await {
                            tracing::warn!(error = %error, "an admin connection failed");
                        }
                    });
                }
            }
        }
    }
    let _ = std::fs::remove_file(&path);
}

/// An address to call: one that stands for every interface cannot be called.
fn reachable(mut address: SocketAddr) -> SocketAddr {
    if address.ip().is_unspecified() {
        let loopback =
            if address.is_ipv4() { IpAddr::from([127, 0, 0, 1]) } else { IpAddr::from([0, 0, 0, 0, 0, 0, 0, 1]) };
        address.set_ip(loopback);
    }
    address
}

/// Upper bound on the progress lines buffered for a slow reader; further ones are dropped.
const MAX_UNREAD_LINES: usize = 64;

async fn answer(app: &App, address: SocketAddr, console: Option<String>, stream: UnixStream) -> std::io::Result<()> {
    let (read, mut write) = stream.into_split();
    let mut line = String::new();
    BufReader::new(read.take(MAX_LINE_BYTES)).read_line(&mut line).await?;
    let ask = match serde_json::from_str(&line) {
        Ok(AdminRequest::Status) => {
            let version = env!("CARGO_PKG_VERSION").to_owned();
            let running =
                Running { version, process: std::process::id(), url: format!("http://{}", reachable(address)) };
            let response = AdminResponse { running: Some(running), ..AdminResponse::default() };
            return report(&mut write, &response).await;
        }
        Ok(ask) => ask,
        Err(error) => {
            return report(&mut write, &AdminResponse { error: Some(error.to_string()), ..AdminResponse::default() })
                .await;
        }
    };
    // A task of its own, so that the request is finished even when the requester disconnects.
    let (progress, mut progressed) = tokio::sync::mpsc::channel(MAX_UNREAD_LINES);
    let app = app.clone();
    let work = tokio::spawn(async move {
        let mut note = move |step| {
            let _ = progress.try_send(step);
        };
        carry_out(&app, ask, &mut note).await
    });
    while let Some(step) = progressed.recv().await {
        report(&mut write, &AdminResponse { progress: Some(step), ..AdminResponse::default() }).await?;
    }
    let mut response =
        work.await.unwrap_or_else(|error| AdminResponse { error: Some(error.to_string()), ..AdminResponse::default() });
    if let Some(user) = response.user.as_mut() {
        user.console = console;
    }
    report(&mut write, &response).await
}

async fn report(to: &mut OwnedWriteHalf, response: &AdminResponse) -> std::io::Result<()> {
    let mut text = serde_json::to_string(response)?;
    text.push('\n');
    to.write_all(text.as_bytes()).await
}

/// Sends a request to the server that owns the data directory; `None` when none runs there.
pub async fn ask(
    data_dir: &Path,
    ask: &AdminRequest,
    note: &mut (dyn FnMut(Progress) + Send),
) -> std::io::Result<Option<AdminResponse>> {
    let Ok(mut stream) = UnixStream::connect(socket(data_dir)).await else { return Ok(None) };
    let mut text = serde_json::to_string(ask)?;
    text.push('\n');
    stream.write_all(text.as_bytes()).await?;
    let mut lines = BufReader::new(stream);
    loop {
        let mut line = String::new();
        if (&mut lines).take(MAX_LINE_BYTES).read_line(&mut line).await? == 0 {
            let why = "the server ended before it was done; once it runs again, give the command again";
            return Err(std::io::Error::new(std::io::ErrorKind::UnexpectedEof, why));
        }
        let response: AdminResponse = serde_json::from_str(&line)?;
        match response.progress {
            Some(step) => note(step),
            None => return Ok(Some(response)),
        }
    }
}
