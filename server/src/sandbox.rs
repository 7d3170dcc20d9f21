//! The sandbox's client and API key: created on the first start and kept for later ones.
//!
//! A key from `PAYGEN_SANDBOX_API_KEY` is used as it is. Otherwise a key is generated and stored in the data directory,
//! readable only by its owner, so that every start of the sandbox can show it.

use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use paygen_app::people::{Invited, Newcomer, email_hash};
use paygen_core::access::{Actor, Scopes};
use paygen_core::ids::ClientId;
use paygen_core::people::Role;
use paygen_core::work::Context;
use paygen_vault::{ApiKeySecret, KeyKind};

use crate::config::Config;
use crate::start::StartError;
use paygen_app::App;
use paygen_app::clients::{make_client, make_key};

/// The key shown by the banner.
pub struct SandboxKey {
    pub client: ClientId,
    secret: ApiKeySecret,
}

impl SandboxKey {
    /// The key as text, for the terminal only.
    pub fn shown(&self) -> &str {
        self.secret.expose()
    }
}

/// Ensures that the sandbox has a client and that its key works.
pub async fn ensure_client(app: &App, config: &Config) -> Result<SandboxKey, StartError> {
    let secret = match &config.sandbox_api_key {
        Some(text) => ApiKeySecret::from_text(text.expose()),
        None => kept_key(&key_path(config))?,
    };
    let hash = secret.hash(&app.vault);
    if let Some(known) = app.credentials.by_hash(hash).await? {
        return Ok(SandboxKey { client: known.key.client, secret });
    }
    let client = match app.reader.clients().await?.first() {
        // The sandbox had another key before: this one is added to the same client.
        Some(client) => {
            make_key(app, client.id, "Sandbox key", &secret).await?;
            client.id
        }
        None => make_client(&app.engine, &app.vault, "Sandbox", &secret, app.seed()).await?,
    };
    Ok(SandboxKey { client, secret })
}

/// The address of the sandbox's own user.
const OWNER: &str = "owner@sandbox.example";

/// Ensures that the sandbox has an owner, and gives them a new one-time link.
pub async fn ensure_owner(app: &App, client: ClientId) -> Result<Invited, StartError> {
    let mut context = Context::system(client, "");
    context.actor = Actor::Operator;
    let known = app.reader.user_by_email(&email_hash(OWNER)).await?;
    let invited = match known {
        Some((user, _)) => app.issue_link(context, user.id, Scopes::all()).await?,
        None => {
            let newcomer = Newcomer {
                email: OWNER.to_owned(),
                name: "Sandbox owner".to_owned(),
                role: Role::Owner,
                platform_wide: true,
            };
            app.add_user(context, newcomer, Scopes::all()).await?
        }
    };
    Ok(invited)
}

fn key_path(config: &Config) -> PathBuf {
    config.data_dir.join("sandbox.key")
}

/// The key of the sandbox with these settings, read without opening the sandbox, as far as it is known.
pub fn key_beside(config: &Config) -> Option<String> {
    let chosen = config.sandbox_api_key.as_ref().map(|key| key.expose().to_owned());
    chosen.or_else(|| std::fs::read_to_string(key_path(config)).ok().map(|text| text.trim().to_owned()))
}

fn kept_key(path: &Path) -> Result<ApiKeySecret, StartError> {
    let failed = |error| StartError::System("the sandbox key file cannot be used", error);
    if path.exists() {
        let text = std::fs::read_to_string(path).map_err(failed)?;
        return Ok(ApiKeySecret::from_text(text.trim()));
    }
    let secret = ApiKeySecret::generate(KeyKind::Test);
    let mut file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).map_err(failed)?;
    file.write_all(secret.expose().as_bytes()).and_then(|()| file.sync_all()).map_err(failed)?;
    Ok(secret)
}
