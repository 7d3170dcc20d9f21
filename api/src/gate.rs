//! Authentication and authorization as an argument of every handler, so that they cannot be forgotten.
//!
//! `Allowed<ACCOUNTS_READ>` as a handler's argument is the permission: without a valid credential that has the scope,
//! the handler does not run.

use std::net::{IpAddr, SocketAddr};

use axum::extract::{ConnectInfo, FromRequestParts};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use paygen_app::callers::{AuthenticationError, Denied, NotAuthenticated};
use paygen_app::credentials::Rejected;
use paygen_app::tokens;
use paygen_core::access::Scope;
use paygen_edge::budget::Account;

pub use paygen_app::callers::Caller;

use super::problem::Problem;
use crate::Api;

macro_rules! scope_numbers {
    ($($name:ident = $scope:ident),* $(,)?) => {$(
        #[doc = concat!("The scope `", stringify!($scope), "` as a handler's argument names it.")]
        pub const $name: u8 = Scope::$scope as u8;
    )*};
}

scope_numbers! {
    ACCOUNTS_READ = AccountsRead,
    ACCOUNTS_WRITE = AccountsWrite,
    CARD_HOLDERS_READ = CardHoldersRead,
    CARD_HOLDERS_WRITE = CardHoldersWrite,
    CARDS_READ = CardsRead,
    CARDS_WRITE = CardsWrite,
    CARDS_REVEAL = CardsReveal,
    AUTHORIZATIONS_READ = AuthorizationsRead,
    AUTHORIZATIONS_WRITE = AuthorizationsWrite,
    EVENTS_READ = EventsRead,
    EVENTS_WRITE = EventsWrite,
    WEBHOOKS_READ = WebhooksRead,
    WEBHOOKS_WRITE = WebhooksWrite,
    RESPONDERS_READ = RespondersRead,
    RESPONDERS_WRITE = RespondersWrite,
    SIMULATOR_READ = SimulatorRead,
    SIMULATOR_WRITE = SimulatorWrite,
    PROGRAMS_READ = ProgramsRead,
    PROGRAMS_WRITE = ProgramsWrite,
    KEYS_READ = KeysRead,
    KEYS_WRITE = KeysWrite,
    AUDIT_READ = AuditRead,
    USERS_READ = UsersRead,
    USERS_WRITE = UsersWrite,
    APPROVALS_READ = ApprovalsRead,
    APPROVALS_WRITE = ApprovalsWrite,
}

/// The address of the caller.
pub struct Address(pub IpAddr);

impl FromRequestParts<Api> for Address {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, app: &Api) -> Result<Self, Self::Rejection> {
        Ok(Address(peer_or_forwarded(parts, app)))
    }
}

/// A caller who has the scope of this number.
pub struct Allowed<const SCOPE: u8>(pub Caller);

impl<const SCOPE: u8> FromRequestParts<Api> for Allowed<SCOPE> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &Api) -> Result<Self, Problem> {
        let caller = identify(parts, app).await?;
        caller.needs(Scope::ALL[usize::from(SCOPE)])?;
        Ok(Allowed(caller))
    }
}

/// A caller who has the scope of this number, and is not restricted to one card holder or card.
pub struct Unbound<const SCOPE: u8>(pub Caller);

impl<const SCOPE: u8> FromRequestParts<Api> for Unbound<SCOPE> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &Api) -> Result<Self, Problem> {
        let Allowed(caller) = Allowed::<SCOPE>::from_request_parts(parts, app).await?;
        caller.unbound()?;
        Ok(Unbound(caller))
    }
}

async fn identify(parts: &Parts, app: &Api) -> Result<Caller, Problem> {
    let caller = authenticate(parts, app).await?;
    if let Some(account) = parts.extensions.get::<Account>() {
        account.belongs_to(caller.client);
    }
    if let Ok(key) = caller.api_key() {
        app.rate_limits.check(caller.client, key)?;
        app.key_uses.note(caller.client, key, app.clock.now());
    }
    Ok(caller)
}

/// Authorizes the caller of a response in progress again, as if the request were made now.
pub async fn still_allowed(parts: &Parts, app: &Api, scope: Scope) -> Result<(), Problem> {
    Ok(authenticate(parts, app).await?.needs(scope)?)
}

async fn authenticate(parts: &Parts, app: &Api) -> Result<Caller, Problem> {
    // The console calls within the process, after it authenticated its user. Nothing from the network gets here.
    if let Some(caller) = parts.extensions.get::<Caller>() {
        return Ok(caller.clone());
    }
    let address = peer_or_forwarded(parts, app);
    let bearer = bearer_token(&parts.headers)?;
    let key = api_key(parts)?;
    // Generated clients send their one credential in both places.
    let (bearer, key) = match (bearer, key) {
        (Some(token), Some(key)) if token == key && tokens::looks_like_one(&token) => (Some(token), None),
        (Some(token), Some(key)) if token == key => (None, Some(key)),
        other => other,
    };
    if key.is_some() && is_from_other_page(&parts.headers, &app.settings.cors_origins) {
        let message =
            "API keys do not work from web pages: anyone who opens the page could read the key. Use a bearer token.";
        return Err(Problem::new(StatusCode::FORBIDDEN, "api_key_in_browser", message));
    }
    let caller = match (bearer, key) {
        (Some(_), Some(_)) => {
            let message = "Send either an API key or a bearer token, not both.";
            return Err(unauthorized("credential_ambiguous", message));
        }
        (None, None) => {
            let message = "Send an API key in the header x-api-key, or a bearer token in Authorization.";
            return Err(unauthorized("credential_missing", message));
        }
        (None, Some(key)) => app.authenticate_key(&key, address).await,
        (Some(token), None) => app.authenticate_token(&token, address).await,
    };
    caller.map_err(|error| not_authenticated(error, address, app))
}

/// The response to a rejected credential; too many unknown ones from one address are answered with 429.
fn not_authenticated(error: AuthenticationError, address: IpAddr, app: &Api) -> Problem {
    let rejected = match error {
        AuthenticationError::Store(error) => return error.into(),
        AuthenticationError::Rejected(rejected) => rejected,
    };
    let answer = match rejected {
        NotAuthenticated::KeyUnknown => unauthorized("credential_unknown", "This API key is not known."),
        NotAuthenticated::KeyOfSandbox => {
            unauthorized("credential_unknown", "This is a sandbox's key. Production has none.")
        }
        NotAuthenticated::TokenUnknown => {
            let message = "This bearer token is not one of this server's. API keys belong in the header x-api-key.";
            unauthorized("credential_unknown", message)
        }
        NotAuthenticated::TokenKeyUnknown => unauthorized("credential_unknown", "This token's API key is not known."),
        NotAuthenticated::TokenExpired => unauthorized("credential_expired", "This token's time is over."),
        NotAuthenticated::TokenRevoked => unauthorized("credential_revoked", "This token was revoked."),
        NotAuthenticated::Key(Rejected::Revoked) => unauthorized("credential_revoked", "This API key was revoked."),
        NotAuthenticated::Key(Rejected::Expired) => unauthorized("credential_expired", "This API key's time is over."),
        NotAuthenticated::Key(Rejected::ClientDisabled) => {
            unauthorized("client_disabled", "The client of this credential is disabled.")
        }
        NotAuthenticated::Address(address) => {
            let message = format!("This API key does not work from the address {address}.");
            Problem::new(StatusCode::FORBIDDEN, "address_not_allowed", message)
        }
    };
    let tries = app.credential_tries.as_ref().filter(|_| rejected.may_be_guess());
    tries.and_then(|tries| tries.take(address).err()).unwrap_or(answer)
}

impl From<Denied> for Problem {
    fn from(denied: Denied) -> Problem {
        match denied {
            Denied::Scope(scope) => {
                let message = format!("This needs the scope {scope}, which the credential does not have.");
                Problem::new(StatusCode::FORBIDDEN, "scope_missing", message)
            }
            Denied::Bound => {
                let message = "A token that is bound to one card holder or card cannot do this. Use an API key.";
                Problem::new(StatusCode::FORBIDDEN, "credential_bound", message)
            }
            Denied::ApiKeyRequired => {
                let message = "A bearer token makes no API keys and users: they would outlive it. Use an API key.";
                Problem::new(StatusCode::FORBIDDEN, "api_key_required", message)
            }
            Denied::NoKey => {
                let message = "Bearer tokens are issued with an API key, and end with it. Use an API key.";
                Problem::new(StatusCode::FORBIDDEN, "api_key_required", message)
            }
        }
    }
}

/// Whether the request comes from a page of an allowed origin that is not this server's.
fn is_from_other_page(headers: &HeaderMap, origins: &[String]) -> bool {
    let text = |name| headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok());
    let Some(origin) = text(header::ORIGIN) else { return false };
    let own = origin.split_once("://").is_some_and(|(_, host)| text(header::HOST) == Some(host));
    !own && origins.iter().any(|allowed| allowed == origin)
}

fn unauthorized(code: &'static str, message: &str) -> Problem {
    Problem::new(StatusCode::UNAUTHORIZED, code, message)
}

fn bearer_token(headers: &HeaderMap) -> Result<Option<String>, Problem> {
    let malformed = || unauthorized("credential_malformed", "Authorization must be `Bearer` and a token.");
    let mut found = None;
    for value in headers.get_all(header::AUTHORIZATION) {
        let text = value.to_str().map_err(|_| malformed())?;
        let (scheme, token) = text.split_once(' ').ok_or_else(malformed)?;
        let token = token.trim();
        if !scheme.eq_ignore_ascii_case("bearer") || token.is_empty() {
            return Err(malformed());
        }
        one_of(&mut found, token.to_owned(), "Two different bearer tokens were sent.")?;
    }
    Ok(found)
}

/// The API key from any of its published places; the same key in two of them is accepted, two keys are not.
fn api_key(parts: &Parts) -> Result<Option<String>, Problem> {
    let mut found = None;
    let headers = ["x-api-key", "apikey"].into_iter().flat_map(|name| parts.headers.get_all(name));
    let headers = headers.map(|value| value.to_str().unwrap_or_default().to_owned());
    let query = parts.uri.query().unwrap_or_default();
    let in_query = query.split('&').filter_map(|pair| pair.strip_prefix("apiKey=")).map(str::to_owned);
    for key in headers.chain(in_query) {
        one_of(&mut found, key, "Two different API keys were sent.")?;
    }
    Ok(found)
}

/// Takes a credential, unless a different one was found before.
fn one_of(found: &mut Option<String>, credential: String, message: &str) -> Result<(), Problem> {
    match found {
        Some(other) if *other != credential => Err(unauthorized("credential_ambiguous", message)),
        _ => {
            *found = Some(credential);
            Ok(())
        }
    }
}

/// The peer's address, or the one forwarded by a trusted proxy.
pub fn peer_or_forwarded(parts: &Parts, app: &Api) -> IpAddr {
    let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>().map_or(IpAddr::from([0, 0, 0, 0]), |info| info.0.ip());
    let forwarded = parts.headers.get_all("x-forwarded-for").iter().map(|value| value.to_str().unwrap_or_default());
    let hops: Vec<&str> = forwarded.flat_map(|value| value.split(',')).collect();
    caller_address(peer, &hops, &app.settings.trusted_proxies)
}

/// The caller is the nearest hop that is no trusted proxy; the hops it claims further away are not trusted. A hop that
/// cannot be parsed ends the search at the proxy that sent it, because anybody could have written the rest.
fn caller_address(peer: IpAddr, hops: &[&str], proxies: &[ipnet::IpNet]) -> IpAddr {
    let mut nearest = peer.to_canonical();
    for hop in hops.iter().rev() {
        if !proxies.iter().any(|network| network.contains(&nearest)) {
            break;
        }
        let Some(further) = hop_address(hop.trim()) else { break };
        nearest = further.to_canonical();
    }
    nearest
}

/// Some proxies append the port: `203.0.113.7:4711`, `[2001:db8::7]:4711`.
fn hop_address(text: &str) -> Option<IpAddr> {
    let bare = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(text);
    bare.parse().ok().or_else(|| text.parse::<SocketAddr>().ok().map(|address| address.ip()))
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use super::{caller_address, is_from_other_page};

    #[test]
    fn a_forwarded_address_is_believed_only_from_our_proxies() {
        let proxies = ["10.0.0.0/8".parse().expect("a network"), "2001:db8::/32".parse().expect("a network")];
        let cases: &[(&str, &[&str], &str)] = &[
            ("198.51.100.1", &["203.0.113.7"], "198.51.100.1"),
            ("10.0.0.1", &[], "10.0.0.1"),
            ("10.0.0.1", &["203.0.113.7"], "203.0.113.7"),
            ("10.0.0.1", &["192.0.2.9", " 203.0.113.7"], "203.0.113.7"),
            ("10.0.0.1", &["192.0.2.9", "203.0.113.7", "10.0.0.2"], "203.0.113.7"),
            ("::ffff:10.0.0.1", &["203.0.113.7"], "203.0.113.7"),
            ("2001:db8::1", &["2a00::7"], "2a00::7"),
            ("10.0.0.1", &["192.0.2.9", "203.0.113.7:4711"], "203.0.113.7"),
            ("10.0.0.1", &["192.0.2.9", "[2a00::7]:4711"], "2a00::7"),
            ("10.0.0.1", &["192.0.2.9", "unknown"], "10.0.0.1"),
            ("10.0.0.1", &["10.0.0.3", "10.0.0.2"], "10.0.0.3"),
        ];
        for (peer, hops, caller) in cases {
            let found = caller_address(peer.parse().expect("an address"), hops, &proxies);
            assert_eq!(found, caller.parse::<IpAddr>().expect("an address"), "{peer} {hops:?}");
        }
    }

    #[test]
    fn pages_of_other_origins_are_distinguished_from_our_own() {
        let allowed = ["https://app.example.com".to_owned(), "https://pay.example.com".to_owned()];
        let cases = [
            (None, false),
            (Some("https://app.example.com"), true),
            // The docs site's console, when this server's own origin is listed.
            (Some("https://pay.example.com"), false),
            (Some("https://evil.example"), false),
            (Some("null"), false),
        ];
        for (origin, other) in cases {
            let mut headers = axum::http::HeaderMap::new();
            headers.insert("host", "pay.example.com".parse().expect("a header"));
            origin.map(|origin| headers.insert("origin", origin.parse().expect("a header")));
            assert_eq!(is_from_other_page(&headers, &allowed), other, "{origin:?}");
        }
    }

    proptest::proptest! {
        #[test]
        fn whatever_stands_in_a_forwarded_header_is_read_or_passed_over(text in "[0-9a-f:.,\\[\\] x/%]{0,60}") {
            let proxies = ["10.0.0.0/8".parse().expect("a network")];
            let peer = "10.0.0.1".parse().expect("an address");
            let hops: Vec<&str> = text.split(',').collect();
            let found = caller_address(peer, &hops, &proxies);
            let claimed = hops.iter().any(|hop| super::hop_address(hop.trim()).map(|hop| hop.to_canonical()) == Some(found));
            proptest::prop_assert!(found == peer || claimed);
            proptest::prop_assert_eq!(caller_address(found, &hops, &[]), found, "without proxies the peer is the caller");
        }
    }
}
