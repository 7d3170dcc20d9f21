//! The response at `/`: it leads to the documentation.

use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse, Redirect, Response};
use serde_json::json;

use super::{reply, site};

/// Redirects browsers to the docs site, and returns its URL to other clients.
pub async fn root(headers: HeaderMap) -> Response {
    let accepted = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
    let wants_page = accepted.flat_map(|value| value.split(',')).any(|range| range.trim().starts_with("text/html"));
    let mut answer = if wants_page {
        Redirect::temporary("/docs").into_response()
    } else {
        let base = site::base();
        let places = json!({"docs": format!("{base}/docs"), "contract": format!("{base}/openapi.json")});
        reply::ok("This is Paygen. Its documentation is under docs, the contract of the API under contract.", &places)
    };
    answer.headers_mut().insert(header::VARY, HeaderValue::from_static("accept"));
    answer
}
