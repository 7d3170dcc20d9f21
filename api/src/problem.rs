//! Error responses: a stable code, every wrong field, the fix; no internal details.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use paygen_store::StoreError;
use serde::Serialize;

use super::log_outcome::LogOutcome;
use super::request_id::{current_request_id, with_request_id};
use super::site;
use paygen_app::Failure;
use paygen_delivery::asking::Unsettled;
use paygen_engine::schedule::ScheduleError;
use paygen_vault::mask::masked;

/// Upper bound on the wrong fields that an error lists.
pub const MAX_FIELDS: usize = 100;

/// An invalid field of a request.
#[derive(Clone, Debug, PartialEq, Serialize, utoipa::ToSchema)]
pub struct FieldProblem {
    /// JSON pointer into the body, or name of a parameter.
    #[schema(example = "/amount")]
    pub pointer: String,
    /// A stable code.
    #[schema(example = "required")]
    pub code: String,
    /// What is wrong, and what is expected.
    pub message: String,
}

impl FieldProblem {
    /// A wrong field.
    pub fn new(pointer: impl Into<String>, code: impl Into<String>, message: impl Into<String>) -> FieldProblem {
        FieldProblem { pointer: masked(pointer.into()), code: code.into(), message: masked(message.into()) }
    }
}

/// An error to be answered. Boxed, so that successful results do not carry its size.
#[derive(Clone, Debug)]
pub struct Problem(Box<What>);

#[derive(Clone, Debug)]
struct What {
    status: StatusCode,
    code: &'static str,
    message: String,
    fields: Vec<FieldProblem>,
    retry_after: Option<u32>,
    allow: Option<String>,
    log: Option<String>,
}

/// The body of every error.
#[derive(Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ErrorEnvelope {
    /// HTTP status.
    #[schema(example = 422)]
    status_code: u16,
    /// Explanation of the error.
    #[schema(example = "The account has 10 USD available; 11 USD are needed.")]
    message: String,
    /// Always null.
    #[schema(value_type = Option<String>, required = true)]
    data: Option<()>,
    /// The error, for programs.
    error: ErrorBody,
}

/// The error, for programs.
#[derive(Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ErrorBody {
    /// A stable code.
    #[schema(example = "insufficient_funds")]
    code: &'static str,
    /// Id of the request, as in the logs.
    request_id: String,
    /// URL of the page that explains the code. Absent if the server has no docs site.
    #[schema(required = false, example = "https://pay.example.com/docs/errors/insufficient_funds")]
    docs: String,
    /// All invalid fields.
    fields: Vec<FieldProblem>,
}

/// Completes a kept error with the full URL of its page, whose host depends on the request. Without a docs site the link
/// is removed.
pub fn sent(body: Vec<u8>) -> Vec<u8> {
    if !site::has_docs() {
        return without_docs(body);
    }
    let base = site::base();
    match docs_path(&body).filter(|_| !base.is_empty()) {
        Some(at) => [&body[..at], base.as_bytes(), &body[at..]].concat(),
        None => body,
    }
}

/// Removes the link to the docs site from an error.
fn without_docs(body: Vec<u8>) -> Vec<u8> {
    let Some(at) = docs_path(&body) else { return body };
    // The path is followed by a quote and a comma.
    let end = at + body[at..].iter().take_while(|byte| **byte != b'"').count() + 2;
    [&body[..at - DOCS.len()], &body[end..]].concat()
}

const DOCS: &[u8] = b"\"docs\":\"";

/// Where the path of the docs link begins. In JSON no string value can contain these quotes unescaped.
fn docs_path(body: &[u8]) -> Option<usize> {
    const PATH: &[u8] = b"\"docs\":\"/docs/errors/";
    Some(body.windows(PATH.len()).rposition(|window| window == PATH)? + DOCS.len())
}

impl Problem {
    /// An error with a stable code.
    pub fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Problem {
        Problem(Box::new(What {
            status,
            code,
            message: masked(message.into()),
            fields: Vec::new(),
            retry_after: None,
            allow: None,
            log: None,
        }))
    }

    /// A request with these wrong fields.
    pub fn invalid(mut fields: Vec<FieldProblem>) -> Problem {
        let message = match fields.as_slice() {
            [one] => format!("{}: {}", if one.pointer.is_empty() { "body" } else { &one.pointer }, one.message),
            many if many.len() > MAX_FIELDS => {
                format!("More than {MAX_FIELDS} fields are wrong; error.fields has the first of them.")
            }
            many => format!("{} fields are wrong; see error.fields.", many.len()),
        };
        fields.truncate(MAX_FIELDS);
        let mut problem = Problem::new(StatusCode::BAD_REQUEST, "validation_failed", message);
        problem.0.fields = fields;
        problem
    }

    /// A defect in our code: the caller gets the request id, the log the cause.
    pub fn internal(why: impl Into<String>) -> Problem {
        let message = "Something went wrong on our side. The request's id helps to find out what.";
        Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "internal_error", message).log(why)
    }

    /// Adds a wrong field.
    pub fn field(mut self, pointer: &str, code: &str, message: impl Into<String>) -> Problem {
        self.0.fields.push(FieldProblem::new(pointer, code, message));
        self
    }

    /// Sets `Retry-After`.
    pub fn retry_after(mut self, seconds: u32) -> Problem {
        self.0.retry_after = Some(seconds);
        self
    }

    /// Sets `Allow`.
    pub fn allow(mut self, methods: String) -> Problem {
        self.0.allow = Some(methods);
        self
    }

    /// Adds a text for the log alone.
    pub fn log(mut self, why: impl Into<String>) -> Problem {
        self.0.log = Some(why.into());
        self
    }

    pub fn status(&self) -> StatusCode {
        self.0.status
    }

    /// The body as it is kept: its links are paths, which [`sent`] completes.
    pub fn to_body(&self) -> Vec<u8> {
        let envelope = ErrorEnvelope {
            status_code: self.0.status.as_u16(),
            message: self.0.message.clone(),
            data: None,
            error: ErrorBody {
                code: self.0.code,
                request_id: current_request_id().to_string(),
                docs: format!("/docs/errors/{}", self.0.code),
                fields: self.0.fields.clone(),
            },
        };
        serde_json::to_vec(&envelope).unwrap_or_default()
    }
}

/// The complete response to a connection of an address that has reached its bound, which is answered without being
/// served.
pub fn too_many_connections(has_docs: bool) -> Vec<u8> {
    let message =
        "This address has as many connections open as it may. Use fewer, and keep them open between requests.";
    let problem = Problem::new(StatusCode::SERVICE_UNAVAILABLE, "too_many_connections", message);
    let id = uuid::Uuid::now_v7().to_string();
    let body = with_request_id(id.as_str().into(), || problem.to_body());
    let body = if has_docs { body } else { without_docs(body) };
    let head = format!(
        "HTTP/1.1 503 Service Unavailable\r\ncontent-type: application/json\r\ncontent-length: {}\r\nretry-after: 1\r\n\
         cache-control: no-store\r\nx-content-type-options: nosniff\r\nx-request-id: {id}\r\nconnection: close\r\n\r\n",
        body.len()
    );
    [head.into_bytes(), body].concat()
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        if let Some(why) = &self.0.log {
            tracing::error!(code = self.0.code, request_id = &*current_request_id(), error = %why, "a request failed");
        }
        let json = HeaderValue::from_static("application/json");
        let mut response = (self.0.status, [(header::CONTENT_TYPE, json)], sent(self.to_body())).into_response();
        response.extensions_mut().insert(LogOutcome(self.0.code.into()));
        let headers = response.headers_mut();
        if let Some(seconds) = self.0.retry_after {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if let Some(allow) = self.0.allow.and_then(|methods| HeaderValue::from_str(&methods).ok()) {
            headers.insert(header::ALLOW, allow);
        }
        if self.0.status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"paygen\""));
        }
        response
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Problem {
        match error {
            StoreError::TooBroad => Problem::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "query_too_broad",
                "The query took too long. Narrow it with a filter, or page with a cursor.",
            )
            .retry_after(1),
            StoreError::Busy => Problem::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "reads_busy",
                "As many of your reads are under way as may be at once. Try again when some of them have ended.",
            )
            .retry_after(1),
            StoreError::InvalidCursor => {
                let message = "is not a cursor of this list; take it from meta.nextCursor";
                Problem::invalid(vec![FieldProblem::new("cursor", "invalid_cursor", message)])
            }
            StoreError::CommandFault(why) => Problem::internal(why),
            other => Problem::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "store_unavailable",
                "The store cannot be read just now. Try again shortly.",
            )
            .retry_after(1)
            .log(other.to_string()),
        }
    }
}

impl From<Unsettled> for Problem {
    fn from(unsettled: Unsettled) -> Problem {
        match unsettled {
            Unsettled::Store(error) => error.into(),
            Unsettled::Engine(error) => error.into(),
            Unsettled::Gone => Problem::internal("an authorization that was just made is gone"),
        }
    }
}

impl From<Failure> for Problem {
    fn from(failure: Failure) -> Problem {
        match failure {
            Failure::Refused(refusal) => Problem::from(&refusal),
            Failure::Engine(error) => error.into(),
            Failure::Store(error) => error.into(),
            Failure::NoNumbers(_) => {
                let message = failure.to_string();
                let problem = Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "brand_not_available", message.clone());
                problem.field("/brand", "brand_not_available", message)
            }
            Failure::Internal(why) => Problem::internal(why),
        }
    }
}

impl From<ScheduleError> for Problem {
    fn from(error: ScheduleError) -> Problem {
        match error {
            ScheduleError::Store(error) => error.into(),
            ScheduleError::Engine(error) => error.into(),
        }
    }
}
