//! Responses to connections that are refused: written at once, outside the bound on served connections.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::Semaphore;

/// The connection preface of HTTP/2 with prior knowledge (RFC 9113, section 3.4).
const HTTP2: &[u8] = b"PRI * HTTP/2";

/// Empty SETTINGS, then GOAWAY with HTTP_1_1_REQUIRED (RFC 9113, sections 6.5, 6.8, 7).
const GO_AWAY: &[u8] = &[0, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0, 8, 7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 13];

/// Upper bound on the refusals in progress; further connections are closed without a response.
const MAX_REFUSALS: usize = 64;

/// Timeout for the first bytes of a request, and for draining the rest.
const TIMEOUT: Duration = Duration::from_secs(1);

/// Refuses connections; clones share the bound.
#[derive(Clone)]
pub struct Refusals {
    places: Arc<Semaphore>,
    too_many: fn() -> Vec<u8>,
}

impl Refusals {
    /// `too_many` renders the complete response, head and body, for an address that has reached its bound.
    pub fn new(too_many: fn() -> Vec<u8>) -> Refusals {
        Refusals { places: Arc::new(Semaphore::new(MAX_REFUSALS)), too_many }
    }

    /// Answers a connection of an address that has reached its bound, and closes it.
    pub fn too_many(&self, stream: TcpStream, peer: SocketAddr) {
        metrics::counter!("paygen_http_connections_refused_total", "reason" => "address").increment(1);
        tracing::debug!(address = %peer.ip(), "an address has reached its bound on connections");
        let Ok(place) = self.places.clone().try_acquire_owned() else { return };
        let answer = self.too_many;
        tokio::spawn(async move {
            let _place = place;
            // A client that receives a response before it sent a request treats it as a connection error.
            if let Ok(Ok(())) = tokio::time::timeout(TIMEOUT, stream.readable()).await {
                write_and_drain(stream, &answer()).await;
            }
        });
    }
}

/// Refuses a connection that begins as HTTP/2; returns any other once its first bytes have arrived.
pub async fn unless_http2(stream: TcpStream, timeout: Duration) -> Option<TcpStream> {
    let mut begin = [0; HTTP2.len()];
    let count = tokio::time::timeout(timeout, stream.peek(&mut begin)).await.ok()?.ok()?;
    if begin != HTTP2 {
        return (count > 0).then_some(stream);
    }
    metrics::counter!("paygen_http_connections_refused_total", "reason" => "http2").increment(1);
    write_and_drain(stream, GO_AWAY).await;
    None
}

/// Writes, and drains the input for a moment: closing with unread input would discard what was written.
async fn write_and_drain(mut stream: TcpStream, what: &[u8]) {
    let mut scratch = [0; 4096];
    let _ = tokio::time::timeout(TIMEOUT, async {
        stream.write_all(what).await?;
        stream.shutdown().await?;
        while stream.read(&mut scratch).await? > 0 {}
        Ok::<_, std::io::Error>(())
    })
    .await;
}
