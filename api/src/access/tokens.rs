//! `/auth/tokens` and `/.well-known/jwks.json`: short-lived bearer tokens.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use paygen_core::access::{IssueToken, RevokeToken, Scopes, TokenView};
use paygen_core::ids::TokenId;
use paygen_core::{Command, Outcome};
use serde::Serialize;

use super::bodies::IssueTokenBody;
use crate::Api;
use crate::body::{Body, NoBody};
use crate::gate::{Allowed, KEYS_WRITE};
use crate::path::PathId;
use crate::problem::Problem;
use crate::reply::{Envelope, json};
use crate::write::{Success, Write, WriteParams};
use paygen_app::tokens::{self, Claims};

/// A new token with its secret, which is shown only once.
#[derive(Clone, Serialize, utoipa::ToSchema)]
#[schema(as = NewToken)]
pub struct NewTokenView {
    #[serde(flatten)]
    shown: TokenView,
    /// The token: a JWT signed with EdDSA, for the header `Authorization: Bearer`. It is shown only once: in the answer
    /// to a repeat and in a dry run it is null.
    #[schema(required = true)]
    token: Option<String>,
}

impl NewTokenView {
    fn without_secret(self) -> NewTokenView {
        NewTokenView { token: None, ..self }
    }
}

/// Create a bearer token
///
/// Creates a token for a client application, valid for at most one hour, with at most the scopes of the creating key. A
/// token created with a token does not outlive that one. A token restricted to a card holder or card sees nothing else,
/// and can neither issue cards nor move money.
#[utoipa::path(post, path = "/auth/tokens", tag = "Access", operation_id = "issueToken",
    request_body = IssueTokenBody,
    params(WriteParams),
    responses((status = 201, description = "The token.", body = Envelope<NewTokenView>)),
    security(("apiKey" = ["keys:write"]), ("bearer" = ["keys:write"])))]
pub async fn issue_token(
    State(app): State<Api>,
    Allowed(caller): Allowed<KEYS_WRITE>,
    write: Write,
    body: Body<IssueTokenBody>,
) -> Result<Response, Problem> {
    let seconds = body.value.expires_in.map(|seconds| seconds.0);
    let scopes: Scopes = body.value.scopes.map_or(caller.scopes, |list| list.0.into_iter().collect());
    let (card_holder, card) = (body.value.card_holder_id, body.value.card_id);
    let (api_key, granter, until) = (caller.api_key()?, caller.scopes, caller.token_until);
    let command = Command::IssueToken(IssueToken { api_key, scopes, granter, card_holder, card, seconds, until });
    let (vault, client) = (app.vault.clone(), caller.client);
    let success = Success::new(StatusCode::CREATED, "Token issued successfully.", move |outcome| {
        let Outcome::Token(view) = outcome else { return None };
        let id = TokenId::parse(&view.id)?;
        let expires = paygen_core::time::Instant::parse(&view.expires_at)?.seconds();
        let claims = Claims { client, id, api_key, scopes, card_holder, card, expires };
        let token = tokens::sign(&claims, paygen_engine::clock::wall().seconds().min(expires), &vault).ok()?;
        Some(NewTokenView { shown: view.clone(), token: Some(token) })
    });
    let success = success.shown_once(NewTokenView::without_secret);
    write.perform(&app, &caller, &body.canonical, command, success).await
}

/// Revoke a bearer token
///
/// The token is rejected from now on; other nodes follow within five seconds.
#[utoipa::path(delete, path = "/auth/tokens/{tokenId}", tag = "Access", operation_id = "revokeToken",
    params(("tokenId" = String, Path, description = "The token.", pattern = "^[0-9a-f]{24}$"), WriteParams),
    responses((status = 200, description = "The revoked token.", body = Envelope<TokenView>)),
    security(("apiKey" = ["keys:write"]), ("bearer" = ["keys:write"])))]
pub async fn revoke_token(
    State(app): State<Api>,
    Allowed(caller): Allowed<KEYS_WRITE>,
    PathId(id): PathId<TokenId>,
    write: Write,
    _body: NoBody,
) -> Result<Response, Problem> {
    let command = Command::RevokeToken(RevokeToken { id });
    let success = Success::new(StatusCode::OK, "Token revoked successfully.", |outcome| match outcome {
        Outcome::Token(view) => Some(view.clone()),
        _ => None,
    });
    let answer = write.perform(&app, &caller, "", command, success).await;
    app.credentials.forget();
    answer
}

/// A set of public keys (RFC 7517).
#[derive(Serialize, utoipa::ToSchema)]
pub struct Jwks {
    keys: Vec<Jwk>,
}

/// A public key.
#[derive(Serialize, utoipa::ToSchema)]
pub struct Jwk {
    kty: &'static str,
    crv: &'static str,
    #[serde(rename = "use")]
    purpose: &'static str,
    alg: &'static str,
    kid: String,
    x: String,
}

/// Retrieve the public keys of tokens
///
/// The public keys of bearer tokens, as a JSON Web Key Set.
#[utoipa::path(get, path = "/.well-known/jwks.json", tag = "Access", operation_id = "getJwks",
    responses((status = 200, description = "The keys.", body = Jwks)), security(()))]
pub async fn jwks(State(app): State<Api>) -> Response {
    let signer = app.vault.token_signer();
    let (kid, x) = (signer.key_id().to_owned(), signer.public_x());
    let keys = Jwks { keys: vec![Jwk { kty: "OKP", crv: "Ed25519", purpose: "sig", alg: "EdDSA", kid, x }] };
    json(StatusCode::OK, serde_json::to_vec(&keys).unwrap_or_default())
}
