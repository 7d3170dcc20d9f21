//! Counts, times and logs every request by its route's template, never by its query string.
//!
//! A label takes its values from a closed list, never from input: each combination is kept in memory for as long as the
//! process runs.

use std::time::Instant;

use axum::extract::{MatchedPath, Request};
use axum::http::Method;
use axum::response::Response;

use super::log_outcome::LogOutcome;
use super::request_id::current_request_id;
use crate::Api;

/// The standard methods (RFC 9110, section 9; RFC 5789); anything else is `other`.
const METHODS: [&str; 9] = ["GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH"];

/// The label of a method in metrics and logs.
fn method_label(method: &Method) -> &'static str {
    METHODS.into_iter().find(|known| *known == method.as_str()).unwrap_or("other")
}

/// Counts, times and logs a request. In the sandbox a readable line is logged for each.
pub async fn watch<F: Future<Output = Response>>(
    app: &Api,
    request: Request,
    next: impl FnOnce(Request) -> F,
) -> Response {
    let started = Instant::now();
    let method = method_label(request.method());
    let matched = request.extensions().get::<MatchedPath>().cloned();
    let route = matched.as_ref().map_or("unmatched", MatchedPath::as_str);
    let response = next(request).await;
    let (seconds, status) = (started.elapsed().as_secs_f64(), response.status().as_u16());
    app.request_measures.note(method, route, status, seconds);
    if status < 500 && app.settings.request_lines {
        if tracing::enabled!(tracing::Level::INFO) {
            let outcome =
                response.extensions().get::<LogOutcome>().map(|outcome| format!(" {}", outcome.0)).unwrap_or_default();
            tracing::info!("{method} {route} {status}{outcome} {:.1} ms", seconds * 1000.0);
        }
        return response;
    }
    let is_human = app.settings.logs_for_people;
    let request_id = &*current_request_id();
    let seconds = to_microseconds(seconds);
    // In a human-readable log a float below a tenth of a millisecond would be printed with an exponent.
    match (status >= 500, is_human) {
        (true, true) => {
            tracing::error!(method, route, status, seconds = %format_args!("{seconds:.6}"), request_id, "request")
        }
        (true, false) => tracing::error!(method, route, status, seconds, request_id, "request"),
        (false, true) => {
            tracing::debug!(method, route, status, seconds = %format_args!("{seconds:.6}"), request_id, "request")
        }
        (false, false) => tracing::debug!(method, route, status, seconds, request_id, "request"),
    }
    response
}

/// Rounds to six decimals, which JSON prints without an exponent from 0.00001 on.
fn to_microseconds(seconds: f64) -> f64 {
    ((seconds * 1e6).round() / 1e6).max(1e-5)
}

#[cfg(test)]
mod tests {
    use super::{METHODS, method_label, to_microseconds};

    #[test]
    fn times_have_six_decimals_and_no_exponent() {
        let cases = [
            (3.4521e-5, "0.000035"),
            (1.0e-9, "0.00001"),
            (0.000_999_949, "0.001"),
            (0.123_456_789, "0.123457"),
            (12.0, "12.0"),
        ];
        for (seconds, expected) in cases {
            assert_eq!(serde_json::to_string(&to_microseconds(seconds)).expect("JSON"), expected);
        }
    }

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
