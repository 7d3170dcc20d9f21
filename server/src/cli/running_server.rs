//! Finds the running server that a command works with, and the key for it.

use super::Failure;
use crate::config::Config;
use crate::sandbox;

/// The URL of a server with these settings, from this machine.
pub(super) fn url(config: &Config) -> String {
    let mut listen = config.listen;
    if listen.ip().is_unspecified() {
        listen.set_ip(std::net::IpAddr::from([127, 0, 0, 1]));
    }
    format!("http://{listen}")
}

/// The given key, or the sandbox's.
pub(super) fn key(config: &Config, given: Option<String>) -> Result<String, Failure> {
    given.filter(|key| !key.is_empty()).or_else(|| sandbox::key_beside(config)).ok_or_else(|| {
        let dir = config.data_dir.display();
        format!(
            "there is no API key: name one with --api-key or PAYGEN_API_KEY, or with --data-dir the directory of a sandbox \
             ({dir} has none)."
        )
        .into()
    })
}
