//! `/cards/{cardId}/page`: the hosted page that shows a card's number, alone or in a frame of the token's pinned
//! origin.
//!
//! The page is the same for every card and contains no token. The token comes in the URL's fragment, which browsers do
//! not send to servers, or by `postMessage` from the origin in the page's own URL. Only that origin may frame the page,
//! and the exchange of the token checks that it is the token's origin.

use paygen_core::cards::RevealRefusal;
use std::sync::LazyLock;

use aws_lc_rs::digest;
use axum::Extension;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use paygen_core::Refusal;
use paygen_core::cards::RevealPurpose;
use paygen_core::ids::CardId;

use super::bodies::{ORIGIN_RULE, Origin, RevealOnPageBody};
use super::reveal::{self, RevealedView};
use crate::Api;
use crate::body::Body;
use crate::gate::Address;
use crate::path::PathId;
use crate::problem::{ErrorEnvelope, Problem};
use crate::query::{NoParams, Query};
use crate::reply::Envelope;
use paygen_edge::budget::Uncounted;

const SCRIPT: &str = include_str!("page/page.js");
const STYLE: &str = include_str!("page/page.css");

/// The page with its script and style.
static PAGE: LazyLock<String> =
    LazyLock::new(|| include_str!("page/page.html").replace("/*style*/", STYLE).replace("/*script*/", SCRIPT));

/// Only this script and this style run; nothing is loaded from other hosts; calls go to this server only.
static POLICY: LazyLock<String> = LazyLock::new(|| {
    format!(
        "default-src 'none'; script-src '{}'; style-src '{}'; connect-src 'self'; base-uri 'none'; \
         form-action 'none'; require-trusted-types-for 'script'; frame-ancestors",
        sha256(SCRIPT),
        sha256(STYLE)
    )
});

fn sha256(text: &str) -> String {
    format!("sha256-{}", STANDARD.encode(digest::digest(&digest::SHA256, text.as_bytes())))
}

/// Retrieve the hosted page
///
/// A page that shows a card's number, expiry and CVV for a token of purpose `page`, for use in an iframe: only pages of
/// `origin` may embed it, and the token must be pinned to the same origin. Pass the token in the URL's fragment
/// (`#token=…`) or by `postMessage({type: "paygen.token", token}, …)` after the page has posted `{type:
/// "paygen.ready"}`.
#[utoipa::path(get, path = "/cards/{cardId}/page", tag = "Cards", operation_id = "getCardPage",
    params(("cardId" = String, Path, description = "The card.", pattern = "^[0-9a-f]{24}$"),
        ("origin" = Option<String>, Query, description = "The token's pinned origin; without it the page cannot be embedded.")),
    responses((status = 200, description = "The page.", body = String, content_type = "text/html"),
        (status = 400, description = "The request is malformed or invalid; every invalid field is named.", body = ErrorEnvelope)),
    security(()))]
pub async fn get_card_page(_id: PathId<CardId>, Query(mut params): Query) -> Result<Response, Problem> {
    let read = |text: &str| Origin::parse(text).ok_or_else(|| ORIGIN_RULE.to_owned());
    let origin = params.take_with("origin", read);
    params.finish(&["origin"])?;
    let ancestors = origin.as_ref().map_or("'none'", Origin::as_str);
    let policy = HeaderValue::from_str(&format!("{} {ancestors}", *POLICY));
    let policy = policy.map_err(|error| Problem::internal(format!("no content security policy: {error}")))?;
    let fixed = HeaderValue::from_static;
    let headers = [
        (header::CONTENT_TYPE, fixed("text/html; charset=utf-8")),
        (header::CONTENT_SECURITY_POLICY, policy),
        (header::CACHE_CONTROL, fixed("no-store")),
        (header::REFERRER_POLICY, fixed("no-referrer")),
        (header::X_CONTENT_TYPE_OPTIONS, fixed("nosniff")),
        (
            HeaderName::from_static("permissions-policy"),
            fixed("clipboard-write=(self), clipboard-read=(), camera=(), microphone=(), geolocation=(), payment=()"),
        ),
        (HeaderName::from_static("x-robots-tag"), fixed("noindex")),
    ];
    let mut response = (Extension(Uncounted), PAGE.as_str()).into_response();
    for (name, value) in headers {
        response.headers_mut().insert(name, value);
    }
    Ok(response)
}

/// Reveal a card on the hosted page
///
/// Called by the hosted page: exchanges a token of purpose `page` for number, expiry and CVV, once. `origin` is the
/// origin that the page was opened for; it must be the token's.
#[utoipa::path(post, path = "/cards/{cardId}/page/reveal", tag = "Cards", operation_id = "revealOnCardPage",
    request_body = RevealOnPageBody,
    params(("cardId" = String, Path, description = "The card.", pattern = "^[0-9a-f]{24}$")),
    responses((status = 200, description = "Number, expiry and CVV.", body = Envelope<RevealedView<'static>>),
        (status = 400, description = "The request is malformed or invalid; every invalid field is named.", body = ErrorEnvelope),
        (status = 403, description = "The token has expired, or it is for another purpose or origin.", body = ErrorEnvelope),
        (status = 429, description = "Too many tries from this address; see Retry-After.", body = ErrorEnvelope)),
    security(()))]
pub async fn reveal_on_card_page(
    State(app): State<Api>,
    PathId(id): PathId<CardId>,
    Address(address): Address,
    headers: HeaderMap,
    _: NoParams,
    body: Body<RevealOnPageBody>,
) -> Result<Response, Problem> {
    let token = reveal::find(&app, body.value.token.expose(), address).await?;
    let origin = body.value.origin.as_ref().map(Origin::as_str);
    // Browsers send which page calls; only the hosted page may.
    let elsewhere = headers.get("sec-fetch-site").is_some_and(|site| site != "same-origin");
    if token.purpose == RevealPurpose::Page && (token.origin.as_deref() != origin || elsewhere) {
        let wanted = token.origin.as_ref().map_or("a page that is not framed".to_owned(), |pinned| {
            format!("the hosted page opened with origin={pinned}")
        });
        return Err(Refusal::Reveal(RevealRefusal::Mismatch { wanted }).into());
    }
    reveal::show(&app, id, token, RevealPurpose::Page, origin, address).await
}
