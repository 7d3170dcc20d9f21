//! API keys and the audit log.

use paygen_core::access::Scope;

use super::Resource;
use crate::tables::{
    ACTION, Action, As, Column, FilterKind, Kind, List, Object, Part, SINCE, UNTIL, Verb, column, filter, input, part,
};

const KEYS: &[Column] = &[
    column("Name", "name", As::Text).sorted_by("name"),
    column("Status", "status", As::Status),
    column("Begins and ends with", "hint", As::Code),
    column("Last used", "lastUsedAt", As::Time).sorted_by("lastUsedAt"),
    column("Ends", "endsAt", As::Time),
    column("Created", "createdAt", As::Time).sorted_by("createdAt"),
];

const ENTRIES: &[Column] = &[
    column("Action", "action", As::Text),
    column("By", "actor.type", As::Word),
    column("Who", "actor.id", As::Code),
    column("Object", "objectType", As::Word),
    column("Object's id", "objectId", As::Code),
    column("Address", "address", As::Text),
    column("Time", "createdAt", As::Time).sorted_by("createdAt"),
];

pub(crate) const RESOURCE: Resource = Resource {
    lists: &[
        List {
            path: "/api-keys",
            api: "/api-keys",
            scope: Scope::KeysRead,
            title: "API keys",
            lead: "What programs call the API with.",
            noun: ("key", "keys"),
            columns: KEYS,
            filters: &[filter("status", "Status", FilterKind::Words(&["active", "revoked", "expired"]))],
            row: "/api-keys/{_id}",
            actions: &["/api-keys/new"],
            empty: "",
            csv: false,
        },
        List {
            path: "/audit-log",
            api: "/audit-log",
            scope: Scope::AuditRead,
            title: "Audit log",
            lead: "Who changed what, stored with the change. Sign-ins and failed tries are part of it.",
            noun: ("entry", "entries"),
            columns: ENTRIES,
            filters: &[
                filter("action", "Action", FilterKind::Text),
                filter(
                    "actorType",
                    "By",
                    FilterKind::Words(&["user", "api_key", "token", "reveal_token", "operator", "system"]),
                ),
                filter("objectId", "Object's id", FilterKind::Text),
                filter("requestId", "Request's id", FilterKind::Text),
                SINCE,
                UNTIL,
            ],
            row: "/audit-log/{_id}",
            actions: &[],
            empty: "",
            csv: false,
        },
    ],
    objects: &[
        Object {
            path: "/api-keys/{id}",
            api: "/api-keys/{id}",
            scope: Scope::KeysRead,
            list: ("/api-keys", "API keys"),
            heading: &["name"],
            noun: "API key",
            badge: "status",
            parts: &[part(
                "API key",
                &[
                    column("Begins and ends with", "hint", As::Code),
                    column("Scopes", "scopes", As::Text),
                    column("Networks", "allowedIps", As::Text),
                    column("Last used", "lastUsedAt", As::Time),
                    column("Expires", "expiresAt", As::Time),
                    column("Ends", "endsAt", As::Time),
                    column("Replaced by", "replacedBy", As::Link("/api-keys/")),
                    column("Created", "createdAt", As::Time),
                ],
            )],
            beside: &[],
            actions: &["/api-keys/{id}/rotate", "/api-keys/{id}/revoke"],
        },
        Object {
            path: "/audit-log/{id}",
            api: "/audit-log?filter=_id%3D{id}",
            scope: Scope::AuditRead,
            list: ("/audit-log", "Audit log"),
            heading: &["action"],
            noun: "Entry",
            badge: "",
            parts: &[
                part(
                    "Entry",
                    &[
                        column("By", "actor.type", As::Word),
                        column("Who", "actor.id", As::Code),
                        column("Object", "objectType", As::Word),
                        column("Object's id", "objectId", As::Code),
                        column("Request", "requestId", As::Code),
                        column("Address", "address", As::Text),
                        column("Time", "createdAt", As::Time),
                    ],
                ),
                Part { title: "What changed", columns: &[], changes: "changes" },
            ],
            beside: &[],
            actions: &[],
        },
    ],
    actions: &[
        Action {
            path: "/api-keys/new",
            api: "/api-keys",
            scope: Scope::KeysWrite,
            title: "New API key",
            lead: "It cannot have more scopes than you have.",
            submit: "Create the key",
            fresh: true,
            inputs: &[
                input("name", "Name", Kind::Text).required(),
                input("scopes", "Scopes", Kind::Several(Scope::WORDS)).required(),
                input("allowedIps", "Networks", Kind::List).help("Such as 203.0.113.0/24. Empty: every address."),
                input("expiresAt", "Expires", Kind::Text).help("Such as 2027-01-01T00:00:00Z. Empty: never."),
            ],
            then: "/api-keys/{_id}",
            once: &[("key", "API key")],
            ..ACTION
        },
        Action {
            path: "/api-keys/{id}/rotate",
            api: "/api-keys/{id}/rotate",
            scope: Scope::KeysWrite,
            title: "Rotate",
            lead: "Makes a new key with the same rights. This one works on until the overlap is over.",
            submit: "Rotate the key",
            fresh: true,
            inputs: &[input("overlapSeconds", "Overlap", Kind::Number).of("86400").help("Seconds.")],
            then: "/api-keys/{_id}",
            once: &[("key", "API key")],
            when: &[("status", &["active"])],
            ..ACTION
        },
        Action {
            path: "/api-keys/{id}/revoke",
            method: Verb::Delete,
            api: "/api-keys/{id}",
            scope: Scope::KeysWrite,
            title: "Revoke",
            lead: "The key does not work any more.",
            submit: "Revoke the key",
            fresh: true,
            danger: true,
            then: "/api-keys/{id}",
            when: &[("status", &["active"])],
            ..ACTION
        },
    ],
};
