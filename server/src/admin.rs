//! The admin socket: how the command line changes things beside a running server that owns the database file.
//!
//! One line of JSON asks, one line answers. The socket is in the data directory and only its owner may use it:
//! whoever can reach it could read the key file as well.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use paygen_core::access::{Actor, DisableClient};
use paygen_core::ids::ClientId;
use paygen_core::work::Context;
use paygen_core::{Command, Request};
use paygen_vault::{ApiKeySecret, KeyKind};
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{UnixListener, UnixStream};

use crate::app::{App, Environment};
use crate::start::make_client;

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
    /// Make a client's credentials stop working, or work again.
    DisableClient {
        /// Which.
        id: String,
        /// Whether they shall stop.
        disabled: bool,
    },
}

/// What is answered. It carries a key when one was made, so it cannot be printed.
#[derive(Serialize, Deserialize)]
pub struct Told {
    /// Why not, when it was not done.
    pub error: Option<String>,
    /// The client.
    pub client: Option<String>,
    /// The first key, this once.
    pub key: Option<String>,
}

/// Where the socket is.
pub fn socket(data_dir: &Path) -> PathBuf {
    data_dir.join("admin.sock")
}

/// Does what was asked.
pub async fn carry_out(app: &App, ask: Ask) -> Told {
    let failed = |error: String| Told { error: Some(error), client: None, key: None };
    match ask {
        Ask::CreateClient { name } => {
            let kind = if app.environment == Environment::Sandbox { KeyKind::Test } else { KeyKind::Live };
            let secret = ApiKeySecret::generate(kind);
            match make_client(&app.engine, &app.vault, &name, &secret).await {
                Ok(id) => Told { error: None, client: Some(id.to_string()), key: Some(secret.expose().to_owned()) },
                Err(error) => failed(error.to_string()),
            }
        }
        Ask::DisableClient { id, disabled } => {
            let Some(id) = ClientId::parse(&id) else {
                return failed("a client's id has 24 lowercase hex characters; see `paygen clients list`".to_owned());
            };
            let mut context = Context::system(id, "");
            context.actor = Actor::Operator;
            let command = Command::DisableClient(DisableClient { id, disabled });
            let decision = app.engine.run_background(Request::new(context, command)).await;
            app.credentials.forget();
            match decision {
                Ok(Ok(_)) => Told { error: None, client: Some(id.to_string()), key: None },
                Ok(Err(refusal)) => failed(refusal.to_string()),
                Err(error) => failed(error.to_string()),
            }
        }
    }
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
            tracing::warn!(error = %error, "there is no admin socket: `paygen clients` works when this server is stopped");
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

async fn answer(app: &App, mut stream: UnixStream) -> std::io::Result<()> {
    let mut line = String::new();
    BufReader::new((&mut stream).take(LONGEST)).read_line(&mut line).await?;
    let told = match serde_json::from_str(&line) {
        Ok(ask) => carry_out(app, ask).await,
        Err(error) => Told { error: Some(error.to_string()), client: None, key: None },
    };
    let mut text = serde_json::to_string(&told)?;
    text.push('\n');
    stream.write_all(text.as_bytes()).await
}

/// Asks the server that owns the data directory; `None` when none runs there.
pub async fn ask(data_dir: &Path, ask: &Ask) -> std::io::Result<Option<Told>> {
    let Ok(mut stream) = UnixStream::connect(socket(data_dir)).await else { return Ok(None) };
    let mut text = serde_json::to_string(ask)?;
    text.push('\n');
    stream.write_all(text.as_bytes()).await?;
    let mut line = String::new();
    BufReader::new(stream.take(LONGEST)).read_line(&mut line).await?;
    Ok(Some(serde_json::from_str(&line)?))
}
