//! Every request is counted, timed and logged by its route's template, never by its query string.

use std::time::Instant;

use axum::extract::{MatchedPath, Request};
use axum::middleware::Next;
use axum::response::Response;

use super::request_id::current_request_id;

/// Counts, times and logs a request.
pub async fn watch(request: Request, next: Next) -> Response {
    let started = Instant::now();
    let method = request.method().clone();
    let route = request.extensions().get::<MatchedPath>().map_or("unmatched", MatchedPath::as_str).to_owned();
    let response = next.run(request).await;
    let (seconds, status) = (started.elapsed().as_secs_f64(), response.status().as_u16());
    let labels = [("method", method.to_string()), ("route", route.clone()), ("status", status.to_string())];
    metrics::counter!("paygen_http_requests_total", &labels).increment(1);
    metrics::histogram!("paygen_http_request_seconds", &labels[..2]).record(seconds);
    let request_id = current_request_id();
    if status >= 500 {
        tracing::error!(%method, route, status, seconds, request_id, "request");
    } else {
        tracing::debug!(%method, route, status, seconds, request_id, "request");
    }
    response
}
