//! The simulator of the sandbox: it plays the network and moves the clock.

use paygen_core::access::Scope;

use super::{Resource, shared};
use crate::tables::{ACTION, Action, As, Kind, Object, column, input, part};

const TYPES: &[&str] = &["purchase", "cash_withdrawal", "deposit", "transfer", "payment", "account_verification"];

const CHANNELS: &[&str] = &["pos", "web", "mobile", "atm"];

pub(crate) const RESOURCE: Resource = Resource {
    lists: &[],
    objects: &[Object {
        path: "/simulator",
        api: "/simulator/clock",
        scope: Scope::SimulatorRead,
        list: ("/simulator", "Simulator"),
        heading: &[],
        noun: "Simulator",
        badge: "",
        parts: &[part(
            "Test clock",
            &[
                column("Business time", "now", As::Time),
                column("Ahead of wall time (seconds)", "offsetSeconds", As::Text),
            ],
        )],
        beside: &[],
        actions: &["/simulator/pay", "/simulator/force-post", "/simulator/refund", "/simulator/clock"],
    }],
    actions: &[
        Action {
            path: "/simulator/pay",
            api: "/simulator/authorizations",
            scope: Scope::SimulatorWrite,
            title: "Pay with a card",
            lead: "Plays the merchant and the network: the payment is decided as a real one.",
            submit: "Pay",
            inputs: &[
                input("cardId", "Card", shared::CARD).required(),
                input("amount", "Amount", Kind::Money).required().of("25"),
                input("currency", "Currency", Kind::Text).help("The card's, if empty."),
                input("merchant.name", "Merchant", Kind::Text).of("Corner Cafe"),
                input("merchant.category", "Category", Kind::Text).of("5812").help("A merchant category code."),
                input("merchant.country", "Country", Kind::Text).of("US"),
                input("merchant.merchantId", "Merchant's id", Kind::Text),
                input("channel", "Channel", Kind::Words(CHANNELS)).of("pos"),
                input("type", "Type", Kind::Words(TYPES)),
                input("riskScore", "Risk score", Kind::Number).help("0 to 100."),
                input("threeDs", "3-D Secure", Kind::Words(&["none", "offered", "authenticated", "failed"])),
                input("partialAllowed", "Less may be approved", Kind::Switch),
                input("estimated", "The amount is an estimate", Kind::Switch),
            ],
            then: "/authorizations/{_id}/decision",
            sandbox: true,
            ..ACTION
        },
        Action {
            path: "/simulator/force-post",
            api: "/simulator/force-posts",
            scope: Scope::SimulatorWrite,
            title: "Force a posting",
            lead: "Posts a transaction without asking, as offline terminals do. It becomes an exception.",
            submit: "Post",
            inputs: &[
                input("cardId", "Card", shared::CARD).required(),
                input("amount", "Amount", Kind::Money).required().of("4.50"),
                input("merchant.name", "Merchant", Kind::Text).of("Inflight Snacks"),
                input("merchant.category", "Category", Kind::Text).of("5812"),
                input("channel", "Channel", Kind::Words(CHANNELS)),
            ],
            then: "/transactions/{_id}",
            sandbox: true,
            ..ACTION
        },
        Action {
            path: "/simulator/refund",
            api: "/simulator/refunds",
            scope: Scope::SimulatorWrite,
            title: "Refund without a payment",
            lead: "A merchant gives money to a card. To refund a payment, open its transaction.",
            submit: "Refund",
            inputs: &[
                input("cardId", "Card", shared::CARD).required(),
                input("amount", "Amount", Kind::Money).required().of("10"),
                input("merchant.name", "Merchant", Kind::Text).of("Corner Cafe"),
                input("merchant.category", "Category", Kind::Text).of("5812"),
                input("channel", "Channel", Kind::Words(CHANNELS)),
            ],
            then: "/transactions/{_id}",
            sandbox: true,
            ..ACTION
        },
        Action {
            path: "/simulator/clock",
            api: "/simulator/clock",
            scope: Scope::SimulatorWrite,
            title: "Move the clock",
            lead: "Business time goes forward, and what falls due until then happens: holds expire, webhooks are retried. It \
                   never goes back.",
            submit: "Move",
            inputs: &[input("advanceSeconds", "By how much", Kind::Number).required().of("86400").help("Seconds.")],
            then: "/simulator",
            sandbox: true,
            ..ACTION
        },
    ],
};
