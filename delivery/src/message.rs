//! The request to an endpoint: the body, and the headers that authenticate it.

use paygen_core::events::{self, Event};
use paygen_core::time::Instant;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};

use super::credentials::Credentials;
use super::sign::{self, Message};
use paygen_engine::clock::wall;

/// The headers and body of an event, signed now. `at` is business time, in which the expiry of a rotated secret is set.
pub fn of(event: &Event, environment: &str, credentials: &Credentials, at: Instant) -> (HeaderMap, Vec<u8>) {
    let body = events::body(event, environment).into_bytes();
    let headers = signed_headers((&event.kind, &event.id.to_string()), credentials, at, &body);
    (headers, body)
}

/// The headers of a body, signed now.
pub fn signed_headers((event, id): (&str, &str), credentials: &Credentials, at: Instant, body: &[u8]) -> HeaderMap {
    let timestamp = wall().micros() / 1_000_000;
    let message = Message { event, id, timestamp, body };
    let secrets: Vec<sign::Secret> = credentials.signing(at).collect();
    let mut headers = HeaderMap::new();
    headers.insert("content-type", HeaderValue::from_static("application/json"));
    for (name, value) in sign::headers(message, &secrets, credentials.token()) {
        if let Ok(mut value) = HeaderValue::from_str(&value) {
            value.set_sensitive(true);
            headers.insert(HeaderName::from_static(name), value);
        }
    }
    headers
}
