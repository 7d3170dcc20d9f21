//! Raw bytes on a connection: broken requests of any kind end in a refusal or a closed connection, never in a 5xx, and
//! the server keeps running.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::{Target, mutated};
use crate::on_both_stores;
use crate::world::{Backend, KEY, Server, World};

/// Sends bytes and nothing more; returns the response until the server closes the connection.
async fn received(server: &Server, bytes: &[u8]) -> Result<Vec<u8>, String> {
    let address = server.url.trim_start_matches("http://");
    let mut connection = TcpStream::connect(address).await.map_err(|error| format!("no connection: {error}"))?;
    // The server may close before it has read everything.
    let _ = connection.write_all(bytes).await;
    let _ = connection.shutdown().await;
    let mut heard = Vec::new();
    match tokio::time::timeout(Duration::from_secs(20), connection.read_to_end(&mut heard)).await {
        Ok(_) => Ok(heard),
        Err(_) => Err("the connection stays open".to_owned()),
    }
}

fn judge(heard: &[u8]) -> Result<(), String> {
    // An unknown transfer coding is the caller's fault, whatever the status (RFC 9112, section 6.1).
    let text = String::from_utf8_lossy(heard).replace("HTTP/1.1 501", "HTTP/1.1 400");
    let broke = text.starts_with("HTTP/1.1 5") || text.contains("\r\nHTTP/1.1 5");
    if broke { Err(text) } else { Ok(()) }
}

on_both_stores! {
    async fn no_bytes_break_the_server(backend: Backend) {
        let world = World::new(backend).await;
        let server = world.start().await;
        let target = Target::new("raw", 600);
        let keyed = |bytes: &[u8]| {
            let text: String = bytes.iter().map(|byte| char::from(*byte)).collect();
            text.replace("<key>", KEY).chars().map(|sign| sign as u32 as u8).collect::<Vec<u8>>()
        };
        for kept in &target.corpus {
            if let Err(why) = received(&server, &keyed(kept)).await.and_then(|heard| judge(&heard)) {
                target.failed(None, kept, &why);
            }
        }
        for round in target.rounds() {
            let bytes = mutated(&mut target.dice(round), &target.corpus);
            if let Err(why) = received(&server, &keyed(&bytes)).await.and_then(|heard| judge(&heard)) {
                target.failed(Some(round), &bytes, &why);
            }
        }
        server.get("/readyz").await.expect(200);
    }
}
