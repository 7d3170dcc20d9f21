//! `/api-keys`: creates, lists, rotates and revokes keys. A key is shown once, when it is created.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use paygen_core::access::{ApiKey, ApiKeyView, CreateApiKey, NewKey, RevokeApiKey, RotateApiKey};
use paygen_core::ids::ApiKeyId;
use paygen_core::record::Key;
use paygen_core::{Command, Outcome, Refusal};
use paygen_store::lists::api_keys as columns;
use paygen_vault::{ApiKeySecret, KeyKind};
use serde::Serialize;

use super::bodies::{CreateApiKeyBody, RotateApiKeyBody};
use crate::Api;
use crate::body::{Body, NoBody};
use crate::gate::{Allowed, Caller, KEYS_READ, KEYS_WRITE};
use crate::lists::{self, ListParams, ListSpec};
use crate::path::PathId;
use crate::problem::Problem;
use crate::query::{NoParams, Query};
use crate::reply::{self, Envelope, ListEnvelope};
use crate::write::{Success, Write, WriteParams};
use paygen_app::Environment;
use paygen_app::clients::{MAX_KEYS, too_many_keys};

/// A new API key with its secret, which is shown only once.
#[derive(Clone, Serialize, utoipa::ToSchema)]
#[schema(as = NewApiKey)]
pub struct NewApiKeyView {
    #[serde(flatten)]
    shown: ApiKeyView,
    /// The key. Store it now, it is shown only once: in the answer to a repeat and in a dry run it is null.
    #[schema(example = "pgk_test_Zk3vR8…", required = true)]
    key: Option<String>,
}

impl NewApiKeyView {
    fn without_secret(self) -> NewApiKeyView {
        NewApiKeyView { key: None, ..self }
    }
}

const SPEC: ListSpec = ListSpec::of::<ApiKeyView>(columns::FIELDS);

fn shown(outcome: &Outcome) -> Option<ApiKeyView> {
    match outcome {
        Outcome::ApiKey(view) => Some(view.clone()),
        _ => None,
    }
}

/// The error when a client has reached the bound. Keys created at the same time may exceed it slightly.
async fn full(app: &Api, caller: &Caller) -> Result<Option<Problem>, Problem> {
    if app.reader.active_api_keys(caller.client).await? < MAX_KEYS {
        return Ok(None);
    }
    Ok(Some(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "too_many_api_keys", too_many_keys())))
}

/// A new secret: the command's hash and hint of it, and a closure that shows it once.
fn new_secret(app: &Api) -> (NewKey, impl Fn(&Outcome) -> Option<NewApiKeyView> + Send + Sync + 'static) {
    let kind = match app.environment {
        Environment::Sandbox => KeyKind::Test,
        Environment::Production => KeyKind::Live,
    };
    let secret = ApiKeySecret::generate(kind);
    let key = NewKey { hash: secret.hash(&app.vault), hint: secret.hint() };
    let show = move |outcome: &Outcome| {
        shown(outcome).map(|shown| NewApiKeyView { shown, key: Some(secret.expose().to_owned()) })
    };
    (key, show)
}

/// Create an API key
///
/// The answer shows the key, only once. Scopes, lifetime and networks are at most those of the creating key. Bearer
/// tokens cannot create keys.
#[utoipa::path(post, path = "/api-keys", tag = "Access", operation_id = "createApiKey",
    request_body = CreateApiKeyBody,
    params(WriteParams),
    responses((status = 201, description = "The key.", body = Envelope<NewApiKeyView>)),
    security(("apiKey" = ["keys:write"]), ("bearer" = ["keys:write"])))]
pub async fn create_api_key(
    State(app): State<Api>,
    Allowed(caller): Allowed<KEYS_WRITE>,
    write: Write,
    body: Body<CreateApiKeyBody>,
) -> Result<Response, Problem> {
    let granter = caller.granter()?;
    if let Some(full) = full(&app, &caller).await? {
        return write.or_replay(&app, &caller, &body.canonical, full).await;
    }
    let (key, show) = new_secret(&app);
    let value = body.value;
    let command = Command::CreateApiKey(CreateApiKey {
        name: value.name.into(),
        scopes: value.scopes.0.into_iter().collect(),
        expires_at: value.expires_at.map(Into::into),
        allowed_ips: value.allowed_ips.map(|list| list.0).unwrap_or_default(),
        key,
        granter,
    });
    let success = Success::new(StatusCode::CREATED, "API key created successfully.", show)
        .shown_once(NewApiKeyView::without_secret);
    write.perform(&app, &caller, &body.canonical, command, success).await
}

/// List API keys
///
/// The client's keys, without their secrets.
#[utoipa::path(get, path = "/api-keys", tag = "Access", operation_id = "listApiKeys",
    params(ListParams),
    responses((status = 200, description = "The keys.", body = ListEnvelope<ApiKeyView>)),
    security(("apiKey" = ["keys:read"]), ("bearer" = ["keys:read"])))]
pub async fn list_api_keys(
    State(app): State<Api>,
    Allowed(caller): Allowed<KEYS_READ>,
    Query(params): Query,
) -> Result<Response, Problem> {
    lists::answer::<columns::List, _>(&app, &caller, params, &SPEC, Vec::new(), ApiKeyView::of).await
}

/// Retrieve an API key
///
/// One key, without its secret.
#[utoipa::path(get, path = "/api-keys/{apiKeyId}", tag = "Access", operation_id = "getApiKey",
    params(("apiKeyId" = String, Path, description = "The key.", pattern = "^[0-9a-f]{24}$")),
    responses((status = 200, description = "The key.", body = Envelope<ApiKeyView>)),
    security(("apiKey" = ["keys:read"]), ("bearer" = ["keys:read"])))]
pub async fn get_api_key(
    State(app): State<Api>,
    Allowed(caller): Allowed<KEYS_READ>,
    PathId(id): PathId<ApiKeyId>,
    _: NoParams,
) -> Result<Response, Problem> {
    let found = app.reader.get::<ApiKey>(Key::of(caller.client, id.0)).await?;
    let key = found.ok_or(Refusal::ApiKeyNotFound)?;
    Ok(reply::versioned("API key fetched successfully.", key.version, &ApiKeyView::of(&key)))
}

/// Rotate an API key
///
/// Creates a new key with the same name, scopes, expiry and networks, which must be within those of the calling key.
/// The old key keeps working during the overlap. Bearer tokens cannot rotate keys.
#[utoipa::path(post, path = "/api-keys/{apiKeyId}/rotate", tag = "Access", operation_id = "rotateApiKey",
    request_body = RotateApiKeyBody,
    params(("apiKeyId" = String, Path, description = "The key.", pattern = "^[0-9a-f]{24}$"), WriteParams),
    responses((status = 201, description = "The new key.", body = Envelope<NewApiKeyView>)),
    security(("apiKey" = ["keys:write"]), ("bearer" = ["keys:write"])))]
pub async fn rotate_api_key(
    State(app): State<Api>,
    Allowed(caller): Allowed<KEYS_WRITE>,
    PathId(id): PathId<ApiKeyId>,
    write: Write,
    body: Body<RotateApiKeyBody>,
) -> Result<Response, Problem> {
    let granter = caller.granter()?;
    if body.value.overlap_seconds.is_none_or(|seconds| seconds.0 > 0)
        && let Some(full) = full(&app, &caller).await?
    {
        return write.or_replay(&app, &caller, &body.canonical, full).await;
    }
    let (key, show) = new_secret(&app);
    let overlap_seconds = body.value.overlap_seconds.map_or(86_400, |seconds| seconds.0);
    let command = Command::RotateApiKey(RotateApiKey { id, overlap_seconds, key, granter });
    let success = Success::new(StatusCode::CREATED, "API key rotated successfully.", show)
        .shown_once(NewApiKeyView::without_secret);
    let answer = write.perform(&app, &caller, &body.canonical, command, success).await;
    app.credentials.forget();
    answer
}

/// Revoke an API key
///
/// The key and the tokens created with it are rejected from now on; other nodes follow within five seconds.
#[utoipa::path(delete, path = "/api-keys/{apiKeyId}", tag = "Access", operation_id = "revokeApiKey",
    params(("apiKeyId" = String, Path, description = "The key.", pattern = "^[0-9a-f]{24}$"), WriteParams),
    responses((status = 200, description = "The revoked key.", body = Envelope<ApiKeyView>)),
    security(("apiKey" = ["keys:write"]), ("bearer" = ["keys:write"])))]
pub async fn revoke_api_key(
    State(app): State<Api>,
    Allowed(caller): Allowed<KEYS_WRITE>,
    PathId(id): PathId<ApiKeyId>,
    write: Write,
    _body: NoBody,
) -> Result<Response, Problem> {
    let command = Command::RevokeApiKey(RevokeApiKey { id });
    let success = Success::new(StatusCode::OK, "API key revoked successfully.", shown);
    let answer = write.perform(&app, &caller, "", command, success).await;
    app.credentials.forget();
    answer
}
