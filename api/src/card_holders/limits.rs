//! `GET /card-holders/{cardHolderId}/limits`.

use axum::extract::State;
use axum::response::Response;
use paygen_core::ids::CardHolderId;
use paygen_core::limits::{LimitLevel, SpendingLimit};
use paygen_core::money::Currency;

use super::read::existing;
use crate::Api;
use crate::gate::{Allowed, CARD_HOLDERS_READ};
use crate::limit_use::{LimitUse, Use, counters, shown};
use crate::path::PathId;
use crate::problem::Problem;
use crate::query::NoParams;
use crate::reply::{self, Envelope};

/// Retrieve a card holder's limits
///
/// Each limit of all the card holder's cards together, with its usage and remainder, when it resets, and which one binds.
#[utoipa::path(get, path = "/card-holders/{cardHolderId}/limits", tag = "Card holders",
    operation_id = "getCardHolderLimits",
    params(("cardHolderId" = String, Path, description = "The card holder.", pattern = "^[0-9a-f]{24}$")),
    responses((status = 200, description = "The limits.", body = Envelope<Vec<LimitUse>>)),
    security(("apiKey" = ["card-holders:read"]), ("bearer" = ["card-holders:read"])))]
pub async fn get_card_holder_limits(
    State(app): State<Api>,
    Allowed(caller): Allowed<CARD_HOLDERS_READ>,
    PathId(id): PathId<CardHolderId>,
    _: NoParams,
) -> Result<Response, Problem> {
    let holder = existing(&app, &caller, id).await?;
    let (counters, now) = (counters(&app, caller.client, holder.id.0).await?, app.clock.now());
    let one = |limit: &SpendingLimit| {
        let currency = Currency::from_code(limit.currency.as_deref().unwrap_or("USD"))?;
        Some(Use::counted(LimitLevel::CardHolder, limit, currency, &counters, now))
    };
    let uses = holder.limits.iter().filter_map(one).collect();
    Ok(reply::ok("Card holder limits fetched successfully.", &shown(uses)))
}
