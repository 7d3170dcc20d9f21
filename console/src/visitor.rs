//! Who visits: the session of the cookie, and the token that forms carry against forgery.
//!
//! The cookie's name begins with `__Host-`, so no other host and no plain HTTP can set it, and it is sent with no request
//! that another site began. A form also carries a token that only the holder of the cookie knows.

use std::net::{IpAddr, SocketAddr};

use aws_lc_rs::digest;
use axum::extract::{ConnectInfo, FromRequestParts};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use paygen_app::callers::Caller;
use paygen_app::people::oidc::ATTEMPT_SECONDS;
use paygen_app::people::{CHALLENGE_SECONDS, COOKIE_BYTES, Origin, SignedIn, Site};
use paygen_core::access::Scope;

use crate::Console;
use crate::answer::see;
use crate::form::{Values, encoded};

const SESSION: &str = "__Host-paygen";
const FLASH: &str = "__Host-paygen-flash";
const ATTEMPT: &str = "__Host-paygen-oidc";
const CHALLENGE: &str = "__Host-paygen-passkey";

/// Longest notice that is shown on the next page, in characters.
const MAX_FLASH: usize = 300;

/// Somebody in a session, and what their request is about.
pub(crate) struct Visitor {
    pub(crate) console: Console,
    pub(crate) signed_in: SignedIn,
    pub(crate) caller: Caller,
    pub(crate) csrf: String,
    /// Where the request goes, without its query.
    pub(crate) path: String,
    pub(crate) query: Values,
    pub(crate) raw_query: String,
    /// The notice of the page before.
    pub(crate) flash: Option<(String, String)>,
    pub(crate) origin: Origin,
    /// Scheme and host of the console, as the browser knows it.
    pub(crate) site: String,
}

/// Where somebody who is not signed in comes from.
pub(crate) struct Stranger {
    pub(crate) origin: Origin,
    pub(crate) query: Values,
}

fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let lines = headers.get_all(header::COOKIE).iter().filter_map(|line| line.to_str().ok());
    lines.flat_map(|line| line.split(';')).find_map(|pair| {
        let (known, value) = pair.trim().split_once('=')?;
        (known == name).then_some(value)
    })
}

fn set_cookie(response: &mut Response, name: &str, value: &str, seconds: Option<i64>) {
    set_cookie_for(response, name, value, seconds, "Strict");
}

/// Sets a cookie that is sent with requests of this site (`Strict`), or also when another site leads here (`Lax`).
fn set_cookie_for(response: &mut Response, name: &str, value: &str, seconds: Option<i64>, site: &str) {
    let life = seconds.map(|seconds| format!("; Max-Age={seconds}")).unwrap_or_default();
    let text = format!("{name}={value}; Path=/; Secure; HttpOnly; SameSite={site}{life}");
    if let Ok(value) = HeaderValue::from_str(&text) {
        response.headers_mut().append(header::SET_COOKIE, value);
    }
}

/// Opens a session in the browser. Without a lifetime, the cookie ends with the browser.
pub(crate) fn enter(mut response: Response, cookie: &str) -> Response {
    set_cookie(&mut response, SESSION, cookie, None);
    response
}

/// Keeps what belongs to a challenge until it is answered.
pub(crate) fn keep_challenge(mut response: Response, kept: &str) -> Response {
    set_cookie(&mut response, CHALLENGE, kept, Some(CHALLENGE_SECONDS));
    response
}

/// Keeps a sign-in that is under way at the identity provider, which leads the browser back here.
pub(crate) fn keep_attempt(mut response: Response, kept: &str) -> Response {
    set_cookie_for(&mut response, ATTEMPT, kept, Some(ATTEMPT_SECONDS), "Lax");
    response
}

/// Forgets a sign-in at the identity provider that came to an end.
pub(crate) fn without_attempt(mut response: Response) -> Response {
    set_cookie_for(&mut response, ATTEMPT, "", Some(0), "Lax");
    response
}

/// Forgets a challenge that was answered.
pub(crate) fn without_challenge(mut response: Response) -> Response {
    set_cookie(&mut response, CHALLENGE, "", Some(0));
    response
}

/// Ends the session in the browser.
pub(crate) fn leave(mut response: Response) -> Response {
    set_cookie(&mut response, SESSION, "", Some(0));
    response
}

/// Shows a notice on the next page.
pub(crate) fn with_flash(mut response: Response, tone: &str, text: &str) -> Response {
    let short: String = text.chars().take(MAX_FLASH).collect();
    set_cookie(&mut response, FLASH, &format!("{tone}.{}", encoded(&short)), Some(60));
    response
}

fn read_flash(headers: &HeaderMap) -> Option<(String, String)> {
    let (tone, text) = cookie(headers, FLASH)?.split_once('.')?;
    let tone = if tone == "good" { "good" } else { "bad" };
    let text = Values::read(&format!("text={text}"));
    Some((tone.to_owned(), text.get("text").to_owned())).filter(|(_, text)| !text.is_empty())
}

/// Forgets the notice once it was shown.
pub(crate) fn without_flash(mut response: Response) -> Response {
    set_cookie(&mut response, FLASH, "", Some(0));
    response
}

fn csrf_of(cookie: &str) -> String {
    let hash = digest::digest(&digest::SHA256, format!("form token of {cookie}").as_bytes());
    paygen_edge::assets::hex(&hash.as_ref()[..16])
}

fn address(parts: &Parts, console: &Console) -> IpAddr {
    let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>().map_or(IpAddr::from([0, 0, 0, 0]), |info| info.0.ip());
    let lines = parts.headers.get_all("x-forwarded-for").iter().filter_map(|line| line.to_str().ok());
    console.address(peer, &lines.collect::<Vec<_>>().join(","))
}

fn origin(parts: &Parts, console: &Console) -> Origin {
    let agent = parts.headers.get(header::USER_AGENT).and_then(|agent| agent.to_str().ok()).unwrap_or_default();
    Origin { address: address(parts, console), agent: agent.to_owned() }
}

/// Whether a request that changes something was begun by a page of this host, as far as the browser says.
fn is_own(headers: &HeaderMap) -> bool {
    let text = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    if let Some(site) = text(HeaderName::from_static("sec-fetch-site")) {
        return matches!(site, "same-origin" | "none");
    }
    let host = text(header::HOST).unwrap_or_default();
    text(header::ORIGIN).is_none_or(|origin| origin.split_once("://").is_some_and(|(_, own)| own == host))
}

fn site(parts: &Parts, console: &Console) -> String {
    let host = parts.headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or("localhost");
    console.url.clone().unwrap_or_else(|| format!("http://{host}"))
}

fn is_write(method: &Method) -> bool {
    !matches!(*method, Method::GET | Method::HEAD)
}

pub(crate) fn forged() -> Response {
    let text = "This form was not sent by a page of this console. Go back, reload the page, and send it again.";
    (StatusCode::FORBIDDEN, text).into_response()
}

/// Where somebody goes after signing in: a path of the console, never another site.
pub(crate) fn next_path(text: &str) -> &str {
    let own = text == "/console" || text.starts_with("/console/") || text.starts_with("/console?");
    let plain = text.bytes().all(|byte| (0x21..0x7f).contains(&byte) && byte != b'\\');
    if own && plain && !text.contains("//") { text } else { "/console" }
}

fn sign_in_first(parts: &Parts) -> Response {
    let here = parts.uri.path_and_query().map_or("/console", |path| path.as_str());
    if is_write(&parts.method) || here == "/console" {
        return see("/console/sign-in");
    }
    see(&format!("/console/sign-in?next={}", encoded(here)))
}

async fn session(parts: &Parts, console: &Console) -> Result<Option<(SignedIn, String)>, Response> {
    if is_write(&parts.method) && !is_own(&parts.headers) {
        return Err(forged());
    }
    let Some(text) = cookie(&parts.headers, SESSION).filter(|text| text.len() == COOKIE_BYTES) else { return Ok(None) };
    match console.app.signed_in(text, address(parts, console)).await {
        Ok(found) => Ok(found.map(|signed_in| (signed_in, csrf_of(text)))),
        Err(error) => {
            tracing::warn!(%error, "a session cannot be read");
            Err((StatusCode::SERVICE_UNAVAILABLE, "The store does not answer. Try again shortly.").into_response())
        }
    }
}

/// The site that passkeys are for, and the challenge that the browser keeps.
pub(crate) struct Here {
    /// `None` where browsers have no passkeys.
    pub(crate) site: Option<Site>,
    /// Empty if none was made.
    pub(crate) kept: String,
    /// Scheme and host of the console, as far as they are known.
    pub(crate) origin: Option<String>,
    /// The sign-in under way at the identity provider; empty if there is none.
    pub(crate) attempt: String,
}

/// Whose session it is, if any.
pub(crate) struct Within(pub(crate) Option<SignedIn>);

impl FromRequestParts<Console> for Within {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, console: &Console) -> Result<Within, Response> {
        Ok(Within(session(parts, console).await?.map(|(signed_in, _)| signed_in)))
    }
}

/// The origin of a console without a setting: that of this host at the name `localhost`, for a browser on the same
/// machine. Browsers have no passkeys at the addresses 127.0.0.1 and ::1.
fn local_origin(host: &str) -> Option<String> {
    let (name, port) = match host.rsplit_once(':').filter(|(_, port)| port.bytes().all(|byte| byte.is_ascii_digit())) {
        Some((name, port)) => (name, format!(":{port}")),
        None => (host, String::new()),
    };
    ["localhost", "127.0.0.1", "[::1]"].contains(&name).then(|| format!("http://localhost{port}"))
}

impl FromRequestParts<Console> for Here {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, console: &Console) -> Result<Here, Self::Rejection> {
        let host = parts.headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
        let local = local_origin(host);
        // Other names than those of this machine are not believed: whoever sends the request chooses them.
        let own = local.is_some().then(|| format!("http://{host}"));
        let kept = |name| cookie(&parts.headers, name).unwrap_or_default().to_owned();
        Ok(Here {
            site: console.url.clone().or(local).and_then(|origin| Site::of(&origin)),
            kept: kept(CHALLENGE),
            origin: console.url.clone().or(own),
            attempt: kept(ATTEMPT),
        })
    }
}

/// Somebody whose second factor may still be to be proven, or who has no password yet.
pub(crate) struct Entering(pub(crate) Visitor);

impl FromRequestParts<Console> for Entering {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, console: &Console) -> Result<Entering, Response> {
        let Some((signed_in, csrf)) = session(parts, console).await? else { return Err(sign_in_first(parts)) };
        let raw_query = parts.uri.query().unwrap_or_default().to_owned();
        Ok(Entering(Visitor {
            console: console.clone(),
            caller: signed_in.caller(),
            signed_in,
            csrf,
            path: parts.uri.path().to_owned(),
            query: Values::read(&raw_query),
            raw_query,
            flash: read_flash(&parts.headers),
            origin: origin(parts, console),
            site: site(parts, console),
        }))
    }
}

impl FromRequestParts<Console> for Visitor {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, console: &Console) -> Result<Visitor, Response> {
        let Entering(visitor) = Entering::from_request_parts(parts, console).await?;
        if visitor.signed_in.role.is_none() {
            return Err(see("/console/second-factor"));
        }
        if let Some(place) = visitor.what_is_missing() {
            return Err(see(place));
        }
        // A list that is read again by itself does not show that somebody is there.
        let is_there = !parts.headers.contains_key("x-live");
        if is_there && let Err(error) = console.app.keep_alive(&visitor.signed_in).await {
            tracing::warn!(%error, "it cannot be stored that a session is used");
        }
        Ok(visitor)
    }
}

impl FromRequestParts<Console> for Stranger {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, console: &Console) -> Result<Stranger, Response> {
        if is_write(&parts.method) && !is_own(&parts.headers) {
            return Err(forged());
        }
        Ok(Stranger { origin: origin(parts, console), query: Values::read(parts.uri.query().unwrap_or_default()) })
    }
}

impl Visitor {
    /// In production a user has a password and a second factor, or a passkey, before anything else, or comes from an
    /// identity provider. The sandbox asks for none of it.
    fn what_is_missing(&self) -> Option<&'static str> {
        if self.is_sandbox() || self.signed_in.session.is_federated || !self.signed_in.passkeys.is_empty() {
            return None;
        }
        match (self.signed_in.has_password, self.signed_in.has_factor) {
            (false, _) => Some("/console/password"),
            (true, false) => Some("/console/authenticator"),
            (true, true) => None,
        }
    }

    pub(crate) fn is_sandbox(&self) -> bool {
        self.console.app.environment == paygen_app::Environment::Sandbox
    }

    pub(crate) fn may(&self, scope: Scope) -> bool {
        self.caller.scopes.has(scope)
    }

    /// The answer to a form whose token is not this session's.
    pub(crate) fn refused_form(&self, values: &Values) -> Option<Response> {
        (!self.is_own_token(values.get("csrf"))).then(forged)
    }

    /// Whether a token is this session's. The time that it takes tells nothing of it.
    pub(crate) fn is_own_token(&self, sent: &str) -> bool {
        let (sent, own) = (sent.as_bytes(), self.csrf.as_bytes());
        sent.len() == own.len() && sent.iter().zip(own).fold(0, |all, (a, b)| all | (a ^ b)) == 0
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderMap;

    use super::{cookie, is_own, local_origin, next_path};

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        pairs.iter().for_each(|(name, value)| {
            headers.append(*name, value.parse().expect("a header"));
        });
        headers
    }

    #[test]
    fn only_paths_of_the_console_are_gone_to() {
        for (text, expected) in [
            ("/console/cards?status=active", "/console/cards?status=active"),
            ("/console", "/console"),
            ("", "/console"),
            ("https://evil.example", "/console"),
            ("//evil.example", "/console"),
            ("/console//evil.example", "/console"),
            ("/console/\\evil", "/console"),
            ("/consoleevil", "/console"),
            ("/docs", "/console"),
            ("/console/a\r\nb", "/console"),
        ] {
            assert_eq!(next_path(text), expected, "{text}");
        }
    }

    #[test]
    fn requests_of_other_sites_are_told_apart() {
        for (pairs, own) in [
            (&[("sec-fetch-site", "same-origin")][..], true),
            (&[("sec-fetch-site", "none")], true),
            (&[("sec-fetch-site", "same-site")], false),
            (&[("sec-fetch-site", "cross-site")], false),
            (&[("host", "a:1"), ("origin", "http://a:1")], true),
            (&[("host", "a:1"), ("origin", "http://b:1")], false),
            (&[("host", "a:1"), ("origin", "null")], false),
            (&[("host", "a:1")], true),
        ] {
            assert_eq!(is_own(&headers(pairs)), own, "{pairs:?}");
        }
    }

    #[test]
    fn passkeys_work_at_the_name_of_this_machine() {
        for (host, origin) in [
            ("localhost:4001", Some("http://localhost:4001")),
            ("127.0.0.1:4001", Some("http://localhost:4001")),
            ("[::1]:4001", Some("http://localhost:4001")),
            ("[::1]", Some("http://localhost")),
            ("localhost", Some("http://localhost")),
            ("10.0.0.1:4001", None),
            ("localhost.evil.example:80", None),
            ("", None),
        ] {
            assert_eq!(local_origin(host).as_deref(), origin, "{host}");
        }
    }

    #[test]
    fn a_cookie_is_found_among_others() {
        let headers = headers(&[("cookie", "a=1; __Host-paygen=x.y; b=2"), ("cookie", "c=3")]);
        assert_eq!(cookie(&headers, "__Host-paygen"), Some("x.y"));
        assert_eq!(cookie(&headers, "c"), Some("3"));
        assert_eq!(cookie(&headers, "paygen"), None);
    }
}
