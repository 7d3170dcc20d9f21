//! `PUT /cards/{cardId}/pin` and `POST /cards/{cardId}/pin/unblock`. A PIN never appears in an error, a log or the
//! store.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use paygen_core::Command;
use paygen_core::cards::{CardView, SetPin, UnblockPin};
use paygen_core::ids::CardId;
use paygen_vault::{Pan, Pin};

use super::bodies::SetPinBody;
use super::{seen, shown};
use crate::Api;
use crate::body::{Body, NoBody};
use crate::fields::Secret;
use crate::gate::{Allowed, CARDS_WRITE, Caller, Unbound};
use crate::path::PathId;
use crate::problem::{FieldProblem, Problem};
use crate::reply::Envelope;
use crate::write::{Success, Write, WriteParams};
use paygen_app::Environment;
use paygen_app::card_numbers;

/// Set a card's PIN
///
/// Sets the PIN and resets the count of wrong PINs. The sandbox accepts four digits; elsewhere the PIN is sent as a PIN
/// block encrypted under the zone PIN key. Only an encrypted verification value is stored.
#[utoipa::path(put, path = "/cards/{cardId}/pin", tag = "Cards", operation_id = "setCardPin",
    request_body = SetPinBody,
    params(("cardId" = String, Path, description = "The card.", pattern = "^[0-9a-f]{24}$"), WriteParams),
    responses((status = 200, description = "The card.", body = Envelope<CardView>)),
    security(("apiKey" = ["cards:write"]), ("bearer" = ["cards:write"])))]
pub async fn set_card_pin(
    State(app): State<Api>,
    Allowed(caller): Allowed<CARDS_WRITE>,
    PathId(id): PathId<CardId>,
    write: Write,
    body: Body<SetPinBody>,
) -> Result<Response, Problem> {
    let sealed = match seal(&app, &caller, id, body.value).await {
        Ok(sealed) => sealed,
        Err(trouble) => return write.or_replay(&app, &caller, &body.canonical, trouble).await,
    };
    let success = Success::new(StatusCode::OK, "Card PIN set successfully.", shown);
    write.perform(&app, &caller, &body.canonical, Command::SetPin(SetPin { id, sealed }), success).await
}

/// The PIN's verification value, sealed for the card.
async fn seal(app: &Api, caller: &Caller, id: CardId, body: SetPinBody) -> Result<Vec<u8>, Problem> {
    let card = seen(app, caller, id).await?;
    let pin = match (body.pin, body.pin_block) {
        (Some(pin), None) if app.environment == Environment::Sandbox => Ok(pin),
        (Some(_), None) => {
            return Err(wrong("/pin", "clear_pin", "is for the sandbox; send the PIN encrypted, as pinBlock"));
        }
        (None, Some(block)) => Err(block),
        (Some(_), Some(_)) => return Err(wrong("/pinBlock", "exclusive", "cannot be combined with pin; send one")),
        (None, None) => return Err(wrong("/pinBlock", "required", "or pin is required")),
    };
    let pan = card_numbers::open(app, &card).await?;
    let pin = pin.or_else(|block| open_block(app, &block, &pan))?;
    let sealed = app.vault.seal_pin(card.client.0.bytes(), card.id.0.bytes(), &pan, &pin);
    sealed.map_err(|error| Problem::internal(format!("a PIN of card {id} is not sealed: {error}")))
}

fn open_block(app: &Api, block: &Secret<16, 16>, pan: &Pan) -> Result<Pin, Problem> {
    let refused = |code, message: &str| Problem::new(StatusCode::UNPROCESSABLE_ENTITY, code, message);
    let key = app.settings.zone_pin_key.as_ref().ok_or_else(|| {
        refused("zone_pin_key_missing", "This server has no zone PIN key (PAYGEN_ZONE_PIN_KEY); it cannot open blocks.")
    })?;
    key.open(block.expose(), pan).ok_or_else(|| {
        let message = "The block is not an ISO 9564-1 format 0 block of four digits for this card's number under the zone PIN key.";
        refused("pin_block_invalid", message).field("/pinBlock", "pin_block_invalid", message)
    })
}

fn wrong(at: &str, code: &str, message: &str) -> Problem {
    Problem::invalid(vec![FieldProblem::new(at, code, message)])
}

/// Unblock a card's PIN
///
/// Resets the count of wrong PINs, so that the PIN works again. Not allowed with a token restricted to a card holder or
/// card, which can set a new PIN instead.
#[utoipa::path(post, path = "/cards/{cardId}/pin/unblock", tag = "Cards", operation_id = "unblockCardPin",
    params(("cardId" = String, Path, description = "The card.", pattern = "^[0-9a-f]{24}$"), WriteParams),
    responses((status = 200, description = "The card.", body = Envelope<CardView>)),
    security(("apiKey" = ["cards:write"]), ("bearer" = ["cards:write"])))]
pub async fn unblock_card_pin(
    State(app): State<Api>,
    Unbound(caller): Unbound<CARDS_WRITE>,
    PathId(id): PathId<CardId>,
    write: Write,
    _body: NoBody,
) -> Result<Response, Problem> {
    let success = Success::new(StatusCode::OK, "Card PIN unblocked successfully.", shown);
    write.perform(&app, &caller, "", Command::UnblockPin(UnblockPin { id }), success).await
}
