//! Where a call meets the policy: it is made, or kept until others approved it.

use axum::http::request::Parts;
use axum::http::{HeaderValue, StatusCode};
use paygen_core::access::{Actor, ApiKey};
use paygen_core::accounts::{Account, AccountView};
use paygen_core::approvals::{
    Approval, ApprovalPolicy, ApprovalRefusal, ApprovalStatus, Ask, FinishApproval, MAX_WAITING, MAX_WAITING_OF_ONE,
    RequestApproval,
};
use paygen_core::ids::{ApiKeyId, ApprovalId, ClientId, UserId};
use paygen_core::ledger::Balance;
use paygen_core::record::Key;
use paygen_core::{Command, Refusal, Request};
use paygen_edge::json::Json;
use paygen_engine::clock::wall;

use crate::Api;
use crate::gate::Caller;
use crate::problem::Problem;
use crate::request_id::current_request_id;

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
    /// The version that the object must have.
    pub if_match: Option<i64>,
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

/// Which of a command's actions need others, the one that needs most first, and how many.
pub async fn needed(app: &Api, caller: &Caller, asks: &[Ask]) -> Result<Vec<(Ask, i64)>, Problem> {
    if asks.is_empty() {
        return Ok(Vec::new());
    }
    let policy = app.reader.get::<ApprovalPolicy>(Key::of(caller.client, caller.client.0)).await?;
    Ok(policy.map_or_else(Vec::new, |policy| policy.needed(asks)))
}

/// Refuses a call that its approval does not allow. Returns whether the call was made already: then it is only answered
/// as it was.
pub async fn check(app: &Api, caller: &Caller, allowed: AllowedBy, call: &Call<'_>) -> Result<bool, Problem> {
    let found = app.reader.get::<Approval>(Key::of(caller.client, allowed.id().0)).await?;
    let approval = found.ok_or(Refusal::Approval(ApprovalRefusal::NotFound))?;
    if approval.requester != caller.actor {
        return Err(Refusal::Approval(ApprovalRefusal::NotRequester).into());
    }
    let same = approval.method == call.method && approval.path == call.path && approval.body == call.body;
    if !same || approval.if_match != call.if_match {
        let version = match approval.if_match {
            Some(version) => format!(", with If-Match: \"{version}\""),
            None => String::new(),
        };
        let message = format!(
            "The call differs from the one that was approved. Send method, path and body as they were{version}."
        );
        return Err(Problem::new(StatusCode::CONFLICT, "approval_mismatch", message));
    }
    match approval.status {
        ApprovalStatus::Executed => Ok(true),
        ApprovalStatus::Approved if approval.expires_at > wall() => Ok(false),
        status => Err(not_pending(status)),
    }
}

/// The refusal of a call whose approval does not allow it any more, or not yet.
pub fn not_pending(status: ApprovalStatus) -> Problem {
    Refusal::Approval(ApprovalRefusal::NotPending { status: status.as_str() }).into()
}

/// Who made an API key: directly, or with a key that they made before, and so on.
async fn maker(app: &Api, key: ApiKeyId, client: ClientId) -> Result<Option<UserId>, Problem> {
    let mut key = key;
    // A key is older than those made with it, so this ends.
    while let Some(found) = app.reader.get::<ApiKey>(Key::of(client, key.0)).await? {
        match app.reader.maker_of_key(&found).await? {
            Some(Actor::User(user)) => return Ok(Some(user)),
            Some(Actor::ApiKey(older)) if older != key => key = older,
            _ => break,
        }
    }
    Ok(None)
}

/// The body of a call that sets a balance, with the one that its requester saw: money moves while the call waits, and
/// then it is refused. `None` for any other call.
pub async fn with_balance(
    app: &Api,
    caller: &Caller,
    command: &Command,
    body: &str,
) -> Result<Option<String>, Problem> {
    let Command::UpdateAccount(update) = command else { return Ok(None) };
    let key = Key::of(caller.client, update.id.0);
    let (Some(_), Ok(Json::Object(mut members))) = (update.balance, Json::parse(body.as_bytes())) else {
        return Ok(None);
    };
    let (account, balance) = (app.reader.get::<Account>(key).await?, app.reader.get::<Balance>(key).await?);
    let (Some(account), Some(balance)) = (account, balance) else { return Ok(None) };
    let seen = serde_json::to_string(&AccountView::of(&account, &balance).available_balance);
    let seen = seen.ok().and_then(|text| Json::parse(text.as_bytes()).ok());
    let sent = members.iter().any(|(name, _)| name == "availableBalance");
    members.extend(seen.filter(|_| !sent).map(|seen| ("availableBalance".to_owned(), seen)));
    Ok(Some(Json::Object(members).canonical()))
}

/// The command that keeps a call. `needs` is not empty.
pub async fn request(
    app: &Api,
    caller: &Caller,
    needs: &[(Ask, i64)],
    call: &Call<'_>,
    preview: String,
) -> Result<Command, Problem> {
    let Some((first, needed)) = needs.first() else { return Err(Problem::internal("nobody has to approve this")) };
    let full = |whose: &str, most: i64| {
        let message = format!("{most} approvals of {whose} wait already. Decide or cancel some first.");
        Problem::new(StatusCode::CONFLICT, "too_many_approvals", message)
    };
    if app.reader.waiting_approvals(caller.client).await? >= MAX_WAITING {
        return Err(full("this client", MAX_WAITING));
    }
    if let Some(requester) = caller.actor.id()
        && app.reader.waiting_approvals_of(caller.client, requester).await? >= MAX_WAITING_OF_ONE
    {
        return Err(full("this requester", MAX_WAITING_OF_ONE));
    }
    let key_maker = match caller.api_key() {
        Ok(id) => maker(app, id, caller.client).await?,
        Err(_) => None,
    };
    Ok(Command::RequestApproval(Box::new(RequestApproval {
        action: first.action,
        key_maker,
        method: call.method.to_owned(),
        path: call.path.to_owned(),
        body: call.body.to_owned(),
        if_match: call.if_match,
        preview,
        needed: *needed,
        scopes: needs.iter().flat_map(|(ask, _)| ask.scopes.iter()).collect(),
    })))
}

/// Records that a requester made the call.
pub async fn finish(app: &Api, caller: &Caller, id: ApprovalId, status: StatusCode) {
    // What cannot be answered now leaves the approval as it is, so that the call can be repeated.
    if status.is_server_error() {
        return;
    }
    let message = if status.is_success() { "Done by its requester." } else { "Refused when its requester made it." };
    let command = FinishApproval { id, status: i64::from(status.as_u16()), message: message.to_owned() };
    let request = Request::new(caller.context(current_request_id()), Command::FinishApproval(command));
    // The call was made, and its answer may have a secret that is shown only now.
    match app.engine.run_background(request).await {
        Ok(Ok(_)) => {}
        Ok(Err(error)) => tracing::warn!(%error, "it cannot be recorded that an approved call was made"),
        Err(error) => tracing::warn!(%error, "it cannot be recorded that an approved call was made"),
    }
}
