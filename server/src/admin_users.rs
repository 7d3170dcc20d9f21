//! What the operator does with users, beside a running server or alone.

use paygen_app::App;
use paygen_app::people::{Invited, Newcomer, email_hash, link_path};
use paygen_core::access::{Actor, Scopes};
use paygen_core::ids::ClientId;
use paygen_core::people::{ChangeUser, Role, User, UserSwitch};
use paygen_core::work::Context;
use paygen_core::{Command, Outcome, Request};
use serde::{Deserialize, Serialize};

/// Who is added: a user of a client, or of every client.
pub struct NewUser {
    pub email: String,
    pub name: String,
    pub role: String,
    pub client: Option<ClientId>,
}

/// A user, and the link they were given. It cannot be printed.
#[derive(Default, Serialize, Deserialize)]
pub struct UserAnswer {
    pub id: String,
    pub status: String,
    /// The path of a one-time link, shown only here.
    pub link: Option<String>,
    /// Until when the link works, in wall time.
    pub link_until: Option<String>,
    /// Where the console of the server that answers is.
    pub console: Option<String>,
}

fn text(error: impl std::fmt::Display) -> String {
    error.to_string()
}

/// The operator, in whose audit log it stands: the client's, or that of the first client of the installation.
async fn context(app: &App, client: Option<ClientId>) -> Result<Context, String> {
    let client = match client {
        Some(client) => client,
        None => app.reader.clients().await.map_err(text)?.first().map_or(ClientId::INSTALLATION, |client| client.id),
    };
    let mut context = Context::system(client, "");
    context.actor = Actor::Operator;
    Ok(context)
}

fn invited(invited: &Invited) -> UserAnswer {
    UserAnswer {
        id: invited.user.id.clone(),
        status: invited.user.status.as_str().to_owned(),
        link: invited.link.as_ref().map(|text| link_path(text)),
        link_until: invited.link.as_ref().map(|_| invited.until.to_string()),
        console: None,
    }
}

/// The user with this address, and the client in whose audit log a change stands.
async fn found(app: &App, email: &str) -> Result<(User, Context), String> {
    let found = app.reader.user_by_email(&email_hash(email)).await.map_err(text)?;
    let (user, _) = found.ok_or_else(|| format!("there is no user {email}; see `paygen users list`"))?;
    if user.memberships.is_empty() {
        return Err(format!("{email} has no role any more; `paygen users create` gives one"));
    }
    let client = user.memberships.iter().find_map(|membership| membership.client);
    let context = context(app, client).await?;
    Ok((user, context))
}

/// Adds a user, or a role of one.
pub async fn create(app: &App, new: NewUser) -> Result<UserAnswer, String> {
    let role = Role::parse(&new.role).ok_or_else(|| format!("there is no role {}", new.role))?;
    let newcomer = Newcomer { email: new.email, name: new.name, role, platform_wide: new.client.is_none() };
    let added = app.add_user(context(app, new.client).await?, newcomer, Scopes::all()).await.map_err(text)?;
    Ok(invited(&added))
}

/// Gives a user a new one-time link.
pub async fn link(app: &App, email: &str) -> Result<UserAnswer, String> {
    let (user, context) = found(app, email).await?;
    let issued = app.issue_link(context, user.id, Scopes::all()).await.map_err(text)?;
    Ok(invited(&issued))
}

/// Disables or enables a user.
pub async fn switch(app: &App, email: &str, disabled: bool) -> Result<UserAnswer, String> {
    let (user, context) = found(app, email).await?;
    let sessions = app.reader.sessions_of(user.id).await.map_err(text)?;
    let command = ChangeUser {
        id: user.id,
        switch: Some(if disabled { UserSwitch::Disabled } else { UserSwitch::Active }),
        granter: Scopes::all(),
        sessions: sessions.iter().map(|session| session.id).collect(),
        ..ChangeUser::default()
    };
    let request = Request::new(context, Command::ChangeUser(Box::new(command)));
    match app.engine.run_background(request).await.map_err(text)?.map_err(text)? {
        Outcome::User(view) => {
            let status = view.status.as_str().to_owned();
            Ok(UserAnswer { id: view.id, status, ..UserAnswer::default() })
        }
        _ => Err("a user was changed with another outcome".to_owned()),
    }
}
