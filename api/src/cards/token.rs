//! `POST /cards/{cardId}/token`.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use paygen_core::cards::{IssueRevealToken, RevealPurpose, RevealTokenView};
use paygen_core::ids::CardId;
use paygen_core::{Command, Outcome};
use paygen_vault::{Purpose, Vault};
use serde::Serialize;

use super::bodies::IssueRevealTokenBody;
use super::check_seen;
use crate::Api;
use crate::body::Body;
use crate::gate::{Allowed, CARDS_REVEAL};
use crate::path::PathId;
use crate::problem::Problem;
use crate::reply::Envelope;
use crate::write::{Success, Write, WriteParams};

/// The prefix of reveal tokens.
pub(super) const PREFIX: &str = "rvl_";

/// Lifetime of a reveal token.
const LIFETIME_SECONDS: i64 = 120;

/// A new reveal token, which is shown only once.
#[derive(Clone, Serialize, utoipa::ToSchema)]
#[schema(as = NewRevealToken)]
pub struct NewRevealTokenView {
    /// The token: 256 random bits. It reveals the card once, within two minutes. It is shown only once: in the answer
    /// to a repeat and in a dry run it is null.
    #[schema(example = "rvl_h5cJ0yNq3m0bq8kq1o2p3s4t5u6v7w8x9y0zABCDEFG", required = true)]
    token: Option<String>,
    #[serde(flatten)]
    shown: RevealTokenView,
    /// For purpose page: path of the hosted page, relative to this API. Pass it the token in the URL's fragment
    /// (`#token=…`, which browsers send to no server) or by `postMessage` from the pinned origin.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "/cards/665f1c4f4a4f4a4f4a4f4a4f/page?origin=https%3A%2F%2Fapp.example.com")]
    url: Option<String>,
}

impl NewRevealTokenView {
    fn without_secret(self) -> NewRevealTokenView {
        NewRevealTokenView { token: None, ..self }
    }
}

/// The keyed hash by which a reveal token is stored and looked up.
pub(super) fn hash(vault: &Vault, token: &str) -> [u8; 32] {
    vault.mac(Purpose::RevealTokens, &[token.as_bytes()])
}

/// The path of the hosted page, without the token.
fn page(view: &RevealTokenView) -> Option<String> {
    let path = format!("/cards/{}/page", view.card_id);
    let query = view.origin.as_ref().map(|origin| {
        let origin: String = url::form_urlencoded::byte_serialize(origin.as_bytes()).collect();
        format!("?origin={origin}")
    });
    (view.purpose == RevealPurpose::Page).then(|| path + &query.unwrap_or_default())
}

/// Create a reveal token
///
/// Creates a token that reveals the card's number, expiry and CVV once, within two minutes: as JSON at `GET
/// /cards/{cardId}/reveal`, or on the hosted page. Only its hash is stored.
#[utoipa::path(post, path = "/cards/{cardId}/token", tag = "Cards", operation_id = "issueRevealToken",
    request_body(content = Option<IssueRevealTokenBody>),
    params(("cardId" = String, Path, description = "The card.", pattern = "^[0-9a-f]{24}$"), WriteParams),
    responses((status = 201, description = "The token.", body = Envelope<NewRevealTokenView>)),
    security(("apiKey" = ["cards:reveal"]), ("bearer" = ["cards:reveal"])))]
pub async fn issue_reveal_token(
    State(app): State<Api>,
    Allowed(caller): Allowed<CARDS_REVEAL>,
    PathId(id): PathId<CardId>,
    write: Write,
    body: Body<IssueRevealTokenBody>,
) -> Result<Response, Problem> {
    check_seen(&app, &caller, id).await?;
    let token = format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(paygen_vault::random_bytes::<32>()));
    let command = Command::IssueRevealToken(IssueRevealToken {
        id,
        hash: hash(&app.vault, &token),
        purpose: body.value.purpose.unwrap_or(RevealPurpose::Reveal),
        origin: body.value.origin.map(Into::into),
        seconds: LIFETIME_SECONDS,
        reason: body.value.reason.map(Into::into),
    });
    let success = Success::new(StatusCode::CREATED, "Token issued successfully.", move |outcome| {
        let Outcome::RevealToken(view) = outcome else { return None };
        Some(NewRevealTokenView { token: Some(token.clone()), shown: view.clone(), url: page(view) })
    });
    let success = success.shown_once(NewRevealTokenView::without_secret);
    write.perform(&app, &caller, &body.canonical, command, success).await
}
