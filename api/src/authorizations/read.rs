//! `GET /authorizations`, `GET /authorizations/{authorizationId}`, its decision, and a card's authorizations.

use axum::extract::State;
use axum::response::Response;
use paygen_core::Refusal;
use paygen_core::authorizations::{Authorization, AuthorizationView, DecisionView, Supposition};
use paygen_core::card_holders::CardHolderStatus;
use paygen_core::cards::{Card, CardStatus};
use paygen_core::ids::{AuthorizationId, CardId};
use paygen_core::messages::{Channel, ThreeDs};
use paygen_core::money::{Currency, Decimal};
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
/// authorization's reason is the first failed check. With parameters the decision is made again with these inputs in
/// place of its own, under the present rules, and nothing is stored.
#[utoipa::path(get, path = "/authorizations/{authorizationId}/decision", tag = "Authorizations",
    operation_id = "getAuthorizationDecision",
    params(("authorizationId" = String, Path, description = "The authorization.", pattern = "^[0-9a-f]{24}$"),
        ("amount" = Option<String>, Query, description = "Suppose this amount, in the card's currency.", example = "75.00"),
        ("available" = Option<String>, Query, description = "Suppose that the card can spend so much.", example = "500.00"),
        ("cardStatus" = Option<CardStatus>, Query, description = "Suppose this status of the card."),
        ("cardHolderStatus" = Option<CardHolderStatus>, Query, description = "Suppose this status of the card holder."),
        ("channel" = Option<Channel>, Query, description = "Suppose this channel."),
        ("category" = Option<String>, Query, description = "Suppose this merchant category. Limits of other \
            categories than the payment's own are not looked at.", example = "5812"),
        ("country" = Option<String>, Query, description = "Suppose this country of the merchant.", example = "US"),
        ("merchantId" = Option<String>, Query, description = "Suppose this merchant."),
        ("riskScore" = Option<i64>, Query, description = "Suppose this risk score, 0 to 100.", minimum = 0, maximum = 100),
        ("threeDs" = Option<ThreeDs>, Query, description = "Suppose this 3-D Secure result.")),
    responses((status = 200, description = "The decision.", body = Envelope<DecisionView>)),
    security(("apiKey" = ["authorizations:read"]), ("bearer" = ["authorizations:read"])))]
pub async fn get_authorization_decision(
    State(app): State<Api>,
    Allowed(caller): Allowed<AUTHORIZATIONS_READ>,
    PathId(id): PathId<AuthorizationId>,
    Query(mut params): Query,
) -> Result<Response, Problem> {
    let found = seen(&app, &caller, id).await?;
    let supposed = supposition(&mut params, found.currency);
    params.finish(SUPPOSED)?;
    let decided = found.decided.first();
    let decided = decided.ok_or_else(|| Problem::internal(format!("the authorization {id} has no decision")))?;
    // Tries with other inputs would tell a card holder what others spend of a limit that cards share.
    if !supposed.is_empty() {
        caller.unbound()?;
    }
    let again = (!supposed.is_empty()).then(|| supposed.decide(decided));
    let mut decision = DecisionView::of(again.as_ref().unwrap_or(decided), found.currency);
    // A card holder's token shows nothing about the cards of others.
    if caller.unbound().is_err() {
        decision.hide_shared_limits();
    }
    Ok(reply::ok("Decision fetched successfully.", &decision))
}

/// The parameters of a supposition.
const SUPPOSED: &[&str] = &[
    "amount",
    "available",
    "cardStatus",
    "cardHolderStatus",
    "channel",
    "category",
    "country",
    "merchantId",
    "riskScore",
    "threeDs",
];

/// Reads what is supposed to differ.
fn supposition(params: &mut Params, currency: Currency) -> Supposition {
    let money = |text: &str| {
        let decimal = Decimal::parse_plain(text).ok().filter(|decimal| !decimal.is_negative());
        let minor = decimal.and_then(|decimal| decimal.to_minor(currency.exponent()));
        minor.ok_or_else(|| format!("must be an amount in {currency} with at most {} decimals", currency.exponent()))
    };
    let text = |most: usize| {
        move |text: &str| {
            let fits = !text.is_empty() && text.chars().count() <= most && !text.chars().any(char::is_control);
            if fits { Ok(text.to_owned()) } else { Err(format!("must have 1 to {most} characters")) }
        }
    };
    let score = |text: &str| {
        let score = text.parse::<i64>().ok().filter(|score| (0..=100).contains(score));
        score.ok_or_else(|| "must be a whole number from 0 to 100".to_owned())
    };
    let one_of = |words: &'static [&'static str]| format!("must be one of {}", words.join(", "));
    Supposition {
        amount: params.take_with("amount", money),
        available: params.take_with("available", money),
        card_status: params
            .take_with("cardStatus", |text| CardStatus::parse(text).ok_or_else(|| one_of(CardStatus::WORDS))),
        card_holder_status: params.take_with("cardHolderStatus", |text| {
            CardHolderStatus::parse(text).ok_or_else(|| one_of(CardHolderStatus::WORDS))
        }),
        channel: params.take_with("channel", |text| Channel::parse(text).ok_or_else(|| one_of(Channel::WORDS))),
        category: params.take_with("category", text(4)),
        country: params.take_with("country", text(2)),
        merchant: params.take_with("merchantId", text(15)),
        risk_score: params.take_with("riskScore", score),
        three_ds: params.take_with("threeDs", |text| ThreeDs::parse(text).ok_or_else(|| one_of(ThreeDs::WORDS))),
    }
}
