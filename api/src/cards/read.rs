//! `GET /cards` and `GET /cards/{cardId}`.

use std::collections::HashMap;

use axum::extract::State;
use axum::response::Response;
use paygen_core::access::Scope;
use paygen_core::accounts::{Account, AccountView};
use paygen_core::card_holders::{CardHolder, CardHolderView};
use paygen_core::cards::{Card, CardView};
use paygen_core::ids::{CardId, Id};
use paygen_core::ledger::Balance;
use paygen_core::record::Key;
use paygen_store::lists::cards as columns;
use serde_json::value::RawValue;

use super::seen;
use crate::Api;
use crate::card_holders;
use crate::gate::{Allowed, CARDS_READ, Caller};
use crate::lists::{self, Asked, Beside, ListParams, ListSpec, Populate};
use crate::path::PathId;
use crate::problem::Problem;
use crate::query::{NoParams, Query};
use crate::reply::{self, Envelope, ListEnvelope};

const CARD_HOLDER: Populate = Populate {
    name: "cardHolder",
    scope: Scope::CardHoldersRead,
    members: lists::members::<CardHolderView>,
    aliases: card_holders::ALIASES,
};

/// The published samples' name for the owner of something: of a card, its holder.
const OWNER: Populate = Populate { name: "owner", ..CARD_HOLDER };

const DEBIT_ACCOUNT: Populate =
    Populate { name: "debitAccount", scope: Scope::AccountsRead, members: lists::members::<AccountView>, aliases: &[] };

const SPEC: ListSpec = ListSpec::of::<CardView>(columns::FIELDS).with_populate(&[CARD_HOLDER, DEBIT_ACCOUNT, OWNER]);

type Row = (Card, Balance);

/// List cards
///
/// The client's cards with their balances. `populate=cardHolder,debitAccount` includes these records.
#[utoipa::path(get, path = "/cards", tag = "Cards", operation_id = "listCards",
    params(ListParams),
    responses((status = 200, description = "The cards.", body = ListEnvelope<CardView>)),
    security(("apiKey" = ["cards:read"]), ("bearer" = ["cards:read"])))]
pub async fn list_cards(
    State(app): State<Api>,
    Allowed(caller): Allowed<CARDS_READ>,
    Query(params): Query,
) -> Result<Response, Problem> {
    let only = caller.only_seen(columns::ID, columns::CARD_HOLDER);
    let list = lists::read(&SPEC, params, caller.client, only, app.settings.list_timeout_ms)?;
    let populate = list.populate(&caller)?;
    let page = app.reader.list::<columns::List>(&list.query).await?;
    let mut beside = Vec::new();
    for asked in populate {
        beside.push(records(&app, &caller, asked, &page.rows).await?);
    }
    list.reply_beside(page, |(card, funds)| CardView::of(card, funds), &beside)
}

/// The related records of a page's cards, each once.
async fn records(app: &Api, caller: &Caller, asked: Asked, rows: &[Row]) -> Result<Beside<Row>, Problem> {
    let id: fn(&Row) -> Id = match asked.name {
        "cardHolder" | "owner" => |(card, _)| card.card_holder.0,
        _ => |(card, _)| card.debit_account.0,
    };
    let mut ids: Vec<Id> = rows.iter().map(id).collect();
    ids.sort_unstable();
    ids.dedup();
    let records = match asked.name {
        "cardHolder" | "owner" => holders(app, caller, &asked, &ids).await?,
        _ => accounts(app, caller, &asked, &ids).await?,
    };
    Ok(Beside { asked, id, records })
}

async fn holders(app: &Api, caller: &Caller, asked: &Asked, ids: &[Id]) -> Result<HashMap<Id, Box<RawValue>>, Problem> {
    let found = app.reader.get_many::<CardHolder>(caller.client, ids).await?;
    let seen = found.iter().filter(|holder| caller.sees_holder(holder.id));
    seen.map(|holder| Ok((holder.id.0, asked.show(&card_holders::view_for(app, caller, holder, app.clock.now())?)?)))
        .collect()
}

async fn accounts(
    app: &Api,
    caller: &Caller,
    asked: &Asked,
    ids: &[Id],
) -> Result<HashMap<Id, Box<RawValue>>, Problem> {
    let accounts = app.reader.get_many::<Account>(caller.client, ids).await?;
    let balances = app.reader.get_many::<Balance>(caller.client, ids).await?;
    let balances: HashMap<Id, Balance> = balances.into_iter().map(|balance| (balance.id.0, balance)).collect();
    let both = accounts.iter().filter_map(|account| Some((account, balances.get(&account.id.0)?)));
    both.map(|(account, balance)| Ok((account.id.0, asked.show(&AccountView::of(account, balance))?))).collect()
}

/// Retrieve a card
///
/// The card's settings and balance, without its full number.
#[utoipa::path(get, path = "/cards/{cardId}", tag = "Cards", operation_id = "getCard",
    params(("cardId" = String, Path, description = "The card.", pattern = "^[0-9a-f]{24}$")),
    responses((status = 200, description = "The card.", body = Envelope<CardView>)),
    security(("apiKey" = ["cards:read"]), ("bearer" = ["cards:read"])))]
pub async fn get_card(
    State(app): State<Api>,
    Allowed(caller): Allowed<CARDS_READ>,
    PathId(id): PathId<CardId>,
    _: NoParams,
) -> Result<Response, Problem> {
    let card = seen(&app, &caller, id).await?;
    let funds = app.reader.get::<Balance>(Key::of(caller.client, card.funds.0)).await?;
    let funds = funds.ok_or_else(|| Problem::internal(format!("the card {id} spends from no balance")))?;
    Ok(reply::versioned("Card fetched successfully.", card.version, &CardView::of(&card, &funds)))
}
