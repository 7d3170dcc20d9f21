//! The operator's own port: health, readiness and metrics, apart from the API that everybody may reach.

use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::TcpListener;

use crate::app::App;
use crate::config::Config;
use crate::edge::connections::Connections;

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

/// Answers on it for as long as the process runs. It has connections of its own, so that a full API can be looked at.
pub async fn serve(listener: Option<&TcpListener>, app: &App, open: &GracefulShutdown) {
    let Some(listener) = listener else { return std::future::pending().await };
    let router = crate::http::router::operator_router(app.clone());
    Connections::new(router, &app.config, app.request_bytes.clone()).accept(listener, open).await;
}
