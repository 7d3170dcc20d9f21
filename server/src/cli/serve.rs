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
use tower::ServiceExt;

use super::{Failure, banner};
use crate::app::Environment;
use crate::config::Config;
use crate::sandbox;
use crate::start::Node;

/// How long open requests may take to finish after the signal to stop.
const GRACE: Duration = Duration::from_secs(30);

pub(super) async fn run(config: Config, environment: Environment) -> Result<ExitCode, Failure> {
    let listen = config.listen;
    let node = Node::start(config, environment).await?;
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
    tokio::select! {
        () = accept(&listener, &router, &connections, patience) => {}
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
/// callers cannot use up the sockets.
async fn accept(listener: &TcpListener, router: &Router, connections: &GracefulShutdown, patience: Duration) {
    let mut protocol = Builder::new(TokioExecutor::new());
    protocol.http1().timer(TokioTimer::new()).header_read_timeout(patience);
    protocol.http2().timer(TokioTimer::new()).keep_alive_interval(patience).keep_alive_timeout(patience);
    loop {
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
        let connection = protocol.serve_connection(TokioIo::new(stream), service).into_owned();
        let connection = connections.watch(connection);
        tokio::spawn(async move {
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
