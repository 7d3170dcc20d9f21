//! Card programs.

use paygen_core::access::Scope;

use super::{Resource, cards, shared};
use crate::tables::{
    ACTION, Action, As, Beside, Column, FilterKind, Kind, List, Object, Verb, column, filter, input, part,
};

const COLUMNS: &[Column] = &[
    column("Name", "name", As::Text).sorted_by("name"),
    column("Status", "status", As::Status),
    column("Brand", "brand", As::Text),
    column("Currency", "currency", As::Text),
    column("Funding", "fundingMode", As::Word),
    column("Default", "isDefault", As::Bool),
    column("Created", "createdAt", As::Time).sorted_by("createdAt"),
];

const INPUTS: &[crate::tables::Input] = &[
    input("name", "Name", Kind::Text).required(),
    input("brand", "Brand", Kind::Words(&["Visa", "Mastercard"])),
    input("currency", "Currency", Kind::Words(&["USD", "NGN"])),
    input("fundingMode", "Funding", Kind::Words(&["prefunded", "on_demand"])),
    input("validityMonths", "Cards are valid for", Kind::Number).help("Months."),
    input("riskThreshold", "Risk score that declines", Kind::Number).help("0 to 100."),
    input("canLoosen", "Cards may allow more", Kind::Switch),
    input("spendingControls", "Controls of each card", Kind::Json),
    input("spendingLimits", "Limits that its cards share", Kind::Json),
    input("fees", "Fees", Kind::Json),
    input("rates", "Conversion rates", Kind::Json),
];

pub(crate) const RESOURCE: Resource = Resource {
    lists: &[List {
        path: "/programs",
        api: "/programs",
        scope: Scope::ProgramsRead,
        title: "Programs",
        lead: "What cards have in common: number ranges, fees, controls and limits.",
        noun: ("program", "programs"),
        columns: COLUMNS,
        filters: &[filter("status", "Status", FilterKind::Words(&["active", "archived"]))],
        row: "/programs/{_id}",
        actions: &["/programs/new"],
        empty: "",
        csv: false,
    }],
    objects: &[Object {
        path: "/programs/{id}",
        api: "/programs/{id}",
        scope: Scope::ProgramsRead,
        list: ("/programs", "Programs"),
        heading: &["name"],
        noun: "Program",
        badge: "status",
        parts: &[
            part(
                "Program",
                &[
                    column("Brand", "brand", As::Text),
                    column("Currency", "currency", As::Text),
                    column("Funding", "fundingMode", As::Word),
                    column("Cards are valid for (months)", "validityMonths", As::Text),
                    column("Risk score that declines", "riskThreshold", As::Text),
                    column("Wrong PINs", "pinTries", As::Text),
                    column("Wrong codes a day", "codeTries", As::Text),
                    column("Cards may allow more", "canLoosen", As::Bool),
                    column("Number ranges", "numberRanges", As::Json),
                ],
            ),
            part(
                "Terms",
                &[
                    column("Fees", "fees", As::Json),
                    column("Rates", "rates", As::Json),
                    column("Holds", "holds", As::Json),
                    column("Fees are refunded", "refundFees", As::Bool),
                    column("Controls of each card", "spendingControls", As::Json),
                ],
            ),
        ],
        beside: &[
            Beside {
                title: "Limits that its cards share",
                api: "/programs/{id}/limits",
                scope: Scope::ProgramsRead,
                columns: shared::LIMITS,
                row: "",
                all: "",
                empty: "None.",
                within: "",
            },
            Beside {
                title: "Cards",
                api: "/cards?filter=programId%3D{id}&limit=10",
                scope: Scope::CardsRead,
                columns: cards::COLUMNS,
                row: "/cards/{_id}",
                all: "",
                empty: "No card of this program yet.",
                within: "",
            },
        ],
        actions: &["/programs/{id}/change", "/programs/{id}/archive"],
    }],
    actions: &[
        Action {
            path: "/programs/new",
            api: "/programs",
            scope: Scope::ProgramsWrite,
            title: "New program",
            submit: "Create",
            fresh: true,
            inputs: INPUTS,
            then: "/programs/{_id}",
            ..ACTION
        },
        Action {
            path: "/programs/{id}/change",
            method: Verb::Put,
            api: "/programs/{id}",
            scope: Scope::ProgramsWrite,
            title: "Change",
            lead: "GET /programs/{programId}/impact says what a change would have done to past payments.",
            submit: "Save",
            fresh: true,
            inputs: INPUTS,
            of: "/programs/{id}",
            then: "/programs/{id}",
            ..ACTION
        },
        Action {
            path: "/programs/{id}/archive",
            method: Verb::Delete,
            api: "/programs/{id}",
            scope: Scope::ProgramsWrite,
            title: "Archive",
            lead: "No further cards are issued. Its cards go on.",
            submit: "Archive",
            fresh: true,
            danger: true,
            then: "/programs/{id}",
            when: &[("status", &["active"]), ("isDefault", &["false"])],
            ..ACTION
        },
    ],
};
