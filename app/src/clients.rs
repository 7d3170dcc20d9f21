//! What the operator does with clients: creates them, and issues them API keys.

use paygen_core::access::{Actor, ApiKeyView, CreateApiKey, CreateClient, Granter, NewKey, Scopes};
use paygen_core::ids::ClientId;
use paygen_core::programs::{Program, ProgramSeed, SeedProgram, ShareRanges};
use paygen_core::record::Key;
use paygen_core::work::Context;
use paygen_core::{Command, Outcome, Request};
use paygen_engine::Engine;
use paygen_engine::clock::wall;
use paygen_vault::Vault;

use crate::{App, Failure, new_id_maker};

/// Upper bound on the active keys of a client.
pub const MAX_KEYS: i64 = 100;

/// The error when a client has reached it.
pub fn too_many_keys() -> String {
    format!(
        "A client has at most {MAX_KEYS} API keys that work. Revoke one that is not used, or rotate with overlapSeconds 0."
    )
}

/// Creates a client with its first key through the engine and returns its id.
pub async fn make_client(
    engine: &Engine,
    vault: &Vault,
    name: &str,
    secret: &paygen_vault::ApiKeySecret,
    program: ProgramSeed,
) -> Result<ClientId, Failure> {
    let id = ClientId(new_id_maker().next(wall()));
    let key = NewKey { hash: secret.hash(vault), hint: secret.hint() };
    let command = Command::CreateClient(CreateClient { id, name: name.to_owned(), key, program });
    let mut context = Context::system(id, "");
    context.actor = Actor::Operator;
    engine.run_background(Request::new(context, command)).await??;
    Ok(id)
}

/// Notes the number ranges of the settings, and makes the first program of every client that has none: those of a
/// database from before there were programs.
pub async fn seed_programs(app: &App) -> Result<(), Failure> {
    let share = Command::ShareRanges(ShareRanges { ranges: app.ranges.clone() });
    let context = Context::system(ClientId::INSTALLATION, "");
    if let Outcome::Count(taken @ 1..) = app.engine.run_background(Request::new(context, share)).await?? {
        tracing::warn!(
            taken,
            "cards.ranges has ranges whose numbers belong to a program: other programs cannot have them"
        );
    }
    for client in app.reader.clients().await? {
        let id = Program::default_of(client.id);
        if app.reader.get::<Program>(Key::of(client.id, id.0)).await?.is_none() {
            let command = Command::SeedProgram(Box::new(SeedProgram { seed: app.seed() }));
            app.engine.run_background(Request::new(Context::system(client.id, ""), command)).await??;
        }
    }
    Ok(())
}

/// Creates one more key with every scope for a client and returns its view.
pub async fn make_key(
    app: &App,
    client: ClientId,
    name: &str,
    secret: &paygen_vault::ApiKeySecret,
) -> Result<Option<ApiKeyView>, Failure> {
    let mut context = Context::system(client, "");
    context.actor = Actor::Operator;
    let command = Command::CreateApiKey(CreateApiKey {
        name: name.to_owned(),
        scopes: Scopes::all(),
        expires_at: None,
        allowed_ips: Vec::new(),
        key: NewKey { hash: secret.hash(&app.vault), hint: secret.hint() },
        granter: Granter { scopes: Scopes::all(), until: None, networks: Vec::new() },
    });
    match app.engine.run_background(Request::new(context, command)).await?? {
        Outcome::ApiKey(view) => Ok(Some(view)),
        _ => Ok(None),
    }
}
