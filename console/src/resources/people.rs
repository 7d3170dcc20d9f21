//! Users and roles.

use paygen_core::access::Scope;
use paygen_core::people::{Role, UserStatus};

use super::Resource;
use crate::tables::{
    ACTION, Action, As, Beside, Column, FilterKind, Kind, List, Object, Verb, column, filter, input, part,
};

const USERS: &[Column] = &[
    column("Name", "name", As::Text).sorted_by("name"),
    column("E-mail", "email", As::Text).sorted_by("email"),
    column("Role", "role", As::Text),
    column("Status", "status", As::Status).sorted_by("status"),
    column("Second factor", "secondFactor", As::Text),
    column("Last sign-in", "lastSignInAt", As::Time).sorted_by("lastSignInAt"),
    column("Created", "createdAt", As::Time).sorted_by("createdAt"),
];

const ROLES: &[Column] = &[
    column("Role", "role", As::Text),
    column("What it is for", "description", As::Text),
    column("Scopes", "scopes", As::Text),
];

const CHANGES: &[Column] = &[
    column("Action", "action", As::Text),
    column("Object", "objectType", As::Text),
    column("Object's id", "objectId", As::Code),
    column("Address", "address", As::Text),
    column("Time", "createdAt", As::Time),
];

const LINK: &[(&str, &str)] = &[("link", "One-time link, on this console's address")];

pub(crate) const RESOURCE: Resource = Resource {
    lists: &[
        List {
            path: "/users",
            api: "/users",
            scope: Scope::UsersRead,
            title: "Users",
            lead: "The people who use this console, and what they may do here.",
            noun: ("user", "users"),
            columns: USERS,
            filters: &[
                filter("status", "Status", FilterKind::Words(UserStatus::WORDS)),
                filter("role", "Role", FilterKind::Words(Role::WORDS)),
            ],
            row: "/users/{_id}",
            actions: &["/users/new"],
            empty: "",
            csv: false,
        },
        List {
            path: "/roles",
            api: "/roles",
            scope: Scope::UsersRead,
            title: "Roles",
            lead: "Named sets of scopes. A user may do what an API key with these scopes may.",
            noun: ("role", "roles"),
            columns: ROLES,
            filters: &[],
            row: "",
            actions: &[],
            empty: "",
            csv: false,
        },
    ],
    objects: &[Object {
        path: "/users/{id}",
        api: "/users/{id}",
        scope: Scope::UsersRead,
        list: ("/users", "Users"),
        heading: &["name"],
        noun: "User",
        badge: "status",
        parts: &[part(
            "User",
            &[
                column("E-mail", "email", As::Text),
                column("Role", "role", As::Text),
                column("In every client", "platformWide", As::Bool),
                column("Second factor", "secondFactor", As::Text),
                column("Locked until", "lockedUntil", As::Time),
                column("Last sign-in", "lastSignInAt", As::Time),
                column("Created", "createdAt", As::Time),
            ],
        )],
        beside: &[Beside {
            title: "Latest changes by this user",
            api: "/audit-log?filter=actorId%3D{id}&limit=10",
            scope: Scope::AuditRead,
            columns: CHANGES,
            row: "/audit-log/{_id}",
            all: "",
            empty: "This user has changed nothing here yet.",
            within: "",
        }],
        actions: &[
            "/users/{id}/change",
            "/users/{id}/link",
            "/users/{id}/disable",
            "/users/{id}/enable",
            "/users/{id}/remove",
        ],
    }],
    actions: &[
        Action {
            path: "/users/new",
            api: "/users",
            scope: Scope::UsersWrite,
            title: "Invite a user",
            lead: "They choose a password with a one-time link, which you pass on. It works for three days.",
            submit: "Invite",
            fresh: true,
            inputs: &[
                input("email", "E-mail", Kind::Email).required(),
                input("name", "Name", Kind::Text).required(),
                input("role", "Role", Kind::Words(Role::WORDS)).required().help("You need all of its scopes yourself."),
            ],
            then: "/users/{_id}",
            once: LINK,
            ..ACTION
        },
        Action {
            path: "/users/{id}/change",
            method: Verb::Put,
            api: "/users/{id}",
            scope: Scope::UsersWrite,
            title: "Change",
            lead: "Another role takes effect with their next request.",
            submit: "Save",
            fresh: true,
            inputs: &[
                input("name", "Name", Kind::Text).required(),
                input("role", "Role", Kind::Words(Role::WORDS)).required(),
            ],
            of: "/users/{id}",
            then: "/users/{id}",
            ..ACTION
        },
        Action {
            path: "/users/{id}/link",
            api: "/users/{id}/link",
            scope: Scope::UsersWrite,
            title: "New link",
            lead: "With it they choose a new password. It replaces an earlier link and works for three days.",
            submit: "Make a link",
            fresh: true,
            then: "/users/{id}",
            once: LINK,
            ..ACTION
        },
        Action {
            path: "/users/{id}/disable",
            method: Verb::Put,
            api: "/users/{id}",
            scope: Scope::UsersWrite,
            title: "Disable",
            lead: "They are signed out and cannot sign in until somebody enables them.",
            submit: "Disable the user",
            fresh: true,
            danger: true,
            inputs: &[input("status", "Status", Kind::Words(&["disabled"])).required()],
            then: "/users/{id}",
            when: &[("status", &["active", "invited"])],
            ..ACTION
        },
        Action {
            path: "/users/{id}/enable",
            method: Verb::Put,
            api: "/users/{id}",
            scope: Scope::UsersWrite,
            title: "Enable",
            lead: "They can sign in again.",
            submit: "Enable the user",
            fresh: true,
            inputs: &[input("status", "Status", Kind::Words(&["active"])).required()],
            then: "/users/{id}",
            when: &[("status", &["disabled"])],
            ..ACTION
        },
        Action {
            path: "/users/{id}/remove",
            method: Verb::Delete,
            api: "/users/{id}",
            scope: Scope::UsersWrite,
            title: "Remove",
            lead: "Takes their role in this client away and signs them out. Invited again, they start over.",
            submit: "Remove the user",
            fresh: true,
            danger: true,
            then: "/users",
            ..ACTION
        },
    ],
};
