//! Card holders.

use paygen_core::access::Scope;

use super::{Resource, cards, shared};
use crate::tables::{
    ACTION, Action, As, Beside, Column, FilterKind, Kind, List, Object, Part, SINCE, Verb, column, filter, input, part,
};

pub(crate) const COLUMNS: &[Column] = &[
    column("Name", "name", As::Text).sorted_by("name"),
    column("Status", "status", As::Status),
    column("E-mail", "person.email", As::Text),
    column("Identity", "identification.document.verificationStatus", As::Status),
    column("Address", "identification.proofOfAddress.verificationStatus", As::Status),
    column("Created", "createdAt", As::Time).sorted_by("createdAt"),
];

/// What a card holder stated, beside their documents.
pub(crate) const PARTS: &[Part] = &[
    part(
        "Person",
        &[
            column("First name", "person.firstName", As::Text),
            column("Last name", "person.lastName", As::Text),
            column("Date of birth", "person.dateOfBirth", As::Text),
            column("Nationality", "person.nationality", As::Text),
            column("E-mail", "person.email", As::Text),
            column("Phone", "person.phoneNumber", As::Text),
        ],
    ),
    part(
        "Address",
        &[
            column("Street", "address.line1", As::Text),
            column("City", "address.city", As::Text),
            column("State", "address.state", As::Text),
            column("Postal code", "address.postalCode", As::Text),
            column("Country", "address.countryCode", As::Text),
        ],
    ),
    part(
        "Identification",
        &[
            column("Document", "identification.document.type", As::Text),
            column("Number", "identification.document.number", As::Text),
            column("Issuing country", "identification.document.issuingCountry", As::Text),
            column("Expires", "identification.document.expiryDate", As::Text),
            column("Identity", "identification.document.verificationStatus", As::Status),
            column("Proof of address", "identification.proofOfAddress.type", As::Text),
            column("Address", "identification.proofOfAddress.verificationStatus", As::Status),
            column("Still missing", "requirements", As::Text),
        ],
    ),
];

const DOCUMENT_TYPES: &[&str] = &["international_passport", "national_id", "drivers_license", "voters_card"];

pub(crate) const RESOURCE: Resource = Resource {
    lists: &[List {
        path: "/card-holders",
        api: "/card-holders",
        scope: Scope::CardHoldersRead,
        title: "Card holders",
        lead: "The people who have cards, with what they identify themselves with.",
        noun: ("card holder", "card holders"),
        columns: COLUMNS,
        filters: &[
            filter("status", "Status", FilterKind::Words(&["active", "inactive", "blocked"])),
            filter(
                "identification.document.verificationStatus",
                "Identity document",
                FilterKind::Words(&["pending", "rejected"]),
            ),
            filter("person.email", "E-mail", FilterKind::Text),
            SINCE,
        ],
        row: "/card-holders/{_id}",
        actions: &["/card-holders/new"],
        empty: "A card holder is the person who gets a card. Enrol the first one.",
        csv: false,
    }],
    objects: &[Object {
        path: "/card-holders/{id}",
        api: "/card-holders/{id}",
        scope: Scope::CardHoldersRead,
        list: ("/card-holders", "Card holders"),
        heading: &["name"],
        noun: "Card holder",
        badge: "status",
        parts: PARTS,
        beside: &[
            Beside {
                title: "Cards",
                api: "/cards?filter=cardHolderId%3D{id}&limit=10",
                scope: Scope::CardsRead,
                columns: cards::COLUMNS,
                row: "/cards/{_id}",
                all: "/cards?cardHolderId={id}",
                empty: "No card yet.",
                within: "",
            },
            Beside {
                title: "Documents",
                api: "/card-holders/{id}/documents?limit=20",
                scope: Scope::CardHoldersRead,
                columns: &[
                    column("Part", "part", As::Word),
                    column("Status", "status", As::Status),
                    column("Current", "current", As::Bool),
                    column("Type", "fileType", As::Text),
                    column("Reason", "reason", As::Word),
                    column("Uploaded", "createdAt", As::Time),
                ],
                row: "/card-holders/{cardHolderId}/documents/{_id}",
                all: "/card-holders/{id}/review",
                empty: "Nothing was uploaded. POST /card-holders/{cardHolderId}/documents takes the files.",
                within: "",
            },
            Beside {
                title: "Limits",
                api: "/card-holders/{id}/limits",
                scope: Scope::CardHoldersRead,
                columns: shared::LIMITS,
                row: "",
                all: "",
                empty: "This card holder has no limits.",
                within: "",
            },
        ],
        actions: &[
            "/cards/new?cardHolderId={_id}",
            "/card-holders/{id}/review",
            "/card-holders/{id}/change",
            "/card-holders/{id}/erase",
        ],
    }],
    actions: &[
        Action {
            path: "/card-holders/new",
            api: "/card-holders",
            scope: Scope::CardHoldersWrite,
            title: "Enrol a card holder",
            submit: "Enrol",
            inputs: &[
                input("person.firstName", "First name", Kind::Text).required(),
                input("person.lastName", "Last name", Kind::Text).required(),
                input("person.email", "E-mail", Kind::Email),
                input("person.phoneNumber", "Phone", Kind::Text).help("With the country, such as +12125550198."),
                input("person.dateOfBirth", "Date of birth", Kind::Date),
                input("person.nationality", "Nationality", Kind::Text).help("Two letters, such as US."),
                input("address.line1", "Street", Kind::Text),
                input("address.city", "City", Kind::Text),
                input("address.state", "State", Kind::Text),
                input("address.postalCode", "Postal code", Kind::Text),
                input("address.countryCode", "Country", Kind::Text).help("Two letters, such as US."),
                input("identification.document.type", "Identity document", Kind::Words(DOCUMENT_TYPES)),
                input("identification.document.number", "Its number", Kind::Text),
                input("identification.document.issuingCountry", "Its country", Kind::Text),
            ],
            then: "/card-holders/{_id}",
            ..ACTION
        },
        Action {
            path: "/card-holders/{id}/change",
            method: Verb::Put,
            api: "/card-holders/{id}",
            scope: Scope::CardHoldersWrite,
            title: "Change",
            submit: "Save",
            inputs: &[
                input("status", "Status", Kind::Words(&["active", "inactive", "blocked"])).required(),
                input("person.firstName", "First name", Kind::Text),
                input("person.lastName", "Last name", Kind::Text),
                input("person.email", "E-mail", Kind::Email),
                input("person.phoneNumber", "Phone", Kind::Text),
                input("address.line1", "Street", Kind::Text),
                input("address.city", "City", Kind::Text),
                input("address.state", "State", Kind::Text),
                input("address.postalCode", "Postal code", Kind::Text),
                input("address.countryCode", "Country", Kind::Text),
            ],
            of: "/card-holders/{id}",
            then: "/card-holders/{id}",
            ..ACTION
        },
        Action {
            path: "/card-holders/{id}/erase",
            method: Verb::Delete,
            api: "/card-holders/{id}",
            scope: Scope::CardHoldersWrite,
            title: "Erase personal data",
            lead: "Name, address and documents are destroyed for good. Payments stay, without the person. All cards must \
                   be canceled, and the time for which data must be kept must be over.",
            submit: "Erase for good",
            fresh: true,
            danger: true,
            then: "/card-holders",
            ..ACTION
        },
    ],
};
