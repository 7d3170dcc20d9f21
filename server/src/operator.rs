//! The operator's own port: health, readiness and metrics, apart from the API that everybody may reach.

use std::time::Duration;

use axum::Router;
use hyper_util::server::graceful::GracefulShutdown;
use paygen_api::problem::too_many_connections;
use paygen_edge::connections::{Connections, Limits};
use tokio::net::TcpListener;

use crate::config::Config;
use paygen_api::Api;

/// Binds the port, when there is one.
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

/// Connections that this router answers, as the settings want them.
pub fn connections(router: Router, config: &Config, api: &Api) -> Connections {
    let limits = Limits {
        patience: Duration::from_secs(config.request_timeout_seconds),
        connections: config.max_connections,
        connections_per_address: config.max_connections_per_address,
        trusted_proxies: config.trusted_proxies.clone(),
    };
    Connections::new(router, &limits, api.request_bytes.clone(), too_many_connections)
}

/// Answers on it for as long as the process runs. It has connections of its own, so that a full API can be looked at.
pub async fn serve(listener: Option<&TcpListener>, api: &Api, config: &Config, open: &GracefulShutdown) {
    let Some(listener) = listener else { return std::future::pending().await };
    let router = paygen_api::router::operator_router(api.clone());
    connections(router, config, api).accept(listener, open).await;
}
