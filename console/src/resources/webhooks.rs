//! Webhook endpoints.

use paygen_core::access::Scope;

use super::{Resource, events};
use crate::tables::{ACTION, Action, As, Beside, Column, Kind, List, Object, Verb, column, input, part};

const COLUMNS: &[Column] = &[
    column("Address", "url", As::Text),
    column("Enabled", "enabled", As::Bool),
    column("Failing since", "failingSince", As::Time),
    column("Disabled because", "disabledReason", As::Word),
    column("Events", "events", As::Text),
    column("Created", "createdAt", As::Time).sorted_by("createdAt"),
];

const EVENTS_HELP: &str = "Types separated by commas, or * for all.";

pub(crate) const RESOURCE: Resource = Resource {
    lists: &[List {
        path: "/webhooks",
        api: "/webhooks",
        scope: Scope::WebhooksRead,
        title: "Webhooks",
        lead: "Where events are delivered to.",
        noun: ("endpoint", "endpoints"),
        columns: COLUMNS,
        filters: &[],
        row: "/webhooks/{_id}",
        actions: &["/webhooks/new"],
        empty: "Add the address of your server to get every event signed.",
        csv: false,
    }],
    objects: &[Object {
        path: "/webhooks/{id}",
        api: "/webhooks/{id}",
        scope: Scope::WebhooksRead,
        list: ("/webhooks", "Webhooks"),
        heading: &["url"],
        noun: "Endpoint",
        badge: "",
        parts: &[part(
            "Endpoint",
            &[
                column("Enabled", "enabled", As::Bool),
                column("Description", "description", As::Text),
                column("Events", "events", As::Text),
                column("Has a token", "hasToken", As::Bool),
                column("Failing since", "failingSince", As::Time),
                column("Disabled because", "disabledReason", As::Word),
                column("Former secret works until", "previousSecretExpiresAt", As::Time),
                column("Created", "createdAt", As::Time),
            ],
        )],
        beside: &[Beside {
            title: "Latest attempts",
            api: "/events/deliveries?filter=webhookId%3D{id}&limit=10",
            scope: Scope::EventsRead,
            columns: events::ATTEMPTS,
            row: "/events/{eventId}",
            all: "/deliveries?webhookId={id}",
            empty: "Nothing was delivered yet.",
            within: "",
        }],
        actions: &[
            "/webhooks/{id}/test",
            "/webhooks/{id}/change",
            "/webhooks/{id}/recover",
            "/webhooks/{id}/rotate-secret",
            "/webhooks/{id}/delete",
        ],
    }],
    actions: &[
        Action {
            path: "/webhooks/new",
            api: "/webhooks",
            scope: Scope::WebhooksWrite,
            title: "Add an endpoint",
            submit: "Add",
            fresh: true,
            inputs: &[
                input("url", "Address", Kind::Text).required().help("https://…"),
                input("events", "Events", Kind::List).required().of("*").help(EVENTS_HELP),
                input("description", "Description", Kind::Text),
                input("token", "Token", Kind::Password).help("For the token's signature headers, if you use them."),
            ],
            then: "/webhooks/{_id}",
            once: &[("secret", "Signing secret")],
            ..ACTION
        },
        Action {
            path: "/webhooks/{id}/change",
            method: Verb::Put,
            api: "/webhooks/{id}",
            scope: Scope::WebhooksWrite,
            title: "Change",
            submit: "Save",
            inputs: &[
                input("url", "Address", Kind::Text).required(),
                input("events", "Events", Kind::List).required().help(EVENTS_HELP),
                input("description", "Description", Kind::Text).clears(),
                input("enabled", "Enabled", Kind::Switch),
            ],
            of: "/webhooks/{id}",
            then: "/webhooks/{id}",
            ..ACTION
        },
        Action {
            path: "/webhooks/{id}/test",
            api: "/webhooks/{id}/test",
            scope: Scope::WebhooksWrite,
            title: "Send a test",
            lead: "Delivers an event of type webhook.test.",
            submit: "Send",
            then: "/webhooks/{id}",
            ..ACTION
        },
        Action {
            path: "/webhooks/{id}/recover",
            api: "/webhooks/{id}/recover",
            scope: Scope::WebhooksWrite,
            title: "Recover",
            lead: "Delivers what the endpoint did not get since a time.",
            submit: "Recover",
            inputs: &[input("since", "Since", Kind::Text).required().help("Such as 2026-11-29T00:00:00Z.")],
            then: "/webhooks/{id}",
            ..ACTION
        },
        Action {
            path: "/webhooks/{id}/rotate-secret",
            api: "/webhooks/{id}/rotate-secret",
            scope: Scope::WebhooksWrite,
            title: "New secret",
            lead: "Events are signed with both secrets until the overlap is over.",
            submit: "Make a new secret",
            fresh: true,
            inputs: &[input("overlapSeconds", "Overlap", Kind::Number).of("86400").help("Seconds.")],
            then: "/webhooks/{id}",
            once: &[("secret", "Signing secret")],
            ..ACTION
        },
        Action {
            path: "/webhooks/{id}/delete",
            method: Verb::Delete,
            api: "/webhooks/{id}",
            scope: Scope::WebhooksWrite,
            title: "Delete",
            lead: "Nothing is delivered to it any more.",
            submit: "Delete the endpoint",
            fresh: true,
            danger: true,
            then: "/webhooks",
            ..ACTION
        },
    ],
};
