//! `paygen dev` and `paygen serve`: a node that listens until it is told to stop.

use std::future::IntoFuture;
use std::net::SocketAddr;
use std::process::ExitCode;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

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
    let (begin, began) = tokio::sync::oneshot::channel();
    let service = router.into_make_service_with_connect_info::<SocketAddr>();
    let server = axum::serve(listener, service).with_graceful_shutdown(async move {
        let _ = began.await;
    });
    let server = tokio::spawn(server.into_future());
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    tracing::info!("stopping: no new requests are taken, open ones are finished");
    node.begin_stop();
    let _ = begin.send(());
    if tokio::time::timeout(GRACE, server).await.is_err() {
        tracing::warn!("some requests were still open after {} s", GRACE.as_secs());
    }
    node.finish().await;
    Ok(())
}
