//! What a connection hears that is not served: written at once, and without a place among those that are.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::Semaphore;

/// How HTTP/2 begins where it is spoken without asking (RFC 9113, section 3.4).
const HTTP2: &[u8] = b"PRI * HTTP/2";

/// Empty SETTINGS, then GOAWAY with HTTP_1_1_REQUIRED (RFC 9113, sections 6.5, 6.8, 7).
const GO_AWAY: &[u8] = &[0, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0, 8, 7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 13];

/// How many refused connections are looked after at a time; further ones are closed without a word.
const MOST: usize = 64;

/// How long the first bytes of one may take, and how long the rest is read and dropped.
const PATIENCE: Duration = Duration::from_secs(1);

/// Refuses connections.
#[derive(Clone)]
pub struct Refusals {
    places: Arc<Semaphore>,
    too_many: fn() -> Vec<u8>,
}

impl Refusals {
    /// `too_many` makes the whole answer, head and body, to an address that has as many connections open as it may.
    pub fn new(too_many: fn() -> Vec<u8>) -> Refusals {
        Refusals { places: Arc::new(Semaphore::new(MOST)), too_many }
    }

    /// Tells an address that has as many connections open as it may, and closes this one.
    pub fn too_many(&self, stream: TcpStream, peer: SocketAddr) {
        metrics::counter!("paygen_http_connections_refused_total", "reason" => "address").increment(1);
        tracing::debug!(address = %peer.ip(), "an address has as many connections open as it may");
        let Ok(place) = self.places.clone().try_acquire_owned() else { return };
        let answer = self.too_many;
        tokio::spawn(async move {
            let _place = place;
            // A client that hears an answer before it asked takes it for a fault of the connection.
            if let Ok(Ok(())) = tokio::time::timeout(PATIENCE, stream.readable()).await {
                say(stream, &answer()).await;
            }
        });
    }
}

/// Refuses a connection that begins as HTTP/2; gives back any other as soon as something of it is there.
pub async fn unless_http2(stream: TcpStream, patience: Duration) -> Option<TcpStream> {
    let mut begin = [0; HTTP2.len()];
    let count = tokio::time::timeout(patience, stream.peek(&mut begin)).await.ok()?.ok()?;
    if begin != HTTP2 {
        return (count > 0).then_some(stream);
    }
    metrics::counter!("paygen_http_connections_refused_total", "reason" => "http2").increment(1);
    say(stream, GO_AWAY).await;
    None
}

/// Writes, and reads on for a moment, so that what was written is not lost with what was not read.
async fn say(mut stream: TcpStream, what: &[u8]) {
    let mut scratch = [0; 4096];
    let _ = tokio::time::timeout(PATIENCE, async {
        stream.write_all(what).await?;
        stream.shutdown().await?;
        while stream.read(&mut scratch).await? > 0 {}
        Ok::<_, std::io::Error>(())
    })
    .await;
}
