//! Accepts connections and serves HTTP/1.1 on them.
//!
//! HTTP/1.1 only: it has one response at a time on a connection, so the bounds here also bound the memory of a
//! connection. With HTTP/2 the client would decide how many responses are open and how slowly it reads each.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use axum::Router;
use axum::extract::ConnectInfo;
use hyper::body::Incoming as Body;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use ipnet::IpNet;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tower::ServiceExt;

use super::budget::{Budget, Payer};
use super::refusals::{Refusals, unless_http2};
use super::slots::Slots;
use super::socket::{Incoming, Socket};

/// Upper bound on a request's head, that is its request line and headers.
const MAX_HEAD_BYTES: usize = 64 << 10;

/// Bounds on connections.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Timeout for a request's head, and for a client that reads nothing of its response.
    pub timeout: Duration,
    /// Open connections in total.
    pub connections: u32,
    /// Open connections from one address; an IPv6 address counts as its /64.
    pub connections_per_address: u32,
    /// Addresses exempt from the bound per address.
    pub trusted_proxies: Vec<IpNet>,
}

/// The state shared by all connections.
pub struct Connections {
    router: Router,
    protocol: http1::Builder,
    timeout: Duration,
    /// One permit for each open connection.
    permits: Arc<Semaphore>,
    slots: Slots,
    refusals: Refusals,
    budget: Budget,
    stopping: watch::Receiver<bool>,
}

impl Connections {
    /// Connections answered by `router`. `budget` is the budget for requests; `too_many` renders the response for an
    /// address that has reached its bound.
    pub fn new(
        router: Router,
        limits: &Limits,
        budget: Budget,
        too_many: fn() -> Vec<u8>,
        stopping: watch::Receiver<bool>,
    ) -> Connections {
        let timeout = limits.timeout;
        let mut protocol = http1::Builder::new();
        protocol.timer(TokioTimer::new()).header_read_timeout(timeout).max_buf_size(MAX_HEAD_BYTES);
        let bound = |number: u32| usize::try_from(number).unwrap_or(usize::MAX);
        Connections {
            router,
            protocol,
            timeout,
            permits: Arc::new(Semaphore::new(bound(limits.connections))),
            slots: Slots::new(bound(limits.connections_per_address), &limits.trusted_proxies),
            refusals: Refusals::new(too_many),
            budget,
            stopping,
        }
    }

    /// Accepts connections until the process stops. A connection is closed when the head of its next request does not arrive in time,
    /// or when its client reads nothing of a response, so that silent or slow clients cannot exhaust the sockets. At
    /// the bound in total further connections wait in the backlog; at the bound per address they are refused.
    pub async fn accept(self, listener: &TcpListener, open: &GracefulShutdown) {
        let shared = Arc::new(self);
        loop {
            if shared.permits.available_permits() == 0 {
                tracing::warn!("max_connections is reached; further connections wait");
            }
            let Ok(permit) = shared.permits.clone().acquire_owned().await else { return };
            let (stream, peer) = match listener.accept().await {
                Ok(accepted) => accepted,
                Err(error) => {
                    // The usual cause is that no file descriptor is free at the moment.
                    tracing::warn!(%error, "a connection could not be accepted");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                    continue;
                }
            };
            let Some(slot) = shared.slots.enter(peer.ip()) else {
                shared.refusals.too_many(stream, peer);
                continue;
            };
            let (shared, watcher) = (shared.clone(), open.watcher());
            tokio::spawn(async move {
                // Dropped in this order, slot first: a caller that gets the permit finds the slot free.
                let _held = (slot, permit);
                metrics::gauge!("paygen_http_connections").increment(1);
                shared.serve(stream, peer, watcher).await;
                metrics::gauge!("paygen_http_connections").decrement(1);
            });
        }
    }

    async fn serve(&self, stream: TcpStream, peer: SocketAddr, watcher: Watcher) {
        let _ = stream.set_nodelay(true);
        let mut stopping = self.stopping.clone();
        let stream = tokio::select! {
            stream = unless_http2(stream, self.timeout) => stream,
            // A connection on which nothing was asked yet does not hold the stop up.
            _ = stopping.wait_for(|stopping| *stopping) => None,
        };
        let Some(stream) = stream else { return };
        let incoming = Incoming::new(&self.budget, Payer::Address(peer.ip().to_canonical()));
        let (router, seen, requests) = (self.router.clone(), incoming.clone(), AtomicU64::new(0));
        let service = hyper::service::service_fn(move |mut request: hyper::Request<Body>| {
            let number = requests.fetch_add(1, Ordering::Relaxed) + 1;
            if let Some(fault) = seen.fault(number) {
                request.extensions_mut().insert(fault);
            }
            request.extensions_mut().insert(ConnectInfo(peer));
            let (answer, seen) = (router.clone().oneshot(request), seen.clone());
            async move {
                let answer = answer.await;
                seen.answered();
                answer
            }
        });
        let stream = TokioIo::new(Socket::new(stream, self.timeout, incoming));
        if let Err(error) = watcher.watch(self.protocol.serve_connection(stream, service)).await {
            tracing::debug!(%error, "a connection ended early");
        }
    }
}
