//! `/simulator/refunds`, `/simulator/force-posts` and `/simulator/reversals`: what comes without an authorization.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use paygen_core::authorizations::{
    Asked, AuthorizationView, Channel, ForcePost, Refund, ReverseByReference, ReverseRefund, TransactionView, Unmatched,
};
use paygen_core::ids::PostingId;
use paygen_core::{Command, Outcome};

use super::authorizations::{asked, currency, sequence, trace, transaction, wrong};
use super::network_bodies::{ForcePostBody, MerchantBody, RefundBody, ReverseByReferenceBody};
use crate::app::App;
use crate::http::body::{Body, NoBody};
use crate::http::gate::{Allowed, SIMULATOR_WRITE};
use crate::http::path::PathId;
use crate::http::problem::Problem;
use crate::http::reply::Envelope;
use crate::http::write::{Success, Write, WriteParams};

/// Simulate a refund
///
/// Gives money back: of a transaction, whole or in part, or to a card without one. It is always posted; what was given
/// back beyond the transaction is listed under `/exceptions`.
#[utoipa::path(post, path = "/simulator/refunds", tag = "Simulator", operation_id = "simulateRefund",
    request_body = RefundBody,
    params(WriteParams),
    responses((status = 201, description = "The refund.", body = Envelope<TransactionView>)),
    security(("apiKey" = ["simulator:write"]), ("bearer" = ["simulator:write"])))]
pub async fn simulate_refund(
    State(app): State<App>,
    Allowed(caller): Allowed<SIMULATOR_WRITE>,
    write: Write,
    body: Body<RefundBody>,
) -> Result<Response, Problem> {
    let Body { value: body, canonical } = body;
    let (channel, given) = (body.channel.unwrap_or(Channel::Web), body.currency);
    let unlinked = match (body.transaction_id, body.card_id) {
        (Some(_), None) => None,
        (None, Some(card)) => Some(Unmatched { card, merchant: MerchantBody::merchant(body.merchant), channel }),
        (Some(_), Some(_)) => return Err(wrong("/cardId", "cannot be combined with transactionId; send one")),
        (None, None) => return Err(wrong("/transactionId", "or cardId is required")),
    };
    if unlinked.is_some() && body.amount.is_none() {
        return Err(wrong("/amount", "is required without transactionId"));
    }
    let sequence = sequence("refund", body.network.as_ref());
    let trace = trace(body.network);
    let command = Refund {
        original: body.transaction_id,
        unlinked,
        asked: body.amount.map(|amount| asked(amount, given, None, None)),
        sequence,
        trace,
        terms: app.terms.clone(),
    };
    let success = Success::new(StatusCode::CREATED, "Refund simulated successfully.", transaction);
    write.perform(&app, &caller, &canonical, Command::Refund(Box::new(command)), success).await
}

/// Simulate the reversal of a refund
///
/// Takes a refund back, once. It is posted whether the money is still there or not.
#[utoipa::path(post, path = "/simulator/refunds/{transactionId}/reverse", tag = "Simulator",
    operation_id = "simulateRefundReversal",
    params(("transactionId" = String, Path, description = "The refund.", pattern = "^[0-9a-f]{24}$"), WriteParams),
    responses((status = 201, description = "The reversal.", body = Envelope<TransactionView>)),
    security(("apiKey" = ["simulator:write"]), ("bearer" = ["simulator:write"])))]
pub async fn simulate_refund_reversal(
    State(app): State<App>,
    Allowed(caller): Allowed<SIMULATOR_WRITE>,
    PathId(id): PathId<PostingId>,
    write: Write,
    _body: NoBody,
) -> Result<Response, Problem> {
    let command = Command::ReverseRefund(ReverseRefund { id, terms: app.terms.clone() });
    let success = Success::new(StatusCode::CREATED, "Refund reversal simulated successfully.", transaction);
    write.perform(&app, &caller, "", command, success).await
}

/// Simulate a force post
///
/// Posts a payment that was never authorized. It takes what is there and more, and is listed under `/exceptions`.
#[utoipa::path(post, path = "/simulator/force-posts", tag = "Simulator", operation_id = "simulateForcePost",
    request_body = ForcePostBody,
    params(WriteParams),
    responses((status = 201, description = "The transaction.", body = Envelope<TransactionView>)),
    security(("apiKey" = ["simulator:write"]), ("bearer" = ["simulator:write"])))]
pub async fn simulate_force_post(
    State(app): State<App>,
    Allowed(caller): Allowed<SIMULATOR_WRITE>,
    write: Write,
    body: Body<ForcePostBody>,
) -> Result<Response, Problem> {
    let Body { value: body, canonical } = body;
    let sequence = sequence("force_post", body.network.as_ref());
    let trace = trace(body.network);
    let command = ForcePost {
        what: Unmatched {
            card: body.card_id,
            merchant: MerchantBody::merchant(body.merchant),
            channel: body.channel.unwrap_or(Channel::Pos),
        },
        asked: Asked { amount: body.amount, currency: currency(body.currency), billing: None, rate: None },
        sequence,
        trace,
        terms: app.terms.clone(),
    };
    let success = Success::new(StatusCode::CREATED, "Force post simulated successfully.", transaction);
    write.perform(&app, &caller, &canonical, Command::ForcePost(Box::new(command)), success).await
}

/// Simulate a reversal by reference
///
/// Takes back what a network transaction id leads to. When nothing came under it yet the reversal is kept, and voids the
/// authorization that comes: `data` is null then.
#[utoipa::path(post, path = "/simulator/reversals", tag = "Simulator", operation_id = "simulateReversalByReference",
    request_body = ReverseByReferenceBody,
    params(WriteParams),
    responses((status = 200, description = "The authorization; null when it has not come yet.", body = Envelope<Option<AuthorizationView>>)),
    security(("apiKey" = ["simulator:write"]), ("bearer" = ["simulator:write"])))]
pub async fn simulate_reversal_by_reference(
    State(app): State<App>,
    Allowed(caller): Allowed<SIMULATOR_WRITE>,
    write: Write,
    body: Body<ReverseByReferenceBody>,
) -> Result<Response, Problem> {
    let Body { value: body, canonical } = body;
    let mut trace = trace(None);
    trace.transaction_id = body.transaction_id.into();
    let command = ReverseByReference { trace, card: None, amount: body.amount, currency: currency(body.currency) };
    let success = Success::new(StatusCode::OK, "Reversal simulated successfully.", |outcome| match outcome {
        Outcome::MaybeAuthorization(view) => Some((**view).clone()),
        _ => None,
    });
    write.perform(&app, &caller, &canonical, Command::ReverseByReference(Box::new(command)), success).await
}
