//! The frame of a page: navigation by scope, client switch, notices.

use axum::http::StatusCode;
use axum::response::Response;
use paygen_core::access::Scope;

use crate::answer::page;
use crate::resources::NAVIGATION;
use crate::tables::NavEntry;
use crate::view::{Choice, Entry, Group, Link, MessagePage, Shell};
use crate::visitor::{Visitor, without_flash};

/// The frame for a page of this title.
pub(crate) async fn shell(visitor: &Visitor, title: &str) -> Shell {
    let console = &visitor.console;
    let shown = |entry: &&NavEntry| {
        entry.scope.is_none_or(|scope| visitor.may(scope)) && (!entry.sandbox || visitor.is_sandbox())
    };
    let entry = |entry: &NavEntry| Entry {
        href: format!("/console{}", entry.path),
        title: entry.title.to_owned(),
        icon: entry.icon.to_owned(),
        key: entry.key.to_owned(),
        current: entry.is_current(&visitor.path),
    };
    let groups = NAVIGATION.iter().map(|group| Group {
        title: group.title.to_owned(),
        entries: group.entries.iter().filter(shown).map(entry).collect(),
    });
    let user = &visitor.signed_in.user;
    let clients = console.app.clients_of(user).await.unwrap_or_default();
    let own = visitor.signed_in.session.client;
    let (tone, flash) = visitor.flash.clone().unwrap_or_default();
    Shell {
        title: title.to_owned(),
        groups: groups.filter(|group| !group.entries.is_empty()).collect(),
        user_name: if user.name.is_empty() { user.email.clone() } else { user.name.clone() },
        user_email: user.email.clone(),
        role: visitor.signed_in.role.map_or("", |role| role.as_str()).to_owned(),
        client_name: clients.iter().find(|(id, _)| *id == own).map_or(String::new(), |(_, name)| name.to_string()),
        client_id: own.to_string(),
        clients: clients
            .iter()
            .map(|(id, name)| Choice { value: id.to_string(), title: name.to_string(), selected: *id == own })
            .collect(),
        sandbox: visitor.is_sandbox(),
        now: console.app.clock.now().to_string(),
        csrf: visitor.csrf.clone(),
        flash,
        flash_tone: tone,
        search: visitor.query.get("q").to_owned(),
        path: visitor.path.clone(),
        assets: console.assets.paths.clone(),
    }
}

/// A page that says one thing, such as that something was not found.
pub(crate) async fn message(visitor: &Visitor, status: StatusCode, heading: &str, text: &str) -> Response {
    let link = Link { href: "/console".to_owned(), title: "Home".to_owned(), tone: String::new() };
    let (heading, text) = (heading.to_owned(), text.to_owned());
    let template = MessagePage { shell: shell(visitor, &heading).await, heading, text, link };
    page(status, &template)
}

/// The page, after which its notice is not shown again.
pub(crate) fn shown(visitor: &Visitor, response: Response) -> Response {
    if visitor.flash.is_some() { without_flash(response) } else { response }
}

impl Visitor {
    /// Refuses a visitor who lacks a scope, with a page that says which.
    pub(crate) async fn needs(&self, scope: Scope) -> Result<(), Response> {
        if self.may(scope) {
            return Ok(());
        }
        let role = self.signed_in.role.map_or("none", |role| role.as_str());
        let text =
            format!("Your role, {role}, does not have the scope {scope}. An owner or admin can give you another role.");
        Err(message(self, StatusCode::FORBIDDEN, "You cannot open this page", &text).await)
    }
}
