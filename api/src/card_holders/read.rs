//! `GET /card-holders` and `GET /card-holders/{cardHolderId}`.

use axum::extract::State;
use axum::response::Response;
use paygen_core::Refusal;
use paygen_core::card_holders::{CardHolder, CardHolderView};
use paygen_core::ids::CardHolderId;
use paygen_core::record::Key;
use paygen_core::time::Instant;

use crate::Api;
use crate::gate::{Allowed, CARD_HOLDERS_READ, Caller};
use crate::path::PathId;
use crate::problem::Problem;
use crate::query::NoParams;
use crate::reply::{self, Envelope};
use paygen_app::{Failure, personal};

/// Retrieve a card holder
///
/// The card holder's data, and what is missing for the verification.
#[utoipa::path(get, path = "/card-holders/{cardHolderId}", tag = "Card holders", operation_id = "getCardHolder",
    params(("cardHolderId" = String, Path, description = "The card holder.", pattern = "^[0-9a-f]{24}$")),
    responses((status = 200, description = "The card holder.", body = Envelope<CardHolderView>)),
    security(("apiKey" = ["card-holders:read"]), ("bearer" = ["card-holders:read"])))]
pub async fn get_card_holder(
    State(app): State<Api>,
    Allowed(caller): Allowed<CARD_HOLDERS_READ>,
    PathId(id): PathId<CardHolderId>,
    _: NoParams,
) -> Result<Response, Problem> {
    let holder = existing(&app, &caller, id).await?;
    let view = view_for(&app, &caller, &holder, app.clock.now())?;
    Ok(reply::versioned("Card holder fetched successfully.", holder.version, &view))
}

/// The card holder as the caller may see them.
pub(crate) fn view_for(
    app: &Api,
    caller: &Caller,
    holder: &CardHolder,
    now: Instant,
) -> Result<CardHolderView, Failure> {
    let view = personal::show(&app.vault, holder, now)?;
    Ok(if caller.is_masked { view.masked() } else { view })
}

/// The card holder, unless they do not exist for this caller.
pub(super) async fn existing(app: &Api, caller: &Caller, id: CardHolderId) -> Result<CardHolder, Problem> {
    let absent = || Problem::from(&Refusal::CardHolderNotFound { field: None });
    if !caller.sees_holder(id) {
        return Err(absent());
    }
    app.reader.get::<CardHolder>(Key::of(caller.client, id.0)).await?.ok_or_else(absent)
}
