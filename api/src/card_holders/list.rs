//! `GET /card-holders`.

use axum::extract::State;
use axum::response::Response;
use paygen_core::card_holders::CardHolderView;
use paygen_core::ids::{ClientId, Id};
use paygen_store::lists::card_holders as columns;
use paygen_store::query::{Filter, ListColumn, Operand, Page, Test};
use paygen_store::value::Value;
use paygen_vault::Vault;

use super::read::view_for;
use crate::Api;
use crate::gate::{Allowed, CARD_HOLDERS_READ};
use crate::lists::{self, Aliases, ListParams, ListSpec};
use crate::problem::Problem;
use crate::query::Query;
use crate::reply::ListEnvelope;
use paygen_app::{Failure, personal};

/// What the published samples call an e-mail address, and what filters call it.
pub const ALIASES: Aliases =
    &[("emailAddress", "person.email"), ("email", "person.email"), ("person.email", "person.email")];

const SPEC: ListSpec = ListSpec::of::<CardHolderView>(columns::FIELDS).with_aliases(ALIASES);

/// List card holders
///
/// The client's card holders. E-mail address, phone number, date of birth and document number are stored encrypted:
/// filters match only full values, with equality, `.in`, `.ne`, `.nin` and `.exists`; `search` also finds a full e-mail
/// address.
#[utoipa::path(get, path = "/card-holders", tag = "Card holders", operation_id = "listCardHolders",
    params(ListParams),
    responses((status = 200, description = "The card holders.", body = ListEnvelope<CardHolderView>)),
    security(("apiKey" = ["card-holders:read"]), ("bearer" = ["card-holders:read"])))]
pub async fn list_card_holders(
    State(app): State<Api>,
    Allowed(caller): Allowed<CARD_HOLDERS_READ>,
    Query(params): Query,
) -> Result<Response, Problem> {
    // No object has the id of zeros: a token restricted to a card alone sees no card holder.
    let nobody = || Id::from_bytes([0; 12]);
    let only = caller.bound.map(|bound| bound.card_holder.map_or_else(nobody, |holder| holder.0));
    let only = only.map(|id| Filter::equals(columns::ID, id)).into_iter().collect();
    let mut list = lists::read(&SPEC, params, caller.client, only, app.settings.list_timeout_ms)?;
    list.query.filters.iter_mut().for_each(|filter| hash(&app.vault, caller.client, filter));
    for (column, value) in list.query.search.iter_mut().flat_map(|search| &mut search.equal) {
        hash_value(&app.vault, caller.client, *column, value);
    }
    let page = app.reader.list::<columns::List>(&list.query).await?;
    let now = app.clock.now();
    let rows = page.rows.iter().map(|holder| view_for(&app, &caller, holder, now));
    let rows = rows.collect::<Result<Vec<CardHolderView>, Failure>>()?;
    list.reply(Page { rows, total: page.total, next: page.next }, CardHolderView::clone)
}

fn hashed(column: ListColumn) -> Option<&'static str> {
    let fields = [
        (columns::EMAIL, personal::EMAIL),
        (columns::PHONE, personal::PHONE),
        (columns::BIRTH_DATE, personal::BIRTH_DATE),
        (columns::DOCUMENT_NUMBER, personal::DOCUMENT_NUMBER),
    ];
    fields.into_iter().find(|(known, _)| *known == column).map(|(_, field)| field)
}

/// Hashes a value that a sealed field is compared with.
fn hash_value(vault: &Vault, client: ClientId, column: ListColumn, value: &mut Value) {
    if let (Some(field), Value::Text(text)) = (hashed(column), &*value) {
        // A + in a query string arrives as a space, and every phone number has one.
        let text =
            if field == personal::PHONE { format!("+{}", text.trim().trim_start_matches('+')) } else { text.clone() };
        *value = Value::Bytes(vault.search_hash(client.0.bytes(), field, &text).to_vec());
    }
}

/// Hashes the values that a sealed field is compared with.
fn hash(vault: &Vault, client: ClientId, filter: &mut Filter) {
    let column = filter.column;
    let turn = |operand: &mut Operand| {
        if let Operand::Value(value) = operand {
            hash_value(vault, client, column, value);
        }
    };
    match &mut filter.test {
        Test::Eq(operand) | Test::Ne(operand) => turn(operand),
        Test::In(operands) | Test::NotIn(operands) => operands.iter_mut().for_each(turn),
        _ => {}
    }
}
