//! Responders: who is asked about payments.

use paygen_core::access::Scope;

use super::Resource;
use crate::tables::{ACTION, Action, As, Beside, Column, Kind, List, Object, Verb, column, input, part};

const COLUMNS: &[Column] = &[
    column("Address", "url", As::Text),
    column("Status", "status", As::Status),
    column("Description", "description", As::Text),
    column("On silence", "onSilence", As::Word),
    column("Milliseconds", "timeoutMs", As::Text),
    column("Verified", "verifiedAt", As::Time),
    column("Created", "createdAt", As::Time).sorted_by("createdAt"),
];

const CALLS: &[Column] = &[
    column("About", "type", As::Word),
    column("Outcome", "outcome", As::Status),
    column("Decided by", "decidedBy", As::Word),
    column("Milliseconds", "latencyMs", As::Text),
    column("Error", "error", As::Text),
    column("Payment", "authorizationId", As::Link("/authorizations/")),
    column("Time", "createdAt", As::Time),
];

const SCOPE_HELP: &str =
    "JSON, such as {\"cardIds\": [\"…\"]}, with accountIds, cardIds or programIds. Empty: every card.";

pub(crate) const RESOURCE: Resource = Resource {
    lists: &[List {
        path: "/responders",
        api: "/responders",
        scope: Scope::RespondersRead,
        title: "Responders",
        lead: "Servers of yours that are asked before a payment is approved.",
        noun: ("responder", "responders"),
        columns: COLUMNS,
        filters: &[],
        row: "/responders/{_id}",
        actions: &["/responders/new"],
        empty: "Without a responder, the built-in checks decide alone.",
        csv: false,
    }],
    objects: &[Object {
        path: "/responders/{id}",
        api: "/responders/{id}",
        scope: Scope::RespondersRead,
        list: ("/responders", "Responders"),
        heading: &["description"],
        noun: "Responder",
        badge: "status",
        parts: &[
            part(
                "Responder",
                &[
                    column("Address", "url", As::Text),
                    column("Time to answer (ms)", "timeoutMs", As::Text),
                    column("Increments", "increments", As::Word),
                    column("Verified", "verifiedAt", As::Time),
                    column("Asked", "ask", As::Json),
                    column("Cards", "scope", As::Json),
                ],
            ),
            part(
                "When it is silent",
                &[column("What happens", "onSilence", As::Word), column("Rules", "fallback", As::Json)],
            ),
        ],
        beside: &[
            Beside {
                title: "Figures by hour",
                api: "/responders/{id}/stats",
                scope: Scope::RespondersRead,
                columns: &[
                    column("Hour", "hour", As::Time),
                    column("Calls", "calls", As::Text),
                    column("Approved", "approved", As::Text),
                    column("Declined", "declined", As::Text),
                    column("Silent", "silent", As::Text),
                ],
                row: "",
                all: "",
                empty: "It was not asked within the last day.",
                within: "hours",
            },
            Beside {
                title: "Fallback used this hour",
                api: "/responders/{id}/stats",
                scope: Scope::RespondersRead,
                columns: &[
                    column("Of", "ownerId", As::Code),
                    column("Amount", "amount", As::Money("currency")),
                    column("Count", "count", As::Text),
                ],
                row: "",
                all: "",
                empty: "Nothing was approved while it was silent.",
                within: "fallbackUsed",
            },
            Beside {
                title: "Latest calls",
                api: "/responders/{id}/calls?limit=20",
                scope: Scope::RespondersRead,
                columns: CALLS,
                row: "",
                all: "",
                empty: "It was not asked yet.",
                within: "",
            },
        ],
        actions: &[
            "/responders/{id}/test",
            "/responders/{id}/change",
            "/responders/{id}/faults",
            "/responders/{id}/rotate-secret",
            "/responders/{id}/delete",
        ],
    }],
    actions: &[
        Action {
            path: "/responders/new",
            api: "/responders",
            scope: Scope::RespondersWrite,
            title: "Add a responder",
            submit: "Add",
            fresh: true,
            inputs: &[
                input("url", "Address", Kind::Text)
                    .help("https://… In the sandbox it may be empty: questions are events."),
                input("description", "Description", Kind::Text),
                input("timeoutMs", "Time to answer", Kind::Number).of("1500").help("Milliseconds, 200 to 3000."),
                input("onSilence", "When it is silent", Kind::Words(&["decline", "approve", "rules"])).required(),
                input("fallback", "Rules", Kind::Json).help("JSON, such as {\"maxAmount\": \"50\"}."),
                input("scope", "Cards", Kind::Json).help(SCOPE_HELP),
                input("ask", "Asked about", Kind::Json)
                    .help("JSON, such as {\"above\": \"25\"}. Empty: every payment."),
            ],
            then: "/responders/{_id}",
            once: &[("secret", "Signing secret")],
            ..ACTION
        },
        Action {
            path: "/responders/{id}/change",
            method: Verb::Put,
            api: "/responders/{id}",
            scope: Scope::RespondersWrite,
            title: "Change",
            submit: "Save",
            fresh: true,
            inputs: &[
                input("status", "Status", Kind::Words(&["active", "paused", "disabled"])),
                input("description", "Description", Kind::Text).clears(),
                input("timeoutMs", "Time to answer", Kind::Number).help("Milliseconds, 200 to 3000."),
                input("onSilence", "When it is silent", Kind::Words(&["decline", "approve", "rules"])).required(),
                input("fallback", "Rules", Kind::Json),
                input("scope", "Cards", Kind::Json).help(SCOPE_HELP),
                input("ask", "Asked about", Kind::Json),
            ],
            of: "/responders/{id}",
            then: "/responders/{id}",
            ..ACTION
        },
        Action {
            path: "/responders/{id}/test",
            api: "/responders/{id}/test",
            scope: Scope::RespondersWrite,
            title: "Send a test",
            lead: "Asks a question about no payment. The first right answer makes the responder active.",
            submit: "Send",
            then: "/responders/{id}",
            ..ACTION
        },
        Action {
            path: "/responders/{id}/faults",
            api: "/simulator/responders/{id}/faults",
            scope: Scope::SimulatorWrite,
            title: "Faults",
            lead: "What goes wrong with the answers, to see what happens then. Empty fields end a fault.",
            submit: "Set",
            inputs: &[
                input("percent", "Of every hundred answers", Kind::Number).clears(),
                input("delayMs", "Delay", Kind::Number).clears().help("Milliseconds."),
                input("status", "Answer with status", Kind::Number).clears(),
                input("drop", "Drop the connection", Kind::Switch),
                input("garbage", "Answer with garbage", Kind::Switch),
            ],
            then: "/responders/{id}",
            sandbox: true,
            ..ACTION
        },
        Action {
            path: "/responders/{id}/rotate-secret",
            api: "/responders/{id}/rotate-secret",
            scope: Scope::RespondersWrite,
            title: "New secret",
            submit: "Make a new secret",
            fresh: true,
            inputs: &[input("overlapSeconds", "Overlap", Kind::Number).of("86400").help("Seconds.")],
            then: "/responders/{id}",
            once: &[("secret", "Signing secret")],
            ..ACTION
        },
        Action {
            path: "/responders/{id}/delete",
            method: Verb::Delete,
            api: "/responders/{id}",
            scope: Scope::RespondersWrite,
            title: "Delete",
            lead: "The built-in checks decide alone from then on.",
            submit: "Delete the responder",
            fresh: true,
            danger: true,
            then: "/responders",
            ..ACTION
        },
    ],
};
