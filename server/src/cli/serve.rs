//! `paygen dev` and `paygen serve`: a node that listens until it is told to stop.

use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::Router;
use axum::extract::ConnectInfo;
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::Semaphore;
use tower::ServiceExt;

use super::stall::Stalling;
use super::{Failure, banner};
use crate::app::Environment;
use crate::config::Config;
use crate::owner;
use crate::sandbox;
use crate::start::Node;

/// The largest head of a request: its line and headers.
const LARGEST_HEAD: usize = 64 << 10;

/// How long open requests may take to finish after the signal to stop.
const GRACE: Duration = Duration::from_secs(30);

pub(super) async fn run(config: Config, environment: Environment) -> Result<ExitCode, Failure> {
    let listen = config.listen;
    match environment {
        Environment::Sandbox => owner::tighten(&config),
        Environment::Production => owner::check(&config)?,
    }
    let node = Node::start(config, Some(environment)).await?;
    let key = match environment {
        Environment::Sandbox => Some(sandbox::ensure_client(&node.app).await?),
        Environment::Production => None,
    };
    if node.database.has_one_writer() {
        let socket = crate::admin::socket(&node.app.config.data_dir);
        tokio::spawn(crate::admin::serve(node.app.clone(), socket));
    }
    let listener = TcpListener::bind(listen).await.map_err(|error| {
        format!("cannot listen on {listen}: {error}. Choose another address with --listen or PAYGEN_LISTEN.")
    })?;
    let address = listener.local_addr()?;
    match &key {
        Some(key) => banner::sandbox(address, key),
        None => banner::production(address),
    }
    serve(listener, node).await?;
    Ok(ExitCode::SUCCESS)
}

async fn serve(listener: TcpListener, node: Node) -> Result<(), Failure> {
    let router = crate::http::router::router(node.app.clone());
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let patience = Duration::from_secs(node.app.config.request_timeout_seconds);
    let connections = GracefulShutdown::new();
    let slots = Arc::new(Semaphore::new(usize::try_from(node.app.config.max_connections)?));
    tokio::select! {
        () = accept(&listener, &router, &connections, patience, &slots) => {}
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    drop(listener);
    tracing::info!("stopping: no new requests are taken, open ones are finished");
    node.begin_stop();
    if tokio::time::timeout(GRACE, connections.shutdown()).await.is_err() {
        tracing::warn!("some requests were still open after {} s", GRACE.as_secs());
    }
    node.finish().await;
    Ok(())
}

/// Takes connections for ever. One whose next request's head does not arrive in time is closed, so that silent or slow
/// callers cannot use up the sockets; so is one that takes nothing of its answer. While as many are open as may be, further
/// ones wait to be taken.
async fn accept(
    listener: &TcpListener,
    router: &Router,
    connections: &GracefulShutdown,
    patience: Duration,
    slots: &Arc<Semaphore>,
) {
    let mut protocol = Builder::new(TokioExecutor::new());
    protocol.http1().timer(TokioTimer::new()).header_read_timeout(patience).max_buf_size(LARGEST_HEAD);
    protocol.http2().timer(TokioTimer::new()).keep_alive_interval(patience).keep_alive_timeout(patience);
    protocol.http2().max_header_list_size(u32::try_from(LARGEST_HEAD).unwrap_or(u32::MAX));
    loop {
        if slots.available_permits() == 0 {
            tracing::warn!("as many connections are open as max_connections allows; further ones wait");
        }
        let Ok(slot) = slots.clone().acquire_owned().await else { return };
        let (stream, peer) = match listener.accept().await {
            Ok(accepted) => accepted,
            Err(error) => {
                // Most likely there are no file descriptors left just now.
                tracing::warn!(%error, "a connection could not be taken");
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            }
        };
        let router = router.clone();
        let heard = Arc::new(AtomicBool::new(false));
        let hears = heard.clone();
        let service = hyper::service::service_fn(move |mut request: hyper::Request<Incoming>| {
            hears.store(true, Ordering::Relaxed);
            request.extensions_mut().insert(ConnectInfo(peer));
            router.clone().oneshot(request)
        });
        let _ = stream.set_nodelay(true);
        let stream = Stalling::new(stream, patience);
        let connection = protocol.serve_connection(TokioIo::new(stream), service).into_owned();
        let connection = connections.watch(connection);
        tokio::spawn(async move {
            let _slot = slot;
            let mut connection = std::pin::pin!(connection);
            // Before the first bytes the protocol is not known, and no protocol's own time limit runs.
            let ended = match tokio::time::timeout(patience, connection.as_mut()).await {
                Ok(ended) => ended,
                Err(_) if heard.load(Ordering::Relaxed) => connection.await,
                Err(_) => return,
            };
            if let Err(error) = ended {
                tracing::debug!(error = %error, "a connection ended early");
            }
        });
    }
}
