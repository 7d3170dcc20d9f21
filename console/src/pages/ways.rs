//! The ways to sign in beside a password and codes, as pages offer them.

use crate::Console;
use crate::form::encoded;
use crate::view::{Field, Link, PasskeyPart};
use crate::visitor::{Here, Visitor};

fn next_field(next: &str) -> Vec<Field> {
    let name = "next".to_owned();
    vec![Field { id: name.clone(), name, kind: "hidden".to_owned(), value: next.to_owned(), ..Field::default() }]
}

/// The form that `passkey.js` sends to a path of `/console/passkeys`; `None` where browsers have no passkeys.
pub(crate) fn passkey(here: &Here, path: &str, submit: &str, fields: Vec<Field>, csrf: String) -> Option<PasskeyPart> {
    let site = here.site.as_ref()?;
    Some(PasskeyPart {
        origin: site.origin(),
        options: format!("/console/passkeys/{path}/options"),
        action: format!("/console/passkeys/{path}"),
        fields,
        submit: submit.to_owned(),
        csrf,
        needed: path == "add",
    })
}

/// For strangers.
pub(crate) fn passkey_sign_in(here: &Here, next: &str) -> Option<PasskeyPart> {
    passkey(here, "sign-in", "Sign in with a passkey", next_field(next), String::new())
}

/// For somebody in a session who has a passkey.
pub(crate) fn passkey_proof(visitor: &Visitor, here: &Here, next: &str) -> Option<PasskeyPart> {
    let has_one = !visitor.signed_in.passkeys.is_empty();
    has_one.then(|| passkey(here, "proof", "Use a passkey", next_field(next), visitor.csrf.clone())).flatten()
}

/// Signing in at the identity provider, if there is one.
pub(crate) fn provider(console: &Console, next: &str) -> Option<Link> {
    let provider = console.oidc.as_ref()?;
    let href = format!("/console/oidc/start?next={}", encoded(next));
    Some(Link { href, title: format!("Sign in with {}", provider.settings.name), tone: String::new() })
}

/// A proof by signing in anew at the identity provider, for somebody who came from there.
pub(crate) fn provider_proof(visitor: &Visitor, next: &str) -> Option<Link> {
    let link = provider(&visitor.console, next).filter(|_| visitor.signed_in.session.is_federated)?;
    Some(Link { href: format!("{}&again=true", link.href), ..link })
}
