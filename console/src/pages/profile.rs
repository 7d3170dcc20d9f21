//! The visitor's own page: what they sign in with, their sessions, the client that is shown.

use axum::body::Body;
use axum::response::Response;
use paygen_core::ids::{ClientId, SessionId};
use paygen_core::people::Session;

use super::passkeys;
use super::sign_in::read;
use crate::answer::{ok, see};
use crate::shell::{shell, shown};
use crate::show;
use crate::view::{DetailPage, Head, Item, Link, Related, Row, Section, Table};
use crate::visitor::{Visitor, next_path, with_flash};

fn head(title: &str) -> Head {
    Head { title: title.to_owned(), ..Head::default() }
}

pub(crate) async fn page(visitor: Visitor) -> Response {
    let signed_in = &visitor.signed_in;
    let sessions = visitor.console.app.reader.sessions_of(signed_in.user.id).await.unwrap_or_default();
    let own = signed_in.session.id;
    let row = |session: &Session| Row {
        href: String::new(),
        cells: vec![
            show::cell("text", session.agent.clone()),
            show::cell("text", session.address.clone()),
            show::time(&session.since.to_string()),
            show::time(&session.seen_at.to_string()),
            if session.id == own { show::status("active") } else { show::cell("empty", "") },
        ],
    };
    let table = Table {
        caption: "Sessions".to_owned(),
        heads: ["Browser", "Address", "Since", "Last seen", "This one"].map(head).into(),
        rows: sessions.iter().map(row).collect(),
    };
    let item = |label: &str, cell| Item { label: label.to_owned(), cell };
    let set = |is_set: bool| show::cell("text", if is_set { "Set" } else { "Not set" });
    let link = |path: &str, title: &str| Link {
        href: format!("/console/{path}"),
        title: title.to_owned(),
        tone: String::new(),
    };
    let template = DetailPage {
        shell: shell(&visitor, "Profile and security").await,
        heading: "Profile and security".to_owned(),
        badge: show::cell("empty", ""),
        links: vec![
            link("password", if signed_in.has_password { "Change password" } else { "Set a password" }),
            link(
                "authenticator",
                if signed_in.has_authenticator { "Replace the authenticator" } else { "Set up an authenticator" },
            ),
            link("passkeys/add", "Add a passkey"),
            link("profile/sessions", "End other sessions"),
        ],
        sections: vec![Section {
            id: "who".to_owned(),
            title: "You".to_owned(),
            items: vec![
                item("Name", show::cell("text", signed_in.user.name.clone())),
                item("E-mail", show::cell("text", signed_in.user.email.clone())),
                item("Role", show::cell("text", signed_in.role.map_or("", |role| role.as_str()))),
                item("Password", set(signed_in.has_password)),
                item("Authenticator", set(signed_in.has_authenticator)),
            ],
        }],
        tables: vec![
            passkeys::table(&signed_in.passkeys),
            Related { title: "Sessions".to_owned(), table, ..Related::default() },
        ],
        ..DetailPage::default()
    };
    shown(&visitor, ok(&template))
}

/// Asks whether the other sessions are to be ended.
pub(crate) async fn sessions(visitor: Visitor) -> Response {
    let template = crate::view::FormPage {
        shell: shell(&visitor, "End other sessions").await,
        heading: "End other sessions".to_owned(),
        lead: "Everywhere else you will have to sign in again.".to_owned(),
        action: "/console/profile/sessions".to_owned(),
        submit: "End them".to_owned(),
        danger: true,
        cancel_href: "/console/profile".to_owned(),
        ..crate::view::FormPage::default()
    };
    ok(&template)
}

pub(crate) async fn end_sessions(visitor: Visitor, body: Body) -> Response {
    let values = read(body).await;
    if let Some(refusal) = visitor.refused_form(&values) {
        return refusal;
    }
    let (app, signed_in) = (&visitor.console.app, &visitor.signed_in);
    let all = app.reader.sessions_of(signed_in.user.id).await.unwrap_or_default();
    let others: Vec<SessionId> =
        all.iter().map(|session| session.id).filter(|id| *id != signed_in.session.id).collect();
    let count = others.len();
    let (tone, text) = match app.end_sessions(signed_in.context(), signed_in.user.id, others).await {
        Ok(()) => ("good", format!("Sessions ended: {count}.")),
        Err(error) => ("bad", format!("They could not be ended: {error}")),
    };
    with_flash(see("/console/profile"), tone, &text)
}

/// Shows another client from now on.
pub(crate) async fn show_client(visitor: Visitor, body: Body) -> Response {
    let values = read(body).await;
    if let Some(refusal) = visitor.refused_form(&values) {
        return refusal;
    }
    let wanted = ClientId::parse(values.get("client"));
    // A role for every client is one for any id, so only those that exist are accepted.
    let clients = visitor.console.app.clients_of(&visitor.signed_in.user).await.unwrap_or_default();
    let may = wanted.filter(|client| clients.iter().any(|(known, _)| known == client));
    let Some(client) = may else { return with_flash(see("/console"), "bad", "There is no such client.") };
    // The page of an object of one client does not exist for another.
    let back = next_path(values.get("path"));
    let back = if back.matches('/').count() > 2 { "/console" } else { back };
    match visitor.console.app.show_client(&visitor.signed_in, client).await {
        Ok(()) => see(back),
        Err(error) => with_flash(see("/console"), "bad", &format!("The client could not be shown: {error}")),
    }
}
