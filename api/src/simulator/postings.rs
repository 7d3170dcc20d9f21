//! `/simulator/refunds`, `/simulator/force-posts` and `/simulator/reversals`: messages without an authorization.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use paygen_core::authorizations::{AuthorizationView, ReverseByReference};
use paygen_core::ids::TransactionId;
use paygen_core::messages::Channel;
use paygen_core::record::Key;
use paygen_core::transactions::{ForcePost, Refund, ReverseRefund, Transaction, TransactionView, Unmatched};
use paygen_core::{Command, Outcome};

use super::authorizations::{maybe_transaction, requested, sequence, trace, transaction, wrong};
use super::network_bodies::{FiatCurrency, ForcePostBody, MerchantBody, RefundBody, ReverseByReferenceBody};
use crate::Api;
use crate::body::{Body, NoBody};
use crate::gate::{Allowed, SIMULATOR_WRITE};
use crate::path::PathId;
use crate::problem::Problem;
use crate::reply::Envelope;
use crate::write::{Success, Write, WriteParams};
use paygen_app::network;

/// Simulate a refund
///
/// Refunds a transaction, fully or partially, or a card without a transaction. A refund of more than the rest of its
/// transaction, or in a currency without a known rate, waits under `/exceptions` and is posted when the exception is
/// resolved; `data` is then null.
#[utoipa::path(post, path = "/simulator/refunds", tag = "Simulator", operation_id = "simulateRefund",
    request_body = RefundBody,
    params(WriteParams),
    responses((status = 201, description = "The refund; null if it waits under `/exceptions`.", body = Envelope<Option<TransactionView>>)),
    security(("apiKey" = ["simulator:write"]), ("bearer" = ["simulator:write"])))]
pub async fn simulate_refund(
    State(app): State<Api>,
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
    let (billing, rate) = (body.billing_amount, body.rate.map(|rate| rate.0));
    if body.amount.is_none() && (billing.is_some() || rate.is_some()) {
        return Err(wrong("/amount", "goes with billingAmount and rate"));
    }
    // A refund of a transaction is in its merchant's currency, unless the message has another one.
    let original = match body.transaction_id.filter(|_| given.is_none()) {
        Some(id) => app.reader.get::<Transaction>(Key::of(caller.client, id.0)).await?,
        None => None,
    };
    let given = original.map(|original| FiatCurrency(original.merchant_currency)).or(given);
    let sequence = sequence("refund", body.network.as_ref());
    let trace = trace(body.network);
    let command = Refund {
        original: body.transaction_id,
        unlinked,
        requested: body.amount.map(|amount| requested(amount, given, billing, rate)),
        sequence,
        trace,
        terms: app.terms.clone(),
    };
    let success = Success::new(StatusCode::CREATED, "Refund simulated successfully.", maybe_transaction);
    write.from_network().perform(&app, &caller, &canonical, Command::Refund(Box::new(command)), success).await
}

/// Simulate a refund reversal
///
/// Reverses a refund, once. The reversal is posted even if the card's balance becomes negative.
#[utoipa::path(post, path = "/simulator/refunds/{transactionId}/reverse", tag = "Simulator",
    operation_id = "simulateRefundReversal",
    params(("transactionId" = String, Path, description = "The refund.", pattern = "^[0-9a-f]{24}$"), WriteParams),
    responses((status = 201, description = "The reversal.", body = Envelope<TransactionView>)),
    security(("apiKey" = ["simulator:write"]), ("bearer" = ["simulator:write"])))]
pub async fn simulate_refund_reversal(
    State(app): State<Api>,
    Allowed(caller): Allowed<SIMULATOR_WRITE>,
    PathId(id): PathId<TransactionId>,
    write: Write,
    _body: NoBody,
) -> Result<Response, Problem> {
    let command = Command::ReverseRefund(ReverseRefund { id, terms: app.terms.clone() });
    let success = Success::new(StatusCode::CREATED, "Refund reversal simulated successfully.", transaction);
    write.from_network().perform(&app, &caller, "", command, success).await
}

/// Simulate a force post
///
/// Posts a payment without an authorization. The balance may become negative, and the payment is listed under
/// `/exceptions`. In a currency without a known rate it waits there; `data` is null until the exception is resolved
/// with a rate.
#[utoipa::path(post, path = "/simulator/force-posts", tag = "Simulator", operation_id = "simulateForcePost",
    request_body = ForcePostBody,
    params(WriteParams),
    responses((status = 201, description = "The transaction; null if it waits under `/exceptions`.", body = Envelope<Option<TransactionView>>)),
    security(("apiKey" = ["simulator:write"]), ("bearer" = ["simulator:write"])))]
pub async fn simulate_force_post(
    State(app): State<Api>,
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
        requested: requested(body.amount, body.currency, body.billing_amount, body.rate.map(|rate| rate.0)),
        sequence,
        trace,
        terms: app.terms.clone(),
    };
    let success = Success::new(StatusCode::CREATED, "Force post simulated successfully.", maybe_transaction);
    write.from_network().perform(&app, &caller, &canonical, Command::ForcePost(Box::new(command)), success).await
}

/// Simulate a reversal by reference
///
/// Reverses the authorization or transaction with a network transaction id. If there is none yet, the reversal is
/// stored and voids the authorization that arrives later; `data` is then null.
#[utoipa::path(post, path = "/simulator/reversals", tag = "Simulator", operation_id = "simulateReversalByReference",
    request_body = ReverseByReferenceBody,
    params(WriteParams),
    responses((status = 200, description = "The authorization; null if it has not arrived yet.", body = Envelope<Option<AuthorizationView>>)),
    security(("apiKey" = ["simulator:write"]), ("bearer" = ["simulator:write"])))]
pub async fn simulate_reversal_by_reference(
    State(app): State<Api>,
    Allowed(caller): Allowed<SIMULATOR_WRITE>,
    write: Write,
    body: Body<ReverseByReferenceBody>,
) -> Result<Response, Problem> {
    let Body { value: body, canonical } = body;
    let (stan, rrn) = (body.stan.map(|digits| digits.0), body.rrn.map(|digits| digits.0));
    let trace = network::trace_of_reversal(body.transaction_id.into(), stan, rrn);
    let command = ReverseByReference {
        trace,
        card: None,
        amount: body.amount,
        currency: body.currency.map(|currency| currency.0),
    };
    let success = Success::new(StatusCode::OK, "Reversal simulated successfully.", |outcome| match outcome {
        Outcome::MaybeAuthorization(view) => Some((**view).clone()),
        _ => None,
    });
    write
        .from_network()
        .perform(&app, &caller, &canonical, Command::ReverseByReference(Box::new(command)), success)
        .await
}
