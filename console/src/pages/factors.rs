//! What a user signs in with: password, authenticator, recovery codes.

use axum::body::Body;
use axum::http::StatusCode;
use axum::response::Response;
use paygen_app::people::{NewFactor, unhex};
use qrcode::QrCode;
use qrcode::render::svg;

use super::sign_in::{field, read};
use crate::answer::{ok, page, see};
use crate::form::encoded;
use crate::view::{CodesPage, EnrollPage, Field, Link, SignInPage};
use crate::visitor::{Entering, Visitor, with_flash};

/// Whether what is asked for may be set now: at first, or with a proof that is fresh.
pub(crate) fn entrance(visitor: &Visitor, is_set: bool) -> Option<Response> {
    if visitor.signed_in.role.is_none() {
        return Some(see("/console/second-factor"));
    }
    if is_set && !visitor.signed_in.is_fresh() {
        return Some(see(&format!("/console/confirm?next={}", encoded(&visitor.path))));
    }
    None
}

/// Whether there is anything to prove anew with before a password is set.
pub(crate) fn has_proof(visitor: &Visitor) -> bool {
    let signed_in = &visitor.signed_in;
    signed_in.has_password || signed_in.has_factor || signed_in.session.is_federated
}

fn passkey_instead() -> Link {
    Link { href: "/console/passkeys/add".to_owned(), title: "Use a passkey instead".to_owned(), tone: String::new() }
}

fn password_page(visitor: &Visitor, error: String) -> SignInPage {
    let password = Field {
        help: "At least 12 characters, and none of your last five.".to_owned(),
        error,
        ..field("password", "New password", "password", "new-password")
    };
    SignInPage {
        assets: visitor.console.assets.paths.clone(),
        title: "Choose a password".to_owned(),
        heading: "Choose a password".to_owned(),
        lead: visitor.signed_in.user.email.clone(),
        action: "/console/password".to_owned(),
        fields: vec![password],
        message: String::new(),
        submit: "Set password".to_owned(),
        links: vec![passkey_instead()],
        csrf: visitor.csrf.clone(),
        passkey: None,
        provider: None,
    }
}

pub(crate) async fn password(Entering(visitor): Entering) -> Response {
    if let Some(refusal) = entrance(&visitor, has_proof(&visitor)) {
        return refusal;
    }
    ok(&password_page(&visitor, String::new()))
}

pub(crate) async fn set_password(Entering(visitor): Entering, body: Body) -> Response {
    let values = read(body).await;
    if let Some(refusal) = visitor.refused_form(&values) {
        return refusal;
    }
    if let Some(refusal) = entrance(&visitor, has_proof(&visitor)) {
        return refusal;
    }
    match visitor.console.app.set_password(&visitor.signed_in, values.get("password")).await {
        Ok(Ok(())) => with_flash(see("/console/profile"), "good", "The password is set."),
        Ok(Err(weakness)) => {
            let error = format!("The password {weakness}");
            page(StatusCode::BAD_REQUEST, &password_page(&visitor, error))
        }
        Err(error) => {
            tracing::warn!(%error, "a password cannot be set");
            let error = "The password could not be set. Try again shortly.".to_owned();
            page(StatusCode::SERVICE_UNAVAILABLE, &password_page(&visitor, error))
        }
    }
}

/// A picture for authenticators; empty if the link is too long for one, when the secret is typed.
fn picture(link: &str) -> String {
    let Ok(code) = QrCode::new(link.as_bytes()) else { return String::new() };
    let drawn = code.render::<svg::Color>().min_dimensions(200, 200).build();
    // An XML declaration cannot stand in HTML.
    drawn.find("<svg").map_or(String::new(), |at| drawn[at..].to_owned())
}

fn authenticator_page(visitor: &Visitor, factor: &NewFactor, message: String) -> EnrollPage {
    let sealed = visitor.console.app.sealed_factor(visitor.signed_in.user.id, factor);
    let kept = Field { value: paygen_edge::assets::hex(&sealed), ..field("factor", "", "hidden", "") };
    let code = Field {
        help: "The six digits that the app shows now.".to_owned(),
        ..field("code", "Code", "code", "one-time-code")
    };
    EnrollPage {
        assets: visitor.console.assets.paths.clone(),
        title: "Authenticator".to_owned(),
        heading: "Set up an authenticator".to_owned(),
        lead: "Scan the picture with an authenticator app, then enter the code that it shows.".to_owned(),
        qr_svg: picture(&factor.link()),
        secret: factor.text().to_string(),
        action: "/console/authenticator".to_owned(),
        fields: vec![code, kept],
        message,
        submit: "Confirm".to_owned(),
        csrf: visitor.csrf.clone(),
    }
}

pub(crate) async fn authenticator(Entering(visitor): Entering) -> Response {
    if let Some(refusal) = entrance(&visitor, visitor.signed_in.has_factor || visitor.signed_in.session.is_federated) {
        return refusal;
    }
    ok(&authenticator_page(&visitor, &NewFactor::generate(&visitor.signed_in.user), String::new()))
}

/// Recovery codes, which are shown once.
pub(crate) fn codes_page(visitor: &Visitor, lead: &str, codes: Vec<String>) -> CodesPage {
    CodesPage {
        assets: visitor.console.assets.paths.clone(),
        title: "Recovery codes".to_owned(),
        heading: "Keep these recovery codes".to_owned(),
        lead: format!("{lead} They are shown only now."),
        codes,
        link: Link { href: "/console".to_owned(), title: "I have kept them".to_owned(), tone: "primary".to_owned() },
    }
}

pub(crate) async fn set_authenticator(Entering(visitor): Entering, body: Body) -> Response {
    let values = read(body).await;
    if let Some(refusal) = visitor.refused_form(&values) {
        return refusal;
    }
    if let Some(refusal) = entrance(&visitor, visitor.signed_in.has_factor || visitor.signed_in.session.is_federated) {
        return refusal;
    }
    let app = &visitor.console.app;
    let Some(factor) = app.kept_factor(&visitor.signed_in.user, &unhex(values.get("factor"))) else {
        return see("/console/authenticator");
    };
    match app.set_factor(&visitor.signed_in, &factor, values.get("code")).await {
        Ok(Some(codes)) => ok(&codes_page(&visitor, "Each of them works once in place of the authenticator.", codes)),
        Ok(None) => {
            let message = "This code is not right. Check that the clock of your device is.".to_owned();
            page(StatusCode::BAD_REQUEST, &authenticator_page(&visitor, &factor, message))
        }
        Err(error) => {
            tracing::warn!(%error, "a second factor cannot be set");
            let message = "It could not be stored. Try again shortly.".to_owned();
            page(StatusCode::SERVICE_UNAVAILABLE, &authenticator_page(&visitor, &factor, message))
        }
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_link_is_drawn_without_a_declaration() {
        let drawn = super::picture("otpauth://totp/Paygen:ada%40example.com?secret=JBSWY3DPEHPK3PXP&issuer=Paygen");
        assert!(drawn.starts_with("<svg") && !drawn.contains("style="), "{}", &drawn[..80]);
    }
}
