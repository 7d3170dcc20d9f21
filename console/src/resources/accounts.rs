//! Accounts, their entries, limits and bank details.

use paygen_core::access::Scope;

use super::{Resource, cards, shared};
use crate::tables::{
    ACTION, Action, As, Beside, Column, FilterKind, Kind, List, Object, SINCE, UNTIL, Verb, column, filter, input, part,
};

pub(crate) const COLUMNS: &[Column] = &[
    column("Name", "name", As::Text).sorted_by("name"),
    column("Status", "status", As::Status),
    column("Type", "type", As::Word),
    column("Available", "availableBalance", As::Money("currency")).sorted_by("availableBalance"),
    column("Held", "heldBalance", As::Money("currency")),
    column("Ledger", "ledgerBalance", As::Money("currency")),
    column("Created", "createdAt", As::Time).sorted_by("createdAt"),
];

const ENTRIES: &[Column] = &[
    column("No.", "seq", As::Text),
    column("What", "kind", As::Word),
    column("Amount", "amount", As::Money("currency")),
    column("Held", "heldAmount", As::Money("currency")),
    column("Ledger after", "ledgerBalance", As::Money("currency")),
    column("Held after", "heldBalance", As::Money("currency")),
    column("Reference", "reference", As::Text),
    column("Payment", "authorizationId", As::Link("/authorizations/")),
    column("Entry", "_id", As::Code),
    column("Time", "createdAt", As::Time),
];

const LIMITS_HELP: &str = "JSON, such as [{\"amount\": \"500\", \"interval\": \"daily\"}]. Intervals: per_authorization, \
    daily, weekly, monthly, yearly, all_time.";

pub(crate) const RESOURCE: Resource = Resource {
    lists: &[
        List {
            path: "/accounts",
            api: "/accounts",
            scope: Scope::AccountsRead,
            title: "Accounts",
            lead: "The money that cards spend, and where it comes from.",
            noun: ("account", "accounts"),
            columns: COLUMNS,
            filters: &[
                filter("status", "Status", FilterKind::Words(&["active", "inactive", "suspended", "closed"])),
                filter("type", "Type", FilterKind::Words(&["checking", "savings", "treasury", "credit"])),
                filter("currency", "Currency", FilterKind::Text),
            ],
            row: "/accounts/{_id}",
            actions: &["/accounts/new"],
            empty: "An account holds the money that cards spend. Open one to begin.",
            csv: false,
        },
        List {
            path: "/accounts/{id}/entries",
            api: "/accounts/{id}/entries",
            scope: Scope::AccountsRead,
            title: "Ledger entries",
            lead: "Every movement with the balances after it. Entries are chained by their hashes; `paygen ledger verify` \
                   proves the chain.",
            noun: ("entry", "entries"),
            columns: ENTRIES,
            filters: &[filter("reference", "Reference", FilterKind::Text), SINCE, UNTIL],
            row: "",
            actions: &[],
            empty: "Nothing was posted to this account yet.",
            csv: true,
        },
    ],
    objects: &[Object {
        path: "/accounts/{id}",
        api: "/accounts/{id}",
        scope: Scope::AccountsRead,
        list: ("/accounts", "Accounts"),
        heading: &["name"],
        noun: "Account",
        badge: "status",
        parts: &[
            part(
                "Balance",
                &[
                    column("Available", "availableBalance", As::Money("currency")),
                    column("Held for payments", "heldBalance", As::Money("currency")),
                    column("Ledger", "ledgerBalance", As::Money("currency")),
                    column("Credit limit", "creditLimit", As::Money("currency")),
                ],
            ),
            part(
                "Account",
                &[
                    column("Type", "type", As::Word),
                    column("Category", "category", As::Word),
                    column("Currency", "currency", As::Text),
                    column("Owner", "ownerType", As::Word),
                    column("Owner id", "ownerId", As::Code),
                    column("Can be debited", "canDebit", As::Bool),
                    column("Can be credited", "canCredit", As::Bool),
                    column("Metadata", "metadata", As::Json),
                    column("Created", "createdAt", As::Time),
                    column("Changed", "updatedAt", As::Time),
                ],
            ),
        ],
        beside: &[
            Beside {
                title: "Limits",
                api: "/accounts/{id}/limits",
                scope: Scope::AccountsRead,
                columns: shared::LIMITS,
                row: "",
                all: "",
                empty: "This account has no limits that its cards share.",
                within: "",
            },
            Beside {
                title: "Latest ledger entries",
                api: "/accounts/{id}/entries?limit=10",
                scope: Scope::AccountsRead,
                columns: ENTRIES,
                row: "",
                all: "/accounts/{id}/entries",
                empty: "Nothing was posted yet.",
                within: "",
            },
            Beside {
                title: "What holds money",
                api: "/accounts/{id}/balance?explain=true",
                scope: Scope::AccountsRead,
                columns: &[
                    column("Payment", "authorizationId", As::Link("/authorizations/")),
                    column("Held", "amount", As::Text),
                ],
                row: "",
                all: "",
                empty: "No payment holds money.",
                within: "explanation.holds",
            },
            Beside {
                title: "Cards",
                api: "/cards?filter=debitAccountId%3D{id}&limit=10",
                scope: Scope::CardsRead,
                columns: cards::COLUMNS,
                row: "/cards/{_id}",
                all: "/cards?debitAccountId={id}",
                empty: "No card spends from this account.",
                within: "",
            },
            Beside {
                title: "Bank details",
                api: "/accounts/{id}/details?limit=10",
                scope: Scope::AccountsRead,
                columns: &[
                    column("Type", "type", As::Word),
                    column("Provider", "provider", As::Text),
                    column("Details", "details", As::Json),
                    column("Primary", "isPrimary", As::Bool),
                ],
                row: "",
                all: "",
                empty: "No bank account or wallet is attached.",
                within: "",
            },
        ],
        actions: &[
            "/accounts/{id}/simulate-funding",
            "/transfers/new?fromAccountId={_id}",
            "/cards/new?debitAccountId={_id}",
            "/accounts/{id}/change",
            "/accounts/{id}/limits",
            "/accounts/{id}/adjust",
            "/accounts/{id}/details/new",
            "/accounts/{id}/close",
        ],
    }],
    actions: &[
        Action {
            path: "/accounts/new",
            api: "/accounts",
            scope: Scope::AccountsWrite,
            title: "Open an account",
            submit: "Open the account",
            inputs: &[
                input("name", "Name", Kind::Text).required(),
                input("currency", "Currency", Kind::Text).required().of("USD").help("ISO 4217, such as USD."),
                input("type", "Type", Kind::Words(&["checking", "savings", "treasury", "credit"])).required(),
                input("category", "Category", Kind::Words(&["fiat", "crypto"])).required(),
                input("ownerType", "Owner", Kind::Words(&["business", "user", "system", "provider"])).required(),
                input("ownerId", "Owner's id", Kind::Text).help("Your own id of the owner."),
                input("creditLimit", "Credit limit", Kind::Money).help("Accounts of type credit only."),
                input("metadata", "Metadata", Kind::Json).help("A JSON object of your own."),
            ],
            then: "/accounts/{_id}",
            ..ACTION
        },
        Action {
            path: "/accounts/{id}/change",
            method: Verb::Put,
            api: "/accounts/{id}",
            scope: Scope::AccountsWrite,
            title: "Change",
            submit: "Save",
            inputs: &[
                input("name", "Name", Kind::Text).required(),
                input("status", "Status", Kind::Words(&["active", "inactive", "suspended"])).required(),
                input("canDebit", "Can be debited", Kind::Switch),
                input("canCredit", "Can be credited", Kind::Switch),
                input("metadata", "Metadata", Kind::Json).clears(),
            ],
            of: "/accounts/{id}",
            then: "/accounts/{id}",
            ..ACTION
        },
        Action {
            path: "/accounts/{id}/limits",
            method: Verb::Put,
            api: "/accounts/{id}",
            scope: Scope::AccountsWrite,
            title: "Change limits",
            lead: "All its cards together spend no more than this.",
            submit: "Save the limits",
            inputs: &[input("spendingLimits", "Limits", Kind::Json).help(LIMITS_HELP).clears()],
            of: "/accounts/{id}",
            then: "/accounts/{id}",
            ..ACTION
        },
        Action {
            path: "/accounts/{id}/adjust",
            method: Verb::Put,
            api: "/accounts/{id}",
            scope: Scope::AccountsAdjust,
            title: "Adjust the balance",
            lead: "Posts the difference between the present and the new available balance, which does not count what payments hold. Use it for corrections only.",
            submit: "Adjust",
            fresh: true,
            danger: true,
            inputs: &[input("balance", "New available balance", Kind::Money).required()],
            of: "/accounts/{id}",
            then: "/accounts/{id}",
            ..ACTION
        },
        Action {
            path: "/accounts/{id}/details/new",
            api: "/accounts/{id}/details",
            scope: Scope::AccountsWrite,
            title: "Attach bank details",
            submit: "Attach",
            inputs: &[
                input("type", "Type", Kind::Words(&["bank_account", "crypto_wallet"])).required(),
                input("provider", "Provider", Kind::Text),
                input("isPrimary", "Primary", Kind::Switch),
                input("details", "Details", Kind::Json).help("A JSON object, such as {\"accountNumber\": \"…\"}."),
            ],
            then: "/accounts/{id}",
            ..ACTION
        },
        Action {
            path: "/accounts/{id}/close",
            method: Verb::Delete,
            api: "/accounts/{id}",
            scope: Scope::AccountsWrite,
            title: "Close",
            lead: "Closing is final. The account must be empty, with no open payment and no live card.",
            submit: "Close the account",
            fresh: true,
            danger: true,
            then: "/accounts/{id}",
            when: &[("status", &["active", "inactive", "suspended"])],
            ..ACTION
        },
        Action {
            path: "/accounts/{id}/simulate-funding",
            api: "/simulator/accounts/{id}/fund",
            scope: Scope::SimulatorWrite,
            title: "Add simulated money",
            lead: "As if money had arrived from outside. Only the sandbox has it.",
            submit: "Add money",
            inputs: &[input("amount", "Amount", Kind::Money).required().of("1000")],
            then: "/accounts/{id}",
            sandbox: true,
            ..ACTION
        },
    ],
};
