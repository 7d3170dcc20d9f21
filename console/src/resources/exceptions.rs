//! Exceptions: what the network posted and nothing decided fits.

use paygen_core::access::Scope;

use super::{Resource, shared};
use crate::tables::{ACTION, Action, As, Column, FilterKind, Kind, List, Object, SINCE, column, filter, input, part};

pub(crate) const COLUMNS: &[Column] = &[
    column("Type", "type", As::Word),
    column("Status", "status", As::Status),
    column("Amount", "amount", As::Money("currency")).sorted_by("amount"),
    column("Waits for a price", "waits", As::Bool),
    column("Card", "cardId", As::Link("/cards/")),
    column("Payment", "authorizationId", As::Link("/authorizations/")),
    column("Created", "createdAt", As::Time).sorted_by("createdAt"),
];

const TYPES: &[&str] = &[
    "force_post",
    "unmatched_clearing",
    "unmatched_reversal",
    "unmatched_advice",
    "over_reversal",
    "over_clearing",
    "over_refund",
    "late_clearing",
    "suspense",
    "unpriced",
    "numbers_reused",
    "too_many_attempts",
];

pub(crate) const RESOURCE: Resource = Resource {
    lists: &[List {
        path: "/exceptions",
        api: "/exceptions",
        scope: Scope::AuthorizationsRead,
        title: "Exceptions",
        lead: "What the network posted without a decision that fits. Each is looked at by a person.",
        noun: ("exception", "exceptions"),
        columns: COLUMNS,
        filters: &[
            filter("status", "Status", FilterKind::Words(&["open", "resolved"])),
            filter("type", "Type", FilterKind::Words(TYPES)),
            SINCE,
        ],
        row: "/exceptions/{_id}",
        actions: &[],
        empty: "Everything that was posted fits what was decided.",
        csv: false,
    }],
    objects: &[Object {
        path: "/exceptions/{id}",
        api: "/exceptions?filter=_id%3D{id}",
        scope: Scope::AuthorizationsRead,
        list: ("/exceptions", "Exceptions"),
        heading: &["type"],
        noun: "Exception",
        badge: "status",
        parts: &[part(
            "Exception",
            &[
                column("Type", "type", As::Word),
                column("Amount", "amount", As::Money("currency")),
                column("Waits for a price", "waits", As::Bool),
                column("Card", "cardId", As::Link("/cards/")),
                column("Payment", "authorizationId", As::Link("/authorizations/")),
                column("Transaction", "transactionId", As::Link("/transactions/")),
                column("Ledger entry", "entryId", As::Code),
                column("Network transaction", "networkTransactionId", As::Code),
                column("Note", "note", As::Text),
                column("Created", "createdAt", As::Time),
                column("Changed", "updatedAt", As::Time),
            ],
        )],
        beside: &[],
        actions: &["/exceptions/{id}/resolve"],
    }],
    actions: &[Action {
        path: "/exceptions/{id}/resolve",
        api: "/exceptions/{id}/resolve",
        scope: Scope::AuthorizationsWrite,
        title: "Resolve",
        lead: "Write down what was found. What waits for a price is posted at the amount or rate given here; money in \
               suspense is paid out to the account.",
        submit: "Resolve",
        fresh: true,
        inputs: &[
            input("note", "Note", Kind::LongText).required(),
            input("billingAmount", "Amount in the card's currency", Kind::Money),
            input("rate", "Rate", Kind::Text).help("Instead of the amount, such as 1.0837."),
            input("accountId", "Account", shared::ACCOUNT).help("For money in suspense."),
        ],
        then: "/exceptions/{id}",
        when: &[("status", &["open"])],
        ..ACTION
    }],
};
