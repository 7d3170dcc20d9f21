//! The console's own port, and the links that lead to it.

use std::net::SocketAddr;

use axum::Router;
use hyper_util::server::graceful::GracefulShutdown;
use paygen_api::Api;
use paygen_app::people::{Invited, link_path};
use paygen_console::door::Door;
use paygen_console::{Console, Places};
use tokio::net::TcpListener;

use crate::config::Config;
use crate::oidc_config::OidcConfig;

/// Binds the port, when there is one. A sandbox whose port is taken gets another one.
pub async fn listen(config: &Config) -> Result<Option<TcpListener>, String> {
    let Some(address) = config.console_listen else { return Ok(None) };
    let bound = match TcpListener::bind(address).await {
        Err(_) if config.console_anywhere => TcpListener::bind(SocketAddr::new(address.ip(), 0)).await,
        bound => bound,
    };
    let failed = |error| {
        format!(
            "cannot listen on {address}: {error}. Choose another address with --console-listen or PAYGEN_CONSOLE_LISTEN."
        )
    };
    bound.map(Some).map_err(failed)
}

/// Scheme and host of the console.
pub fn url(config: &Config, address: SocketAddr) -> String {
    config.console_url.clone().unwrap_or_else(|| format!("http://{address}"))
}

/// The address of a one-time link.
pub fn link(url: &str, invited: &Invited) -> Option<String> {
    invited.link.as_ref().map(|text| format!("{url}{}", link_path(text)))
}

/// The console's pages. `calls` answers calls of the API within the process; at this address they are made from outside.
pub fn router(api: &Api, calls: Router, config: &Config, address: SocketAddr) -> Result<Router, String> {
    let outside = config.public_url.clone().unwrap_or_else(|| format!("http://{address}"));
    let door = Door::new(calls, &outside);
    let oidc = config.oidc.as_ref().map(OidcConfig::settings);
    let places = Places { api_url: outside, url: config.console_url.clone(), oidc };
    let console = Console::new(api.app.clone(), door, places, config.trusted_proxies.clone())?;
    Ok(paygen_console::router(console))
}

/// Serves the pages for as long as the process runs.
pub async fn serve(
    listener: Option<&TcpListener>,
    router: Router,
    api: &Api,
    config: &Config,
    open: &GracefulShutdown,
) {
    let Some(listener) = listener else { return std::future::pending().await };
    crate::operator::connections(router, config, api).accept(listener, open).await;
}
