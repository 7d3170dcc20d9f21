//! `paygen users`: adds, lists, disables and reviews the people who use the console; beside a running server through its
//! admin socket.

use std::collections::BTreeMap;
use std::process::ExitCode;

use paygen_core::ids::ClientId;
use paygen_core::people::{Membership, SecondFactor, User, UserSecret};
use paygen_engine::clock::wall;
use paygen_store::Database;
use serde_json::json;

use super::args::NewUserArgs;
use super::{Failure, carry_out, print_json};
use crate::admin::AdminRequest;
use crate::admin_users::UserAnswer;
use crate::config::Config;

/// The one-time link: with the console's address where it is known, otherwise its path.
fn link(console_url: Option<String>, user: &UserAnswer) -> Option<String> {
    let path = user.link.as_ref()?;
    let url = console_url.or_else(|| user.console.clone()).unwrap_or_default();
    Some(format!("{url}{path}"))
}

/// Carries out a request about a user.
async fn ask(config: Config, ask: AdminRequest) -> Result<UserAnswer, Failure> {
    let response = carry_out(config, ask, &mut |_| {}).await?;
    response.user.ok_or_else(|| "the running server is of another version; restart it with this one".into())
}

fn print(user: &UserAnswer, email: &str, link: Option<String>, json: bool) -> Result<ExitCode, Failure> {
    if json {
        print_json(&json!({"user": user.id, "link": link, "linkExpiresAt": user.link_until}))?;
        return Ok(ExitCode::SUCCESS);
    }
    println!("User  {}", user.id);
    match link {
        Some(link) => {
            println!("Link  {link}");
            let until = user.link_until.as_deref().unwrap_or_default();
            println!(
                "The link is shown this once and works once, until {until}. Pass it on where nobody else reads it."
            );
        }
        None => println!("{email} signs in as before."),
    }
    Ok(ExitCode::SUCCESS)
}

/// Adds a user and prints their one-time link, once.
pub(super) async fn create(config: Config, args: NewUserArgs) -> Result<ExitCode, Failure> {
    let NewUserArgs { email, name, role, client, output } = args;
    let console_url = config.console_url.clone();
    let user = ask(config, AdminRequest::CreateUser { email: email.clone(), name, role, client }).await?;
    print(&user, &email, link(console_url, &user), output.json)
}

/// Prints a new one-time link, once.
pub(super) async fn new_link(config: Config, email: String, json: bool) -> Result<ExitCode, Failure> {
    let console_url = config.console_url.clone();
    let user = ask(config, AdminRequest::LinkUser { email: email.clone() }).await?;
    print(&user, &email, link(console_url, &user), json)
}

/// Disables or enables a user.
pub(super) async fn disable(config: Config, email: String, disabled: bool, json: bool) -> Result<ExitCode, Failure> {
    let user = ask(config, AdminRequest::SwitchUser { email: email.clone(), disabled }).await?;
    let status = &user.status;
    if json {
        print_json(&json!({"user": user.id, "email": email, "status": status}))?;
        return Ok(ExitCode::SUCCESS);
    }
    println!("User {email} is {status}.");
    Ok(ExitCode::SUCCESS)
}

/// Everybody, with the names of clients.
struct People {
    users: Vec<(User, UserSecret)>,
    clients: BTreeMap<ClientId, String>,
}

impl People {
    async fn read(config: &Config) -> Result<People, Failure> {
        let database = Database::open_read_only(&config.target()).await?;
        let reader = database.reader();
        let mut secrets: BTreeMap<_, UserSecret> =
            reader.user_secrets().await?.into_iter().map(|secret| (secret.user, secret)).collect();
        let users = reader.users().await?.into_iter();
        let users = users.map(|user| {
            let secret = secrets.remove(&user.id).unwrap_or_default();
            (user, secret)
        });
        let clients = reader.clients().await?.into_iter().map(|client| (client.id, client.name)).collect();
        Ok(People { users: users.collect(), clients })
    }

    fn place(&self, membership: &Membership) -> String {
        match membership.client {
            None => "every client".to_owned(),
            Some(id) => self.clients.get(&id).cloned().unwrap_or_else(|| id.to_string()),
        }
    }

    fn roles(&self, user: &User) -> String {
        let role = |membership: &Membership| format!("{} in {}", membership.role.as_str(), self.place(membership));
        user.memberships.iter().map(role).collect::<Vec<_>>().join("\n")
    }

    fn json(&self, user: &User) -> serde_json::Value {
        let role = |membership: &Membership| {
            let id = membership.client.map(|id| id.to_string());
            json!({"client": id, "clientName": self.place(membership), "role": membership.role})
        };
        json!({
            "_id": user.id.to_string(), "email": user.email, "name": user.name, "status": user.status,
            "roles": user.memberships.iter().map(role).collect::<Vec<_>>(),
            "lastSignInAt": user.last_sign_in_at.map(|at| at.to_string()), "createdAt": user.created_at.to_string(),
        })
    }
}

/// Prints every user.
pub(super) async fn list(config: &Config, json: bool) -> Result<ExitCode, Failure> {
    let people = People::read(config).await?;
    if json {
        print_json(&people.users.iter().map(|(user, _)| people.json(user)).collect::<Vec<_>>())?;
        return Ok(ExitCode::SUCCESS);
    }
    let mut table = comfy_table::Table::new();
    table.set_header(["User", "E-mail", "Name", "Status", "Roles"]);
    for (user, _) in &people.users {
        let status = user.status.as_str().to_owned();
        table.add_row([user.id.to_string(), user.email.clone(), user.name.clone(), status, people.roles(user)]);
    }
    println!("{table}");
    Ok(ExitCode::SUCCESS)
}

/// Prints what a review of access looks at.
pub(super) async fn review(config: &Config, json: bool) -> Result<ExitCode, Failure> {
    let people = People::read(config).await?;
    let locked = |secret: &UserSecret| secret.locked_until.filter(|until| *until > wall()).map(|at| at.to_string());
    if json {
        let shown = people.users.iter().map(|(user, secret)| {
            let mut shown = people.json(user);
            shown["secondFactor"] = json!(SecondFactor::of(secret));
            shown["passwordSet"] = json!(secret.password.is_some());
            shown["linkOpen"] = json!(secret.link_until.is_some_and(|until| until > wall()));
            shown["lockedUntil"] = json!(locked(secret));
            shown
        });
        print_json(&shown.collect::<Vec<_>>())?;
        return Ok(ExitCode::SUCCESS);
    }
    let mut table = comfy_table::Table::new();
    table.set_header([
        "E-mail",
        "Name",
        "Roles",
        "Status",
        "Last sign-in",
        "Second factor",
        "Password",
        "Locked until",
    ]);
    for (user, secret) in &people.users {
        table.add_row([
            user.email.clone(),
            user.name.clone(),
            people.roles(user),
            user.status.as_str().to_owned(),
            user.last_sign_in_at.map_or_else(|| "never".to_owned(), |at| at.to_string()),
            SecondFactor::of(secret).as_str().to_owned(),
            if secret.password.is_some() { "set" } else { "none" }.to_owned(),
            locked(secret).unwrap_or_default(),
        ]);
    }
    println!("{table}");
    Ok(ExitCode::SUCCESS)
}
