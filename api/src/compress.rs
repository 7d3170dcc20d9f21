//! Compresses responses with gzip for clients that accept it (RFC 9110, section 12.5.3).
//!
//! Only responses to GET, and none with secrets: the size of a compressed response reveals repetition, so anyone who
//! can place text beside a secret could guess the secret (BREACH). Secrets shown once are in responses to POST; card
//! numbers and the page that shows them, keys and tokens are excluded by their routes. Streams, whose length is not
//! known, are not compressed.

use std::collections::HashMap;
use std::io::Write;
use std::sync::{Arc, Mutex, PoisonError};

use axum::body::{Body, Bytes, HttpBody};
use axum::extract::{MatchedPath, Request};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::Response;
use flate2::Compression;
use flate2::write::GzEncoder;

use paygen_edge::budget::Uncounted;

/// Smaller responses are not worth compressing.
const MIN_BYTES: u64 = 1024;

/// Larger responses are compressed on a blocking thread.
const BLOCKING_BYTES: usize = 64 << 10;

/// Prefixes of routes whose responses are never compressed.
const UNCOMPRESSED_ROUTES: [&str; 7] = [
    "/cards/{cardId}/reveal",
    "/cards/{cardId}/page",
    "/cards/{cardId}/token",
    "/api-keys",
    "/auth",
    "/webhooks",
    "/responders",
];

/// Compressed responses that are the same for everybody, cached.
#[derive(Clone, Default)]
pub struct Compressed(Arc<Mutex<HashMap<String, Bytes>>>);

/// Compresses a response of the API.
pub async fn api<F: Future<Output = Response>>(request: Request, next: impl FnOnce(Request) -> F) -> Response {
    let route = request.extensions().get::<MatchedPath>().map(MatchedPath::as_str).unwrap_or_default();
    let may = *request.method() == Method::GET && !UNCOMPRESSED_ROUTES.iter().any(|begin| route.starts_with(begin));
    let wanted = takes_gzip(request.headers());
    let mut response = next(request).await;
    // Responses that are the same for everybody are handled by [`shared`].
    if !may || response.extensions().get::<Uncounted>().is_some() || !is_text(&response) {
        return response;
    }
    response.headers_mut().append(header::VARY, HeaderValue::from_static("accept-encoding"));
    if !wanted {
        return response;
    }
    let (parts, body) = response.into_parts();
    // Its length is known, so it is in memory already.
    match axum::body::to_bytes(body, usize::MAX).await {
        Ok(plain) => match gzip(plain.clone(), Compression::fast()).await {
            Some(compressed) => gzipped(parts, compressed),
            None => Response::from_parts(parts, Body::from(plain)),
        },
        Err(_) => Response::from_parts(parts, Body::empty()),
    }
}

/// Compresses responses that are the same for everybody, pages of the docs site and the contract, whose number is
/// bounded.
pub async fn shared(kept: Compressed, mut request: Request, next: Next) -> Response {
    let (path, is_get) = (request.uri().path().to_owned(), *request.method() == Method::GET);
    let wanted = is_get && takes_gzip(request.headers());
    let tag = request.headers().get(header::IF_NONE_MATCH).cloned();
    // The tag of the compressed form is the weak form of the page's.
    if let Some(bare) = tag.as_ref().and_then(|tag| tag.as_bytes().strip_prefix(b"W/")).map(HeaderValue::from_bytes)
        && let Ok(bare) = bare
    {
        request.headers_mut().insert(header::IF_NONE_MATCH, bare);
    }
    let mut response = next.run(request).await;
    if !is_get || response.status() != StatusCode::OK || !is_text(&response) {
        return response;
    }
    response.headers_mut().append(header::VARY, HeaderValue::from_static("accept-encoding"));
    if !wanted {
        return response;
    }
    let (mut parts, body) = response.into_parts();
    let weak = parts.headers.get(header::ETAG).map(|tag| [b"W/", tag.as_bytes()].concat());
    if let Some(weak) = weak.and_then(|weak| HeaderValue::from_bytes(&weak).ok()) {
        parts.headers.insert(header::ETAG, weak);
    }
    let known = kept.0.lock().unwrap_or_else(PoisonError::into_inner).get(&path).cloned();
    let compressed = match known {
        Some(compressed) => compressed,
        None => {
            let Ok(plain) = axum::body::to_bytes(body, usize::MAX).await else {
                return Response::from_parts(parts, Body::empty());
            };
            let Some(compressed) = gzip(plain.clone(), Compression::best()).await else {
                return Response::from_parts(parts, Body::from(plain));
            };
            kept.0.lock().unwrap_or_else(PoisonError::into_inner).insert(path, compressed.clone());
            compressed
        }
    };
    gzipped(parts, compressed)
}

fn gzipped(mut parts: axum::http::response::Parts, compressed: Bytes) -> Response {
    parts.headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    parts.headers.remove(header::CONTENT_LENGTH);
    Response::from_parts(parts, Body::from(compressed))
}

async fn gzip(plain: Bytes, level: Compression) -> Option<Bytes> {
    let much = plain.len() > BLOCKING_BYTES;
    let work = move || {
        let mut encoder = GzEncoder::new(Vec::with_capacity(plain.len() / 4), level);
        encoder.write_all(&plain).and_then(|()| encoder.finish()).map(Bytes::from).ok()
    };
    if much { tokio::task::spawn_blocking(work).await.ok().flatten() } else { work() }
}

/// Whether a response is text of known and sufficient length, and not compressed yet.
fn is_text(response: &Response) -> bool {
    let kind = response.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let text =
        ["application/json", "text/html", "text/plain", "text/css", "text/markdown", "text/javascript", "image/svg"];
    text.iter().any(|begin| kind.starts_with(begin))
        && !response.headers().contains_key(header::CONTENT_ENCODING)
        && response.body().size_hint().exact().is_some_and(|size| size > MIN_BYTES)
}

/// Whether the client accepts gzip: named, or covered by `*`, and not with the weight 0.
fn takes_gzip(headers: &HeaderMap) -> bool {
    let (mut named, mut any) = (None, None);
    let values = headers.get_all(header::ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
    for coding in values.flat_map(|value| value.split(',')) {
        let mut parts = coding.split(';').map(str::trim);
        let place = match parts.next().unwrap_or_default().to_ascii_lowercase().as_str() {
            "gzip" | "x-gzip" => &mut named,
            "*" => &mut any,
            _ => continue,
        };
        let weight = parts.find_map(|part| part.strip_prefix("q=").or_else(|| part.strip_prefix("Q=")));
        *place = Some(weight.is_none_or(|weight| weight.trim().parse::<f32>().is_ok_and(|weight| weight > 0.0)));
    }
    named.or(any).unwrap_or(false)
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderMap, HeaderValue, header};

    use super::takes_gzip;

    #[test]
    fn gzip_is_sent_to_those_who_take_it() {
        let cases = [
            ("gzip", true),
            ("br, GZIP;q=0.5", true),
            ("*", true),
            ("identity, *;q=0.1", true),
            ("gzip;q=0", false),
            ("gzip;q=0.0, *", false),
            ("*;q=0", false),
            ("br", false),
            ("identity", false),
            ("gzip;q=much", false),
            ("", false),
        ];
        for (accepted, expected) in cases {
            let headers = HeaderMap::from_iter([(header::ACCEPT_ENCODING, HeaderValue::from_static(accepted))]);
            assert_eq!(takes_gzip(&headers), expected, "{accepted}");
        }
        assert!(!takes_gzip(&HeaderMap::new()));
    }
}
