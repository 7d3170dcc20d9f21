//! `GET /cards/{cardId}/reveal`: a card's number, shown once for a token. The token is the credential. It is looked up
//! by its hash and consumed through the engine, and only then is the number opened.

use paygen_core::cards::RevealRefusal;
use std::net::IpAddr;

use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use paygen_core::access::{Actor, Client, ClientStatus};
use paygen_core::cards::{Card, RevealPurpose, RevealToken, UseRevealToken};
use paygen_core::ids::CardId;
use paygen_core::record::Key;
use paygen_core::work::Context;
use paygen_core::{Command, Refusal, Request};
use paygen_vault::{Expiry, ServiceCode};
use serde::Serialize;

use super::token;
use crate::Api;
use crate::gate::Address;
use crate::path::PathId;
use crate::problem::{ErrorEnvelope, FieldProblem, Problem};
use crate::query::Query;
use crate::reply::{self, Envelope};
use crate::request_id::current_request_id;
use paygen_app::card_numbers;
use paygen_engine::{Answer, Priority, Submission};

/// A card's number, expiry and CVV.
#[derive(Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = RevealedCard)]
pub struct RevealedView<'a> {
    /// The full card number.
    #[schema(example = "4005550000000019")]
    pan: &'a str,
    /// CVV, three digits.
    #[schema(example = "833")]
    cvv: &'a str,
    /// Expiry month.
    #[schema(minimum = 1, maximum = 12)]
    expiry_month: i64,
    /// Expiry year.
    #[schema(example = 2029)]
    expiry_year: i64,
}

/// Reveal a card
///
/// Returns the card's number, expiry and CVV, once for each token. The token is the only credential: call this from
/// where the number is needed, without an API key. A browser may read the answer from the token's pinned origin; send
/// no custom headers, so that no preflight request is needed.
#[utoipa::path(get, path = "/cards/{cardId}/reveal", tag = "Cards", operation_id = "revealCard",
    params(("cardId" = String, Path, description = "The card.", pattern = "^[0-9a-f]{24}$"),
        ("token" = String, Query, description = "The token, created with POST /cards/{cardId}/token.")),
    responses((status = 200, description = "Number, expiry and CVV.", body = Envelope<RevealedView<'static>>),
        (status = 400, description = "The request is malformed or invalid; every invalid field is named.", body = ErrorEnvelope),
        (status = 403, description = "The token has expired, or it is for another purpose or origin.", body = ErrorEnvelope),
        (status = 409, description = "The token was used, or the card is canceled.", body = ErrorEnvelope),
        (status = 429, description = "Too many tries from this address; see Retry-After.", body = ErrorEnvelope)),
    security(()))]
pub async fn reveal_card(
    State(app): State<Api>,
    PathId(id): PathId<CardId>,
    Address(address): Address,
    method: Method,
    headers: HeaderMap,
    Query(mut params): Query,
) -> Result<Response, Problem> {
    if method == Method::HEAD {
        return Ok(only_get());
    }
    let text = params.take("token");
    params.finish(&["token"])?;
    let required = || Problem::invalid(vec![FieldProblem::new("token", "required", "is required")]);
    let token = find(&app, &text.ok_or_else(required)?, address).await?;
    let origin = headers.get(header::ORIGIN).and_then(|origin| origin.to_str().ok());
    let pinned = token.origin.clone().filter(|pinned| origin == Some(pinned));
    let shown = show(&app, id, token, RevealPurpose::Reveal, origin, address).await;
    let mut response = shown.unwrap_or_else(IntoResponse::into_response);
    if let Some(pinned) = pinned.and_then(|pinned| HeaderValue::from_str(&pinned).ok()) {
        response.headers_mut().insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, pinned);
    }
    Ok(response)
}

/// Link previewers send HEAD before a person opens the link: it must not consume the token.
fn only_get() -> Response {
    let message = "HEAD is not a method of this path: it would use the token up and show nothing. Use GET.";
    let mut response = Problem::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", message).into_response();
    response.headers_mut().insert(header::ALLOW, HeaderValue::from_static("GET"));
    response
}

/// Looks up a token; its client's credentials must be active.
pub(super) async fn find(app: &Api, text: &str, address: IpAddr) -> Result<RevealToken, Problem> {
    // Only unknown tokens are counted: a valid token works whatever else its address sends.
    let unknown =
        || app.reveal_tries.take(address).err().unwrap_or_else(|| (&Refusal::Reveal(RevealRefusal::Unknown)).into());
    if !text.starts_with(token::PREFIX) {
        return Err(unknown());
    }
    let key = RevealToken::key_of(&token::hash(&app.vault, text));
    let token = app.reader.get::<RevealToken>(key).await?.ok_or_else(unknown)?;
    let client = app.reader.get::<Client>(Key::of(token.client, token.client.0)).await?;
    let active = client.is_some_and(|client| client.status == ClientStatus::Active);
    if active { Ok(token) } else { Err(unknown()) }
}

/// Consumes the token, with an audit entry; then opens the number.
pub(super) async fn show(
    app: &Api,
    id: CardId,
    token: RevealToken,
    purpose: RevealPurpose,
    origin: Option<&str>,
    address: IpAddr,
) -> Result<Response, Problem> {
    let context = Context {
        client: token.client,
        actor: Actor::RevealToken,
        request_id: current_request_id(),
        address: Some(address),
        action: "",
    };
    let origin = origin.map(str::to_owned);
    let command = Command::UseRevealToken(UseRevealToken { id, hash: token.hash, purpose, origin });
    let submission = Submission { request: Request::new(context, command), idempotency: None, dry_run: false };
    match app.engine.submit(Priority::Api, submission).await? {
        Answer::Decided(Ok(_)) => {}
        Answer::Decided(Err(refusal)) => return Err(refusal.into()),
        Answer::Kept(..) | Answer::Replayed(_) => return Err(Problem::internal("a reveal has no kept answer")),
    }
    let card = app.reader.get::<Card>(Key::of(token.client, id.0)).await?;
    let card = card.ok_or(Refusal::CardNotFound)?;
    opened(app, &card).await
}

async fn opened(app: &Api, card: &Card) -> Result<Response, Problem> {
    let pan = card_numbers::open(app, card).await?;
    let month = u8::try_from(card.expiry_month).unwrap_or(0);
    let year = u16::try_from(card.expiry_year).unwrap_or(0);
    let code = app.vault.card_code(&pan, Expiry { year, month }, ServiceCode::Printed);
    let code =
        code.map_err(|error| Problem::internal(format!("the code of card {} is not derived: {error}", card.id)))?;
    let (expiry_month, expiry_year) = (card.expiry_month, card.expiry_year);
    let view = RevealedView { pan: pan.expose(), cvv: code.expose(), expiry_month, expiry_year };
    let mut response =
        reply::json(StatusCode::OK, reply::bytes::<_, ()>(StatusCode::OK, "Card revealed successfully.", &view, None));
    response.headers_mut().extend([
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
        (header::PRAGMA, HeaderValue::from_static("no-cache")),
        (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
        (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    ]);
    Ok(response)
}
