//! Passkeys: signing in with one, proving a factor with one, adding and removing them. The script `passkey.js` asks for a
//! challenge, lets the browser sign it, and sends the answer as a form.

use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use paygen_app::Failure;
use paygen_app::people::{Challenge, MAX_NAME};
use paygen_core::people::Passkey;

use super::factors::{codes_page, entrance, has_proof};
use super::sign_in::{confirm_page, entered, factor_page, field, read, sign_in_page, why};
use super::ways::passkey;
use crate::Console;
use crate::answer::{ok, page, see};
use crate::shell::shell;
use crate::show;
use crate::view::{Field, FormPage, Head, Link, Related, Row, SignInPage, Table};
use crate::visitor::{
    Entering, Here, Stranger, Visitor, forged, keep_challenge, next_path, with_flash, without_challenge,
};

const UNKNOWN: &str = "This passkey is not known here, or the answer came too late. Try again, or sign in another way.";

fn challenge(made: Result<Challenge, Failure>) -> Response {
    match made {
        Ok(Challenge { options, kept }) => {
            let json = HeaderValue::from_static("application/json");
            keep_challenge(([(header::CONTENT_TYPE, json)], options).into_response(), &kept)
        }
        Err(error) => {
            tracing::warn!(%error, "a passkey cannot be asked for");
            StatusCode::SERVICE_UNAVAILABLE.into_response()
        }
    }
}

fn nowhere() -> Response {
    let text = "Passkeys work at the address in the setting console_url, or at localhost.";
    (StatusCode::BAD_REQUEST, text).into_response()
}

pub(crate) async fn ask_sign_in(State(console): State<Console>, _: Stranger, here: Here) -> Response {
    let Some(site) = &here.site else { return nowhere() };
    challenge(console.app.ask_passkey_sign_in(site))
}

pub(crate) async fn sign_in(State(console): State<Console>, stranger: Stranger, here: Here, body: Body) -> Response {
    let values = read(body).await;
    let next = next_path(values.get("next")).to_owned();
    let Some(site) = &here.site else { return nowhere() };
    let answer = values.get("credential");
    let response = match console.app.sign_in_with_passkey(site, &here.kept, answer, &stranger.origin).await {
        Ok(opened) => entered(&opened, &next),
        Err(error) => {
            let (status, message) = why(&error, UNKNOWN);
            page(status, &sign_in_page(&console, &here, "", &next, message))
        }
    };
    without_challenge(response)
}

/// Whether a script's request carries the token against forgery in its header.
fn has_token(visitor: &Visitor, headers: &HeaderMap) -> bool {
    visitor.is_own_token(headers.get("x-csrf").and_then(|token| token.to_str().ok()).unwrap_or_default())
}

pub(crate) async fn ask_proof(Entering(visitor): Entering, here: Here, headers: HeaderMap) -> Response {
    let Some(site) = &here.site else { return nowhere() };
    if !has_token(&visitor, &headers) {
        return forged();
    }
    challenge(visitor.console.app.ask_passkey_proof(site, &visitor.signed_in))
}

pub(crate) async fn prove(Entering(visitor): Entering, here: Here, body: Body) -> Response {
    let values = read(body).await;
    let Some(site) = &here.site else { return nowhere() };
    if let Some(refusal) = visitor.refused_form(&values) {
        return refusal;
    }
    let next = next_path(values.get("next")).to_owned();
    let answer = (here.kept.as_str(), values.get("credential"));
    let response = match visitor.console.app.prove_passkey(site, &visitor.signed_in, answer, &visitor.origin).await {
        Ok(opened) => entered(&opened, &next),
        Err(error) => {
            let (status, message) = why(&error, UNKNOWN);
            match visitor.signed_in.role {
                Some(_) => page(status, &confirm_page(&visitor, &here, &next, message)),
                None => page(status, &factor_page(&visitor, &here, &next, message)),
            }
        }
    };
    without_challenge(response)
}

fn add_page(visitor: &Visitor, here: &Here, message: String) -> SignInPage {
    let name = Field {
        help: format!(
            "How you tell it from others, such as \u{201c}Work laptop\u{201d}. At most {MAX_NAME} characters."
        ),
        ..field("name", "Name", "text", "off")
    };
    let part = passkey(here, "add", "Add a passkey", vec![name], visitor.csrf.clone());
    let lead = match part {
        Some(_) => {
            "Your device, phone or security key keeps it, and asks for a PIN or a finger when you use it. \
             It signs you in without a password."
        }
        None => {
            "Browsers have no passkeys at this address. They need a name and TLS: open the console at the address in the \
             setting console_url, or at localhost."
        }
    };
    SignInPage {
        assets: visitor.console.assets.paths.clone(),
        title: "Add a passkey".to_owned(),
        heading: "Add a passkey".to_owned(),
        lead: lead.to_owned(),
        message,
        links: vec![Link { href: "/console/profile".to_owned(), title: "Cancel".to_owned(), tone: String::new() }],
        csrf: visitor.csrf.clone(),
        passkey: part,
        ..SignInPage::default()
    }
}

/// Whether the visitor has proven recently who they are, if there is anything to prove it with.
fn may_add(visitor: &Visitor) -> Option<Response> {
    entrance(visitor, has_proof(visitor))
}

pub(crate) async fn add_form(Entering(visitor): Entering, here: Here) -> Response {
    match may_add(&visitor) {
        Some(refusal) => refusal,
        None => ok(&add_page(&visitor, &here, String::new())),
    }
}

pub(crate) async fn ask_add(Entering(visitor): Entering, here: Here, headers: HeaderMap) -> Response {
    let Some(site) = &here.site else { return nowhere() };
    if !has_token(&visitor, &headers) {
        return forged();
    }
    match may_add(&visitor) {
        None => challenge(visitor.console.app.ask_new_passkey(site, &visitor.signed_in)),
        Some(refusal) => refusal,
    }
}

pub(crate) async fn add(Entering(visitor): Entering, here: Here, body: Body) -> Response {
    let values = read(body).await;
    let Some(site) = &here.site else { return nowhere() };
    if let Some(refusal) = visitor.refused_form(&values) {
        return refusal;
    }
    if let Some(refusal) = may_add(&visitor) {
        return refusal;
    }
    let answer = (here.kept.as_str(), values.get("credential"));
    let response = match visitor.console.app.add_passkey(site, &visitor.signed_in, answer, values.get("name")).await {
        Ok(Ok(codes)) if codes.is_empty() => with_flash(see("/console/profile"), "good", "The passkey is added."),
        Ok(Ok(codes)) => ok(&codes_page(&visitor, "Each of them works once when your passkeys are lost.", codes)),
        Ok(Err(error)) => page(StatusCode::BAD_REQUEST, &add_page(&visitor, &here, error.to_string())),
        Err(error) => {
            tracing::warn!(%error, "a passkey cannot be stored");
            let message = "It could not be stored. Try again shortly.".to_owned();
            page(StatusCode::SERVICE_UNAVAILABLE, &add_page(&visitor, &here, message))
        }
    };
    without_challenge(response)
}

/// The visitor's passkeys, for their profile.
pub(crate) fn table(passkeys: &[Passkey]) -> Related {
    let head = |title: &str| Head { title: title.to_owned(), ..Head::default() };
    let row = |passkey: &Passkey| Row {
        href: format!("/console/passkeys/{}/remove", passkey.id),
        cells: vec![
            show::cell("text", passkey.name.clone()),
            show::time(&passkey.added_at.to_string()),
            match passkey.used_at > passkey.added_at {
                true => show::time(&passkey.used_at.to_string()),
                false => show::cell("empty", ""),
            },
        ],
    };
    let table = Table {
        caption: "Passkeys".to_owned(),
        heads: ["Name", "Added", "Last used"].map(head).into(),
        rows: passkeys.iter().map(row).collect(),
    };
    Related {
        title: "Passkeys".to_owned(),
        href: "/console/passkeys/add".to_owned(),
        link_title: "Add a passkey".to_owned(),
        table,
        empty_text: "You have none. A passkey signs you in without a password.".to_owned(),
    }
}

pub(crate) async fn remove_form(visitor: Visitor, Path(id): Path<String>) -> Response {
    if let Some(refusal) = entrance(&visitor, true) {
        return refusal;
    }
    let Some(passkey) = visitor.signed_in.passkeys.iter().find(|passkey| passkey.id == id) else {
        return with_flash(see("/console/profile"), "bad", "There is no such passkey.");
    };
    let template = FormPage {
        shell: shell(&visitor, "Remove a passkey").await,
        heading: format!("Remove \u{201c}{}\u{201d}", passkey.name),
        lead: "It no longer signs you in. Remove it from the device as well, in its settings.".to_owned(),
        action: format!("/console/passkeys/{id}/remove"),
        submit: "Remove it".to_owned(),
        danger: true,
        cancel_href: "/console/profile".to_owned(),
        ..FormPage::default()
    };
    ok(&template)
}

pub(crate) async fn remove(visitor: Visitor, Path(id): Path<String>, body: Body) -> Response {
    let values = read(body).await;
    if let Some(refusal) = visitor.refused_form(&values) {
        return refusal;
    }
    if let Some(refusal) = entrance(&visitor, true) {
        return refusal;
    }
    match visitor.console.app.remove_passkey(&visitor.signed_in, &id).await {
        Ok(()) => with_flash(see("/console/profile"), "good", "The passkey is removed."),
        Err(error) => {
            tracing::warn!(%error, "a passkey cannot be removed");
            with_flash(see("/console/profile"), "bad", "The passkey could not be removed. Try again shortly.")
        }
    }
}
