//! The banner printed when a node is ready: to the terminal, never to the log.

use std::net::SocketAddr;

use crate::config::Config;

/// The sandbox's banner: everything needed for the first call.
pub(super) fn sandbox(address: SocketAddr, key: &crate::sandbox::SandboxKey, console: Option<&str>) {
    let url = format!("http://{address}");
    println!();
    println!("  Paygen sandbox at {url}");
    println!("  Client    {}", key.client);
    println!("  API key   {}", key.shown());
    if let Some(link) = console {
        println!("  Console   {link}");
    }
    println!("  Docs      {url}/docs");
    println!("  Contract  {url}/openapi.json");
    println!();
    println!("  Try it:");
    println!();
    println!("  curl {url}/accounts \\");
    println!("    -H 'x-api-key: {}' \\", key.shown());
    println!("    -H 'content-type: application/json' \\");
    println!(
        "    -d '{{\"ownerType\":\"business\",\"name\":\"USD Wallet\",\"type\":\"checking\",\"category\":\"fiat\",\"currency\":\"USD\"}}'"
    );
    println!();
}

/// Production's banner.
pub(super) fn production(address: SocketAddr, config: &Config, clients: usize, console: Option<&str>) {
    let version = env!("CARGO_PKG_VERSION");
    let clients = match clients {
        0 => "no client yet (`paygen clients create` makes one)".to_owned(),
        1 => "1 client".to_owned(),
        many => format!("{many} clients"),
    };
    println!("Paygen {version} listens on http://{address}, on {}, with {clients}.", store(config));
    println!("Docs: http://{address}/docs");
    if let Some(url) = console {
        println!("Console: {url}/console");
    }
    println!("It has no network adapter yet: cards cannot be paid with.");
}

/// The store, without secrets of its URL.
pub(super) fn store(config: &Config) -> String {
    match &config.database_url {
        None => format!("SQLite in {}", config.data_dir.display()),
        Some(url) => match url::Url::parse(url.expose()) {
            Ok(url) => format!("PostgreSQL at {}{}", url.host_str().unwrap_or("localhost"), url.path()),
            Err(_) => "PostgreSQL".to_owned(),
        },
    }
}
