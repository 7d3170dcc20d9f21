//! `GET /cards/{cardId}/limits`: the limits of every level that apply to a card, with their usage.

use axum::extract::State;
use axum::response::Response;
use paygen_core::accounts::Account;
use paygen_core::card_holders::CardHolder;
use paygen_core::ids::CardId;
use paygen_core::limits::{LimitLevel, SpendingLimit};
use paygen_core::programs::{Program, inherited_limits};
use paygen_core::record::Key;

use super::seen;
use crate::Api;
use crate::gate::{Allowed, CARDS_READ};
use crate::limit_use::{LimitUse, Use, counters, of_shared, shown};
use crate::path::PathId;
use crate::problem::Problem;
use crate::query::NoParams;
use crate::reply::{self, Envelope};

/// Retrieve a card's limits
///
/// Each limit that applies to the card (its own, those of its program for each card, and those of its card holder, its
/// account and its program for all their cards together) with its usage and remainder, when it resets, and which one
/// binds.
#[utoipa::path(get, path = "/cards/{cardId}/limits", tag = "Cards", operation_id = "getCardLimits",
    params(("cardId" = String, Path, description = "The card.", pattern = "^[0-9a-f]{24}$")),
    responses((status = 200, description = "The limits.", body = Envelope<Vec<LimitUse>>)),
    security(("apiKey" = ["cards:read"]), ("bearer" = ["cards:read"])))]
pub async fn get_card_limits(
    State(app): State<Api>,
    Allowed(caller): Allowed<CARDS_READ>,
    PathId(id): PathId<CardId>,
    _: NoParams,
) -> Result<Response, Problem> {
    let card = seen(&app, &caller, id).await?;
    let (client, currency, now) = (caller.client, card.currency, app.clock.now());
    let key = |id| Key::of(client, id);
    let holder = app.reader.get::<CardHolder>(key(card.card_holder.0)).await?;
    let account = app.reader.get::<Account>(key(card.debit_account.0)).await?;
    let program = app.reader.get::<Program>(key(card.program.0)).await?;
    let of_card = counters(&app, client, card.id.0).await?;
    let of_holder = counters(&app, client, card.card_holder.0).await?;
    let on_card = |limit: &SpendingLimit| Use::counted(LimitLevel::Card, limit, currency, &of_card, now);

    let mut uses: Vec<Use> = card.controls.spending_limits.iter().map(on_card).collect();
    if let Some(program) = &program {
        uses.extend(inherited_limits(&program.settings, &card).iter().map(|limit| on_card(limit).inherited()));
    }
    let held = holder.as_ref().map_or(&[][..], |holder| &holder.limits);
    let held = held.iter().filter(|limit| limit.is_of_currency(currency));
    uses.extend(held.map(|limit| Use::counted(LimitLevel::CardHolder, limit, currency, &of_holder, now)));
    // A card holder's token shows nothing about the cards of others.
    if caller.unbound().is_err() {
        return Ok(reply::ok("Card limits fetched successfully.", &shown(uses)));
    }
    if let Some(account) = account {
        let limits = &account.limits;
        uses.extend(of_shared(&app, client, LimitLevel::Account, account.id.0, limits, Some(currency)).await?);
    }
    if let Some(program) = program {
        let limits = &program.settings.limits;
        uses.extend(of_shared(&app, client, LimitLevel::Program, program.id.0, limits, Some(currency)).await?);
    }
    Ok(reply::ok("Card limits fetched successfully.", &shown(uses)))
}
