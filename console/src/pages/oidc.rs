//! Signing in at an identity provider (OpenID Connect): the browser is sent there, and comes back with a code.

use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use paygen_app::people::SignInError;
use paygen_app::people::oidc::{Attempt, OidcError};

use super::sign_in::{sign_in_page, why};
use crate::Console;
use crate::answer::{ok, page, see};
use crate::provider::ProviderError;
use crate::view::OnwardPage;
use crate::visitor::{Here, Stranger, Within, enter, keep_attempt, next_path, without_attempt};

fn redirect_uri(here: &Here) -> Option<String> {
    here.origin.as_ref().map(|origin| format!("{origin}/console/oidc/callback"))
}

pub(crate) async fn start(State(console): State<Console>, stranger: Stranger, here: Here, within: Within) -> Response {
    let (Some(provider), Some(redirect)) = (&console.oidc, redirect_uri(&here)) else { return see("/console/sign-in") };
    let next = next_path(stranger.query.get("next"));
    let again = within.0.filter(|_| stranger.query.get("again") == "true");
    let attempt = Attempt::new(next, again.as_ref());
    let kept = console.app.sealed_attempt(&attempt);
    match (provider.url(&attempt, &redirect).await, kept) {
        (Ok(url), Ok(kept)) => match HeaderValue::from_str(&url) {
            Ok(place) => keep_attempt((StatusCode::SEE_OTHER, [(header::LOCATION, place)]).into_response(), &kept),
            Err(_) => refused(&console, &here, StatusCode::SERVICE_UNAVAILABLE, UNREACHABLE),
        },
        (Err(error), _) => {
            tracing::warn!(%error, "the identity provider cannot be used");
            refused(&console, &here, StatusCode::SERVICE_UNAVAILABLE, UNREACHABLE)
        }
        (_, Err(error)) => {
            tracing::warn!(%error, "a sign-in at the identity provider cannot begin");
            refused(&console, &here, StatusCode::SERVICE_UNAVAILABLE, UNREACHABLE)
        }
    }
}

const UNREACHABLE: &str =
    "The identity provider cannot be used now. Try again shortly; the log of the server says more.";
const LOST: &str = "This sign-in was begun in another browser, or took more than ten minutes. Begin again.";
const NO_GROUP: &str = "You are known to the identity provider, but none of your groups has a role here. \
    Ask the people who run this console to give one of your groups a role.";

fn refused(console: &Console, here: &Here, status: StatusCode, text: &str) -> Response {
    page(status, &sign_in_page(console, here, "", "/console", text.to_owned()))
}

/// What somebody is told whose answer from the provider does not count.
fn text_of(error: &ProviderError) -> (StatusCode, &'static str) {
    match error {
        ProviderError::Silent(_) | ProviderError::Status(_) | ProviderError::Refused(OidcError::Metadata(_)) => {
            (StatusCode::SERVICE_UNAVAILABLE, UNREACHABLE)
        }
        ProviderError::Refused(OidcError::Email) => {
            let text =
                "The identity provider does not say that your e-mail address is verified. Verify it there first.";
            (StatusCode::FORBIDDEN, text)
        }
        ProviderError::Refused(OidcError::NotRecent) => {
            let text = "The identity provider does not say that you signed in again. Sign in, and add a passkey or an \
                authenticator within five minutes under \u{201c}Profile\u{201d}: they prove who you are.";
            (StatusCode::FORBIDDEN, text)
        }
        ProviderError::Refused(OidcError::Code | OidcError::Token(_) | OidcError::UnknownKey) => {
            (StatusCode::FORBIDDEN, "The answer of the identity provider is not valid. Begin again.")
        }
    }
}

pub(crate) async fn callback(State(console): State<Console>, stranger: Stranger, here: Here) -> Response {
    let response = finish(&console, &stranger, &here).await.unwrap_or_else(|response| response);
    without_attempt(response)
}

async fn finish(console: &Console, stranger: &Stranger, here: &Here) -> Result<Response, Response> {
    let (Some(provider), Some(redirect)) = (&console.oidc, redirect_uri(here)) else {
        return Ok(see("/console/sign-in"));
    };
    let refused = |status, text: &str| refused(console, here, status, text);
    let query = &stranger.query;
    let attempt = console.app.kept_attempt(&here.attempt).filter(|attempt| attempt.state == query.get("state"));
    let attempt = attempt.ok_or_else(|| refused(StatusCode::FORBIDDEN, LOST))?;
    if query.get("code").is_empty() {
        let text = "The identity provider did not sign you in. Begin again.";
        return Err(refused(StatusCode::FORBIDDEN, text));
    }
    let person = provider.person(&attempt, query.get("code"), &redirect).await.map_err(|error| {
        tracing::warn!(%error, "a sign-in at the identity provider does not count");
        let (status, text) = text_of(&error);
        refused(status, text)
    })?;
    let settings = &provider.settings;
    let opened = console.app.sign_in_federated(settings, &person, &attempt, &stranger.origin).await;
    let opened = opened.map_err(|error| {
        let no_group = matches!(error, SignInError::Wrong) && settings.memberships(&person.groups).is_empty();
        let (status, text) = match no_group {
            true => (StatusCode::FORBIDDEN, NO_GROUP.to_owned()),
            false => why(&error, "You cannot sign in here. Ask an owner or admin whether your user is disabled."),
        };
        refused(status, &text)
    })?;
    // The session's cookie is not sent with a request that another site began, which a redirect from here would still be:
    // this page begins the next one.
    let template = OnwardPage { assets: console.assets.paths.clone(), next: next_path(&attempt.next).to_owned() };
    Ok(enter(ok(&template), &opened.cookie))
}
