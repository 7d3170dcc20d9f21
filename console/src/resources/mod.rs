//! The tables of every resource, and the navigation.

pub(crate) mod access;
pub(crate) mod accounts;
pub(crate) mod approvals;
pub(crate) mod authorizations;
pub(crate) mod card_holders;
pub(crate) mod cards;
pub(crate) mod events;
pub(crate) mod exceptions;
pub(crate) mod people;
pub(crate) mod programs;
pub(crate) mod responders;
mod shared;
pub(crate) mod simulator;
pub(crate) mod transactions;
pub(crate) mod transfers;
pub(crate) mod webhooks;

use paygen_core::access::Scope;

use crate::tables::{Action, List, NavEntry, NavGroup, Object};

/// Titles of pages of their own, which objects link to.
pub(crate) const DECISION: &str = "Why was it decided so?";
pub(crate) const RUN_APPROVED: &str = "Do it now";
pub(crate) const REVEAL: &str = "Reveal the number";
pub(crate) const REVIEW: &str = "Review documents";

/// The tables of a resource.
pub(crate) struct Resource {
    pub(crate) lists: &'static [List],
    pub(crate) objects: &'static [Object],
    pub(crate) actions: &'static [Action],
}

const ALL: &[&Resource] = &[
    &accounts::RESOURCE,
    &transfers::RESOURCE,
    &card_holders::RESOURCE,
    &cards::RESOURCE,
    &programs::RESOURCE,
    &authorizations::RESOURCE,
    &transactions::RESOURCE,
    &exceptions::RESOURCE,
    &events::RESOURCE,
    &webhooks::RESOURCE,
    &responders::RESOURCE,
    &access::RESOURCE,
    &approvals::RESOURCE,
    &people::RESOURCE,
    &simulator::RESOURCE,
];

pub(crate) fn lists() -> impl Iterator<Item = &'static List> {
    ALL.iter().flat_map(|resource| resource.lists)
}

pub(crate) fn objects() -> impl Iterator<Item = &'static Object> {
    ALL.iter().flat_map(|resource| resource.objects)
}

pub(crate) fn actions() -> impl Iterator<Item = &'static Action> {
    ALL.iter().flat_map(|resource| resource.actions)
}

/// The action with this path.
pub(crate) fn action(path: &str) -> Option<&'static Action> {
    actions().find(|action| action.path == path)
}

/// The title and scope of a page of its own that objects link to.
pub(crate) fn special(path: &str) -> Option<(&'static str, Scope)> {
    match path {
        "/authorizations/{id}/decision" => Some((DECISION, Scope::AuthorizationsRead)),
        "/approvals/{id}/run" => Some((RUN_APPROVED, Scope::ApprovalsRead)),
        "/cards/{id}/reveal" => Some((REVEAL, Scope::CardsReveal)),
        "/card-holders/{id}/review" => Some((REVIEW, Scope::CardHoldersRead)),
        "/cards/new?cardHolderId={_id}" => Some(("Issue a card", Scope::CardsWrite)),
        "/cards/new?debitAccountId={_id}" => Some(("Issue a card", Scope::CardsWrite)),
        "/simulator/pay?cardId={_id}" => Some(("Pay with it", Scope::SimulatorWrite)),
        "/transfers/new?fromAccountId={_id}" => Some(("Transfer", Scope::AccountsWrite)),
        _ => None,
    }
}

const fn entry(
    path: &'static str,
    title: &'static str,
    icon: &'static str,
    key: &'static str,
    scope: Scope,
) -> NavEntry {
    NavEntry { path, title, icon, key, scope: Some(scope), sandbox: false }
}

pub(crate) const NAVIGATION: &[NavGroup] = &[
    NavGroup {
        title: "",
        entries: &[NavEntry { path: "", title: "Home", icon: "home", key: "h", scope: None, sandbox: false }],
    },
    NavGroup {
        title: "Cards",
        entries: &[
            entry("/cards", "Cards", "cards", "c", Scope::CardsRead),
            entry("/card-holders", "Card holders", "holders", "p", Scope::CardHoldersRead),
            entry("/programs", "Programs", "programs", "g", Scope::ProgramsRead),
        ],
    },
    NavGroup {
        title: "Payments",
        entries: &[
            entry("/authorizations", "Payments", "authorizations", "a", Scope::AuthorizationsRead),
            entry("/transactions", "Transactions", "transactions", "t", Scope::AuthorizationsRead),
            entry("/exceptions", "Exceptions", "exceptions", "x", Scope::AuthorizationsRead),
            entry("/responders", "Responders", "responders", "r", Scope::RespondersRead),
        ],
    },
    NavGroup {
        title: "Money",
        entries: &[
            entry("/accounts", "Accounts", "accounts", "m", Scope::AccountsRead),
            entry("/transfers", "Transfers", "transfers", "f", Scope::AccountsRead),
        ],
    },
    NavGroup {
        title: "Integration",
        entries: &[
            entry("/events", "Events", "events", "e", Scope::EventsRead),
            entry("/webhooks", "Webhooks", "webhooks", "w", Scope::WebhooksRead),
            entry("/api-keys", "API keys", "keys", "k", Scope::KeysRead),
            NavEntry {
                path: "/simulator",
                title: "Simulator",
                icon: "simulator",
                key: "s",
                scope: Some(Scope::SimulatorRead),
                sandbox: true,
            },
        ],
    },
    NavGroup {
        title: "Administration",
        entries: &[
            entry("/approvals", "Approvals", "approvals", "v", Scope::ApprovalsRead),
            entry("/users", "Users", "users", "u", Scope::UsersRead),
            entry("/roles", "Roles", "roles", "o", Scope::UsersRead),
            entry("/audit-log", "Audit log", "audit", "l", Scope::AuditRead),
        ],
    },
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::{NAVIGATION, action, actions, lists, objects, special};

    #[test]
    fn every_link_leads_to_a_page() {
        let listed: BTreeSet<&str> = lists().map(|list| list.path).collect();
        let own = crate::router::pages().into_iter().map(|page| page.path);
        let shown: BTreeSet<&str> = objects().map(|object| object.path).chain(own).collect();
        for entry in NAVIGATION.iter().flat_map(|group| group.entries).filter(|entry| !entry.path.is_empty()) {
            assert!(listed.contains(entry.path) || shown.contains(entry.path), "{}", entry.path);
        }
        let linked = lists().flat_map(|list| list.actions).chain(objects().flat_map(|object| object.actions));
        for path in linked {
            assert!(action(path).is_some() || special(path).is_some(), "{path}");
        }
        for list in lists().filter(|list| !list.row.is_empty()) {
            let object = list.row.split('{').next().unwrap_or_default();
            assert!(shown.iter().any(|path| path.starts_with(object)), "{}", list.row);
        }
    }

    #[test]
    fn paths_and_fields_are_unique() {
        let mut paths = BTreeSet::new();
        let all = lists().map(|list| list.path).chain(objects().map(|o| o.path)).chain(actions().map(|a| a.path));
        for path in all {
            assert!(paths.insert(path), "{path} stands twice");
        }
        for action in actions() {
            let mut names = BTreeSet::new();
            for input in action.inputs {
                assert!(names.insert(input.path), "{}: {}", action.path, input.path);
            }
            assert!(!action.title.is_empty() && !action.submit.is_empty(), "{}", action.path);
        }
        for object in objects() {
            let titles: BTreeSet<&str> = object.beside.iter().map(|beside| beside.title).collect();
            assert_eq!(titles.len(), object.beside.len(), "{}", object.path);
        }
        let keys: Vec<&str> = NAVIGATION.iter().flat_map(|group| group.entries).map(|entry| entry.key).collect();
        assert_eq!(keys.iter().collect::<BTreeSet<_>>().len(), keys.len(), "{keys:?}");
    }
}
