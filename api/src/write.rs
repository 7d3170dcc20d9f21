//! The one way in which handlers write: idempotency key, `If-Match` and dry run of the request, the command through the
//! engine, and the answer kept for replays in the transaction of its effect.

use aws_lc_rs::digest;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use paygen_core::access::Idempotency;
use paygen_core::approvals::{ApprovalStatus, ApprovalView};
use paygen_core::authorizations::AuthorizationStatus;
use paygen_core::card_holders::CardHolder;
use paygen_core::ids::{AuthorizationId, CallId, CardHolderId};
use paygen_core::record::Key;
use paygen_core::{Command, Outcome, Refusal, Request};
use paygen_vault::{HolderKey, Purpose};
use serde::Serialize;

use super::approvals::{self, AllowedBy};
use super::card_numbers;
use super::gate::Caller;
use super::log_outcome::LogOutcome;
use super::problem::{FieldProblem, Problem, sent};
use super::query::Params;
use super::refusals::status;
use super::request_id::with_request_id;
use crate::Api;
use paygen_app::personal;
use paygen_engine::{Answer, Decision, Keep, KeepAnswer, Kept, Priority, Reply, Submission};

/// The parts of a request that every write takes, besides the body.
#[derive(Clone, Debug)]
pub struct Write {
    method: Method,
    path: String,
    idempotency_key: Option<String>,
    /// The version the caller read.
    pub if_match: Option<i64>,
    /// Every rule is checked, nothing is stored.
    pub dry_run: bool,
    /// The queue that its command waits in.
    priority: Priority,
    /// What allows a call that needs the approval of others.
    allowed: Option<AllowedBy>,
}

impl<S: Sync> FromRequestParts<S> for Write {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let (write, params) = Write::read(parts)?;
        params.finish(&["dryRun"])?;
        Ok(write)
    }
}

impl Write {
    /// Parses a write; the caller takes the query's further parameters, and finishes them.
    pub fn read(parts: &Parts) -> Result<(Write, Params), Problem> {
        let mut params = Params::parse(parts.uri.query().unwrap_or_default())?;
        let dry_run = params.take_parsed("dryRun", "must be true or false").unwrap_or(false);
        let write = Write {
            method: parts.method.clone(),
            path: parts.uri.path().to_owned(),
            // A call that was approved is made once, whoever makes it.
            idempotency_key: match AllowedBy::read(parts)? {
                Some(allowed) => Some(allowed.idempotency_key()),
                None => idempotency_key(parts)?,
            },
            if_match: if_match(parts)?,
            dry_run,
            priority: Priority::Api,
            allowed: AllowedBy::read(parts)?,
        };
        Ok((write, params))
    }
}

fn idempotency_key(parts: &Parts) -> Result<Option<String>, Problem> {
    let Some(value) = parts.headers.get("idempotency-key") else { return Ok(None) };
    let printable = value.as_bytes().iter().all(|byte| byte.is_ascii_graphic() || *byte == b' ');
    let text = value.to_str().ok().filter(|_| printable).unwrap_or_default();
    if text.is_empty() || text.len() > 255 {
        return Err(Problem::new(
            StatusCode::BAD_REQUEST,
            "idempotency_key_invalid",
            "Idempotency-Key must have 1 to 255 printable ASCII characters.",
        ));
    }
    if card_numbers::is_in(text) {
        let message = format!("Idempotency-Key {}.", card_numbers::RULE);
        return Err(Problem::new(StatusCode::BAD_REQUEST, "idempotency_key_invalid", message));
    }
    Ok(Some(text.to_owned()))
}

/// The version in `If-Match`. Its list form (RFC 9110, section 13.1.1) is accepted when all tags are of one version,
/// because a change is based on one reading.
fn if_match(parts: &Parts) -> Result<Option<i64>, Problem> {
    let invalid = |message: &str| Problem::new(StatusCode::BAD_REQUEST, "if_match_invalid", message);
    let mut versions = Vec::new();
    let lines = parts.headers.get_all(header::IF_MATCH).iter();
    for tag in lines.flat_map(|line| line.to_str().unwrap_or("?").split(',')).map(str::trim) {
        let version = if tag == "*" { None } else { Some(version(tag)) };
        if version == Some(None) {
            return Err(invalid("If-Match must be an ETag as this API sends it, such as \"3\"."));
        }
        if !versions.contains(&version.flatten()) {
            versions.push(version.flatten());
        }
    }
    match versions.as_slice() {
        [] => Ok(None),
        [version] => Ok(*version),
        _ => Err(invalid("If-Match has several ETags. Send the one of the reading that the change is based on.")),
    }
}

fn version(tag: &str) -> Option<i64> {
    let bare = tag.strip_prefix("W/").unwrap_or(tag);
    let bare = bare.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(bare);
    bare.parse::<i64>().ok().filter(|number| *number >= 0 && number.to_string() == bare)
}

/// Shows an outcome; `None` when it is of another kind than expected.
type Show<T> = Box<dyn Fn(&Outcome) -> Option<T> + Send + Sync>;

/// The answer of a successful command.
pub struct Success<T> {
    pub status: StatusCode,
    pub message: &'static str,
    pub show: Show<T>,
    /// The card holder whose personal data the answer contains, and their key.
    about: Option<(CardHolderId, HolderKey)>,
    /// Removes the secret that is shown once: replays and dry runs do not get it.
    without_secret: Option<fn(T) -> T>,
}

impl<T> Success<T> {
    /// A status, a message, and how the outcome is shown.
    pub fn new(
        status: StatusCode,
        message: &'static str,
        show: impl Fn(&Outcome) -> Option<T> + Send + Sync + 'static,
    ) -> Success<T> {
        Success { status, message, show: Box::new(show), about: None, without_secret: None }
    }

    /// Sets how the secret that is shown once is removed: for the answer kept for replays, and for a dry run, whose
    /// secret would never work.
    pub fn shown_once(mut self, without_secret: fn(T) -> T) -> Success<T> {
        self.without_secret = Some(without_secret);
        self
    }

    /// Sets whose personal data the answer contains: it is kept for replays under their key only, so that erasing them
    /// erases it.
    pub fn about(mut self, id: CardHolderId, key: HolderKey) -> Success<T> {
        self.about = Some((id, key));
        self
    }
}

/// The headers and parameters of every write, for the OpenAPI document.
#[derive(utoipa::IntoParams)]
#[into_params(parameter_in = Header)]
#[allow(dead_code, reason = "only documents")]
pub struct WriteParams {
    /// Makes retries safe: a repeated request gets the first answer. Stored for seven days.
    #[param(rename = "Idempotency-Key", min_length = 1, max_length = 255)]
    idempotency_key: Option<String>,
}

/// The further header of a write that changes what has a version.
#[derive(utoipa::IntoParams)]
#[into_params(parameter_in = Header)]
#[allow(dead_code, reason = "only documents")]
pub struct IfMatch {
    /// The version you read, from `ETag`. If the stored version differs, the answer is a 412.
    #[param(rename = "If-Match")]
    if_match: Option<String>,
}

/// The recipient of an answer.
#[derive(Clone, Copy, PartialEq)]
enum Recipient {
    /// The caller whose request was carried out.
    Caller,
    /// A caller that replays the request.
    Replay,
    /// The caller of a dry run.
    DryRun,
}

/// Replaces the message when an answer that had a secret is replayed.
const WITHHELD: &str =
    "This was done by an earlier request with this Idempotency-Key. Its secret was shown then, once.";

impl<T: Serialize> Success<T> {
    fn reply(&self, outcome: &Outcome, recipient: Recipient) -> Reply {
        let shown = (self.show)(outcome);
        let (shown, message) = match (self.without_secret, recipient) {
            (Some(without), Recipient::Replay) => (shown.map(without), WITHHELD),
            (Some(without), Recipient::DryRun) => (shown.map(without), self.message),
            _ => (shown, self.message),
        };
        match shown {
            Some(data) => {
                let body = super::reply::bytes::<T, ()>(self.status, message, &data, None);
                Reply { status: self.status.as_u16(), body, etag: outcome.version() }
            }
            None => {
                let problem = Problem::internal("a command came to another kind of outcome than its handler shows");
                Reply { status: problem.status().as_u16(), body: problem.to_body(), etag: None }
            }
        }
    }
}

/// How often a command is prepared again when the rows it was prepared with have changed.
pub const MAX_ATTEMPTS: u32 = 8;

/// The error when every attempt met a concurrent change.
pub fn contended() -> Problem {
    let message = "Concurrent requests are changing this object. Nothing was done; try again shortly.";
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, "contended", message).retry_after(1)
}

impl Write {
    /// The command is a message of the card network: it goes before calls of the API.
    pub fn from_network(mut self) -> Write {
        self.priority = Priority::Network;
        self
    }

    /// Makes a request without a key idempotent by its content, for every caller.
    pub fn with_content_key(mut self, content: &str) -> Write {
        // A caller's key has no line breaks.
        let by_content = format!("content\n{}\n{content}", self.path);
        self.idempotency_key.get_or_insert(by_content);
        self
    }

    /// Refuses a dry run of a call that has none, with the reason.
    pub fn no_dry_run(&self, why: &str) -> Result<(), Problem> {
        if self.dry_run {
            let message = format!("cannot be used here: {why}");
            return Err(Problem::invalid(vec![FieldProblem::new("dryRun", "invalid", message)]));
        }
        Ok(())
    }

    /// Submits a command and renders its answer.
    pub async fn perform<T: Serialize + 'static>(
        self,
        app: &Api,
        caller: &Caller,
        content: impl AsRef<str>,
        command: Command,
        success: Success<T>,
    ) -> Result<Response, Problem> {
        self.attempt(app, caller, content, command, success).await?.ok_or_else(contended)
    }

    /// As [`Write::perform`], for a command that is prepared with rows read beside the engine: it is prepared again
    /// when these have changed.
    pub async fn prepare<T, Prepared>(
        &self,
        app: &Api,
        caller: &Caller,
        content: impl AsRef<str>,
        prepared: impl Fn() -> Prepared,
    ) -> Result<Response, Problem>
    where
        T: Serialize + 'static,
        Prepared: Future<Output = Result<(Command, Success<T>), Problem>>,
    {
        for _ in 0..MAX_ATTEMPTS {
            let (command, success) = prepared().await?;
            if let Some(answer) = self.attempt(app, caller, &content, command, success).await? {
                return Ok(answer);
            }
        }
        Err(contended())
    }

    /// As [`Write::perform`], for a command that was prepared with rows read beside the engine or with a random number:
    /// `None` when these are outdated. The caller prepares it again, at most [`MAX_ATTEMPTS`] times.
    pub async fn attempt<T: Serialize + 'static>(
        &self,
        app: &Api,
        caller: &Caller,
        content: impl AsRef<str>,
        command: Command,
        success: Success<T>,
    ) -> Result<Option<Response>, Problem> {
        if self.dry_run {
            return self.submit(app, caller, content, command, success).await;
        }
        let if_match = self.if_match;
        let call = approvals::Call { method: self.method.as_str(), path: &self.path, body: content.as_ref(), if_match };
        if let Some(allowed) = self.allowed {
            if approvals::check(app, caller, allowed, &call).await? {
                let kept = self.replay_if_kept(app, caller, content.as_ref()).await?;
                return kept.map(Some).ok_or_else(|| approvals::not_pending(ApprovalStatus::Executed));
            }
            let done = self.submit(app, caller, content, command, success).await?;
            if let (AllowedBy::Requester(id), Some(answer)) = (allowed, &done) {
                approvals::finish(app, caller, id, answer.status()).await;
            }
            return Ok(done);
        }
        let needs = approvals::needed(app, caller, &command.approvals()).await?;
        if needs.is_empty() {
            return self.submit(app, caller, content, command, success).await;
        }
        if let Some(kept) = self.replay_if_kept(app, caller, content.as_ref()).await? {
            return Ok(Some(kept));
        }
        let body = approvals::with_balance(app, caller, &command, content.as_ref()).await?;
        // What the rules refuse is refused now, and nobody is asked about it.
        let dry = Submission {
            request: Request::new(caller.context(super::request_id::current_request_id()), command),
            idempotency: None,
            dry_run: true,
        };
        let outcome = match app.engine.submit(self.priority, dry).await? {
            Answer::Decided(Err(refusal)) if is_retryable(&refusal) => return Ok(None),
            Answer::Decided(Err(refusal)) => return Err(refusal.into()),
            Answer::Decided(Ok(outcome)) | Answer::Kept(Ok(outcome), _) => outcome,
            Answer::Kept(Err(refusal), _) => return Err(refusal.into()),
            Answer::Replayed(_) => return Err(Problem::internal("a dry run was replayed")),
        };
        let before = outcome.version().filter(|_| self.method == Method::PUT).map(|version| version - 1);
        let body = body.as_deref().unwrap_or(call.body);
        let call = approvals::Call { body, if_match: if_match.or(before), ..call };
        let shown = (success.show)(&outcome);
        let preview = match success.without_secret {
            Some(without) => shown.map(without),
            None => shown,
        };
        let preview = preview.and_then(|shown| serde_json::to_string(&shown).ok()).unwrap_or_default();
        let request = approvals::request(app, caller, &needs, &call, preview).await?;
        self.submit(app, caller, content, request, asked()).await
    }

    /// Submits the command itself.
    async fn submit<T: Serialize + 'static>(
        &self,
        app: &Api,
        caller: &Caller,
        content: impl AsRef<str>,
        command: Command,
        success: Success<T>,
    ) -> Result<Option<Response>, Problem> {
        let request_id = super::request_id::current_request_id();
        let request = Request::new(caller.context(request_id.clone()), command);
        let (about, has_secret) = (success.about.clone(), success.without_secret.is_some());
        let success = std::sync::Arc::new(success);
        let make = move |decision: &Decision, recipient: Recipient| -> Reply {
            with_request_id(request_id.clone(), || match decision {
                Ok(outcome) => success.reply(outcome, recipient),
                Err(refusal) => refused(refusal),
            })
        };
        let first = if self.dry_run { Recipient::DryRun } else { Recipient::Caller };
        let idempotency = self.idempotency_key.as_ref().map(|key| {
            let key_hash = key_hash(key, caller);
            KeepAnswer {
                key_hash,
                fingerprint: self.fingerprint(app, caller, content.as_ref()),
                retention_seconds: app.settings.idempotency_retention_seconds,
                keep: keep(app, caller, key_hash, about, has_secret, make.clone()),
            }
        });
        let submission = Submission { request, idempotency, dry_run: self.dry_run };
        Ok(match app.engine.submit(self.priority, submission).await? {
            Answer::Decided(Err(refusal)) if is_retryable(&refusal) => None,
            Answer::Decided(decision) => {
                let settled = if self.dry_run { None } else { settled(app, caller, &decision).await? };
                let decision = settled.unwrap_or(decision);
                Some(saying(&decision, respond(make(&decision, first), false)))
            }
            Answer::Kept(decision, reply) => match settled(app, caller, &decision).await? {
                Some(decision) => Some(saying(&decision, respond(make(&decision, first), false))),
                None => Some(saying(&decision, respond(reply, false))),
            },
            Answer::Replayed(kept) => {
                let reply = replayed(app, caller, &kept).await?;
                let reply = match kept_pending(&reply) {
                    Some(id) => {
                        let shown = app.responders.settled(caller.client, id, None).await?;
                        make(&Ok(Outcome::Authorization(shown)), first)
                    }
                    None => reply,
                };
                Some(respond(reply, true))
            }
        })
    }

    /// The answer when a command cannot be prepared: a replay if the request was made before, because its own effect
    /// may be the cause; otherwise the problem.
    pub async fn or_replay(
        &self,
        app: &Api,
        caller: &Caller,
        content: impl AsRef<str>,
        problem: Problem,
    ) -> Result<Response, Problem> {
        self.replay_if_kept(app, caller, content).await?.ok_or(problem)
    }

    /// Replays the answer kept for this request, if there is one: for calls that are more than one command.
    pub async fn replay_if_kept(
        &self,
        app: &Api,
        caller: &Caller,
        content: impl AsRef<str>,
    ) -> Result<Option<Response>, Problem> {
        let Some(key) = &self.idempotency_key else { return Ok(None) };
        let row = Key::hashed(caller.client, &key_hash(key, caller));
        let Some(kept) = app.reader.get::<Idempotency>(row).await? else { return Ok(None) };
        if kept.expires_at <= paygen_engine::clock::wall() {
            return Ok(None);
        }
        if kept.fingerprint != self.fingerprint(app, caller, content.as_ref()) {
            return Err(Refusal::IdempotencyKeyReused.into());
        }
        Ok(Some(respond(replayed(app, caller, &kept).await?, true)))
    }

    /// Two requests are the same when credential, method, path and parsed content are: another credential may not have
    /// the right to read the answer. A network message is the same whoever submits it. A dry run keeps no answer, so it
    /// is not part of the fingerprint.
    fn fingerprint(&self, app: &Api, caller: &Caller, content: &str) -> [u8; 32] {
        let by_content = self.idempotency_key.as_ref().is_some_and(|key| key.contains('\n'));
        let id = caller.actor.id().filter(|_| !by_content).map(|id| id.to_string()).unwrap_or_default();
        let asker = if by_content { "" } else { caller.actor.kind() };
        let parts = [self.method.as_str(), &self.path, content, asker, &id];
        app.vault.mac(Purpose::Fingerprint, &parts.map(str::as_bytes))
    }
}

fn refused(refusal: &Refusal) -> Reply {
    let problem = Problem::from(refusal);
    Reply { status: problem.status().as_u16(), body: problem.to_body(), etag: None }
}

/// Whether a refusal only means that the command must be prepared again.
fn is_retryable(refusal: &Refusal) -> bool {
    matches!(refusal, Refusal::Stale | Refusal::NumberTaken)
}

/// Keeps successes, and refusals by rule, sealed.
fn keep(
    app: &Api,
    caller: &Caller,
    key_hash: [u8; 32],
    about: Option<(CardHolderId, HolderKey)>,
    has_secret: bool,
    make: impl Fn(&Decision, Recipient) -> Reply + Send + 'static,
) -> Keep {
    let (vault, client) = (app.vault.clone(), caller.client);
    Box::new(move |decision| {
        let by_rule = |refusal: &Refusal| {
            !is_retryable(refusal) && matches!(status(refusal), StatusCode::CONFLICT | StatusCode::UNPROCESSABLE_ENTITY)
        };
        if decision.as_ref().is_err_and(|refusal| !by_rule(refusal)) {
            return None;
        }
        let reply = make(decision, Recipient::Caller);
        let repeat = if has_secret { make(decision, Recipient::Replay).body } else { reply.body.clone() };
        let place = [client.0.bytes().as_slice(), &key_hash];
        Some(match &about {
            Some((id, key)) if decision.is_ok() => {
                let sealed = key.seal(&[b"answer", place[0], place[1]], &repeat);
                Kept { reply, sealed, subject: Some(*id) }
            }
            _ => {
                let sealed = vault.seal(Purpose::IdempotencyBody, &place, &repeat);
                Kept { reply, sealed, subject: None }
            }
        })
    })
}

/// The payment once its responder was asked; `None` if none has to be.
async fn settled(app: &Api, caller: &Caller, decision: &Decision) -> Result<Option<Decision>, Problem> {
    let Ok(Outcome::Authorization(shown)) = decision else { return Ok(None) };
    let pending = shown.status == AuthorizationStatus::Pending;
    let Some(asked) = shown.responder.as_ref().filter(|_| pending) else { return Ok(None) };
    let (id, call) = (AuthorizationId::parse(&shown.id), CallId::parse(&asked.call_id));
    let Some(id) = id else { return Ok(None) };
    let shown = app.responders.settled(caller.client, id, call).await?;
    Ok(Some(Ok(Outcome::Authorization(shown))))
}

/// The authorization in a kept answer that was pending when it was kept, and may be settled now.
fn kept_pending(reply: &Reply) -> Option<AuthorizationId> {
    /// The part of the answer that tells.
    #[derive(serde::Deserialize)]
    struct Kept {
        data: Pending,
    }
    #[derive(serde::Deserialize)]
    struct Pending {
        #[serde(rename = "_id")]
        id: AuthorizationId,
        status: AuthorizationStatus,
        #[serde(rename = "responder")]
        _responder: serde::de::IgnoredAny,
    }
    let kept: Kept = serde_json::from_slice(&reply.body).ok()?;
    (kept.data.status == AuthorizationStatus::Pending).then_some(kept.data.id)
}

/// The answer kept for a repeat.
async fn replayed(app: &Api, caller: &Caller, kept: &Idempotency) -> Result<Reply, Problem> {
    let place = [caller.client.0.bytes().as_slice(), &kept.key_hash];
    let body = match kept.subject {
        None => app.vault.open_sealed(Purpose::IdempotencyBody, &place, &kept.body),
        Some(id) => {
            let holder = app.reader.get::<CardHolder>(Key::of(caller.client, id.0)).await?;
            let erased = || Problem::from(&Refusal::CardHolderErased);
            let key = personal::key(&app.vault, &holder.ok_or_else(erased)?)?.ok_or_else(erased)?;
            key.open(&[b"answer", place[0], place[1]], &kept.body)
        }
    };
    let body = body.map_err(|error| Problem::internal(format!("a kept answer cannot be opened: {error}")))?;
    let status = u16::try_from(kept.status).unwrap_or(500);
    Ok(Reply { status, body: body.to_vec(), etag: kept.etag })
}

/// Adds what the log records of the answer: the refusal, or why a payment was declined.
fn saying(decision: &Decision, mut response: Response) -> Response {
    let outcome = match decision {
        Err(refusal) => Some(LogOutcome(refusal.code().into())),
        Ok(Outcome::Authorization(shown)) if shown.status == AuthorizationStatus::Declined => {
            let reason = shown.reason.map_or("", |reason| reason.as_str());
            Some(LogOutcome(format!("declined {reason}").into()))
        }
        Ok(_) => None,
    };
    if let Some(outcome) = outcome {
        response.extensions_mut().insert(outcome);
    }
    response
}

fn respond(reply: Reply, replayed: bool) -> Response {
    let status = StatusCode::from_u16(reply.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let json = HeaderValue::from_static("application/json");
    let body = if status.is_success() { reply.body } else { sent(reply.body) };
    let mut response = (status, [(header::CONTENT_TYPE, json)], body).into_response();
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

/// The hash under which an answer is kept. Keys belong to the client, except those of tokens restricted to one card
/// holder or card, so that keys chosen by their holders cannot collide with each other's or the client's.
fn key_hash(key: &str, caller: &Caller) -> [u8; 32] {
    let bound = caller.bound.map(|bound| {
        let holder = bound.card_holder.map(|id| id.to_string()).unwrap_or_default();
        let card = bound.card.map(|id| id.to_string()).unwrap_or_default();
        // A key has no line breaks.
        format!("bound\n{holder}\n{card}\n")
    });
    let mut hash = [0; 32];
    let text = bound.unwrap_or_default() + key;
    hash.copy_from_slice(digest::digest(&digest::SHA256, text.as_bytes()).as_ref());
    hash
}

/// The answer to a call that waits.
fn asked() -> Success<ApprovalView> {
    let message = "Others have to approve this. It is done when they have.";
    Success::new(StatusCode::ACCEPTED, message, |outcome| match outcome {
        Outcome::Approval(view) => Some((**view).clone()),
        _ => None,
    })
}
