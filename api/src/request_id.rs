//! The id of every request, the caller's or a generated one; it is in the response, the logs, the audit log and events.

use std::sync::Arc;

use axum::extract::Request;
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use axum::response::Response;

use paygen_vault::mask::has_card_number;

tokio::task_local! {
    static REQUEST_ID: Arc<str>;
}

const HEADER: &str = "x-request-id";

/// The id of the current request; empty outside of one.
pub fn current_request_id() -> Arc<str> {
    REQUEST_ID.try_with(Clone::clone).unwrap_or_default()
}

/// Runs a closure on another thread as part of the request with this id.
pub fn with_request_id<T>(id: Arc<str>, run: impl FnOnce() -> T) -> T {
    REQUEST_ID.sync_scope(id, run)
}

/// Letters, digits, `-` and `_`, and no card number, because the id is logged and stored. A UUID is accepted whatever
/// its digits.
fn is_usable(id: &str) -> bool {
    let plain = id.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'));
    let letters = id.bytes().any(|byte| byte.is_ascii_alphabetic());
    let is_uuid = || letters && id.len() == 36 && uuid::Uuid::try_parse(id).is_ok();
    (1..=128).contains(&id.len()) && plain && (is_uuid() || !has_card_number(id))
}

/// Assigns every request its id, and adds it to the response.
pub async fn assign<F: Future<Output = Response>>(request: Request, next: impl FnOnce(Request) -> F) -> Response {
    // Two different ids count as none; the request is refused later.
    let given = request.headers().get(HEADER).filter(|_| !differs(request.headers(), &HeaderName::from_static(HEADER)));
    let given = given.and_then(|value| value.to_str().ok());
    let id: Arc<str> = match given.filter(|id| is_usable(id)) {
        Some(given) => given.into(),
        None => Arc::from(&*uuid::Uuid::now_v7().hyphenated().encode_lower(&mut uuid::Uuid::encode_buffer())),
    };
    let header = HeaderValue::from_str(&id);
    let mut response = REQUEST_ID.scope(id, next(request)).await;
    if let Ok(header) = header {
        response.headers_mut().insert(HEADER, header);
    }
    response
}

/// Whether a header has several lines with different values.
pub fn differs(headers: &HeaderMap, name: &HeaderName) -> bool {
    let mut values = headers.get_all(name).iter();
    let first = values.next();
    values.any(|value| Some(value) != first)
}

#[cfg(test)]
mod tests {
    use super::is_usable;

    #[test]
    fn ids_of_callers_are_plain_and_no_card_numbers() {
        let long = "a".repeat(128);
        for id in ["a", "my-id_1", "0123456789", "b3b7a0c4-0000-4000-8000-411111111111", &long] {
            assert!(is_usable(id), "{id}");
        }
        let longer = "a".repeat(129);
        let refused = [
            "",
            " ",
            "a b",
            "a.b",
            "a:b",
            "a/b",
            "é",
            "<b>",
            "4111111111111111",
            "x4111-1111-1111-1111",
            "a\"",
            &longer,
        ];
        for id in refused {
            assert!(!is_usable(id), "{id}");
        }
    }
}
