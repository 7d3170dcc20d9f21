//! `GET /authorizations`, `GET /authorizations/{authorizationId}`, its decision, and a card's authorizations.

use axum::extract::State;
use axum::response::Response;
use paygen_core::Refusal;
use paygen_core::authorizations::{Authorization, AuthorizationView, DecisionView};
use paygen_core::cards::Card;
use paygen_core::ids::{AuthorizationId, CardId};
use paygen_core::record::Key;
use paygen_store::lists::authorizations as columns;
use paygen_store::query::Filter;

use crate::Api;
use crate::gate::{AUTHORIZATIONS_READ, Allowed, Caller};
use crate::lists::{self, ListParams, ListSpec};
use crate::path::PathId;
use crate::problem::Problem;
use crate::query::{NoParams, Params, Query};
use crate::reply::{self, Envelope, ListEnvelope};

const SPEC: ListSpec = ListSpec::of::<AuthorizationView>(columns::FIELDS);

/// List authorizations
///
/// Approved and declined authorizations of the client's cards.
#[utoipa::path(get, path = "/authorizations", tag = "Authorizations", operation_id = "listAuthorizations",
    params(ListParams),
    responses((status = 200, description = "The authorizations.", body = ListEnvelope<AuthorizationView>)),
    security(("apiKey" = ["authorizations:read"]), ("bearer" = ["authorizations:read"])))]
pub async fn list_authorizations(
    State(app): State<Api>,
    Allowed(caller): Allowed<AUTHORIZATIONS_READ>,
    Query(params): Query,
) -> Result<Response, Problem> {
    list(&app, &caller, params, caller.only_seen(columns::CARD, columns::CARD_HOLDER)).await
}

/// List a card's authorizations
///
/// Approved and declined authorizations of this card.
#[utoipa::path(get, path = "/cards/{cardId}/authorizations", tag = "Cards", operation_id = "listCardAuthorizations",
    params(("cardId" = String, Path, description = "The card.", pattern = "^[0-9a-f]{24}$"), ListParams),
    responses((status = 200, description = "The authorizations.", body = ListEnvelope<AuthorizationView>)),
    security(("apiKey" = ["authorizations:read"]), ("bearer" = ["authorizations:read"])))]
pub async fn list_card_authorizations(
    State(app): State<Api>,
    Allowed(caller): Allowed<AUTHORIZATIONS_READ>,
    PathId(id): PathId<CardId>,
    Query(params): Query,
) -> Result<Response, Problem> {
    let card = app.reader.get::<Card>(Key::of(caller.client, id.0)).await?;
    let card = card.filter(|card| caller.sees_card(card.id, card.card_holder));
    card.ok_or(Refusal::CardNotFound)?;
    list(&app, &caller, params, vec![Filter::equals(columns::CARD, id.0)]).await
}

async fn list(app: &Api, caller: &Caller, params: Params, only: Vec<Filter>) -> Result<Response, Problem> {
    lists::answer::<columns::List, _>(app, caller, params, &SPEC, only, AuthorizationView::of).await
}

/// The authorization, when the caller sees its card.
pub(super) async fn seen(app: &Api, caller: &Caller, id: AuthorizationId) -> Result<Authorization, Problem> {
    let found = app.reader.get::<Authorization>(Key::of(caller.client, id.0)).await?;
    let sees = |found: &Authorization| match (found.card, found.card_holder) {
        (Some(card), Some(holder)) => caller.sees_card(card, holder),
        _ => caller.bound.is_none(),
    };
    Ok(found.filter(sees).ok_or(Refusal::AuthorizationNotFound)?)
}

/// Retrieve an authorization
///
/// The authorization with its status and its timeline, including the ids of ledger entries.
#[utoipa::path(get, path = "/authorizations/{authorizationId}", tag = "Authorizations", operation_id = "getAuthorization",
    params(("authorizationId" = String, Path, description = "The authorization.", pattern = "^[0-9a-f]{24}$")),
    responses((status = 200, description = "The authorization.", body = Envelope<AuthorizationView>)),
    security(("apiKey" = ["authorizations:read"]), ("bearer" = ["authorizations:read"])))]
pub async fn get_authorization(
    State(app): State<Api>,
    Allowed(caller): Allowed<AUTHORIZATIONS_READ>,
    PathId(id): PathId<AuthorizationId>,
    _: NoParams,
) -> Result<Response, Problem> {
    let found = seen(&app, &caller, id).await?;
    Ok(reply::versioned("Authorization fetched successfully.", found.version, &AuthorizationView::of(&found)))
}

/// Retrieve an authorization's decision
///
/// Every check in order, with the observed value, the threshold, and what would have made it pass. A declined
/// authorization's reason is the first failed check.
#[utoipa::path(get, path = "/authorizations/{authorizationId}/decision", tag = "Authorizations",
    operation_id = "getAuthorizationDecision",
    params(("authorizationId" = String, Path, description = "The authorization.", pattern = "^[0-9a-f]{24}$")),
    responses((status = 200, description = "The decision.", body = Envelope<DecisionView>)),
    security(("apiKey" = ["authorizations:read"]), ("bearer" = ["authorizations:read"])))]
pub async fn get_authorization_decision(
    State(app): State<Api>,
    Allowed(caller): Allowed<AUTHORIZATIONS_READ>,
    PathId(id): PathId<AuthorizationId>,
    _: NoParams,
) -> Result<Response, Problem> {
    let found = seen(&app, &caller, id).await?;
    let decided = found.decided.first();
    let decided = decided.ok_or_else(|| Problem::internal(format!("the authorization {id} has no decision")))?;
    let mut decision = DecisionView::of(decided, found.currency);
    // A card holder's token shows nothing about the cards of others.
    if caller.unbound().is_err() {
        decision.hide_shared_limits();
    }
    Ok(reply::ok("Decision fetched successfully.", &decision))
}
