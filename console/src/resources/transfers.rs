//! Transfers between accounts.

use paygen_core::access::Scope;

use super::{Resource, shared};
use crate::tables::{
    ACTION, Action, As, Column, FilterKind, Kind, List, Object, SINCE, UNTIL, column, filter, input, part,
};

pub(crate) const COLUMNS: &[Column] = &[
    column("Amount", "amount", As::Money("currency")).sorted_by("amount"),
    column("Status", "status", As::Status),
    column("From", "fromAccountId", As::Link("/accounts/")),
    column("To", "toAccountId", As::Link("/accounts/")),
    column("Reference", "reference", As::Text),
    column("Reversed", "reversedAmount", As::Money("currency")),
    column("Created", "createdAt", As::Time).sorted_by("createdAt"),
];

pub(crate) const RESOURCE: Resource = Resource {
    lists: &[List {
        path: "/transfers",
        api: "/transfers",
        scope: Scope::AccountsRead,
        title: "Transfers",
        lead: "Money moved between accounts.",
        noun: ("transfer", "transfers"),
        columns: COLUMNS,
        filters: &[
            filter("status", "Status", FilterKind::Words(&["completed", "partially_reversed", "reversed"])),
            filter("reference", "Reference", FilterKind::Text),
            SINCE,
            UNTIL,
        ],
        row: "/transfers/{_id}",
        actions: &["/transfers/new"],
        empty: "Move money between two accounts of the same currency.",
        csv: false,
    }],
    objects: &[Object {
        path: "/transfers/{id}",
        api: "/transfers/{id}",
        scope: Scope::AccountsRead,
        list: ("/transfers", "Transfers"),
        heading: &[],
        noun: "Transfer",
        badge: "status",
        parts: &[part(
            "Transfer",
            &[
                column("Amount", "amount", As::Money("currency")),
                column("Reversed", "reversedAmount", As::Money("currency")),
                column("From", "fromAccountId", As::Link("/accounts/")),
                column("To", "toAccountId", As::Link("/accounts/")),
                column("Reference", "reference", As::Text),
                column("Narration", "narration", As::Text),
                column("Ledger entry", "entryId", As::Code),
                column("Reversing entry", "reversalEntryId", As::Code),
                column("Created", "createdAt", As::Time),
            ],
        )],
        beside: &[],
        actions: &["/transfers/{id}/reverse"],
    }],
    actions: &[
        Action {
            path: "/transfers/new",
            api: "/transfers",
            scope: Scope::AccountsWrite,
            title: "New transfer",
            submit: "Transfer",
            fresh: true,
            inputs: &[
                input("fromAccountId", "From", shared::ACCOUNT).required(),
                input("toAccountId", "To", shared::ACCOUNT).required(),
                input("amount", "Amount", Kind::Money).required(),
                input("reference", "Reference", Kind::Text),
                input("narration", "Narration", Kind::Text),
            ],
            then: "/transfers/{_id}",
            ..ACTION
        },
        Action {
            path: "/transfers/{id}/reverse",
            api: "/transfers/{id}/reverse",
            scope: Scope::AccountsWrite,
            title: "Reverse",
            lead: "Moves the money back, in full or in part. A closed account gets nothing back.",
            submit: "Reverse",
            fresh: true,
            danger: true,
            inputs: &[
                input("amount", "Amount", Kind::Money).help("What is left of it, if empty."),
                input("reason", "Reason", Kind::Text),
            ],
            then: "/transfers/{id}",
            when: &[("status", &["completed", "partially_reversed"])],
            ..ACTION
        },
    ],
};
