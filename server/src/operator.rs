//! The operator's own port: health, readiness and metrics, separate from the public API.

use std::time::Duration;

use axum::Router;
use hyper_util::server::graceful::GracefulShutdown;
use paygen_api::problem::too_many_connections;
use paygen_edge::connections::{Connections, Limits};
use tokio::net::TcpListener;

use crate::config::Config;
use paygen_api::Api;

/// Binds the port, when one is configured.
pub async fn listen(config: &Config) -> Result<Option<TcpListener>, String> {
    let Some(address) = config.ops_listen else { return Ok(None) };
    let listener = TcpListener::bind(address).await.map_err(|error| {
        format!("cannot listen on {address}: {error}. Choose another address with --ops-listen or PAYGEN_OPS_LISTEN.")
    })?;
    if let Ok(address) = listener.local_addr() {
        tracing::info!("metrics, health and readiness are at http://{address}");
    }
    Ok(Some(listener))
}

/// Connections answered by this router, with the configured bounds.
pub fn connections(router: Router, config: &Config, api: &Api) -> Connections {
    let limits = Limits {
        timeout: Duration::from_secs(config.request_timeout_seconds),
        connections: config.max_connections,
        connections_per_address: config.max_connections_per_address,
        trusted_proxies: config.trusted_proxies.clone(),
    };
    let too_many: fn() -> Vec<u8> =
        if config.docs { || too_many_connections(true) } else { || too_many_connections(false) };
    Connections::new(router, &limits, api.request_bytes.clone(), too_many, api.stopping.clone())
}

/// Serves the port for as long as the process runs. It has its own connections, so that it answers when the API is
/// saturated.
pub async fn serve(listener: Option<&TcpListener>, api: &Api, config: &Config, open: &GracefulShutdown) {
    let Some(listener) = listener else { return std::future::pending().await };
    let router = paygen_api::router::operator_router(api.clone());
    connections(router, config, api).accept(listener, open).await;
}
