//! Every request is counted, timed and logged by its route's template, never by its query string.
//!
//! A label takes its values from a list that is known when the process starts: what callers write never becomes one, because
//! each combination is remembered for as long as the process runs.

use std::time::Instant;

use axum::extract::{MatchedPath, Request};
use axum::http::Method;
use axum::middleware::Next;
use axum::response::Response;

use super::request_id::current_request_id;

/// The methods there are (RFC 9110, section 9; RFC 5789); anything else is `other`.
const METHODS: [&str; 9] = ["GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH"];

/// The name that a method is counted and logged by.
fn method_label(method: &Method) -> &'static str {
    METHODS.into_iter().find(|known| *known == method.as_str()).unwrap_or("other")
}

/// Counts, times and logs a request.
pub async fn watch(request: Request, next: Next) -> Response {
    let started = Instant::now();
    let method = method_label(request.method());
    let route = request.extensions().get::<MatchedPath>().map_or("unmatched", MatchedPath::as_str).to_owned();
    let response = next.run(request).await;
    let (seconds, status) = (started.elapsed().as_secs_f64(), response.status().as_u16());
    let labels = [("method", method.to_owned()), ("route", route.clone()), ("status", status.to_string())];
    metrics::counter!("paygen_http_requests_total", &labels).increment(1);
    metrics::histogram!("paygen_http_request_seconds", &labels[..2]).record(seconds);
    let request_id = current_request_id();
    if status >= 500 {
        tracing::error!(method, route, status, seconds, request_id, "request");
    } else {
        tracing::debug!(method, route, status, seconds, request_id, "request");
    }
    response
}

#[cfg(test)]
mod tests {
    use super::{METHODS, method_label};

    #[test]
    fn methods_that_are_none_have_one_name() {
        for name in METHODS {
            assert_eq!(method_label(&name.parse().expect("a method")), name);
        }
        for name in ["get", "M1", "PROPFIND", "GETX"] {
            assert_eq!(method_label(&name.parse().expect("a method")), "other");
        }
    }
}
