//! Checks every request before its handler, and handles the rest of its body after it.
//!
//! Two readers must not be able to interpret a request differently: a proxy that checks one header and a server that
//! uses another are a vulnerability. Ambiguous framing and contradictory headers are therefore refused. If the handler
//! left a small rest of the body that has already arrived, it is read; otherwise the response announces that the
//! connection closes, and the socket drains the rest up to a bound.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody};
use axum::extract::Request;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Version, header};
use axum::response::{IntoResponse, Response};
use futures_util::StreamExt;
use hyper::body::{Frame, SizeHint};

use super::gate::peer_or_forwarded;
use super::outgoing;
use super::problem::Problem;
use super::request_id::differs;
use super::site::Site;
use crate::Api;
use paygen_edge::budget::Account;
use paygen_edge::framing::Fault;

/// Bounds on reading the rest of a body so that the connection can be reused: its bytes, and the time.
const MAX_REST_BYTES: usize = 64 << 10;
const REST_TIMEOUT: Duration = Duration::from_millis(100);

/// Headers that affect processing and must have one value. Credentials are checked by the gate; lists may have several
/// lines.
const SINGLE_VALUE_HEADERS: [HeaderName; 7] = [
    header::CONTENT_TYPE,
    header::EXPECT,
    header::HOST,
    header::ORIGIN,
    HeaderName::from_static("idempotency-key"),
    HeaderName::from_static("last-event-id"),
    HeaderName::from_static("x-request-id"),
];

/// Checks a request, calls its handler, and handles the rest of its body.
pub async fn receive<F: Future<Output = Response>>(
    app: &Api,
    request: Request,
    next: impl FnOnce(Request) -> F,
) -> Response {
    let (parts, body) = request.into_parts();
    let settings = &app.settings;
    let site = Site::of(&parts, settings.public_url.clone(), &settings.trusted_proxies, settings.docs);
    site.scope(received(app, parts, body, next)).await
}

async fn received<F: Future<Output = Response>>(
    app: &Api,
    mut parts: Parts,
    body: Body,
    next: impl FnOnce(Request) -> F,
) -> Response {
    let method = parts.method.clone();
    let account = Account::new(&app.request_bytes, peer_or_forwarded(&parts, app));
    let refused =
        framed(&parts.headers, parts.version, parts.uri.authority().is_some(), parts.extensions.get::<Fault>())
            .map_err(|problem| (problem, true))
            .and_then(|()| check_single_values(&parts.headers).map_err(|problem| (problem, false)))
            .and_then(|()| readable(&method, &parts.headers, &body).map_err(|problem| (problem, false)));
    let waits = parts.headers.contains_key(header::EXPECT);
    let left = Left::default();
    let body = Body::new(Tracked { body: Some(body), touched: false, left: left.clone() });
    let (answer, untrusted) = match refused {
        Ok(()) => {
            parts.extensions.insert(account.clone());
            (next(Request::from_parts(parts, body)).await, false)
        }
        Err((problem, untrusted)) => {
            drop(body);
            let encoding = problem.status() == StatusCode::UNSUPPORTED_MEDIA_TYPE;
            let mut answer = problem.into_response();
            if encoding {
                answer.headers_mut().insert(header::ACCEPT_ENCODING, HeaderValue::from_static("identity"));
            }
            (answer, untrusted)
        }
    };
    let mut answer = outgoing::counted(app, account.payer(), &method, answer);
    if untrusted || !left.settled(waits).await {
        answer.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    answer
}

fn malformed(message: impl Into<String>) -> Problem {
    Problem::new(StatusCode::BAD_REQUEST, "malformed_request", message)
}

/// Checks that the request's end and its target are unambiguous (RFC 9112, sections 3.2 and 6).
fn framed(headers: &HeaderMap, version: Version, absolute: bool, fault: Option<&Fault>) -> Result<(), Problem> {
    match fault {
        Some(Fault::TwoLengths) => {
            return Err(malformed("Send Content-Length or Transfer-Encoding, not both."));
        }
        Some(Fault::BareLineFeed) => {
            return Err(malformed("A line of the head ends with a line feed alone; end lines with CR LF."));
        }
        None => {}
    }
    let codings = headers.get_all(header::TRANSFER_ENCODING).iter();
    let codings: Vec<&[u8]> = codings.flat_map(|value| value.as_bytes().split(|byte| *byte == b',')).collect();
    if !codings.is_empty()
        && !matches!(codings.as_slice(), [coding] if coding.trim_ascii().eq_ignore_ascii_case(b"chunked"))
    {
        let message = "Transfer-Encoding may be chunked and nothing else. Send the body as it is.";
        return Err(Problem::new(StatusCode::NOT_IMPLEMENTED, "transfer_encoding_unsupported", message));
    }
    if version == Version::HTTP_11 && !absolute && !headers.contains_key(header::HOST) {
        return Err(malformed("The header Host is missing."));
    }
    if headers.get_all(header::HOST).iter().count() > 1 {
        return Err(malformed("The header Host is given more than once."));
    }
    Ok(())
}

/// Checks that every header that affects processing has one value, in however many lines.
fn check_single_values(headers: &HeaderMap) -> Result<(), Problem> {
    for name in &SINGLE_VALUE_HEADERS {
        if differs(headers, name) {
            let message = format!("The header {name} is given more than once, with different values. Send it once.");
            return Err(Problem::new(StatusCode::BAD_REQUEST, "header_repeated", message));
        }
    }
    Ok(())
}

/// Checks that this server supports the body's encoding (RFC 9110, sections 8.4 and 14.5).
fn readable(method: &Method, headers: &HeaderMap, body: &Body) -> Result<(), Problem> {
    let codings = headers.get_all(header::CONTENT_ENCODING).iter();
    let mut codings = codings.flat_map(|value| value.as_bytes().split(|byte| *byte == b','));
    let plain = codings.all(|coding| matches!(coding.trim_ascii().to_ascii_lowercase().as_slice(), b"" | b"identity"));
    if !plain && !body.is_end_stream() {
        let message = "Content-Encoding is not read: send the body as it is, without this header.";
        return Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "content_encoding_unsupported", message));
    }
    if *method == Method::PUT && headers.contains_key(header::CONTENT_RANGE) {
        return Err(malformed("Content-Range is not read: a PUT sends the whole body."));
    }
    Ok(())
}

/// The rest of a body that the handler did not read.
#[derive(Clone, Default)]
struct Left(Arc<Mutex<Option<(Body, bool)>>>);

impl Left {
    /// Whether the body was read to its end; reads a small rest. A body that the client withholds until `100 Continue`,
    /// which nobody sent, was not.
    async fn settled(self, waits: bool) -> bool {
        let left = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some((body, touched)) = left else { return true };
        if waits && !touched {
            return false;
        }
        let rest = async {
            let (mut pieces, mut read) = (body.into_data_stream(), 0);
            while let Some(piece) = pieces.next().await {
                read += piece.as_ref().map_or(MAX_REST_BYTES, Bytes::len);
                if read >= MAX_REST_BYTES {
                    return false;
                }
            }
            true
        };
        tokio::time::timeout(REST_TIMEOUT, rest).await.unwrap_or(false)
    }
}

/// A body that is returned to [`Left`] when it is dropped before its end.
struct Tracked {
    body: Option<Body>,
    touched: bool,
    left: Left,
}

impl HttpBody for Tracked {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        self.touched = true;
        let Some(body) = &mut self.body else { return Poll::Ready(None) };
        let frame = ready!(Pin::new(body).poll_frame(context));
        if !matches!(frame, Some(Ok(_))) {
            self.body = None;
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.body.as_ref().map_or(SizeHint::with_exact(0), Body::size_hint)
    }
}

impl Drop for Tracked {
    fn drop(&mut self) {
        if let Some(body) = self.body.take().filter(|body| !body.is_end_stream()) {
            *self.left.0.lock().unwrap_or_else(PoisonError::into_inner) = Some((body, self.touched));
        }
    }
}
