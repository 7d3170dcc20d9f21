//! Events and their deliveries.

use paygen_core::access::Scope;

use super::{Resource, shared};
use crate::tables::{
    ACTION, Action, As, Beside, Column, FilterKind, List, Object, SINCE, UNTIL, column, filter, input, part,
};

const COLUMNS: &[Column] = &[
    column("Type", "type", As::Text),
    column("Object", "objectType", As::Word),
    column("Object's id", "objectId", As::Code),
    column("Position", "position", As::Text).sorted_by("position"),
    column("Request", "requestId", As::Code),
    column("Time", "createdAt", As::Time).sorted_by("createdAt"),
];

pub(crate) const ATTEMPTS: &[Column] = &[
    column("Event", "eventType", As::Text),
    column("Outcome", "outcome", As::Status),
    column("Status", "status", As::Text),
    column("Attempt", "attempt", As::Text),
    column("Milliseconds", "latencyMs", As::Text),
    column("Error", "error", As::Text),
    column("Endpoint", "webhookId", As::Link("/webhooks/")),
    column("Next", "nextAttemptAt", As::Time),
    column("Time", "createdAt", As::Time).sorted_by("createdAt"),
];

pub(crate) const RESOURCE: Resource = Resource {
    lists: &[
        List {
            path: "/events",
            api: "/events",
            scope: Scope::EventsRead,
            title: "Events",
            lead: "Everything that happened, in its order. Webhooks deliver the same.",
            noun: ("event", "events"),
            columns: COLUMNS,
            filters: &[
                filter("type", "Type", FilterKind::Words(paygen_core::events::EventType::WORDS)),
                filter("objectId", "Object's id", FilterKind::Text),
                filter("requestId", "Request's id", FilterKind::Text),
                SINCE,
                UNTIL,
            ],
            row: "/events/{_id}",
            actions: &[],
            empty: "Nothing happened yet.",
            csv: false,
        },
        List {
            path: "/deliveries",
            api: "/events/deliveries",
            scope: Scope::EventsRead,
            title: "Deliveries",
            lead: "Each attempt to deliver an event to an endpoint.",
            noun: ("attempt", "attempts"),
            columns: ATTEMPTS,
            filters: &[
                filter("outcome", "Outcome", FilterKind::Words(paygen_core::webhooks::AttemptOutcome::WORDS)),
                filter("webhookId", "Endpoint's id", FilterKind::Text),
                filter("eventType", "Type", FilterKind::Words(paygen_core::events::EventType::WORDS)),
                SINCE,
            ],
            row: "/events/{eventId}",
            actions: &[],
            empty: "Nothing was delivered yet.",
            csv: false,
        },
    ],
    objects: &[Object {
        path: "/events/{id}",
        api: "/events/{id}",
        scope: Scope::EventsRead,
        list: ("/events", "Events"),
        heading: &["type"],
        noun: "Event",
        badge: "",
        parts: &[part(
            "Event",
            &[
                column("Object", "objectType", As::Word),
                column("Object's id", "objectId", As::Code),
                column("Number of the object", "sequence", As::Text),
                column("Position", "position", As::Text),
                column("Request", "requestId", As::Code),
                column("Time", "createdAt", As::Time),
                column("Data", "data", As::Json),
            ],
        )],
        beside: &[Beside {
            title: "Attempts to deliver it",
            api: "/events/{id}/deliveries?limit=20",
            scope: Scope::EventsRead,
            columns: ATTEMPTS,
            row: "",
            all: "",
            empty: "No endpoint got it, or its attempts are no longer kept.",
            within: "",
        }],
        actions: &["/events/{id}/resend"],
    }],
    actions: &[Action {
        path: "/events/{id}/resend",
        api: "/events/{id}/resend",
        scope: Scope::EventsWrite,
        title: "Send again",
        lead: "Delivers the event once more.",
        submit: "Send",
        inputs: &[input("webhookId", "Endpoint", shared::ENDPOINT).help("Every endpoint that wants it, if empty.")],
        then: "/events/{id}",
        ..ACTION
    }],
};
