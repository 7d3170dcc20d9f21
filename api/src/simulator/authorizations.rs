//! `/simulator/authorizations`: payments as merchants request them, and messages about them.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use paygen_core::authorizations::{
    Authorization, AuthorizationStatus, AuthorizationView, Authorize, ExpireAuthorization, IncrementAuthorization,
    ReverseAuthorization,
};
use paygen_core::ids::{AuthorizationId, CardId, ClientId};
use paygen_core::messages::{AuthorizationType, Channel, NetworkRequest, RequestedAmount, ThreeDs};
use paygen_core::money::{Category, Currency, Decimal};
use paygen_core::record::Key;
use paygen_core::transactions::{Clear, TransactionView};
use paygen_core::view::Pictured;
use paygen_core::{Command, Outcome, Refusal};
use paygen_vault::{Pan, Pin};

use super::network_bodies::{
    AdviseBody, AuthorizeBody, ClearBody, Digits, FiatCurrency, IncrementBody, MerchantBody, NetworkBody, ReverseBody,
};
use crate::Api;
use crate::body::{Body, Canonical, NoBody};
use crate::fields::Secret;
use crate::gate::{Allowed, SIMULATOR_WRITE};
use crate::path::PathId;
use crate::problem::{FieldProblem, Problem};
use crate::reply::Envelope;
use crate::write::{Success, Write, WriteParams};
use paygen_app::network::{self, Shown};

/// The authorization of a command's outcome.
pub(super) fn shown(outcome: &Outcome) -> Option<Pictured<AuthorizationView>> {
    match outcome {
        Outcome::Authorization(view) => Some(view.clone()),
        _ => None,
    }
}

/// The transaction of a command's outcome.
pub(super) fn transaction(outcome: &Outcome) -> Option<Pictured<TransactionView>> {
    match outcome {
        Outcome::Transaction(view) => Some(view.clone()),
        _ => None,
    }
}

/// The transaction of a command's outcome, or `None` when its message waits under `/exceptions`.
pub(super) fn maybe_transaction(outcome: &Outcome) -> Option<Option<TransactionView>> {
    match outcome {
        Outcome::MaybeTransaction(view) => Some((**view).clone()),
        _ => None,
    }
}

/// The trace of a body; omitted parts are generated.
pub(super) fn trace(body: Option<NetworkBody>) -> paygen_core::messages::Trace {
    match body {
        None => network::trace(None, None, None, None),
        Some(body) => network::trace(
            body.stan.map(|digits| digits.0),
            body.rrn.map(|digits| digits.0),
            body.transaction_id.map(Into::into),
            body.authorization_code.map(Into::into),
        ),
    }
}

/// Identifies a posting message among others of its transaction, by its kind and the numbers the caller gives. A
/// message without numbers is always a new one.
pub(super) fn sequence(kind: &str, network: Option<&NetworkBody>) -> String {
    let Some(network) = network.filter(|network| !network.is_empty()) else {
        return format!("{kind}\n{}", network::digits(24));
    };
    let digits = |digits: &Option<Digits<1, 12>>| digits.as_ref().map(|digits| digits.0.clone()).unwrap_or_default();
    format!("{kind}\n{}\n{}", digits(&network.stan), digits(&network.rrn))
}

/// A message identified by the network gets the first answer when it is repeated.
fn repeatable(write: Write, network: Option<&NetworkBody>, canonical: &Canonical) -> Write {
    match network {
        Some(network) if !network.is_empty() => write.with_content_key(canonical.as_ref()),
        _ => write,
    }
}

pub(super) fn currency(given: Option<FiatCurrency>) -> Currency {
    let dollars = || Currency::find("USD", Category::Fiat).unwrap_or_else(|| unreachable!("USD is a currency"));
    given.map_or_else(dollars, |currency| currency.0)
}

/// Refuses a negative amount, whatever the rules do with it.
pub(super) fn requested(
    amount: Decimal,
    given: Option<FiatCurrency>,
    billing: Option<Decimal>,
    rate: Option<Decimal>,
) -> RequestedAmount {
    RequestedAmount { amount, currency: currency(given), billing, rate }
}

/// The card of a message: exactly one of its id and its number.
fn card_of<'a>(
    id: Option<CardId>,
    pan: Option<&'a Pan>,
    expiry: Option<(i64, i64)>,
    cvv: Option<&'a str>,
) -> Result<Shown<'a>, Problem> {
    match (id, pan) {
        (Some(_), None) if expiry.is_some() || cvv.is_some() => {
            Err(wrong("/pan", "expiryMonth, expiryYear and cvv belong to pan; with cardId they are not checked"))
        }
        (Some(id), None) => Ok(Shown::Id(id)),
        (None, Some(pan)) => Ok(Shown::Number { pan, expiry, cvv }),
        (Some(_), Some(_)) => Err(wrong("/pan", "cannot be combined with cardId; send one")),
        (None, None) => Err(wrong("/cardId", "or pan is required")),
    }
}

pub(super) fn wrong(pointer: &str, message: &str) -> Problem {
    Problem::invalid(vec![FieldProblem::new(pointer, "one_of", message)])
}

/// A dry run counts no wrong tries, so it must not compare secrets.
fn nothing_to_guess(body: &AuthorizeBody) -> Result<(), Problem> {
    let given = [
        ("/pin", body.pin.is_some()),
        ("/cvv", body.cvv.is_some()),
        ("/expiryMonth", body.expiry_month.is_some()),
        ("/expiryYear", body.expiry_year.is_some()),
    ];
    let message =
        "is not compared in a dry run, because wrong tries are counted; leave it out, or send it without dryRun";
    let given = given.into_iter().filter(|(_, given)| *given);
    let faults: Vec<FieldProblem> = given.map(|(at, _)| FieldProblem::new(at, "dry_run", message)).collect();
    if faults.is_empty() { Ok(()) } else { Err(Problem::invalid(faults)) }
}

/// Simulate an authorization
///
/// Requests an authorization as a merchant's terminal or online shop does. It is processed like a message of a real
/// network; no rule is skipped. The answer is 201 with the authorization, also if it is declined; see its `reason`. If a
/// responder has to be asked, the answer comes when that is settled. A dry run accepts neither PIN, CVV nor expiry.
#[utoipa::path(post, path = "/simulator/authorizations", tag = "Simulator", operation_id = "simulateAuthorization",
    request_body = AuthorizeBody,
    params(WriteParams),
    responses((status = 201, description = "The authorization, approved or declined.", body = Envelope<AuthorizationView>)),
    security(("apiKey" = ["simulator:write"]), ("bearer" = ["simulator:write"])))]
pub async fn simulate_authorization(
    State(app): State<Api>,
    Allowed(caller): Allowed<SIMULATOR_WRITE>,
    write: Write,
    body: Body<AuthorizeBody>,
) -> Result<Response, Problem> {
    let Body { value: body, canonical } = body;
    let expiry = match (body.expiry_year, body.expiry_month) {
        (Some(year), Some(month)) => Some((year.0, month.0)),
        (None, None) => None,
        _ => return Err(wrong("/expiryMonth", "expiryMonth and expiryYear go together")),
    };
    let cvv = body.cvv.as_ref().map(Secret::expose);
    if write.dry_run {
        nothing_to_guess(&body)?;
    }
    card_of(body.card_id, body.pan.as_ref(), expiry, cvv)?;
    let trace = trace(body.network);
    let merchant = MerchantBody::merchant(body.merchant);
    let prepared = || async {
        let card = card_of(body.card_id, body.pan.as_ref(), expiry, cvv)?;
        let pin: Option<&Pin> = body.pin.as_ref();
        let request = NetworkRequest {
            presented: network::present(&app, caller.client, card, pin).await?,
            channel: body.channel.unwrap_or(Channel::Web),
            kind: body.kind.unwrap_or(AuthorizationType::Purchase),
            requested: requested(body.amount, body.currency, body.billing_amount, body.rate.map(|rate| rate.0)),
            merchant: merchant.clone(),
            three_ds: body.three_ds.unwrap_or(ThreeDs::None),
            partial_allowed: body.partial_allowed.unwrap_or(false),
            estimated: body.estimated.unwrap_or(false),
            risk_score: body.risk_score.map(|score| score.0),
            trace: trace.clone(),
        };
        let command = Command::Authorize(Box::new(Authorize {
            request,
            advice: None,
            terms: app.terms.clone(),
            asking: app.responders.asking(caller.client),
        }));
        let success = Success::new(StatusCode::CREATED, "Authorization simulated successfully.", shown);
        Ok((command, success))
    };
    write.from_network().prepare(&app, &caller, &canonical, prepared).await
}

/// Simulate an advice
///
/// Advises of an authorization that the network decided on the issuer's behalf (stand-in processing). An approved
/// amount is held even if the balance becomes negative.
#[utoipa::path(post, path = "/simulator/advices", tag = "Simulator", operation_id = "simulateAdvice",
    request_body = AdviseBody,
    params(WriteParams),
    responses((status = 201, description = "The authorization.", body = Envelope<AuthorizationView>)),
    security(("apiKey" = ["simulator:write"]), ("bearer" = ["simulator:write"])))]
pub async fn simulate_advice(
    State(app): State<Api>,
    Allowed(caller): Allowed<SIMULATOR_WRITE>,
    write: Write,
    body: Body<AdviseBody>,
) -> Result<Response, Problem> {
    let Body { value: body, canonical } = body;
    let card = card_of(body.card_id, body.pan.as_ref(), None, None)?;
    let request = NetworkRequest {
        presented: network::present(&app, caller.client, card, None).await?,
        channel: body.channel.unwrap_or(Channel::Pos),
        kind: body.kind.unwrap_or(AuthorizationType::Purchase),
        requested: requested(body.amount, body.currency, body.billing_amount, body.rate.map(|rate| rate.0)),
        merchant: MerchantBody::merchant(body.merchant),
        three_ds: ThreeDs::None,
        partial_allowed: false,
        estimated: false,
        risk_score: None,
        trace: trace(body.network),
    };
    let advice = Some(body.approved.unwrap_or(true));
    let command = Command::Authorize(Box::new(Authorize { request, advice, terms: app.terms.clone(), asking: None }));
    let success = Success::new(StatusCode::CREATED, "Advice simulated successfully.", shown);
    write.from_network().perform(&app, &caller, &canonical, command, success).await
}

/// The authorization, which must be of the caller's client.
async fn existing(app: &Api, client: ClientId, id: AuthorizationId) -> Result<Authorization, Problem> {
    let found = app.reader.get::<Authorization>(Key::of(client, id.0)).await?;
    Ok(found.ok_or(Refusal::AuthorizationNotFound)?)
}

/// Simulate an increment
///
/// Increases an open authorization. A declined increment leaves the authorization unchanged and is recorded in its
/// timeline.
#[utoipa::path(post, path = "/simulator/authorizations/{authorizationId}/increment", tag = "Simulator",
    operation_id = "simulateIncrement", request_body = IncrementBody,
    params(("authorizationId" = String, Path, description = "The authorization.", pattern = "^[0-9a-f]{24}$"), WriteParams),
    responses((status = 200, description = "The authorization.", body = Envelope<AuthorizationView>)),
    security(("apiKey" = ["simulator:write"]), ("bearer" = ["simulator:write"])))]
pub async fn simulate_increment(
    State(app): State<Api>,
    Allowed(caller): Allowed<SIMULATOR_WRITE>,
    PathId(id): PathId<AuthorizationId>,
    write: Write,
    body: Body<IncrementBody>,
) -> Result<Response, Problem> {
    let open = existing(&app, caller.client, id).await?;
    let write = repeatable(write, body.value.network.as_ref(), &body.canonical);
    let requested =
        RequestedAmount { amount: body.value.amount, currency: open.merchant_currency, billing: None, rate: None };
    let partial_allowed = body.value.partial_allowed.unwrap_or(false);
    if let Some(answer) = write.replay_if_kept(&app, &caller, &body.canonical).await? {
        return Ok(answer);
    }
    let mut command = IncrementAuthorization { id, requested, partial_allowed, terms: app.terms.clone(), asked: None };
    if !write.dry_run {
        command.asked = app.responders.ask_about_increment(caller.client, &command).await?;
    }
    let success = Success::new(StatusCode::OK, "Increment simulated successfully.", shown);
    write
        .from_network()
        .perform(&app, &caller, &body.canonical, Command::IncrementAuthorization(Box::new(command)), success)
        .await
}

/// Simulate a reversal
///
/// Reverses an open authorization, fully or partially. If the amount exceeds the outstanding amount, that is released
/// and the rest is listed under `/exceptions`.
#[utoipa::path(post, path = "/simulator/authorizations/{authorizationId}/reverse", tag = "Simulator",
    operation_id = "simulateReversal", request_body = ReverseBody,
    params(("authorizationId" = String, Path, description = "The authorization.", pattern = "^[0-9a-f]{24}$"), WriteParams),
    responses((status = 200, description = "The authorization.", body = Envelope<AuthorizationView>)),
    security(("apiKey" = ["simulator:write"]), ("bearer" = ["simulator:write"])))]
pub async fn simulate_reversal(
    State(app): State<Api>,
    Allowed(caller): Allowed<SIMULATOR_WRITE>,
    PathId(id): PathId<AuthorizationId>,
    write: Write,
    body: Body<ReverseBody>,
) -> Result<Response, Problem> {
    let write = repeatable(write, body.value.network.as_ref(), &body.canonical);
    let command = Command::ReverseAuthorization(ReverseAuthorization { id, amount: body.value.amount });
    let success = Success::new(StatusCode::OK, "Reversal simulated successfully.", shown);
    write.from_network().perform(&app, &caller, &body.canonical, command, success).await
}

/// Simulate a clearing
///
/// Clears an authorization, once or several times; the final clearing releases the rest of the hold. A clearing of more
/// than the approved amount is posted all the same, and listed under `/exceptions`.
#[utoipa::path(post, path = "/simulator/authorizations/{authorizationId}/clear", tag = "Simulator",
    operation_id = "simulateClearing", request_body = ClearBody,
    params(("authorizationId" = String, Path, description = "The authorization.", pattern = "^[0-9a-f]{24}$"), WriteParams),
    responses((status = 201, description = "The transaction; null if no rate is known, until its exception is resolved.", body = Envelope<Option<TransactionView>>)),
    security(("apiKey" = ["simulator:write"]), ("bearer" = ["simulator:write"])))]
pub async fn simulate_clearing(
    State(app): State<Api>,
    Allowed(caller): Allowed<SIMULATOR_WRITE>,
    PathId(id): PathId<AuthorizationId>,
    write: Write,
    body: Body<ClearBody>,
) -> Result<Response, Problem> {
    let found = existing(&app, caller.client, id).await?;
    let Body { value: body, canonical } = body;
    let sequence = sequence("clearing", body.network.as_ref());
    let gives_id = body.network.as_ref().is_some_and(|network| network.transaction_id.is_some());
    let mut trace = trace(body.network);
    let known = &found.trace;
    let differs = |given: Option<&String>, own: Option<&String>| given.is_some_and(|given| Some(given) != own);
    if gives_id && differs(Some(&trace.transaction_id), Some(&known.transaction_id)) {
        return Err(wrong("/network/transactionId", "must be that of the authorization; it can be left out"));
    }
    if differs(trace.authorization_code.as_ref(), known.authorization_code.as_ref()) {
        return Err(wrong("/network/authorizationCode", "must be that of the authorization; it can be left out"));
    }
    trace.transaction_id.clone_from(&known.transaction_id);
    trace.authorization_code.clone_from(&known.authorization_code);
    let collects = found.kind != AuthorizationType::AccountVerification;
    if found.status == AuthorizationStatus::Declined || !collects {
        return Err(Refusal::AuthorizationNotOpen { status: found.status.as_str() }.into());
    }
    let (billing, rate) = (body.billing_amount, body.rate.map(|rate| rate.0));
    if body.amount.is_none() && (billing.is_some() || rate.is_some()) {
        return Err(wrong("/amount", "goes with billingAmount and rate"));
    }
    let requested =
        body.amount.map(|amount| RequestedAmount { amount, currency: found.merchant_currency, billing, rate });
    let command = Clear {
        authorization: Some(id),
        sequence,
        trace,
        requested,
        is_final: body.is_final.unwrap_or(true),
        unmatched: None,
        terms: app.terms.clone(),
    };
    let success = Success::new(StatusCode::CREATED, "Clearing simulated successfully.", maybe_transaction);
    write.from_network().perform(&app, &caller, &canonical, Command::Clear(Box::new(command)), success).await
}

/// Simulate an expiry
///
/// Expires the hold of an open authorization now.
#[utoipa::path(post, path = "/simulator/authorizations/{authorizationId}/expire", tag = "Simulator",
    operation_id = "simulateExpiry",
    params(("authorizationId" = String, Path, description = "The authorization.", pattern = "^[0-9a-f]{24}$"), WriteParams),
    responses((status = 200, description = "The authorization.", body = Envelope<AuthorizationView>)),
    security(("apiKey" = ["simulator:write"]), ("bearer" = ["simulator:write"])))]
pub async fn simulate_expiry(
    State(app): State<Api>,
    Allowed(caller): Allowed<SIMULATOR_WRITE>,
    PathId(id): PathId<AuthorizationId>,
    write: Write,
    _body: NoBody,
) -> Result<Response, Problem> {
    let command = Command::ExpireAuthorization(ExpireAuthorization { id, when_due: false });
    let success = Success::new(StatusCode::OK, "Expiry simulated successfully.", shown);
    write.perform(&app, &caller, "", command, success).await
}
