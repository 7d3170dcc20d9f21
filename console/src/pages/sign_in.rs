//! Signing in: password or one-time link, then the second factor; proving a factor anew; signing out.

use axum::body::{Body, to_bytes};
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use paygen_app::people::{Opened, SignInError};
use paygen_edge::limiter::network;

use super::ways::{passkey_proof, passkey_sign_in, provider, provider_proof};
use crate::Console;
use crate::answer::{ok, page, see};
use crate::form::{Values, encoded};
use crate::view::{Field, Link, SignInPage};
use crate::visitor::{Entering, Here, Stranger, Visitor, enter, leave, next_path};

const MAX_BYTES: usize = 16 << 10;

pub(crate) async fn read(body: Body) -> Values {
    let bytes = to_bytes(body, MAX_BYTES).await.unwrap_or_default();
    Values::read(&String::from_utf8_lossy(&bytes))
}

pub(crate) fn field(name: &str, label: &str, kind: &str, autocomplete: &str) -> Field {
    Field {
        name: name.to_owned(),
        id: name.to_owned(),
        label: label.to_owned(),
        kind: kind.to_owned(),
        required: true,
        autocomplete: autocomplete.to_owned(),
        ..Field::default()
    }
}

pub(crate) fn hidden(name: &str, value: &str) -> Field {
    Field { value: value.to_owned(), ..field(name, "", "hidden", "") }
}

/// What is said of every password that is refused. It is the same for an unknown address, and while an address is locked.
const REFUSED: &str =
    "E-mail and password do not fit. After ten wrong tries, signing in with a password is locked for half an hour.";

/// What is said of a try that failed. It does not tell which part was wrong.
pub(crate) fn why(error: &SignInError, wrong: &str) -> (StatusCode, String) {
    match error {
        SignInError::Wrong => (StatusCode::FORBIDDEN, wrong.to_owned()),
        SignInError::Locked(until) => {
            let until = until.get(..16).unwrap_or(until).replace('T', " ");
            let text = format!("There were too many tries. Passwords and codes are locked until {until} UTC.");
            (StatusCode::TOO_MANY_REQUESTS, text)
        }
        SignInError::Failed(failure) => {
            tracing::warn!(error = %failure, "a sign-in failed");
            (StatusCode::SERVICE_UNAVAILABLE, "The server cannot answer now. Try again shortly.".to_owned())
        }
    }
}

pub(crate) fn sign_in_page(console: &Console, here: &Here, email: &str, next: &str, message: String) -> SignInPage {
    let email = Field { value: email.to_owned(), ..field("email", "E-mail", "email", "username") };
    SignInPage {
        assets: console.assets.paths.clone(),
        title: "Sign in".to_owned(),
        heading: "Sign in".to_owned(),
        lead: "The console of this Paygen installation.".to_owned(),
        action: "/console/sign-in".to_owned(),
        fields: vec![email, field("password", "Password", "password", "current-password"), hidden("next", next)],
        message,
        submit: "Sign in".to_owned(),
        links: vec![Link {
            href: "/console/forgotten".to_owned(),
            title: "Forgotten password, or no password yet".to_owned(),
            tone: String::new(),
        }],
        csrf: String::new(),
        passkey: passkey_sign_in(here, next),
        provider: provider(console, next),
    }
}

pub(crate) async fn form(State(console): State<Console>, stranger: Stranger, here: Here) -> Response {
    ok(&sign_in_page(&console, &here, "", next_path(stranger.query.get("next")), String::new()))
}

pub(crate) async fn forgotten(State(console): State<Console>) -> Response {
    let template = SignInPage {
        assets: console.assets.paths.clone(),
        title: "Forgotten password".to_owned(),
        heading: "Ask for a new link".to_owned(),
        lead: "An owner or admin gives you a one-time link under Users. The operator of the server makes one with \
               `paygen users link E-MAIL`."
            .to_owned(),
        action: "/console/sign-in".to_owned(),
        submit: "Back to sign-in".to_owned(),
        ..SignInPage::default()
    };
    ok(&template)
}

pub(crate) async fn submit(State(console): State<Console>, stranger: Stranger, here: Here, body: Body) -> Response {
    let values = read(body).await;
    let next = next_path(values.get("next")).to_owned();
    if !values.has("email") {
        return see("/console/sign-in");
    }
    if console.password_tries.take(&network(stranger.origin.address)).is_err() {
        let message = "There were too many tries from your network. Wait a minute, then try again.".to_owned();
        let again = sign_in_page(&console, &here, values.get("email"), &next, message);
        return page(StatusCode::TOO_MANY_REQUESTS, &again);
    }
    match console.app.sign_in(values.get("email"), values.get("password"), &stranger.origin).await {
        Ok(opened) => entered(&opened, &next),
        Err(error) => {
            let (status, message) = why(&error, REFUSED);
            page(status, &sign_in_page(&console, &here, values.get("email"), &next, message))
        }
    }
}

pub(crate) fn entered(opened: &Opened, next: &str) -> Response {
    let place = match opened.session.is_partial {
        true => format!("/console/second-factor?next={}", encoded(next)),
        false => next.to_owned(),
    };
    enter(see(&place), &opened.cookie)
}

/// A link is opened by a click, because mail scanners follow links and would use it up.
pub(crate) async fn link(State(console): State<Console>, _: Stranger, Path(text): Path<String>) -> Response {
    let template = SignInPage {
        assets: console.assets.paths.clone(),
        title: "Welcome".to_owned(),
        heading: "Welcome to Paygen".to_owned(),
        lead: "This link works once.".to_owned(),
        action: format!("/console/link/{}", encoded(&text)),
        submit: "Open the console".to_owned(),
        ..SignInPage::default()
    };
    ok(&template)
}

pub(crate) async fn open_link(
    State(console): State<Console>,
    stranger: Stranger,
    here: Here,
    Path(text): Path<String>,
) -> Response {
    match console.app.sign_in_with_link(&text, &stranger.origin).await {
        Ok(opened) => entered(&opened, "/console"),
        Err(error) => {
            let (status, message) = why(&error, "This link was used already, or its time is over. Ask for a new one.");
            page(status, &sign_in_page(&console, &here, "", "/console", message))
        }
    }
}

fn code_field(visitor: &Visitor) -> Field {
    let help = match visitor.signed_in.has_authenticator {
        true => "Six digits of your authenticator, or one of your recovery codes.",
        false => "One of your recovery codes, when your passkeys are not at hand.",
    };
    Field { help: help.to_owned(), ..field("code", "Code", "text", "one-time-code") }
}

pub(crate) fn factor_page(visitor: &Visitor, here: &Here, next: &str, message: String) -> SignInPage {
    SignInPage {
        assets: visitor.console.assets.paths.clone(),
        title: "Second factor".to_owned(),
        heading: "Second factor".to_owned(),
        lead: visitor.signed_in.user.email.clone(),
        action: "/console/second-factor".to_owned(),
        fields: vec![code_field(visitor), hidden("next", next)],
        message,
        submit: "Continue".to_owned(),
        links: vec![Link { href: "/console/sign-in".to_owned(), title: "Start again".to_owned(), tone: String::new() }],
        csrf: visitor.csrf.clone(),
        passkey: passkey_proof(visitor, here, next),
        provider: None,
    }
}

pub(crate) async fn second_factor(Entering(visitor): Entering, here: Here) -> Response {
    let next = next_path(visitor.query.get("next")).to_owned();
    ok(&factor_page(&visitor, &here, &next, String::new()))
}

pub(crate) async fn prove_second_factor(Entering(visitor): Entering, here: Here, body: Body) -> Response {
    let values = read(body).await;
    if let Some(refusal) = visitor.refused_form(&values) {
        return refusal;
    }
    let next = next_path(values.get("next")).to_owned();
    match visitor.console.app.prove_code(&visitor.signed_in, values.get("code"), &visitor.origin).await {
        Ok(opened) => entered(&opened, &next),
        Err(error) => {
            let (status, message) = why(&error, "This code is not right, or was used already.");
            page(status, &factor_page(&visitor, &here, &next, message))
        }
    }
}

pub(crate) fn confirm_page(visitor: &Visitor, here: &Here, next: &str, message: String) -> SignInPage {
    let signed_in = &visitor.signed_in;
    let proof = match (signed_in.has_factor, signed_in.has_password) {
        (true, _) => Some(code_field(visitor)),
        (false, true) => Some(field("password", "Password", "password", "current-password")),
        // Who came from the identity provider, and has nothing else.
        (false, false) => None,
    };
    SignInPage {
        assets: visitor.console.assets.paths.clone(),
        title: "Confirm that it is you".to_owned(),
        heading: "Confirm that it is you".to_owned(),
        lead: "What you are about to do needs a proof that is at most five minutes old.".to_owned(),
        action: "/console/confirm".to_owned(),
        submit: if proof.is_some() { "Confirm".to_owned() } else { String::new() },
        fields: proof.into_iter().chain([hidden("next", next)]).collect(),
        message,
        links: vec![Link { href: "/console".to_owned(), title: "Cancel".to_owned(), tone: String::new() }],
        csrf: visitor.csrf.clone(),
        passkey: passkey_proof(visitor, here, next),
        provider: provider_proof(visitor, next),
    }
}

pub(crate) async fn confirm(visitor: Visitor, here: Here) -> Response {
    let next = next_path(visitor.query.get("next")).to_owned();
    ok(&confirm_page(&visitor, &here, &next, String::new()))
}

pub(crate) async fn prove_again(visitor: Visitor, here: Here, body: Body) -> Response {
    let values = read(body).await;
    if let Some(refusal) = visitor.refused_form(&values) {
        return refusal;
    }
    let next = next_path(values.get("next")).to_owned();
    let (app, signed_in) = (&visitor.console.app, &visitor.signed_in);
    let proven = match signed_in.has_factor {
        true => app.prove_code(signed_in, values.get("code"), &visitor.origin).await,
        false => app.prove_password(signed_in, values.get("password"), &visitor.origin).await,
    };
    match proven {
        Ok(opened) => enter(see(&next), &opened.cookie),
        Err(error) => {
            let (status, message) = why(&error, "This is not right, or was used already.");
            page(status, &confirm_page(&visitor, &here, &next, message))
        }
    }
}

pub(crate) async fn sign_out(Entering(visitor): Entering, body: Body) -> Response {
    let values = read(body).await;
    if let Some(refusal) = visitor.refused_form(&values) {
        return refusal;
    }
    let (app, signed_in) = (&visitor.console.app, &visitor.signed_in);
    match app.end_sessions(signed_in.context(), signed_in.user.id, vec![signed_in.session.id]).await {
        Ok(()) => leave(see("/console/sign-in")),
        Err(error) => {
            tracing::warn!(%error, "a session cannot be ended");
            (StatusCode::SERVICE_UNAVAILABLE, "The session could not be ended. Try again shortly.").into_response()
        }
    }
}
