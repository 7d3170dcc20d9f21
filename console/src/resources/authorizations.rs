//! Payments as the network asked for them.

use paygen_core::access::Scope;

use super::{Resource, transactions};
use crate::tables::{
    ACTION, Action, As, Beside, Column, FilterKind, Kind, List, Object, SINCE, UNTIL, column, filter, input, part,
};

pub(crate) const COLUMNS: &[Column] = &[
    column("Amount", "amount", As::Money("currency")).sorted_by("amount"),
    column("Status", "status", As::Status),
    column("Reason", "reason", As::Word),
    column("Merchant", "merchant.name", As::Text),
    column("Category", "merchant.category", As::Code),
    column("Channel", "channel", As::Word),
    column("Card", "cardId", As::Link("/cards/")),
    column("Time", "createdAt", As::Time).sorted_by("createdAt"),
];

/// What is offered on the decision page.
pub(crate) const DECISION_ACTIONS: &[&str] = &["/authorizations/{id}/clear", "/authorizations/{id}/reverse"];

const APPROVED: &[(&str, &[&str])] = &[("status", &["approved"])];

pub(crate) const RESOURCE: Resource = Resource {
    lists: &[List {
        path: "/authorizations",
        api: "/authorizations",
        scope: Scope::AuthorizationsRead,
        title: "Payments",
        lead: "What the network asked for, and what was decided.",
        noun: ("payment", "payments"),
        columns: COLUMNS,
        filters: &[
            filter(
                "status",
                "Status",
                FilterKind::Words(&["approved", "declined", "pending", "reversed", "expired", "closed"]),
            ),
            filter("reason", "Reason", FilterKind::Words(paygen_core::authorizations::Reason::WORDS)),
            filter("channel", "Channel", FilterKind::Words(&["pos", "web", "mobile", "atm"])),
            filter("merchant.name", "Merchant", FilterKind::Text),
            filter("cardId", "Card's id", FilterKind::Text),
            SINCE,
            UNTIL,
        ],
        row: "/authorizations/{_id}",
        actions: &["/simulator/pay"],
        empty: "Nothing was paid yet. In the sandbox, the simulator pays with a card.",
        csv: false,
    }],
    objects: &[Object {
        path: "/authorizations/{id}",
        api: "/authorizations/{id}",
        scope: Scope::AuthorizationsRead,
        list: ("/authorizations", "Payments"),
        heading: &["merchant.name"],
        noun: "Payment",
        badge: "status",
        parts: &[
            part(
                "Amounts",
                &[
                    column("Requested", "amount", As::Money("currency")),
                    column("Approved", "approvedAmount", As::Money("currency")),
                    column("Held", "heldAmount", As::Money("currency")),
                    column("Cleared", "clearedAmount", As::Money("currency")),
                    column("Reversed", "reversedAmount", As::Money("currency")),
                    column("Refunded", "refundedAmount", As::Money("currency")),
                    column("Fee", "fee", As::Money("currency")),
                    column("Tax on the fee", "vat", As::Money("currency")),
                    column("In the merchant's currency", "merchantAmount", As::Money("merchantCurrency")),
                ],
            ),
            part(
                "Payment",
                &[
                    column("Declined because", "reason", As::Word),
                    column("Type", "type", As::Word),
                    column("Channel", "channel", As::Word),
                    column("Category", "merchant.category", As::Code),
                    column("Merchant id", "merchant.merchantId", As::Code),
                    column("City", "merchant.city", As::Text),
                    column("Country", "merchant.country", As::Text),
                    column("Responder", "responder.outcome", As::Status),
                    column("Created", "createdAt", As::Time),
                    column("Hold ends", "expiresAt", As::Time),
                ],
            ),
            part(
                "Whose, and which",
                &[
                    column("Card", "cardId", As::Link("/cards/")),
                    column("Card holder", "cardHolderId", As::Link("/card-holders/")),
                    column("Account", "accountId", As::Link("/accounts/")),
                    column("Approval code", "authorizationCode", As::Code),
                    column("Network transaction", "networkTransactionId", As::Code),
                    column("Retrieval reference (RRN)", "terminal.rrn", As::Code),
                    column("Trace number (STAN)", "terminal.stan", As::Code),
                    column("Terminal", "terminal.terminalId", As::Code),
                ],
            ),
        ],
        beside: &[
            Beside {
                title: "What happened to it",
                api: "/authorizations/{id}",
                scope: Scope::AuthorizationsRead,
                columns: &[
                    column("Step", "step", As::Status),
                    column("Amount", "amount", As::Text),
                    column("Note", "note", As::Text),
                    column("Ledger entry", "entryId", As::Code),
                    column("Time", "at", As::Time),
                ],
                row: "",
                all: "",
                empty: "Nothing yet.",
                within: "timeline",
            },
            Beside {
                title: "Transactions",
                api: "/transactions?filter=authorizationId%3D{id}&limit=20",
                scope: Scope::AuthorizationsRead,
                columns: transactions::COLUMNS,
                row: "/transactions/{_id}",
                all: "",
                empty: "Nothing was posted yet.",
                within: "",
            },
        ],
        actions: &[
            "/authorizations/{id}/decision",
            "/authorizations/{id}/clear",
            "/authorizations/{id}/increment",
            "/authorizations/{id}/reverse",
            "/authorizations/{id}/expire",
            "/authorizations/{id}/release",
        ],
    }],
    actions: &[
        Action {
            path: "/authorizations/{id}/release",
            api: "/authorizations/{id}/release",
            scope: Scope::AuthorizationsWrite,
            title: "Release the hold",
            lead: "The held money is available again. A clearing that comes later is posted all the same.",
            submit: "Release",
            fresh: true,
            danger: true,
            inputs: &[input("reason", "Reason", Kind::Text).required()],
            then: "/authorizations/{id}",
            when: APPROVED,
            ..ACTION
        },
        Action {
            path: "/authorizations/{id}/clear",
            api: "/simulator/authorizations/{id}/clear",
            scope: Scope::SimulatorWrite,
            title: "Clear",
            lead: "The merchant collects the money, in full or in part.",
            submit: "Clear",
            inputs: &[
                input("amount", "Amount", Kind::Money).help("What is held, if empty."),
                input("final", "Last clearing", Kind::Switch).of("true").help("Releases what is left of the hold."),
            ],
            then: "/authorizations/{id}",
            when: APPROVED,
            sandbox: true,
            ..ACTION
        },
        Action {
            path: "/authorizations/{id}/increment",
            api: "/simulator/authorizations/{id}/increment",
            scope: Scope::SimulatorWrite,
            title: "Increment",
            lead: "The merchant asks for more, as hotels do.",
            submit: "Increment",
            inputs: &[input("amount", "More", Kind::Money).required()],
            then: "/authorizations/{id}",
            when: APPROVED,
            sandbox: true,
            ..ACTION
        },
        Action {
            path: "/authorizations/{id}/reverse",
            api: "/simulator/authorizations/{id}/reverse",
            scope: Scope::SimulatorWrite,
            title: "Reverse",
            lead: "The merchant gives up the payment, in full or in part.",
            submit: "Reverse",
            inputs: &[input("amount", "Amount", Kind::Money).help("All of it, if empty.")],
            then: "/authorizations/{id}",
            when: APPROVED,
            sandbox: true,
            ..ACTION
        },
        Action {
            path: "/authorizations/{id}/expire",
            api: "/simulator/authorizations/{id}/expire",
            scope: Scope::SimulatorWrite,
            title: "Let it expire",
            lead: "As if the time of its hold were over.",
            submit: "Expire",
            then: "/authorizations/{id}",
            when: APPROVED,
            sandbox: true,
            ..ACTION
        },
    ],
};
