//! Cards: issuing, controls, limits, money, PIN, replacement.

use paygen_core::access::Scope;

use super::{Resource, authorizations, shared, transactions};
use crate::tables::{
    ACTION, Action, As, Beside, Column, FilterKind, Kind, List, Object, SINCE, Verb, column, filter, input, part,
};

pub(crate) const COLUMNS: &[Column] = &[
    column("Card", "maskedPan", As::Code),
    column("Status", "status", As::Status),
    column("Brand", "brand", As::Text),
    column("Type", "type", As::Word),
    column("Available", "availableBalance", As::Money("currency")).sorted_by("availableBalance"),
    column("Card holder", "cardHolder.name", As::Named("/card-holders/", "cardHolderId")),
    column("Created", "createdAt", As::Time).sorted_by("createdAt"),
];

const CONTROLS_HELP: &str = "JSON with spendingLimits, channels, allowedCategories, blockedCategories, allowedMerchants, \
    blockedMerchants, allowedCountries and blockedCountries.";

const LIVE: &[(&str, &[&str])] = &[("status", &["active", "inactive"])];

pub(crate) const RESOURCE: Resource = Resource {
    lists: &[List {
        path: "/cards",
        api: "/cards",
        scope: Scope::CardsRead,
        title: "Cards",
        lead: "",
        noun: ("card", "cards"),
        columns: COLUMNS,
        filters: &[
            filter("status", "Status", FilterKind::Words(&["active", "inactive", "canceled"])),
            filter("type", "Type", FilterKind::Words(&["virtual", "physical"])),
            filter("brand", "Brand", FilterKind::Words(&["Visa", "Mastercard"])),
            filter("last4", "Last four digits", FilterKind::Text),
            filter("cardHolderId", "Card holder's id", FilterKind::Text),
            filter("debitAccountId", "Account's id", FilterKind::Text),
            SINCE,
        ],
        row: "/cards/{_id}",
        actions: &["/cards/new"],
        empty: "Issue the first card. It needs an account with money and a card holder.",
        csv: false,
    }],
    objects: &[Object {
        path: "/cards/{id}",
        api: "/cards/{id}",
        scope: Scope::CardsRead,
        list: ("/cards", "Cards"),
        heading: &["brand", "maskedPan"],
        noun: "Card",
        badge: "status",
        parts: &[
            part(
                "Card",
                &[
                    column("Available", "availableBalance", As::Money("currency")),
                    column("Balance", "balance", As::Money("currency")),
                    column("Type", "type", As::Word),
                    column("Funding", "fundingMode", As::Word),
                    column("Expires", "expiryMonth", As::Joined("expiryYear", "/")),
                    column("PIN set", "pinSet", As::Bool),
                    column("Single use", "disposable", As::Bool),
                    column("Activated", "activatedAt", As::Time),
                    column("Valid from", "validFrom", As::Time),
                    column("Valid until", "validUntil", As::Time),
                    column("Created", "createdAt", As::Time),
                ],
            ),
            part(
                "Belongs to",
                &[
                    column("Card holder", "cardHolderId", As::Link("/card-holders/")),
                    column("Spends from", "debitAccountId", As::Link("/accounts/")),
                    column("Program", "programId", As::Link("/programs/")),
                    column("Replaces", "replacementFor", As::Link("/cards/")),
                    column("Replaced by", "replacedBy", As::Link("/cards/")),
                    column("Canceled because", "cancellationReason", As::Word),
                    column("Metadata", "metadata", As::Json),
                ],
            ),
            part(
                "Controls",
                &[
                    column("At shops", "spendingControls.channels.pos", As::Bool),
                    column("Online", "spendingControls.channels.web", As::Bool),
                    column("Mobile", "spendingControls.channels.mobile", As::Bool),
                    column("Cash machines", "spendingControls.channels.atm", As::Bool),
                    column("Allowed categories", "spendingControls.allowedCategories", As::Text),
                    column("Blocked categories", "spendingControls.blockedCategories", As::Text),
                    column("Allowed countries", "spendingControls.allowedCountries", As::Text),
                    column("Blocked countries", "spendingControls.blockedCountries", As::Text),
                    column("Allowed merchants", "spendingControls.allowedMerchants", As::Text),
                    column("Blocked merchants", "spendingControls.blockedMerchants", As::Text),
                    column("Locked to merchant", "lockedMerchantId", As::Code),
                ],
            ),
        ],
        beside: &[
            Beside {
                title: "Limits and what is left",
                api: "/cards/{id}/limits",
                scope: Scope::CardsRead,
                columns: shared::LIMITS,
                row: "",
                all: "",
                empty: "No limit applies to this card.",
                within: "",
            },
            Beside {
                title: "Latest payments",
                api: "/cards/{id}/authorizations?limit=10",
                scope: Scope::AuthorizationsRead,
                columns: authorizations::COLUMNS,
                row: "/authorizations/{_id}",
                all: "/authorizations?cardId={id}",
                empty: "Nothing was paid with this card yet.",
                within: "",
            },
            Beside {
                title: "Latest transactions",
                api: "/cards/{id}/transactions?limit=10",
                scope: Scope::AuthorizationsRead,
                columns: transactions::COLUMNS,
                row: "/transactions/{_id}",
                all: "/transactions?cardId={id}",
                empty: "Nothing was posted yet.",
                within: "",
            },
        ],
        actions: &[
            "/simulator/pay?cardId={_id}",
            "/cards/{id}/activate",
            "/cards/{id}/fund",
            "/cards/{id}/withdraw",
            "/cards/{id}/freeze",
            "/cards/{id}/unfreeze",
            "/cards/{id}/controls",
            "/cards/{id}/reveal",
            "/cards/{id}/pin",
            "/cards/{id}/unblock-pin",
            "/cards/{id}/replace",
            "/cards/{id}/cancel",
        ],
    }],
    actions: &[
        Action {
            path: "/cards/new",
            api: "/cards",
            scope: Scope::CardsWrite,
            title: "Issue a card",
            submit: "Issue the card",
            fresh: true,
            inputs: &[
                input("cardHolderId", "Card holder", shared::CARD_HOLDER).required(),
                input("debitAccountId", "Account", shared::ACCOUNT).required().help("The card spends its money."),
                input("type", "Type", Kind::Words(&["virtual", "physical"])).required(),
                input("brand", "Brand", Kind::Words(&["Visa", "Mastercard"])).required(),
                input("status", "Status", Kind::Words(&["active", "inactive"])).required(),
                input("fundingMode", "Funding", Kind::Words(&["prefunded", "on_demand"]))
                    .help("Prefunded: the card has its own balance. On demand: payments debit the account."),
                input("amount", "First amount", Kind::Money).help("Moved from the account to a prefunded card."),
                input("programId", "Program", Kind::Pick("/programs?filter=status%3Dactive", "_id", &["name"])),
                input("spendingControls", "Controls", Kind::Json).help(CONTROLS_HELP),
                input("disposable", "Single use", Kind::Switch),
            ],
            then: "/cards/{_id}",
            ..ACTION
        },
        Action {
            path: "/cards/{id}/activate",
            api: "/cards/{id}/activate",
            scope: Scope::CardsWrite,
            title: "Activate",
            lead: "When the card holder has received it.",
            submit: "Activate the card",
            then: "/cards/{id}",
            when: &[("status", &["inactive"]), ("type", &["physical"]), ("activatedAt", &[""])],
            ..ACTION
        },
        Action {
            path: "/cards/{id}/fund",
            api: "/cards/{id}/fund",
            scope: Scope::CardsWrite,
            title: "Fund",
            lead: "Moves money from an account to the card.",
            submit: "Fund the card",
            fresh: true,
            inputs: &[
                input("debitAccountId", "From", shared::ACCOUNT).required(),
                input("amount", "Amount", Kind::Money).required(),
                input("narration", "Narration", Kind::Text),
                input("paymentReference", "Reference", Kind::Text).help("Can be used once."),
            ],
            then: "/cards/{id}",
            when: &[("fundingMode", &["prefunded"])],
            ..ACTION
        },
        Action {
            path: "/cards/{id}/withdraw",
            api: "/cards/{id}/withdraw",
            scope: Scope::CardsWrite,
            title: "Withdraw",
            lead: "Moves money from the card to an account.",
            submit: "Withdraw",
            fresh: true,
            inputs: &[
                input("amount", "Amount", Kind::Money).required(),
                input("creditAccountId", "To", shared::ACCOUNT).help("The card's own account, if empty."),
                input("narration", "Narration", Kind::Text),
            ],
            then: "/cards/{id}",
            when: &[("fundingMode", &["prefunded"]), ("status", &["active", "inactive"])],
            ..ACTION
        },
        Action {
            path: "/cards/{id}/freeze",
            method: Verb::Put,
            api: "/cards/{id}",
            scope: Scope::CardsWrite,
            title: "Freeze",
            lead: "Payments are declined until the card is active again.",
            submit: "Freeze the card",
            inputs: &[input("status", "Status", Kind::Words(&["inactive"])).required()],
            then: "/cards/{id}",
            when: &[("status", &["active"])],
            ..ACTION
        },
        Action {
            path: "/cards/{id}/unfreeze",
            method: Verb::Put,
            api: "/cards/{id}",
            scope: Scope::CardsWrite,
            title: "Unfreeze",
            lead: "Payments are decided again.",
            submit: "Unfreeze the card",
            inputs: &[input("status", "Status", Kind::Words(&["active"])).required()],
            then: "/cards/{id}",
            when: &[("status", &["inactive"])],
            ..ACTION
        },
        Action {
            path: "/cards/{id}/controls",
            method: Verb::Put,
            api: "/cards/{id}",
            scope: Scope::CardsWrite,
            title: "Controls",
            lead: "Where and how much the card may pay.",
            submit: "Save",
            inputs: &[
                input("spendingControls.channels.pos", "At shops", Kind::Switch),
                input("spendingControls.channels.web", "Online", Kind::Switch),
                input("spendingControls.channels.mobile", "Mobile", Kind::Switch),
                input("spendingControls.channels.atm", "Cash machines", Kind::Switch),
                input("spendingControls.allowedCategories", "Allowed categories", Kind::List)
                    .clears()
                    .help("Merchant category codes or groups such as fuel, separated by commas."),
                input("spendingControls.blockedCategories", "Blocked categories", Kind::List).clears(),
                input("spendingControls.allowedCountries", "Allowed countries", Kind::List)
                    .clears()
                    .help("Two letters each, such as US."),
                input("spendingControls.blockedCountries", "Blocked countries", Kind::List).clears(),
                input("spendingControls.allowedMerchants", "Allowed merchants", Kind::List).clears(),
                input("spendingControls.blockedMerchants", "Blocked merchants", Kind::List).clears(),
                input("spendingControls.spendingLimits", "Limits", Kind::Json)
                    .help("JSON, such as [{\"amount\": \"300\", \"interval\": \"daily\"}]."),
            ],
            of: "/cards/{id}",
            then: "/cards/{id}",
            when: LIVE,
            ..ACTION
        },
        Action {
            path: "/cards/{id}/pin",
            method: Verb::Put,
            api: "/cards/{id}/pin",
            scope: Scope::CardsWrite,
            title: "Set PIN",
            submit: "Set the PIN",
            fresh: true,
            // In production a PIN comes only as an encrypted block, from where it is typed in.
            sandbox: true,
            inputs: &[input("pin", "PIN", Kind::Password).required().help("4 to 12 digits.")],
            then: "/cards/{id}",
            when: LIVE,
            ..ACTION
        },
        Action {
            path: "/cards/{id}/unblock-pin",
            api: "/cards/{id}/pin/unblock",
            scope: Scope::CardsWrite,
            title: "Unblock PIN",
            lead: "Wrong tries are forgotten; the PIN stays.",
            submit: "Unblock the PIN",
            fresh: true,
            then: "/cards/{id}",
            when: &[("status", &["active", "inactive"]), ("pinSet", &["true"])],
            ..ACTION
        },
        Action {
            path: "/cards/{id}/replace",
            api: "/cards/{id}/replace",
            scope: Scope::CardsWrite,
            title: "Replace",
            lead: "A lost or stolen card is canceled at once and gets a new number. Its money moves to the new card.",
            submit: "Replace the card",
            fresh: true,
            danger: true,
            inputs: &[input("reason", "Reason", Kind::Words(&["lost", "stolen", "damaged", "expired"])).required()],
            then: "/cards/{_id}",
            when: LIVE,
            ..ACTION
        },
        Action {
            path: "/cards/{id}/cancel",
            method: Verb::Delete,
            api: "/cards/{id}",
            scope: Scope::CardsWrite,
            title: "Cancel",
            lead: "Canceling is final. The card's money moves back to its account.",
            submit: "Cancel the card",
            fresh: true,
            danger: true,
            then: "/cards/{id}",
            when: LIVE,
            ..ACTION
        },
    ],
};
