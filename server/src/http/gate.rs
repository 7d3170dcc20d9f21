//! Who calls and whether they may: an argument of every handler, so that it cannot be forgotten.
//!
//! `Allowed<ACCOUNTS_READ>` as a handler's argument is the permission: without a working credential that has the
//! scope, the handler does not run.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use axum::extract::{ConnectInfo, FromRequestParts};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, header};
use paygen_core::access::{Actor, Scope, Scopes};
use paygen_core::ids::{ApiKeyId, ClientId};
use paygen_core::work::Context;

use super::problem::Problem;
use super::request_id::current_request_id;
use crate::app::App;
use crate::credentials::{KnownKey, Rejected};
use crate::tokens::{self, TokenError};

macro_rules! scope_numbers {
    ($($name:ident = $scope:ident),* $(,)?) => {$(
        #[doc = concat!("The scope `", stringify!($scope), "` as a handler's argument names it.")]
        pub const $name: u8 = Scope::$scope as u8;
    )*};
}

scope_numbers! {
    ACCOUNTS_READ = AccountsRead,
    ACCOUNTS_WRITE = AccountsWrite,
    EVENTS_READ = EventsRead,
    SIMULATOR_READ = SimulatorRead,
    SIMULATOR_WRITE = SimulatorWrite,
    KEYS_READ = KeysRead,
    KEYS_WRITE = KeysWrite,
    AUDIT_READ = AuditRead,
}

/// Who calls.
#[derive(Clone, Debug)]
pub struct Caller {
    /// Whose objects they see.
    pub client: ClientId,
    /// With which credential.
    pub actor: Actor,
    /// The API key, or the one the token was made with.
    pub api_key: ApiKeyId,
    /// What they may do.
    pub scopes: Scopes,
    /// Where from.
    pub address: IpAddr,
}

impl Caller {
    /// The context of a command given by this caller.
    pub fn context(&self) -> Context {
        Context {
            client: self.client,
            actor: self.actor,
            request_id: Arc::from(current_request_id().as_str()),
            address: Some(self.address),
            action: "",
        }
    }
}

/// A caller who has the scope of this number.
pub struct Allowed<const SCOPE: u8>(pub Caller);

impl<const SCOPE: u8> FromRequestParts<App> for Allowed<SCOPE> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let caller = identify(parts, app).await?;
        let scope = Scope::ALL[usize::from(SCOPE)];
        if !caller.scopes.has(scope) {
            return Err(Problem::new(
                StatusCode::FORBIDDEN,
                "scope_missing",
                format!("This needs the scope {scope}, which the credential does not have."),
            ));
        }
        Ok(Allowed(caller))
    }
}

async fn identify(parts: &Parts, app: &App) -> Result<Caller, Problem> {
    let address = address_of(parts, app);
    let bearer = bearer_token(&parts.headers)?;
    let key = api_key(parts)?;
    let caller = match (bearer, key) {
        (Some(_), Some(_)) => {
            return Err(unauthorized("credential_ambiguous", "Send either an API key or a bearer token, not both."));
        }
        (None, None) => {
            return Err(unauthorized(
                "credential_missing",
                "Send an API key in the header x-api-key, or a bearer token in Authorization.",
            ));
        }
        (None, Some(key)) => by_key(&key, address, app).await?,
        (Some(token), None) => by_token(&token, address, app).await?,
    };
    app.rate_limits.check(caller.api_key)?;
    app.key_uses.note(caller.client, caller.api_key, app.clock.now());
    Ok(caller)
}

async fn by_key(key: &str, address: IpAddr, app: &App) -> Result<Caller, Problem> {
    let unknown = || unauthorized("credential_unknown", "This API key is not known.");
    let hash = paygen_vault::ApiKeySecret::hash_text(key, &app.vault);
    let known = app.credentials.by_hash(hash).await?.ok_or_else(unknown)?;
    check(&known, address, app)?;
    let (client, id) = (known.key.client, known.key.id);
    Ok(Caller { client, actor: Actor::ApiKey(id), api_key: id, scopes: known.key.scopes, address })
}

async fn by_token(token: &str, address: IpAddr, app: &App) -> Result<Caller, Problem> {
    let claims = tokens::read(token, &app.vault).map_err(|error| match error {
        TokenError::Expired => unauthorized("credential_expired", "This token's time is over."),
        TokenError::Invalid => unauthorized(
            "credential_unknown",
            "This bearer token is not one of this server's. API keys belong in the header x-api-key.",
        ),
    })?;
    let known = app.credentials.by_id(claims.client, claims.api_key).await?;
    let known = known.ok_or_else(|| unauthorized("credential_unknown", "This token's API key is not known."))?;
    check(&known, address, app)?;
    if !app.credentials.token_works(claims.client, claims.id).await? {
        return Err(unauthorized("credential_revoked", "This token was revoked."));
    }
    let scopes = claims.scopes.iter().filter(|scope| known.key.scopes.has(*scope)).collect();
    Ok(Caller { client: claims.client, actor: Actor::Token(claims.id), api_key: claims.api_key, scopes, address })
}

fn check(known: &KnownKey, address: IpAddr, app: &App) -> Result<(), Problem> {
    known.check(app.clock.now()).map_err(|rejected| match rejected {
        Rejected::Unknown => unauthorized("credential_unknown", "This API key is not known."),
        Rejected::Revoked => unauthorized("credential_revoked", "This API key was revoked."),
        Rejected::Expired => unauthorized("credential_expired", "This API key's time is over."),
        Rejected::ClientDisabled => unauthorized("client_disabled", "The client of this credential is disabled."),
    })?;
    let networks = &known.key.allowed_ips;
    if networks.is_empty() || networks.iter().any(|network| network.contains(&address)) {
        return Ok(());
    }
    let message = format!("This API key does not work from the address {address}.");
    Err(Problem::new(StatusCode::FORBIDDEN, "address_not_allowed", message))
}

fn unauthorized(code: &'static str, message: &str) -> Problem {
    Problem::new(StatusCode::UNAUTHORIZED, code, message)
}

fn bearer_token(headers: &HeaderMap) -> Result<Option<String>, Problem> {
    let Some(value) = headers.get(header::AUTHORIZATION) else { return Ok(None) };
    let malformed = || unauthorized("credential_malformed", "Authorization must be `Bearer` and a token.");
    let text = value.to_str().map_err(|_| malformed())?;
    let (scheme, token) = text.split_once(' ').ok_or_else(malformed)?;
    let token = token.trim();
    if !scheme.eq_ignore_ascii_case("bearer") || token.is_empty() {
        return Err(malformed());
    }
    Ok(Some(token.to_owned()))
}

/// The key in any of its published forms; the same key in two of them is fine, two keys are not.
fn api_key(parts: &Parts) -> Result<Option<String>, Problem> {
    let mut found: Option<String> = None;
    let headers = ["x-api-key", "apikey"].into_iter().filter_map(|name| parts.headers.get(name));
    let headers = headers.map(|value| value.to_str().unwrap_or_default().to_owned());
    let query = parts.uri.query().unwrap_or_default();
    let in_query = query.split('&').filter_map(|pair| pair.strip_prefix("apiKey=")).map(str::to_owned);
    for key in headers.chain(in_query) {
        if found.as_ref().is_some_and(|other| *other != key) {
            return Err(unauthorized("credential_ambiguous", "Two different API keys were sent."));
        }
        found = Some(key);
    }
    Ok(found)
}

/// The peer's address, or the one a trusted proxy tells.
fn address_of(parts: &Parts, app: &App) -> IpAddr {
    let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>().map_or(IpAddr::from([0, 0, 0, 0]), |info| info.0.ip());
    let trusted = |address: &IpAddr| app.config.trusted_proxies.iter().any(|network| network.contains(address));
    if !trusted(&peer) {
        return peer.to_canonical();
    }
    let forwarded = parts.headers.get_all("x-forwarded-for").iter().filter_map(|value| value.to_str().ok());
    let mut hops: Vec<IpAddr> =
        forwarded.flat_map(|v| v.split(',')).filter_map(|hop| hop.trim().parse().ok()).collect();
    // The nearest hop that is no proxy of ours is the caller; what it claims of hops further off is not believed.
    while let Some(hop) = hops.pop() {
        if !trusted(&hop) {
            return hop.to_canonical();
        }
    }
    peer.to_canonical()
}
