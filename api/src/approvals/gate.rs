//! Where a call meets the policy: it is made, or kept until others approved it.

use axum::http::request::Parts;
use axum::http::{HeaderValue, StatusCode};
use paygen_core::access::ApiKey;
use paygen_core::approvals::{
    Approval, ApprovalAction, ApprovalPolicy, ApprovalStatus, ApprovalView, FinishApproval, MAX_WAITING,
    RequestApproval,
};
use paygen_core::ids::ApprovalId;
use paygen_core::money::Decimal;
use paygen_core::record::Key;
use paygen_core::{Command, Outcome, Refusal, Request};
use paygen_engine::clock::wall;

use crate::Api;
use crate::gate::Caller;
use crate::problem::Problem;
use crate::request_id::current_request_id;
use crate::write::Success;

/// The header with which a requester makes the call that was approved.
const HEADER: &str = "approval-id";

/// A call that the server makes itself after it was approved. Only code within the process can set it.
#[derive(Clone, Copy, Debug)]
pub struct ApprovedCall(pub ApprovalId);

/// What allows a call that needs the approval of others.
#[derive(Clone, Copy, Debug)]
pub enum AllowedBy {
    /// The server makes it.
    Server(ApprovalId),
    /// Its requester makes it again, and names the approval.
    Requester(ApprovalId),
}

/// A call, as it is kept.
pub struct Call<'a> {
    pub method: &'a str,
    pub path: &'a str,
    /// Canonical JSON; empty without a body.
    pub body: &'a str,
}

impl AllowedBy {
    /// Reads what allows a request.
    pub fn read(parts: &Parts) -> Result<Option<AllowedBy>, Problem> {
        if let Some(ApprovedCall(id)) = parts.extensions.get::<ApprovedCall>() {
            return Ok(Some(AllowedBy::Server(*id)));
        }
        let Some(value) = parts.headers.get(HEADER) else { return Ok(None) };
        let read = |value: &HeaderValue| value.to_str().ok().and_then(ApprovalId::parse);
        match read(value) {
            Some(id) => Ok(Some(AllowedBy::Requester(id))),
            None => {
                let message = "Approval-Id must be the id of an approval: 24 lowercase hex characters.";
                Err(Problem::new(StatusCode::BAD_REQUEST, "approval_id_invalid", message))
            }
        }
    }

    fn id(self) -> ApprovalId {
        match self {
            AllowedBy::Server(id) | AllowedBy::Requester(id) => id,
        }
    }

    /// The key under which the call's answer is kept. Callers' own keys have no line breaks.
    pub fn idempotency_key(self) -> String {
        format!("approval\n{}", self.id())
    }
}

/// How many people must approve an action; `None` if it is done alone.
pub async fn needed(
    app: &Api,
    caller: &Caller,
    action: ApprovalAction,
    amount: Option<Decimal>,
) -> Result<Option<i64>, Problem> {
    let policy = app.reader.get::<ApprovalPolicy>(Key::of(caller.client, caller.client.0)).await?;
    Ok(policy.and_then(|policy| policy.needed(action, amount)))
}

/// Refuses a call that its approval does not allow.
pub async fn check(app: &Api, caller: &Caller, allowed: AllowedBy, call: &Call<'_>) -> Result<(), Problem> {
    let found = app.reader.get::<Approval>(Key::of(caller.client, allowed.id().0)).await?;
    let approval = found.ok_or(Refusal::ApprovalNotFound)?;
    if approval.requester != caller.actor {
        return Err(Refusal::NotRequester.into());
    }
    let same = approval.method == call.method && approval.path == call.path && approval.body == call.body;
    if !same {
        let message = "The call differs from the one that was approved. Send method, path and body as they were.";
        return Err(Problem::new(StatusCode::CONFLICT, "approval_mismatch", message));
    }
    // A call that was made already is answered as it was.
    let stands = matches!(approval.status, ApprovalStatus::Approved | ApprovalStatus::Executed);
    if !stands || approval.expires_at <= wall() {
        return Err(Refusal::ApprovalNotPending { status: approval.status.as_str() }.into());
    }
    Ok(())
}

/// The command that keeps a call.
pub async fn request(
    app: &Api,
    caller: &Caller,
    action: ApprovalAction,
    needed: i64,
    call: &Call<'_>,
    if_match: Option<i64>,
    preview: String,
) -> Result<Command, Problem> {
    if app.reader.waiting_approvals(caller.client).await? >= MAX_WAITING {
        let message = format!("{MAX_WAITING} approvals of this client wait already. Decide or cancel some first.");
        return Err(Problem::new(StatusCode::CONFLICT, "too_many_approvals", message));
    }
    let key_maker = match caller.api_key() {
        Ok(id) => match app.reader.get::<ApiKey>(Key::of(caller.client, id.0)).await? {
            Some(key) => app.reader.maker_of_key(&key).await?,
            None => None,
        },
        Err(_) => None,
    };
    Ok(Command::RequestApproval(Box::new(RequestApproval {
        action,
        key_maker,
        method: call.method.to_owned(),
        path: call.path.to_owned(),
        body: call.body.to_owned(),
        if_match,
        preview,
        needed,
    })))
}

/// The answer to a call that waits.
pub fn asked() -> Success<ApprovalView> {
    let message = "Others have to approve this. It is done when they have.";
    Success::new(StatusCode::ACCEPTED, message, |outcome| match outcome {
        Outcome::Approval(view) => Some((**view).clone()),
        _ => None,
    })
}

/// Records that a requester made the call.
pub async fn finish(app: &Api, caller: &Caller, id: ApprovalId, status: StatusCode) -> Result<(), Problem> {
    // What cannot be answered now leaves the approval as it is, so that the call can be repeated.
    if status.is_server_error() {
        return Ok(());
    }
    let message = if status.is_success() { "Done by its requester." } else { "Refused when its requester made it." };
    let command = FinishApproval { id, status: i64::from(status.as_u16()), message: message.to_owned() };
    let request = Request::new(caller.context(current_request_id()), Command::FinishApproval(command));
    app.engine.run_background(request).await??;
    Ok(())
}
