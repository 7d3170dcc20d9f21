//! The one way handlers write: idempotency, `If-Match` and dry run from the request, the command through the
//! engine, the answer kept for repeats in the transaction of its effect.

use aws_lc_rs::digest;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use paygen_core::access::Idempotency;
use paygen_core::record::Key;
use paygen_core::{Command, Outcome, Refusal, Request};
use paygen_vault::Purpose;
use serde::Serialize;

use super::gate::Caller;
use super::problem::Problem;
use super::refusals::status;
use super::request_id::with_request_id;
use crate::app::App;
use crate::engine::{Answer, Decision, KeepAnswer, Priority, Reply, Submission};

/// What every write takes from its request besides the body.
#[derive(Clone, Debug)]
pub struct Write {
    method: Method,
    path: String,
    idempotency_key: Option<String>,
    /// The version the caller read.
    pub if_match: Option<i64>,
    /// All rules, nothing stored.
    pub dry_run: bool,
}

impl<S: Sync> FromRequestParts<S> for Write {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        Ok(Write {
            method: parts.method.clone(),
            path: parts.uri.path().to_owned(),
            idempotency_key: idempotency_key(parts)?,
            if_match: if_match(parts)?,
            dry_run: super::query::dry_run(parts)?,
        })
    }
}

fn idempotency_key(parts: &Parts) -> Result<Option<String>, Problem> {
    let Some(value) = parts.headers.get("idempotency-key") else { return Ok(None) };
    let text = value.to_str().unwrap_or_default();
    if text.is_empty() || text.len() > 255 {
        return Err(Problem::new(
            StatusCode::BAD_REQUEST,
            "idempotency_key_invalid",
            "Idempotency-Key must have 1 to 255 visible ASCII characters.",
        ));
    }
    Ok(Some(text.to_owned()))
}

fn if_match(parts: &Parts) -> Result<Option<i64>, Problem> {
    let Some(value) = parts.headers.get(header::IF_MATCH) else { return Ok(None) };
    let text = value.to_str().unwrap_or_default().trim();
    if text == "*" {
        return Ok(None);
    }
    let number = text.strip_prefix("W/").unwrap_or(text).trim_matches('"').parse();
    let wrong = |_| {
        let message = "If-Match must be an ETag as this API sends it, such as \"3\".";
        Problem::new(StatusCode::BAD_REQUEST, "if_match_invalid", message)
    };
    number.map(Some).map_err(wrong)
}

/// Shows an outcome; `None` when it is of another kind than expected.
type Show<T> = Box<dyn Fn(&Outcome) -> Option<T> + Send>;

/// What a successful command answers.
pub struct Success<T> {
    /// The HTTP status.
    pub status: StatusCode,
    /// The envelope's message.
    pub message: &'static str,
    /// The envelope's data.
    pub show: Show<T>,
}

impl<T> Success<T> {
    /// The status, the message, and what shows the outcome.
    pub fn new(
        status: StatusCode,
        message: &'static str,
        show: impl Fn(&Outcome) -> Option<T> + Send + 'static,
    ) -> Success<T> {
        Success { status, message, show: Box::new(show) }
    }
}

/// The headers and parameters of every write, for the OpenAPI document.
#[derive(utoipa::IntoParams)]
#[into_params(parameter_in = Header)]
#[allow(dead_code, reason = "only documents")]
pub struct WriteParams {
    /// Makes a repeat of the request safe: it gets the first answer. Kept for seven days.
    #[param(rename = "Idempotency-Key", min_length = 1, max_length = 255)]
    idempotency_key: Option<String>,
    /// The version you read, as `ETag` told it: another one on the server is a 412.
    #[param(rename = "If-Match", example = "\"1\"")]
    if_match: Option<String>,
}

impl<T: Serialize> Success<T> {
    fn reply(&self, outcome: &Outcome) -> Reply {
        match (self.show)(outcome) {
            Some(data) => {
                let body = super::reply::bytes::<T, ()>(self.status, self.message, &data, None);
                Reply { status: self.status.as_u16(), body, etag: outcome.version() }
            }
            None => {
                let problem = Problem::internal("a command came to another kind of outcome than its handler shows");
                Reply { status: problem.status().as_u16(), body: problem.to_body(), etag: None }
            }
        }
    }
}

impl Write {
    /// Gives a command and makes its answer.
    pub async fn perform<T: Serialize + 'static>(
        self,
        app: &App,
        caller: &Caller,
        content: &str,
        command: Command,
        success: Success<T>,
    ) -> Result<Response, Problem> {
        let request = Request::new(caller.context(), command);
        let request_id = super::request_id::current_request_id();
        let success = std::sync::Arc::new(std::sync::Mutex::new(success));
        let make = {
            let success = success.clone();
            move |decision: &Decision| -> Reply {
                with_request_id(&request_id, || match decision {
                    Ok(outcome) => success.lock().unwrap_or_else(|poison| poison.into_inner()).reply(outcome),
                    Err(refusal) => refused(refusal),
                })
            }
        };
        let dry_run = self.dry_run;
        let idempotency = self.idempotency_key.as_ref().map(|key| {
            let make = make.clone();
            let (vault, client) = (app.vault.clone(), caller.client);
            let key_hash = sha256(key.as_bytes());
            KeepAnswer {
                key_hash,
                fingerprint: self.fingerprint(app, content),
                retention_seconds: app.config.idempotency_retention_seconds,
                keep: Box::new(move |decision| {
                    let kept = match decision {
                        Ok(_) => true,
                        Err(refusal) => {
                            matches!(status(refusal), StatusCode::CONFLICT | StatusCode::UNPROCESSABLE_ENTITY)
                        }
                    };
                    let reply = kept.then(|| make(decision))?;
                    let aad = [client.0.bytes().as_slice(), &key_hash];
                    let sealed = vault.seal(Purpose::IdempotencyBody, &aad, &reply.body);
                    Some((reply, sealed))
                }),
            }
        });
        let submission = Submission { request, idempotency, dry_run };
        match app.engine.submit(Priority::Api, submission).await? {
            Answer::Decided(decision) => Ok(respond(make(&decision), false)),
            Answer::Kept(_, reply) => Ok(respond(reply, false)),
            Answer::Replayed(kept) => replay(app, caller, &kept),
        }
    }

    /// The answer kept for this request, if it was made before: for calls that are more than one command.
    pub async fn answered_before(
        &self,
        app: &App,
        caller: &Caller,
        content: &str,
    ) -> Result<Option<Response>, Problem> {
        let Some(key) = &self.idempotency_key else { return Ok(None) };
        let row = Key::hashed(caller.client, &sha256(key.as_bytes()));
        let Some(kept) = app.reader.get::<Idempotency>(row).await? else { return Ok(None) };
        if kept.expires_at <= crate::clock::wall() {
            return Ok(None);
        }
        if kept.fingerprint != self.fingerprint(app, content) {
            return Err(Problem::from(&Refusal::IdempotencyKeyReused));
        }
        replay(app, caller, &kept).map(Some)
    }

    /// Two requests are the same when method, path, dry run and parsed content are.
    fn fingerprint(&self, app: &App, content: &str) -> [u8; 32] {
        let parts = [self.method.as_str().as_bytes(), self.path.as_bytes(), content.as_bytes()];
        app.vault.mac(Purpose::Fingerprint, &parts)
    }
}

fn refused(refusal: &Refusal) -> Reply {
    let problem = Problem::from(refusal);
    Reply { status: problem.status().as_u16(), body: problem.to_body(), etag: None }
}

fn replay(app: &App, caller: &Caller, kept: &Idempotency) -> Result<Response, Problem> {
    let aad = [caller.client.0.bytes().as_slice(), &kept.key_hash];
    let body = app.vault.open_sealed(Purpose::IdempotencyBody, &aad, &kept.body);
    let body = body.map_err(|error| Problem::internal(format!("a kept answer cannot be opened: {error}")))?;
    let status = u16::try_from(kept.status).unwrap_or(500);
    Ok(respond(Reply { status, body: body.to_vec(), etag: kept.etag }, true))
}

fn respond(reply: Reply, replayed: bool) -> Response {
    let status = StatusCode::from_u16(reply.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let json = HeaderValue::from_static("application/json");
    let mut response = (status, [(header::CONTENT_TYPE, json)], reply.body).into_response();
    if let Some(version) = reply.etag
        && let Ok(etag) = HeaderValue::from_str(&format!("\"{version}\""))
    {
        response.headers_mut().insert(header::ETAG, etag);
    }
    if replayed {
        response.headers_mut().insert("idempotent-replayed", HeaderValue::from_static("true"));
    }
    response
}

fn sha256(bytes: &[u8]) -> [u8; 32] {
    let mut hash = [0; 32];
    hash.copy_from_slice(digest::digest(&digest::SHA256, bytes).as_ref());
    hash
}
