//! Transactions: what was posted.

use paygen_core::access::Scope;

use super::Resource;
use crate::tables::{
    ACTION, Action, As, Column, FilterKind, Kind, List, Object, SINCE, UNTIL, column, filter, input, part,
};

pub(crate) const COLUMNS: &[Column] = &[
    column("Amount", "amount", As::Money("currency")).sorted_by("amount"),
    column("Type", "type", As::Status),
    column("Merchant", "merchant.name", As::Text),
    column("Refunded", "refundedAmount", As::Money("currency")),
    column("Fee", "fee", As::Money("currency")),
    column("Card", "cardId", As::Link("/cards/")),
    column("Time", "createdAt", As::Time).sorted_by("createdAt"),
];

pub(crate) const RESOURCE: Resource = Resource {
    lists: &[List {
        path: "/transactions",
        api: "/transactions",
        scope: Scope::AuthorizationsRead,
        title: "Transactions",
        lead: "What the network posted: captures, refunds and force posts.",
        noun: ("transaction", "transactions"),
        columns: COLUMNS,
        filters: &[
            filter("type", "Type", FilterKind::Words(&["capture", "refund", "refund_reversal", "force_post"])),
            filter("merchant.name", "Merchant", FilterKind::Text),
            filter("cardId", "Card's id", FilterKind::Text),
            SINCE,
            UNTIL,
        ],
        row: "/transactions/{_id}",
        actions: &[],
        empty: "Nothing was posted yet. A payment is posted when it is cleared.",
        csv: true,
    }],
    objects: &[Object {
        path: "/transactions/{id}",
        api: "/transactions/{id}",
        scope: Scope::AuthorizationsRead,
        list: ("/transactions", "Transactions"),
        heading: &["merchant.name"],
        noun: "Transaction",
        badge: "type",
        parts: &[
            part(
                "Amounts",
                &[
                    column("Amount", "amount", As::Money("currency")),
                    column("Refunded", "refundedAmount", As::Money("currency")),
                    column("Fee", "fee", As::Money("currency")),
                    column("Tax on the fee", "vat", As::Money("currency")),
                    column("In the merchant's currency", "merchantAmount", As::Money("merchantCurrency")),
                ],
            ),
            part(
                "Transaction",
                &[
                    column("Payment", "authorizationId", As::Link("/authorizations/")),
                    column("Original", "originalTransactionId", As::Link("/transactions/")),
                    column("Card", "cardId", As::Link("/cards/")),
                    column("Card holder", "cardHolderId", As::Link("/card-holders/")),
                    column("Account", "accountId", As::Link("/accounts/")),
                    column("Ledger entry", "entryId", As::Code),
                    column("Network transaction", "networkTransactionId", As::Code),
                    column("Retrieval reference (RRN)", "terminal.rrn", As::Code),
                    column("Trace number (STAN)", "terminal.stan", As::Code),
                    column("Posted", "createdAt", As::Time),
                ],
            ),
        ],
        beside: &[],
        actions: &["/transactions/{id}/refund", "/transactions/{id}/reverse-refund"],
    }],
    actions: &[
        Action {
            path: "/transactions/{id}/reverse-refund",
            api: "/simulator/refunds/{id}/reverse",
            scope: Scope::SimulatorWrite,
            title: "Reverse the refund",
            lead: "The merchant takes the refund back.",
            submit: "Reverse",
            then: "/transactions/{id}",
            when: &[("type", &["refund"])],
            sandbox: true,
            ..ACTION
        },
        Action {
            path: "/transactions/{id}/refund",
            api: "/simulator/refunds",
            scope: Scope::SimulatorWrite,
            title: "Refund",
            lead: "The merchant gives money back.",
            submit: "Refund",
            inputs: &[
                input("transactionId", "Transaction", Kind::Text).required().of("{id}"),
                input("amount", "Amount", Kind::Money).help("What is left of it, if empty."),
            ],
            then: "/transactions/{id}",
            when: &[("type", &["capture", "force_post"])],
            sandbox: true,
            ..ACTION
        },
    ],
};
