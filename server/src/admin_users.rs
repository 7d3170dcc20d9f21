//! What the operator does with users, beside a running server or alone.

use paygen_app::App;
use paygen_app::people::{Invited, Newcomer, email_hash, link_path};
use paygen_core::access::{Actor, Scopes};
use paygen_core::ids::ClientId;
use paygen_core::people::{ChangeUser, Role, User, UserSwitch};
use paygen_core::work::Context;
use paygen_core::{Command, Outcome, Request};

use crate::admin::{self, AdminResponse};

/// Who is added: a user of a client, or of every client.
pub struct NewUser {
    pub email: String,
    pub name: String,
    pub role: String,
    /// The client's id.
    pub client: Option<String>,
}

fn told(error: impl std::fmt::Display) -> String {
    error.to_string()
}

/// The operator, in whose audit log it stands: the client's, or that of the first client of the installation.
async fn context(app: &App, client: Option<ClientId>) -> Result<Context, String> {
    let client = match client {
        Some(client) => client,
        None => app.reader.clients().await.map_err(told)?.first().map_or(ClientId::INSTALLATION, |client| client.id),
    };
    let mut context = Context::system(client, "");
    context.actor = Actor::Operator;
    Ok(context)
}

fn invited(invited: &Invited) -> AdminResponse {
    AdminResponse {
        user: Some(invited.user.id.clone()),
        link: invited.link.as_ref().map(|text| link_path(text)),
        link_until: invited.link.as_ref().map(|_| invited.until.to_string()),
        ..AdminResponse::default()
    }
}

/// The user with this address, and the client in whose audit log a change stands.
async fn found(app: &App, email: &str) -> Result<(User, Context), String> {
    let found = app.reader.user_by_email(&email_hash(email)).await.map_err(told)?;
    let (user, _) = found.ok_or_else(|| format!("there is no user {email}; see `paygen users list`"))?;
    if user.memberships.is_empty() {
        return Err(format!("{email} has no role any more; `paygen users create` gives one"));
    }
    let client = user.memberships.iter().find_map(|membership| membership.client);
    let context = context(app, client).await?;
    Ok((user, context))
}

/// Adds a user, or a role of one.
pub async fn create(app: &App, new: NewUser) -> Result<AdminResponse, String> {
    let role = Role::parse(&new.role).ok_or_else(|| format!("there is no role {}", new.role))?;
    let client = match &new.client {
        Some(id) => Some(admin::client(&app.reader, id).await?.id),
        None => None,
    };
    let newcomer = Newcomer { email: new.email, name: new.name, role, platform_wide: client.is_none() };
    let added = app.add_user(context(app, client).await?, newcomer, Scopes::all()).await.map_err(told)?;
    Ok(invited(&added))
}

/// Gives a user a new one-time link.
pub async fn link(app: &App, email: &str) -> Result<AdminResponse, String> {
    let (user, context) = found(app, email).await?;
    let issued = app.issue_link(context, user.id, Scopes::all()).await.map_err(told)?;
    Ok(invited(&issued))
}

/// Disables or enables a user.
pub async fn switch(app: &App, email: &str, disabled: bool) -> Result<AdminResponse, String> {
    let (user, context) = found(app, email).await?;
    let sessions = app.reader.sessions_of(user.id).await.map_err(told)?;
    let command = ChangeUser {
        id: user.id,
        switch: Some(if disabled { UserSwitch::Disabled } else { UserSwitch::Active }),
        granter: Scopes::all(),
        sessions: sessions.iter().map(|session| session.id).collect(),
        ..ChangeUser::default()
    };
    let request = Request::new(context, Command::ChangeUser(Box::new(command)));
    match app.engine.run_background(request).await.map_err(told)?.map_err(told)? {
        Outcome::User(view) => {
            let status = Some(view.status.as_str().to_owned());
            Ok(AdminResponse { user: Some(view.id), status, ..AdminResponse::default() })
        }
        _ => Err("a user was changed with another outcome".to_owned()),
    }
}
