//! Taking connections, and speaking HTTP/1.1 on them.
//!
//! HTTP/1.1 alone: it has one answer at a time on a connection, so what a connection can make this process keep is bounded
//! by what is known here. Of HTTP/2 a reader decides itself how much it takes of how many answers at once.

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
use tokio::sync::Semaphore;
use tower::ServiceExt;

use super::budget::{Budget, Payer};
use super::refusals::{Refusals, unless_http2};
use super::slots::Slots;
use super::socket::{Incoming, Socket};

/// The largest head of a request: its line and headers.
const LARGEST_HEAD: usize = 64 << 10;

/// What bounds connections.
#[derive(Clone, Debug)]
pub struct Limits {
    /// How long a request's head may take, and how long a reader may take nothing of its answer.
    pub patience: Duration,
    /// Connections at once.
    pub connections: u32,
    /// Of these, from one address; an IPv6 address counts as its /64.
    pub connections_per_address: u32,
    /// Addresses without such a bound.
    pub trusted_proxies: Vec<IpNet>,
}

/// What every connection needs.
pub struct Connections {
    router: Router,
    protocol: http1::Builder,
    patience: Duration,
    /// Connections at once.
    places: Arc<Semaphore>,
    slots: Slots,
    refusals: Refusals,
    budget: Budget,
}

impl Connections {
    /// Connections that `router` answers. `budget` is the one for requests; `too_many` makes the answer to a connection of an
    /// address that has its share.
    pub fn new(router: Router, limits: &Limits, budget: Budget, too_many: fn() -> Vec<u8>) -> Connections {
        let patience = limits.patience;
        let mut protocol = http1::Builder::new();
        protocol.timer(TokioTimer::new()).header_read_timeout(patience).max_buf_size(LARGEST_HEAD);
        let most = |number: u32| usize::try_from(number).unwrap_or(usize::MAX);
        Connections {
            router,
            protocol,
            patience,
            places: Arc::new(Semaphore::new(most(limits.connections))),
            slots: Slots::new(most(limits.connections_per_address), &limits.trusted_proxies),
            refusals: Refusals::new(too_many),
            budget,
        }
    }

    /// Takes connections for ever. One whose next request's head does not arrive in time is closed, so that silent or slow
    /// callers cannot use up the sockets; so is one that takes nothing of its answer. While as many are open as may be,
    /// further ones wait to be taken; an address that has its share is refused.
    pub async fn accept(self, listener: &TcpListener, open: &GracefulShutdown) {
        let shared = Arc::new(self);
        loop {
            if shared.places.available_permits() == 0 {
                tracing::warn!("as many connections are open as max_connections allows; further ones wait");
            }
            let Ok(place) = shared.places.clone().acquire_owned().await else { return };
            let (stream, peer) = match listener.accept().await {
                Ok(accepted) => accepted,
                Err(error) => {
                    // Most likely there are no file descriptors left just now.
                    tracing::warn!(%error, "a connection could not be taken");
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
                // In this order they are given back: whoever gets the place finds the slot free.
                let _held = (slot, place);
                metrics::gauge!("paygen_http_connections").increment(1);
                shared.serve(stream, peer, watcher).await;
                metrics::gauge!("paygen_http_connections").decrement(1);
            });
        }
    }

    async fn serve(&self, stream: TcpStream, peer: SocketAddr, watcher: Watcher) {
        let _ = stream.set_nodelay(true);
        let Some(stream) = unless_http2(stream, self.patience).await else { return };
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
        let stream = TokioIo::new(Socket::new(stream, self.patience, incoming));
        if let Err(error) = watcher.watch(self.protocol.serve_connection(stream, service)).await {
            tracing::debug!(%error, "a connection ended early");
        }
    }
}
