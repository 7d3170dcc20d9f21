//! `POST /cards/{cardId}/replace`.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use paygen_core::Command;
use paygen_core::cards::{CardView, ReplaceCard, ReplaceReason};
use paygen_core::ids::CardId;

use super::bodies::ReplaceCardBody;
use super::{seen, shown};
use crate::Api;
use crate::body::Body;
use crate::gate::{CARDS_WRITE, Caller, Unbound};
use crate::path::PathId;
use crate::problem::Problem;
use crate::reply::Envelope;
use crate::write::{IfMatch, MAX_ATTEMPTS, Success, Write, WriteParams, contended};
use paygen_app::card_numbers;

/// Replace a card
///
/// Issues a replacement. Lost and stolen cards get a new number, and no PIN until one is set; damaged and expired cards
/// keep number and PIN, with a new expiry and CVV. Balance, spending controls and their usage move to the new card; the
/// old card is canceled.
#[utoipa::path(post, path = "/cards/{cardId}/replace", tag = "Cards", operation_id = "replaceCard",
    request_body = ReplaceCardBody,
    params(("cardId" = String, Path, description = "The card.", pattern = "^[0-9a-f]{24}$"), WriteParams, IfMatch),
    responses((status = 201, description = "The new card.", body = Envelope<CardView>)),
    security(("apiKey" = ["cards:write"]), ("bearer" = ["cards:write"])))]
pub async fn replace_card(
    State(app): State<Api>,
    Unbound(caller): Unbound<CARDS_WRITE>,
    PathId(id): PathId<CardId>,
    write: Write,
    body: Body<ReplaceCardBody>,
) -> Result<Response, Problem> {
    for _ in 0..MAX_ATTEMPTS {
        let command = match prepare(&app, &caller, id, body.value.reason, &write).await {
            Ok(command) => command,
            Err(trouble) => return write.or_replay(&app, &caller, &body.canonical, trouble).await,
        };
        let success = Success::new(StatusCode::CREATED, "Card replaced successfully.", shown);
        let command = Command::ReplaceCard(Box::new(command));
        if let Some(response) = write.attempt(&app, &caller, &body.canonical, command, success).await? {
            return Ok(response);
        }
    }
    Err(contended())
}

async fn prepare(
    app: &Api,
    caller: &Caller,
    id: CardId,
    reason: ReplaceReason,
    write: &Write,
) -> Result<ReplaceCard, Problem> {
    let card = seen(app, caller, id).await?;
    let new_id = card_numbers::new_card_id(app);
    let program = card_numbers::program(app, caller.client, Some(card.program)).await?;
    let number = card_numbers::replacement(app, &card, &program, new_id, reason).await?;
    let expiry = card_numbers::expiry(app, &program);
    Ok(ReplaceCard { id, new_id, reason, number, expiry, if_match: write.if_match })
}
