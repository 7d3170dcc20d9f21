//! The admin socket: how the command line changes things beside a running server that owns the database file.
//!
//! One line of JSON asks, one line answers; before it, lines may tell how far the work is. The socket is in the data directory and only its owner may use it:
//! whoever can reach it could read the key file as well.

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

use paygen_app::App;
use paygen_app::Environment;
use paygen_app::clients::{make_client, make_key};
use paygen_app::rotation::{self, Progress};

/// The longest line either side reads.
const LONGEST: u64 = 64 * 1024;

/// What can be asked.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "ask", rename_all = "camelCase")]
pub enum Ask {
    /// Make a client and its first key.
    CreateClient {
        /// Its name.
        name: String,
    },
    /// Make one more key of a client.
    CreateKey {
        /// Whose.
        client: String,
        /// Its name.
        name: String,
    },
    /// Make a client's credentials stop working, or work again.
    DisableClient {
        /// Which.
        id: String,
        /// Whether they shall stop.
        disabled: bool,
    },
    /// Rotate the data keys. It goes on when whoever asked goes away.
    RotateKeys,
}

/// What is answered. It carries a key when one was made, so it cannot be printed.
#[derive(Default, Serialize, Deserialize)]
pub struct Told {
    /// Why not, when it was not done.
    pub error: Option<String>,
    /// The client.
    pub client: Option<String>,
    /// The key that was made, this once.
    pub key: Option<String>,
    /// What is shown of it ever after.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key_id: Option<String>,
    /// How far the work is; the last line has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub progress: Option<Progress>,
}

/// Where the socket is.
pub fn socket(data_dir: &Path) -> PathBuf {
    data_dir.join("admin.sock")
}

/// Does what was asked, telling how far it is.
pub async fn carry_out(app: &App, ask: Ask, tell: &mut (dyn FnMut(Progress) + Send)) -> Told {
    let failed = |error: String| Told { error: Some(error), ..Told::default() };
    match ask {
        Ask::RotateKeys => match rotation::rotate(app, tell).await {
            Ok(()) => Told::default(),
            Err(error) => failed(error.to_string()),
        },
        Ask::CreateClient { name } => {
            let secret = new_secret(app);
            match make_client(&app.engine, &app.vault, &name, &secret).await {
                Ok(id) => {
                    let (client, key) = (Some(id.to_string()), Some(secret.expose().to_owned()));
                    Told { client, key, ..Told::default() }
                }
                Err(error) => failed(error.to_string()),
            }
        }
        Ask::CreateKey { client, name } => match create_key(app, &client, &name).await {
            Ok(told) => told,
            Err(error) => failed(error),
        },
        Ask::DisableClient { id, disabled } => {
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
                Ok(Ok(_)) => Told { client: Some(id.to_string()), ..Told::default() },
                Ok(Err(refusal)) => failed(refusal.to_string()),
                Err(error) => failed(error.to_string()),
            }
        }
    }
}

/// The id of a client, as it is typed.
pub fn client_id(text: &str) -> Result<ClientId, String> {
    let id = ClientId::parse(text);
    id.ok_or_else(|| "a client's id has 24 lowercase hex characters; see `paygen clients list`".to_owned())
}

/// The client of an id that was typed.
pub async fn client(reader: &Reader, id: &str) -> Result<Client, String> {
    let id = client_id(id)?;
    let found = reader.get::<Client>(Key::of(id, id.0)).await.map_err(|error| error.to_string())?;
    found.ok_or_else(|| format!("there is no client {id}; see `paygen clients list`"))
}

fn new_secret(app: &App) -> ApiKeySecret {
    let kind = if app.environment == Environment::Sandbox { KeyKind::Test } else { KeyKind::Live };
    ApiKeySecret::generate(kind)
}

async fn create_key(app: &App, id: &str, name: &str) -> Result<Told, String> {
    let client = client(&app.reader, id).await?;
    let secret = new_secret(app);
    let made = make_key(app, client.id, name, &secret).await.map_err(|error| error.to_string())?;
    Ok(Told {
        client: Some(client.id.to_string()),
        key: Some(secret.expose().to_owned()),
        key_id: made.map(|view| view.id),
        ..Told::default()
    })
}

/// Listens until the process stops.
pub async fn serve(app: App, path: PathBuf) {
    // A socket that a crash left behind is nobody's: the lock on the database says that we are the only server.
    let _ = std::fs::remove_file(&path);
    let listener = UnixListener::bind(&path).and_then(|listener| {
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600))?;
        Ok(listener)
    });
    let listener = match listener {
        Ok(listener) => listener,
        Err(error) => {
            tracing::warn!(error = %error, "there is no admin socket: `paygen clients` and `paygen keys` work when this server is stopped");
            return;
        }
    };
    let mut stopping = app.stopping.clone();
    loop {
        tokio::select! {
            _ = stopping.changed() => break,
            connection = listener.accept() => {
                if let Ok((stream, _)) = connection {
                    let app = app.clone();
                    tokio::spawn(async move {
                        if let Err(error) = answer(&app, stream).await {
                            tracing::warn!(error = %error, "an admin connection failed");
                        }
                    });
                }
            }
        }
    }
    let _ = std::fs::remove_file(&path);
}

/// How many lines of progress may wait for a slow reader; more are left out.
const UNREAD: usize = 64;

async fn answer(app: &App, stream: UnixStream) -> std::io::Result<()> {
    let (read, mut write) = stream.into_split();
    let mut line = String::new();
    BufReader::new(read.take(LONGEST)).read_line(&mut line).await?;
    let ask = match serde_json::from_str(&line) {
        Ok(ask) => ask,
        Err(error) => return tell(&mut write, &Told { error: Some(error.to_string()), ..Told::default() }).await,
    };
    // A task of its own: what was begun is finished, whether or not somebody still listens.
    let (progress, mut progressed) = tokio::sync::mpsc::channel(UNREAD);
    let app = app.clone();
    let work = tokio::spawn(async move {
        let mut note = move |step| {
            let _ = progress.try_send(step);
        };
        carry_out(&app, ask, &mut note).await
    });
    while let Some(step) = progressed.recv().await {
        tell(&mut write, &Told { progress: Some(step), ..Told::default() }).await?;
    }
    let told = work.await.unwrap_or_else(|error| Told { error: Some(error.to_string()), ..Told::default() });
    tell(&mut write, &told).await
}

async fn tell(to: &mut OwnedWriteHalf, told: &Told) -> std::io::Result<()> {
    let mut text = serde_json::to_string(told)?;
    text.push('\n');
    to.write_all(text.as_bytes()).await
}

/// Asks the server that owns the data directory; `None` when none runs there.
pub async fn ask(data_dir: &Path, ask: &Ask, note: &mut (dyn FnMut(Progress) + Send)) -> std::io::Result<Option<Told>> {
    let Ok(mut stream) = UnixStream::connect(socket(data_dir)).await else { return Ok(None) };
    let mut text = serde_json::to_string(ask)?;
    text.push('\n');
    stream.write_all(text.as_bytes()).await?;
    let mut lines = BufReader::new(stream);
    loop {
        let mut line = String::new();
        if (&mut lines).take(LONGEST).read_line(&mut line).await? == 0 {
            let why = "the server ended before it was done; once it runs again, give the command again";
            return Err(std::io::Error::new(std::io::ErrorKind::UnexpectedEof, why));
        }
        let told: Told = serde_json::from_str(&line)?;
        match told.progress {
            Some(step) => note(step),
            None => return Ok(Some(told)),
        }
    }
}
