//! What is printed when a node is ready: on the terminal, never in the log.

use std::net::SocketAddr;

/// The sandbox: everything a developer needs for the first call.
pub(super) fn sandbox(address: SocketAddr, key: &crate::sandbox::SandboxKey) {
    let url = format!("http://{address}");
    println!();
    println!("  Paygen sandbox at {url}");
    println!("  Client    {}", key.client);
    println!("  API key   {}", key.shown());
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

/// Production.
pub(super) fn production(address: SocketAddr) {
    println!("Paygen listens on http://{address}. It has no network adapter yet: cards cannot be paid with.");
}
