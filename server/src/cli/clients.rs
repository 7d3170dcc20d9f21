//! `paygen clients`: tenants, made, listed and disabled; beside a running server through its admin socket.

use std::process::ExitCode;

use paygen_store::Database;

use super::{Failure, carry_out};
use crate::admin::Ask;
use crate::config::Config;

/// Makes a client and prints its first key, once.
pub(super) async fn create(config: Config, name: &str) -> Result<ExitCode, Failure> {
    let told = carry_out(config, Ask::CreateClient { name: name.to_owned() }, &mut |_| {}).await?;
    println!("Client   {}", told.client.unwrap_or_default());
    println!("API key  {}", told.key.unwrap_or_default());
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
    carry_out(config, Ask::DisableClient { id: id.to_owned(), disabled }, &mut |_| {}).await?;
    println!("Client {id} is {}.", if disabled { "disabled" } else { "active" });
    Ok(ExitCode::SUCCESS)
}
