//! The base URL under which the caller reached this server, for links in responses.
//!
//! It is `public_url` when that is set; otherwise it is taken from the request if it is a plain host. A trusted proxy
//! sends it in `X-Forwarded-Proto` and `X-Forwarded-Host`. Kept answers contain paths only, because they may be
//! replayed under another base URL.

use std::net::{Ipv6Addr, SocketAddr};
use std::sync::Arc;

use axum::extract::ConnectInfo;
use axum::http::request::Parts;
use axum::http::{HeaderValue, header};
use ipnet::IpNet;

tokio::task_local! {
    static SITE: Site;
}

/// The base URL of a request.
#[derive(Clone)]
pub struct Site {
    public_url: Option<Arc<str>>,
    is_secure: bool,
    host: Option<HeaderValue>,
    has_docs: bool,
}

impl Site {
    /// The base URL of a request, unless `public_url` is set. Only trusted proxies may forward it.
    pub fn of(parts: &Parts, public_url: Option<Arc<str>>, proxies: &[IpNet], has_docs: bool) -> Site {
        let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>().map(|info| info.0.ip().to_canonical());
        let forwarded = peer.is_some_and(|peer| proxies.iter().any(|network| network.contains(&peer)));
        let one = |name: &str| {
            let mut values = parts.headers.get_all(name).iter();
            values.next().filter(|_| values.next().is_none())
        };
        let forwarded_header = |name: &str| one(name).filter(|_| forwarded);
        let host = forwarded_header("x-forwarded-host").or_else(|| one(header::HOST.as_str())).cloned();
        let is_secure =
            forwarded_header("x-forwarded-proto").is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"https"));
        Site { public_url, is_secure, host, has_docs }
    }

    /// Runs a future as part of the request with this base URL.
    pub async fn scope<F: Future>(self, answering: F) -> F::Output {
        SITE.scope(self, answering).await
    }

    fn base(&self) -> Option<String> {
        if let Some(url) = &self.public_url {
            return Some(url.to_string());
        }
        let host = self.host.as_ref()?.to_str().ok().filter(|host| is_plain_host(host))?;
        Some(format!("{}://{host}", if self.is_secure { "https" } else { "http" }))
    }
}

/// The base URL for links of the current request; empty when unknown.
pub fn base() -> String {
    SITE.try_with(Site::base).ok().flatten().unwrap_or_default()
}

/// Whether the docs site is served.
pub fn has_docs() -> bool {
    SITE.try_with(|site| site.has_docs).unwrap_or(true)
}

/// A host name or address with an optional port, and nothing else that could make a link lead elsewhere.
fn is_plain_host(text: &str) -> bool {
    let (host, port) = match text.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((address, rest)) if address.parse::<Ipv6Addr>().is_ok() => (None, rest),
        Some(_) => return false,
        None => {
            let end = text.find(':').unwrap_or(text.len());
            let (host, rest) = text.split_at(end);
            (Some(host), rest)
        }
    };
    let is_name = |host: &str| {
        (1..=253).contains(&host.len())
            && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_'))
    };
    let is_port = |text: &str| (1..=5).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    host.is_none_or(is_name) && (port.is_empty() || port.strip_prefix(':').is_some_and(is_port))
}

#[cfg(test)]
mod tests {
    use super::is_plain_host;

    #[test]
    fn only_hosts_and_ports_are_repeated() {
        for host in ["localhost:4000", "127.0.0.1:4000", "pay.example.com", "[::1]:4000", "[2001:db8::1]", "a_b:1"] {
            assert!(is_plain_host(host), "{host}");
        }
        let refused = [
            "",
            ":80",
            "a:",
            "a:b",
            "a:123456",
            "a/b",
            "a@b",
            "user:pw@b",
            "a?b",
            "a#b",
            "a b",
            "a\"b",
            "<a>",
            "a,b",
            "é",
            "[::1",
            "::1",
            "[x]",
            "[::1]x",
            "a\\b",
            "a%2fb",
        ];
        for host in refused {
            assert!(!is_plain_host(host), "{host}");
        }
    }
}
