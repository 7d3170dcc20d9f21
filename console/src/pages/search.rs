//! Global search: ids, the last four digits of a card, references of the network, e-mail addresses.

use axum::http::StatusCode;
use axum::response::Response;
use futures_util::future::join_all;
use paygen_core::access::Scope;
use paygen_edge::json::Json;

use crate::answer::{ok, see};
use crate::door::Call;
use crate::form::query;
use crate::json::items;
use crate::resources::{self, accounts, authorizations, card_holders, cards, transactions, transfers};
use crate::shell::{shell, shown};
use crate::show;
use crate::tables::Column;
use crate::view::{DetailPage, Related};
use crate::visitor::Visitor;

/// Where a text is looked for: the call, the filter's field, what it may look like, and how rows are shown.
struct Place {
    title: &'static str,
    scope: Scope,
    api: &'static str,
    field: &'static str,
    fits: fn(&str) -> bool,
    columns: &'static [Column],
    row: &'static str,
}

fn is_last4(text: &str) -> bool {
    text.len() == 4 && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn is_email(text: &str) -> bool {
    text.contains('@')
}

/// References of a network have more characters than the end of a card's number, and no spaces.
fn is_reference(text: &str) -> bool {
    !is_email(text) && text.len() >= 6 && !text.contains(' ')
}

fn is_name(text: &str) -> bool {
    !is_email(text) && !text.is_empty()
}

const PLACES: &[Place] = &[
    Place {
        title: "Cards",
        scope: Scope::CardsRead,
        api: "/cards",
        field: "last4",
        fits: is_last4,
        columns: cards::COLUMNS,
        row: "/cards/{_id}",
    },
    Place {
        title: "Card holders",
        scope: Scope::CardHoldersRead,
        api: "/card-holders",
        field: "person.email",
        fits: is_email,
        columns: card_holders::COLUMNS,
        row: "/card-holders/{_id}",
    },
    Place {
        title: "Payments",
        scope: Scope::AuthorizationsRead,
        api: "/authorizations",
        field: "networkTransactionId",
        fits: is_reference,
        columns: authorizations::COLUMNS,
        row: "/authorizations/{_id}",
    },
    Place {
        title: "Transactions",
        scope: Scope::AuthorizationsRead,
        api: "/transactions",
        field: "networkTransactionId",
        fits: is_reference,
        columns: transactions::COLUMNS,
        row: "/transactions/{_id}",
    },
    Place {
        title: "Transfers",
        scope: Scope::AccountsRead,
        api: "/transfers",
        field: "reference",
        fits: is_name,
        columns: transfers::COLUMNS,
        row: "/transfers/{_id}",
    },
    Place {
        title: "Accounts",
        scope: Scope::AccountsRead,
        api: "/accounts",
        field: "name",
        fits: is_name,
        columns: accounts::COLUMNS,
        row: "/accounts/{_id}",
    },
    Place {
        title: "Card holders by name",
        scope: Scope::CardHoldersRead,
        api: "/card-holders",
        field: "name",
        fits: is_name,
        columns: card_holders::COLUMNS,
        row: "/card-holders/{_id}",
    },
];

/// The page of the object that has this id; `None` if no object that the visitor sees has it.
async fn by_id(visitor: &Visitor, id: &str) -> Option<String> {
    let seen = resources::objects().filter(|object| visitor.may(object.scope)).map(|object| async move {
        let path = object.api.replace("{id}", id);
        let answer = visitor.console.door.get(&visitor.caller, path).await;
        let found = answer.status == StatusCode::OK && *answer.data() != Json::Array(Vec::new());
        found.then(|| format!("/console{}", object.path.replace("{id}", id)))
    });
    join_all(seen).await.into_iter().flatten().next()
}

async fn in_place(visitor: &Visitor, place: &Place, text: &str) -> Option<Related> {
    if !(place.fits)(text) || !visitor.may(place.scope) {
        return None;
    }
    let mut filter = Json::Object(Vec::new());
    filter.set(place.field, Json::Text(text.to_owned()));
    let path = format!("{}?{}", place.api, query(&[("filter", &filter.to_text()), ("limit", "20")]));
    let answer = visitor.console.door.get(&visitor.caller, path).await;
    if items(answer.data()).is_empty() {
        return None;
    }
    let table = show::table(place.title, answer.data(), place.columns, place.row);
    Some(Related { title: place.title.to_owned(), table, ..Related::default() })
}

pub(crate) async fn page(visitor: Visitor) -> Response {
    let text = visitor.query.get("q").trim().to_owned();
    let is_id = text.len() == 24 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    if is_id && let Some(path) = by_id(&visitor, &text.to_lowercase()).await {
        return see(&path);
    }
    let tables: Vec<Related> =
        join_all(PLACES.iter().map(|place| in_place(&visitor, place, &text))).await.into_iter().flatten().collect();
    let lead = match (text.is_empty(), tables.is_empty()) {
        (true, _) => {
            "Search by id, by the last four digits of a card, by the network's transaction id, by a transfer's reference, by e-mail or name."
        }
        (_, true) => {
            "Nothing was found. Ids have 24 characters; names and e-mail addresses must be complete; card numbers are \
             not searched here, because addresses of pages are kept by browsers."
        }
        _ => "",
    };
    let template = DetailPage {
        shell: shell(&visitor, "Search").await,
        heading: if text.is_empty() { "Search".to_owned() } else { format!("Search: {text}") },
        badge: show::cell("empty", ""),
        lead: lead.to_owned(),
        tables,
        call: visitor.console.as_api_call(&Call::get("/cards?filter=last4%3D1234")),
        ..DetailPage::default()
    };
    shown(&visitor, ok(&template))
}
