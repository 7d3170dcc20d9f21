//! Calls of the API within the process, with the user as the caller. The answer is what a client of the API would get.

use std::net::SocketAddr;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::ConnectInfo;
use axum::http::{HeaderValue, Method, Request, StatusCode, header};
use axum::response::Response;
use paygen_app::callers::Caller;
use paygen_edge::json::Json;
use tower::ServiceExt;

use crate::json::{at, items, text_at};

/// An answer of this size is read whole; longer ones are passed on.
const MAX_ANSWER_BYTES: usize = 32 << 20;

/// The API.
#[derive(Clone)]
pub struct Door {
    api: Router,
    /// Where it is called from outside: links in its answers begin with it.
    host: HeaderValue,
}

/// A call of the API.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    pub(crate) method: Method,
    /// With its query.
    pub(crate) path: String,
    /// JSON.
    pub(crate) body: Option<String>,
    /// The version that the object must have, for `If-Match`.
    pub(crate) if_match: String,
    /// For `Idempotency-Key`.
    pub(crate) once: String,
    /// The approval that allows it, for `Approval-Id`.
    pub(crate) approval: String,
}

impl Call {
    pub(crate) fn get(path: impl Into<String>) -> Call {
        let (if_match, once, approval) = Default::default();
        Call { method: Method::GET, path: path.into(), body: None, if_match, once, approval }
    }
}

/// A field that was wrong, as the API names it.
#[derive(Clone, Debug)]
pub(crate) struct WrongField {
    /// A JSON pointer into the body, or the name of a parameter.
    pub(crate) pointer: String,
    pub(crate) message: String,
}

/// An answer of the API.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) body: Json,
    /// The version of the object.
    pub(crate) version: String,
}

impl Answer {
    pub(crate) fn data(&self) -> &Json {
        at(&self.body, "data")
    }

    pub(crate) fn message(&self) -> String {
        text_at(&self.body, "message")
    }

    pub(crate) fn code(&self) -> String {
        text_at(&self.body, "error.code")
    }

    pub(crate) fn wrong_fields(&self) -> Vec<WrongField> {
        let field =
            |field: &Json| WrongField { pointer: text_at(field, "pointer"), message: text_at(field, "message") };
        items(at(&self.body, "error.fields")).iter().map(field).collect()
    }
}

impl Door {
    /// The API as its router serves it.
    pub fn new(api: Router, url: &str) -> Door {
        let host = url.split_once("://").map_or(url, |(_, host)| host);
        Door { api, host: HeaderValue::from_str(host).unwrap_or(HeaderValue::from_static("localhost")) }
    }

    /// The answer as it is sent.
    pub(crate) async fn send(&self, caller: &Caller, call: &Call, accept: &'static str) -> Response {
        let mut request = Request::builder().method(call.method.clone()).uri(call.path.as_str());
        request = request.header(header::HOST, self.host.clone());
        if call.body.is_some() {
            request = request.header(header::CONTENT_TYPE, "application/json");
        }
        for (name, value) in
            [("if-match", &call.if_match), ("idempotency-key", &call.once), ("approval-id", &call.approval)]
        {
            if let Ok(value) = HeaderValue::from_str(value)
                && !value.is_empty()
            {
                request = request.header(name, value);
            }
        }
        let body = call.body.clone().map_or_else(Body::empty, Body::from);
        let request = request.header(header::ACCEPT, accept).body(body);
        let mut request = match request {
            Ok(request) => request,
            // A path of a form's value that is no path.
            Err(_) => return unreadable(StatusCode::BAD_REQUEST),
        };
        request.extensions_mut().insert(ConnectInfo(SocketAddr::new(caller.address, 0)));
        request.extensions_mut().insert(caller.clone());
        match self.api.clone().oneshot(request).await {
            Ok(response) => response,
            Err(never) => match never {},
        }
    }

    /// The answer, read.
    pub(crate) async fn call(&self, caller: &Caller, call: &Call) -> Answer {
        let response = self.send(caller, call, "application/json").await;
        let status = response.status();
        let tag = response.headers().get(header::ETAG).and_then(|tag| tag.to_str().ok()).unwrap_or_default().to_owned();
        let bytes = axum::body::to_bytes(response.into_body(), MAX_ANSWER_BYTES).await.unwrap_or_default();
        let body = Json::parse(&bytes).unwrap_or(Json::Null);
        Answer { status, body, version: tag }
    }

    pub(crate) async fn get(&self, caller: &Caller, path: impl Into<String>) -> Answer {
        self.call(caller, &Call::get(path)).await
    }
}

fn unreadable(status: StatusCode) -> Response {
    let mut response = Response::new(Body::from(Bytes::new()));
    *response.status_mut() = status;
    response
}
