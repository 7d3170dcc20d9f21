//! `POST /cards/{cardId}/fund` and `POST /cards/{cardId}/withdraw`.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use paygen_core::Command;
use paygen_core::cards::{CardView, FundCard, WithdrawFromCard};
use paygen_core::ids::CardId;

use super::bodies::{FundCardBody, WithdrawFromCardBody};
use super::shown;
use crate::Api;
use crate::body::Body;
use crate::gate::{CARDS_WRITE, Unbound};
use crate::path::PathId;
use crate::problem::Problem;
use crate::reply::Envelope;
use crate::write::{Success, Write, WriteParams};

/// Fund a card
///
/// Moves money from an account to the card, immediately and as one ledger entry. A `paymentReference` can be used only
/// once, ever, independent of the Idempotency-Key.
#[utoipa::path(post, path = "/cards/{cardId}/fund", tag = "Cards", operation_id = "fundCard",
    request_body = FundCardBody,
    params(("cardId" = String, Path, description = "The card.", pattern = "^[0-9a-f]{24}$"), WriteParams),
    responses((status = 200, description = "The card.", body = Envelope<CardView>)),
    security(("apiKey" = ["cards:write"]), ("bearer" = ["cards:write"])))]
pub async fn fund_card(
    State(app): State<Api>,
    Unbound(caller): Unbound<CARDS_WRITE>,
    PathId(id): PathId<CardId>,
    write: Write,
    body: Body<FundCardBody>,
) -> Result<Response, Problem> {
    let value = body.value;
    let command = Command::FundCard(FundCard {
        id,
        debit_account: value.debit_account_id,
        amount: value.amount,
        payment_reference: value.payment_reference.map(Into::into),
        narration: value.narration.map(Into::into),
    });
    let success = Success::new(StatusCode::OK, "Card funded successfully.", shown);
    write.perform(&app, &caller, &body.canonical, command, success).await
}

/// Withdraw from a card
///
/// Moves money from the card to an account, by default its debit account. Held amounts cannot be withdrawn.
#[utoipa::path(post, path = "/cards/{cardId}/withdraw", tag = "Cards", operation_id = "withdrawFromCard",
    request_body = WithdrawFromCardBody,
    params(("cardId" = String, Path, description = "The card.", pattern = "^[0-9a-f]{24}$"), WriteParams),
    responses((status = 200, description = "The card.", body = Envelope<CardView>)),
    security(("apiKey" = ["cards:write"]), ("bearer" = ["cards:write"])))]
pub async fn withdraw_from_card(
    State(app): State<Api>,
    Unbound(caller): Unbound<CARDS_WRITE>,
    PathId(id): PathId<CardId>,
    write: Write,
    body: Body<WithdrawFromCardBody>,
) -> Result<Response, Problem> {
    let value = body.value;
    let command = Command::WithdrawFromCard(WithdrawFromCard {
        id,
        credit_account: value.credit_account_id,
        amount: value.amount,
        payment_reference: value.payment_reference.map(Into::into),
        narration: value.narration.map(Into::into),
    });
    let success = Success::new(StatusCode::OK, "Card withdrawn from successfully.", shown);
    write.perform(&app, &caller, &body.canonical, command, success).await
}
