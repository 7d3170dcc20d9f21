//! `paygen dev` and `paygen serve`: a node that serves requests until it is stopped.

use std::net::SocketAddr;
use std::process::ExitCode;
use std::time::Duration;

use axum::Router;
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

use super::{Failure, banner};
use crate::config::Config;
use crate::owner;
use crate::sandbox;
use crate::start::Node;
use paygen_api::Api;
use paygen_api::router::{Contract, Documentation};
use paygen_app::Environment;

/// Time for open requests to finish after the signal to stop.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(30);

pub(super) async fn run(config: Config, environment: Environment) -> Result<ExitCode, Failure> {
    let listen = config.listen;
    match environment {
        Environment::Sandbox => owner::tighten(&config),
        Environment::Production => owner::check(&config)?,
    }
    let node = Node::start(config, Some(environment)).await?;
    let key = match environment {
        Environment::Sandbox => Some(sandbox::ensure_client(&node.app, &node.config).await?),
        Environment::Production => None,
    };
    let listener = TcpListener::bind(listen).await.map_err(|error| {
        format!("cannot listen on {listen}: {error}. Choose another address with --listen or PAYGEN_LISTEN.")
    })?;
    let address = listener.local_addr()?;
    let operator = crate::operator::listen(&node.config).await?;
    let console = crate::console::listen(&node.config).await?;
    let console_url = match &console {
        Some(console) => Some(crate::console::url(&node.config, console.local_addr()?)),
        None => None,
    };
    if node.database.has_one_writer() {
        let socket = crate::admin::socket(&node.config.data_dir);
        tokio::spawn(crate::admin::serve(node.app.clone(), socket, address, console_url.clone()));
    }
    match &key {
        Some(key) => {
            let invited = sandbox::ensure_owner(&node.app, key.client).await?;
            let link = console_url.and_then(|url| crate::console::link(&url, &invited));
            banner::sandbox(address, key, link.as_deref());
        }
        None => {
            let clients = node.app.reader.clients().await?.len();
            banner::production(address, &node.config, clients, console_url.as_deref());
        }
    }
    serve(listener, Ports { operator, console }, address, node).await?;
    Ok(ExitCode::SUCCESS)
}

/// The listeners besides the API's.
struct Ports {
    operator: Option<TcpListener>,
    console: Option<TcpListener>,
}

async fn serve(listener: TcpListener, ports: Ports, address: SocketAddr, node: Node) -> Result<(), Failure> {
    let site: Option<Documentation> = node.config.docs.then_some(documentation);
    let router = paygen_api::router::router(node.api.clone(), site);
    // The same API for calls within the process: the console's, and those that were approved.
    let calls = paygen_api::router::router(node.api.clone(), None);
    let pages = crate::console::router(&node.api, calls.clone(), &node.config, address)?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let connections = crate::operator::connections(router, &node.config, &node.api);
    let open = GracefulShutdown::new();
    tokio::select! {
        () = connections.accept(&listener, &open) => {}
        () = crate::operator::serve(ports.operator.as_ref(), &node.api, &node.config, &open) => {}
        () = crate::console::serve(ports.console.as_ref(), pages, &node.api, &node.config, &open) => {}
        () = paygen_api::approvals::run(node.api.clone(), calls.clone()) => {}
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    drop(listener);
    tracing::info!("stopping: no new requests are taken, open ones are finished");
    node.begin_stop();
    if tokio::time::timeout(SHUTDOWN_TIMEOUT, open.shutdown()).await.is_err() {
        tracing::warn!("some requests were still open after {} s", SHUTDOWN_TIMEOUT.as_secs());
    }
    node.finish().await;
    Ok(())
}

/// The docs site.
fn documentation(contract: Contract) -> Router<Api> {
    paygen_docs_site::router(move || contract.bytes())
}
