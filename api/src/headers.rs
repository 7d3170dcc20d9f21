//! Security and cache headers of every response, unless its handler sets them.

use axum::http::{HeaderName, HeaderValue, header};
use axum::response::Response;

use paygen_app::Environment;

/// Responses contain private data: they must not be cached, sniffed, framed or leaked as referrer.
const ALWAYS: [(HeaderName, HeaderValue); 4] = [
    (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
    (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'")),
    (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
    (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
];

/// Two years, RFC 6797. Browsers ignore it when it did not come over TLS.
const TLS_ONLY: HeaderValue = HeaderValue::from_static("max-age=63072000");

/// Adds the headers that a response does not have yet.
pub async fn protect(environment: Environment, response: impl Future<Output = Response>) -> Response {
    let mut response = response.await;
    let headers = response.headers_mut();
    for (name, value) in ALWAYS {
        headers.entry(name).or_insert(value);
    }
    if environment == Environment::Production {
        headers.insert(header::STRICT_TRANSPORT_SECURITY, TLS_ONLY);
    }
    response
}
