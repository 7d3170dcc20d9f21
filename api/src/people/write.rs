//! Users: invite, change, remove; new one-time links.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use paygen_app::people::{Bearer, INVITATION_SECONDS, email_hash, link_path, normal_email};
use paygen_core::ids::UserId;
use paygen_core::people::{AddUser, ChangeMembership, ChangeUser, IssueLink, Role, UserStatus, UserView};
use paygen_core::time::Instant;
use paygen_core::{Command, Outcome};
use paygen_engine::clock::wall;
use serde::Serialize;

use super::bodies::{CreateUserBody, UpdateUserBody};
use crate::Api;
use crate::body::{Body, NoBody};
use crate::fields;
use crate::gate::{Allowed, Caller, USERS_WRITE};
use crate::path::PathId;
use crate::problem::Problem;
use crate::reply::Envelope;
use crate::write::{IfMatch, Success, Write, WriteParams};

/// A user with the one-time link that is shown once.
#[derive(Clone, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = InvitedUser)]
pub struct InvitedUserView {
    #[serde(flatten)]
    shown: UserView,
    /// Path of the one-time link on the console's address. Pass it on by a way that nobody else reads. It is shown only
    /// once: in the answer to a repeat and in a dry run it is null.
    #[schema(example = "/console/link/665f1c4f4a4f4a4f4a4f4a4f.3b1f…", required = true)]
    link: Option<String>,
    /// Until when the link works, in wall time.
    #[schema(value_type = String, format = DateTime)]
    link_expires_at: String,
}

fn shown(outcome: &Outcome) -> Option<UserView> {
    match outcome {
        Outcome::User(view) => Some(view.clone()),
        _ => None,
    }
}

/// A new link, until when it works, and an answer that shows it, this once.
fn with_link(status: StatusCode, message: &'static str) -> ([u8; 32], Instant, Success<InvitedUserView>) {
    let (bearer, until) = (Bearer::new(), wall().plus_seconds(INVITATION_SECONDS));
    let hash = bearer.hash;
    let show = move |outcome: &Outcome| {
        let shown = shown(outcome)?;
        let link = link_path(&bearer.of(UserId::parse(&shown.id)?.0));
        Some(InvitedUserView { shown, link: Some(link), link_expires_at: until.to_string() })
    };
    let success = Success::new(status, message, show);
    (hash, until, success.shown_once(|view| InvitedUserView { link: None, ..view }))
}

/// Invite a user
///
/// The answer shows a one-time link, only once. With it they choose a password, within three days. Bearer tokens cannot
/// invite: a user would outlive them.
#[utoipa::path(post, path = "/users", tag = "People", operation_id = "createUser",
    request_body = CreateUserBody,
    params(WriteParams),
    responses((status = 201, description = "The user with their link.", body = Envelope<InvitedUserView>)),
    security(("apiKey" = ["users:write"]), ("bearer" = ["users:write"])))]
pub async fn create_user(
    State(app): State<Api>,
    Allowed(caller): Allowed<USERS_WRITE>,
    write: Write,
    body: Body<CreateUserBody>,
) -> Result<Response, Problem> {
    let granter = caller.granter()?.scopes;
    let Body { value, canonical } = body;
    let email = normal_email(&String::from(value.email));
    let (hash, until, success) = with_link(StatusCode::CREATED, "User invited successfully.");
    let command = Command::AddUser(Box::new(AddUser {
        email_hash: email_hash(&email),
        email,
        name: value.name.into(),
        role: value.role,
        platform_wide: false,
        granter,
        link: (hash, until),
    }));
    write.perform(&app, &caller, &canonical, command, success).await
}

/// Update a user
///
/// Omitted fields keep their values. Users cannot change themselves, and a client keeps an active owner. Name and status
/// are changed here only where the user has no role in another client.
#[utoipa::path(put, path = "/users/{userId}", tag = "People", operation_id = "updateUser",
    request_body = UpdateUserBody,
    params(("userId" = String, Path, description = "The user.", pattern = "^[0-9a-f]{24}$"), WriteParams, IfMatch),
    responses((status = 200, description = "The user.", body = Envelope<UserView>)),
    security(("apiKey" = ["users:write"]), ("bearer" = ["users:write"])))]
pub async fn update_user(
    State(app): State<Api>,
    Allowed(caller): Allowed<USERS_WRITE>,
    PathId(id): PathId<UserId>,
    write: Write,
    body: Body<UpdateUserBody>,
) -> Result<Response, Problem> {
    let granter = caller.granter()?.scopes;
    let Body { value, canonical } = body;
    let change = ChangeUser {
        id,
        name: value.name.map(String::from),
        switch: value.status.map(|status| status.0),
        membership: value.role.map_or(ChangeMembership::Keep, ChangeMembership::Role),
        granter,
        echo: fields::echo([], value.echo),
        if_match: write.if_match,
        ..ChangeUser::default()
    };
    perform(&app, &caller, &write, canonical.as_ref(), change, "User updated successfully.").await
}

/// Remove a user
///
/// Takes their role in this client away, and signs them out. Somebody without any role cannot sign in; invited again, they
/// begin anew, with another password and second factor.
#[utoipa::path(delete, path = "/users/{userId}", tag = "People", operation_id = "removeUser",
    params(("userId" = String, Path, description = "The user.", pattern = "^[0-9a-f]{24}$"), WriteParams, IfMatch),
    responses((status = 200, description = "The user, without a role.", body = Envelope<UserView>)),
    security(("apiKey" = ["users:write"]), ("bearer" = ["users:write"])))]
pub async fn remove_user(
    State(app): State<Api>,
    Allowed(caller): Allowed<USERS_WRITE>,
    PathId(id): PathId<UserId>,
    write: Write,
    _body: NoBody,
) -> Result<Response, Problem> {
    let change = ChangeUser {
        id,
        membership: ChangeMembership::Remove,
        granter: caller.scopes,
        if_match: write.if_match,
        ..ChangeUser::default()
    };
    perform(&app, &caller, &write, "", change, "User removed successfully.").await
}

/// Submits a change with what it needs of other users and sessions: another owner of the client, and the sessions to end.
async fn perform(
    app: &Api,
    caller: &Caller,
    write: &Write,
    content: &str,
    change: ChangeUser,
    message: &'static str,
) -> Result<Response, Problem> {
    let prepared = || async {
        let sessions = app.reader.sessions_of(change.id).await?.into_iter().map(|session| session.id).collect();
        let users = app.reader.users().await?;
        let mut owners = users
            .iter()
            .filter(|user| user.status == UserStatus::Active && user.role_in(caller.client) == Some(Role::Owner));
        let other_owner = owners.find(|user| user.id != change.id).map(|user| user.id);
        let command = Command::ChangeUser(Box::new(ChangeUser { sessions, other_owner, ..change.clone() }));
        Ok((command, Success::new(StatusCode::OK, message, shown)))
    };
    write.prepare(app, caller, content, prepared).await
}

/// Give a user a new link
///
/// The answer shows a one-time link, only once. With it they choose a new password; the second factor remains. It replaces
/// an earlier link and works for three days.
#[utoipa::path(post, path = "/users/{userId}/link", tag = "People", operation_id = "issueUserLink",
    params(("userId" = String, Path, description = "The user.", pattern = "^[0-9a-f]{24}$"), WriteParams),
    responses((status = 200, description = "The user with their link.", body = Envelope<InvitedUserView>)),
    security(("apiKey" = ["users:write"]), ("bearer" = ["users:write"])))]
pub async fn issue_user_link(
    State(app): State<Api>,
    Allowed(caller): Allowed<USERS_WRITE>,
    PathId(id): PathId<UserId>,
    write: Write,
    _body: NoBody,
) -> Result<Response, Problem> {
    let granter = caller.granter()?.scopes;
    let (hash, until, success) = with_link(StatusCode::OK, "Link issued successfully.");
    let command = Command::IssueLink(IssueLink { id, hash, until, granter });
    write.perform(&app, &caller, "", command, success).await
}
