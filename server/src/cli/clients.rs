//! `paygen clients`: tenants, made, listed and disabled.

use std::process::ExitCode;

use paygen_core::access::{Actor, DisableClient};
use paygen_core::ids::ClientId;
use paygen_core::work::Context;
use paygen_core::{Command, Request};
use paygen_store::Database;
use paygen_vault::{ApiKeySecret, KeyKind};

use super::Failure;
use crate::app::Environment;
use crate::config::Config;
use crate::start::{Node, make_client};

/// Makes a client and prints its first key, once.
pub(super) async fn create(config: Config, name: &str) -> Result<ExitCode, Failure> {
    let environment = config.environment();
    let kind = if environment == Environment::Sandbox { KeyKind::Test } else { KeyKind::Live };
    let node = Node::start(config, environment).await?;
    let secret = ApiKeySecret::generate(kind);
    let made = make_client(&node.app.engine, &node.app.vault, name, &secret).await;
    node.finish().await;
    println!("Client   {}", made?);
    println!("API key  {}", secret.expose());
    println!("The key is shown this once: keep it now.");
    Ok(ExitCode::SUCCESS)
}

/// Prints every client.
pub(super) async fn list(config: &Config) -> Result<ExitCode, Failure> {
    let database = Database::open_read_only(&config.target()).await?;
    let mut table = comfy_table::Table::new();
    table.set_header(["Client", "Name", "Status", "Created"]);
    for client in database.reader().clients().await? {
        let created = client.created_at.to_string();
        table.add_row([client.id.to_string(), client.name, client.status.to_string(), created]);
    }
    println!("{table}");
    Ok(ExitCode::SUCCESS)
}

/// Makes a client's credentials stop working, or work again.
pub(super) async fn disable(config: Config, id: &str, disabled: bool) -> Result<ExitCode, Failure> {
    let id = ClientId::parse(id).ok_or("a client's id has 24 lowercase hex characters; see `paygen clients list`")?;
    let environment = config.environment();
    let node = Node::start(config, environment).await?;
    let mut context = Context::system(id, "");
    context.actor = Actor::Operator;
    let command = Command::DisableClient(DisableClient { id, disabled });
    let decision = node.app.engine.run_background(Request::new(context, command)).await;
    node.finish().await;
    decision??;
    println!("Client {id} is {}.", if disabled { "disabled" } else { "active" });
    Ok(ExitCode::SUCCESS)
}
