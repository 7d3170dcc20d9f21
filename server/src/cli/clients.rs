//! `paygen clients`: creates, lists and disables clients and their keys; beside a running server through its admin
//! socket.

use std::process::ExitCode;

use paygen_core::access::{ApiKeyView, Scopes};
use paygen_store::Database;
use serde_json::json;

use super::{Failure, carry_out, print_json};
use crate::admin::{self, AdminRequest};
use crate::config::Config;

/// Creates a client and prints its first key, once.
pub(super) async fn create(config: Config, name: &str, json: bool) -> Result<ExitCode, Failure> {
    let response = carry_out(config, AdminRequest::CreateClient { name: name.to_owned() }, &mut |_| {}).await?;
    if json {
        print_json(&json!({"client": response.client, "apiKey": response.key}))?;
        return Ok(ExitCode::SUCCESS);
    }
    println!("Client   {}", response.client.unwrap_or_default());
    println!("API key  {}", response.key.unwrap_or_default());
    println!("The key is shown this once: keep it now.");
    Ok(ExitCode::SUCCESS)
}

/// Prints every client.
pub(super) async fn list(config: &Config, json: bool) -> Result<ExitCode, Failure> {
    let database = Database::open_read_only(&config.target()).await?;
    let clients = database.reader().clients().await?;
    if json {
        let shown = clients.iter().map(|client| {
            json!({
                "_id": client.id.to_string(), "name": client.name, "status": client.status,
                "createdAt": client.created_at.to_string(),
            })
        });
        print_json(&shown.collect::<Vec<_>>())?;
        return Ok(ExitCode::SUCCESS);
    }
    let mut table = comfy_table::Table::new();
    table.set_header(["Client", "Name", "Status", "Created"]);
    for client in clients {
        let created = client.created_at.to_string();
        table.add_row([client.id.to_string(), client.name, client.status.to_string(), created]);
    }
    println!("{table}");
    Ok(ExitCode::SUCCESS)
}

/// Prints every key of a client; of the key itself only its beginning and end.
pub(super) async fn keys(config: &Config, id: &str, json: bool) -> Result<ExitCode, Failure> {
    let database = Database::open_read_only(&config.target()).await?;
    let client = admin::client(&database.reader(), id).await?;
    let keys = database.reader().api_keys(client.id).await?;
    if json {
        print_json(&keys.iter().map(ApiKeyView::of).collect::<Vec<_>>())?;
        return Ok(ExitCode::SUCCESS);
    }
    let mut table = comfy_table::Table::new();
    table.set_header(["Key", "Name", "Begins and ends with", "Scopes", "Status", "Last used"]);
    for key in keys {
        let scopes = if key.scopes == Scopes::all() { "all".to_owned() } else { key.scopes.to_string() };
        let used = key.last_used_at.map(|at| at.to_string()).unwrap_or_default();
        table.add_row([key.id.to_string(), key.name, key.hint, scopes, key.status.to_string(), used]);
    }
    println!("{table}");
    Ok(ExitCode::SUCCESS)
}

/// Creates one more key of a client and prints it, once.
pub(super) async fn create_key(config: Config, id: &str, name: &str, json: bool) -> Result<ExitCode, Failure> {
    let ask = AdminRequest::CreateKey { client: id.to_owned(), name: name.to_owned() };
    let response = carry_out(config, ask, &mut |_| {}).await?;
    if json {
        print_json(&json!({"client": response.client, "_id": response.key_id, "apiKey": response.key}))?;
        return Ok(ExitCode::SUCCESS);
    }
    println!("Client   {}", response.client.unwrap_or_default());
    println!("Key      {}", response.key_id.unwrap_or_default());
    println!("API key  {}", response.key.unwrap_or_default());
    println!(
        "The key is shown this once: keep it now. The client's other keys work on; DELETE /api-keys/ID revokes one."
    );
    Ok(ExitCode::SUCCESS)
}

/// Disables or enables a client's credentials.
pub(super) async fn disable(config: Config, id: &str, disabled: bool, json: bool) -> Result<ExitCode, Failure> {
    carry_out(config, AdminRequest::DisableClient { id: id.to_owned(), disabled }, &mut |_| {}).await?;
    let status = if disabled { "disabled" } else { "active" };
    if json {
        print_json(&json!({"client": id, "status": status}))?;
        return Ok(ExitCode::SUCCESS);
    }
    println!("Client {id} is {status}.");
    Ok(ExitCode::SUCCESS)
}
