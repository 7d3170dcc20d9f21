//! Passkeys (WebAuthn): public keys whose private keys authenticators keep, each for one site. A passkey signs in alone,
//! because the authenticator asks for a PIN or a finger itself; that is always required.
//!
//! Between the challenge and its answer the caller keeps a sealed text, in a cookie: any server of the installation can
//! open it, for five minutes, for the same purpose, user and session. A passkey is looked up among those of the user whom
//! the answer names, so that the same credential id in another account has no effect. A challenge is answered once: the
//! command refuses those made before the passkey's last use, and a counter that does not grow.

use paygen_core::people::PersonRefusal;
use std::collections::BTreeSet;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use paygen_core::hash::hex;
use paygen_core::ids::{Id, UserId};
use paygen_core::people::{AddPasskey, MAX_PASSKEYS, Passkey as Stored, PasskeyUse, Proof, RemovePasskey, UserSecret};
use paygen_core::time::Instant;
use paygen_core::{Command, Outcome, Refusal, Request};
use paygen_engine::clock::wall;
use paygen_vault::Purpose;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use url::{Host, Url};
use webauthn_rs::WebauthnBuilder;
use webauthn_rs::prelude::{
    DiscoverableAuthentication, Passkey, PasskeyRegistration, PublicKeyCredential, RegisterPublicKeyCredential, Uuid,
    Webauthn, WebauthnError,
};

use super::factors::{new_recovery_codes, recovery_hash};
use super::{Opened, Origin, SignInError, SignedIn};
use crate::{App, Failure};

/// How long a challenge can be answered.
pub const CHALLENGE_SECONDS: i64 = 5 * 60;

/// Longest name of a passkey, in characters.
pub const MAX_NAME: usize = 60;

/// Longest id of a credential (WebAuthn, section 4).
const MAX_ID_BYTES: usize = 1023;

/// The site that passkeys are for. A passkey of one site signs nothing for another.
#[derive(Clone, Debug)]
pub struct Site {
    host: String,
    origin: Url,
}

impl Site {
    /// The site of an origin, such as `https://console.example.com`; `None` where browsers have no passkeys: at IP
    /// addresses, and without TLS except on `localhost`.
    pub fn of(origin: &str) -> Option<Site> {
        let origin = Url::parse(origin).ok()?;
        let Some(Host::Domain(host)) = origin.host() else { return None };
        let is_safe = origin.scheme() == "https" || (origin.scheme() == "http" && host == "localhost");
        is_safe.then(|| Site { host: host.to_owned(), origin: origin.clone() })
    }

    /// Scheme, host and port, as browsers write them.
    pub fn origin(&self) -> String {
        self.origin.origin().ascii_serialization()
    }

    fn checks(&self) -> Result<Webauthn, Failure> {
        let builder = WebauthnBuilder::new(&self.host, &self.origin).map_err(defect)?;
        builder.rp_name("Paygen").build().map_err(defect)
    }
}

fn defect(error: impl std::fmt::Display) -> Failure {
    Failure::Internal(format!("a passkey cannot be asked for: {error}"))
}

/// A challenge for the browser, and what the caller keeps until it is answered.
pub struct Challenge {
    /// Options of `navigator.credentials.create` or `get`, as JSON.
    pub options: String,
    /// For a cookie: letters and digits.
    pub kept: String,
}

#[derive(Serialize, Deserialize)]
struct Kept<T> {
    /// When the challenge was made, in microseconds of wall time.
    asked_at: i64,
    state: T,
}

/// Why a passkey is not added.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PasskeyError {
    #[error("The answer of the authenticator does not fit, or came after more than five minutes. Try again.")]
    Wrong,
    #[error("Give the passkey a name of at most {MAX_NAME} characters.")]
    Name,
    #[error("There are {MAX_PASSKEYS} passkeys, the most there can be. Remove one that you no longer use.")]
    Full,
    #[error("This passkey is there already.")]
    Known,
}

/// The id under which authenticators store a user: theirs, after four zero bytes.
fn handle(user: UserId) -> Uuid {
    let mut bytes = [0; 16];
    bytes[4..].copy_from_slice(user.0.bytes());
    Uuid::from_bytes(bytes)
}

fn user_of(handle: &[u8]) -> Option<UserId> {
    let id = handle.strip_prefix(&[0; 4])?;
    Id::from_slice(id).map(UserId)
}

/// Passkeys as options name them.
fn named(passkeys: &[Stored]) -> Value {
    let id = |passkey: &Stored| URL_SAFE_NO_PAD.encode(super::unhex(&passkey.id));
    passkeys.iter().map(|passkey| json!({"type": "public-key", "id": id(passkey)})).collect()
}

impl App {
    fn keep<T: Serialize>(&self, place: &[&[u8]], state: T) -> Result<String, Failure> {
        let kept = Kept { asked_at: wall().micros(), state };
        let plain = serde_json::to_vec(&kept).map_err(defect)?;
        Ok(hex(&self.vault.seal(Purpose::SecondFactors, place, &plain)))
    }

    /// What was kept, if it was for this purpose and is not too old.
    fn kept<T: DeserializeOwned>(&self, place: &[&[u8]], text: &str) -> Option<(Instant, T)> {
        let sealed = super::unhex(text);
        let plain = self.vault.open_sealed(Purpose::SecondFactors, place, &sealed).ok()?;
        let Kept { asked_at, state } = serde_json::from_slice(&plain).ok()?;
        let asked_at = Instant::from_micros(asked_at);
        (wall() < asked_at.plus_seconds(CHALLENGE_SECONDS)).then_some((asked_at, state))
    }

    fn ask(&self, site: &Site, place: &[&[u8]], passkeys: &[Stored]) -> Result<Challenge, Failure> {
        let (options, state) = site.checks()?.start_discoverable_authentication().map_err(defect)?;
        let mut options = serde_json::to_value(options).map_err(defect)?;
        options["publicKey"]["allowCredentials"] = named(passkeys);
        // The user presses a button; nothing is offered while they type.
        options.as_object_mut().and_then(|options| options.remove("mediation"));
        Ok(Challenge { options: options.to_string(), kept: self.keep(place, state)? })
    }

    /// Asks for a passkey of any user.
    pub fn ask_passkey_sign_in(&self, site: &Site) -> Result<Challenge, Failure> {
        self.ask(site, &[b"passkey sign-in"], &[])
    }

    /// Signs in with a passkey alone.
    pub async fn sign_in_with_passkey(
        &self,
        site: &Site,
        kept: &str,
        answer: &str,
        from: &Origin,
    ) -> Result<Opened, SignInError> {
        let answer: PublicKeyCredential = serde_json::from_str(answer).map_err(|_| SignInError::Wrong)?;
        let id = answer.get_user_unique_id().and_then(user_of).ok_or(SignInError::Wrong)?;
        let challenge = self.kept(&[b"passkey sign-in"], kept).ok_or(SignInError::Wrong)?;
        let (user, secret) = self.reader.user(id).await?.ok_or(SignInError::Wrong)?;
        let proof = compare(site, challenge, &answer, &secret)?;
        let context = self.sign_in_context(&user, from).await?;
        Ok(self.open_session(context, id, proof, from, None).await?)
    }

    /// Asks for a passkey of the user in a session.
    pub fn ask_passkey_proof(&self, site: &Site, signed_in: &SignedIn) -> Result<Challenge, Failure> {
        let place: [&[u8]; 2] = [b"passkey proof", signed_in.session.id.0.bytes()];
        self.ask(site, &place, &signed_in.passkeys)
    }

    /// Proves a factor in a session with a passkey of its user.
    pub async fn prove_passkey(
        &self,
        site: &Site,
        signed_in: &SignedIn,
        (kept, answer): (&str, &str),
        from: &Origin,
    ) -> Result<Opened, SignInError> {
        let user = signed_in.user.id;
        let answer: PublicKeyCredential = serde_json::from_str(answer).map_err(|_| SignInError::Wrong)?;
        if answer.get_user_unique_id().is_some_and(|handle| user_of(handle) != Some(user)) {
            return Err(SignInError::Wrong);
        }
        let place: [&[u8]; 2] = [b"passkey proof", signed_in.session.id.0.bytes()];
        let challenge = self.kept(&place, kept).ok_or(SignInError::Wrong)?;
        let (_, secret) = self.reader.user(user).await?.ok_or(SignInError::Wrong)?;
        let proof = compare(site, challenge, &answer, &secret)?;
        Ok(self.open_session(signed_in.context(), user, proof, from, Some(signed_in)).await?)
    }

    /// Asks for a new passkey.
    pub fn ask_new_passkey(&self, site: &Site, signed_in: &SignedIn) -> Result<Challenge, Failure> {
        let user = &signed_in.user;
        let name = if user.name.is_empty() { &user.email } else { &user.name };
        let asked = site.checks()?.start_passkey_registration(handle(user.id), &user.email, name, None);
        let (options, state) = asked.map_err(defect)?;
        let mut options = serde_json::to_value(options).map_err(defect)?;
        let asked = &mut options["publicKey"];
        asked["excludeCredentials"] = named(&signed_in.passkeys);
        // Only a passkey that the authenticator finds by itself signs in without an e-mail address.
        asked["authenticatorSelection"]["residentKey"] = json!("required");
        asked["authenticatorSelection"]["requireResidentKey"] = json!(true);
        let place: [&[u8]; 2] = [b"passkey addition", signed_in.session.id.0.bytes()];
        Ok(Challenge { options: options.to_string(), kept: self.keep(&place, state)? })
    }

    /// Adds a passkey, and returns recovery codes for a user who has none: they are shown once.
    pub async fn add_passkey(
        &self,
        site: &Site,
        signed_in: &SignedIn,
        (kept, answer): (&str, &str),
        name: &str,
    ) -> Result<Result<Vec<String>, PasskeyError>, Failure> {
        let name = name.trim();
        if name.is_empty() || name.chars().count() > MAX_NAME || name.chars().any(char::is_control) {
            return Ok(Err(PasskeyError::Name));
        }
        let place: [&[u8]; 2] = [b"passkey addition", signed_in.session.id.0.bytes()];
        let challenge = self.kept::<PasskeyRegistration>(&place, kept);
        let answer = serde_json::from_str::<RegisterPublicKeyCredential>(answer).ok();
        let (Some((_, state)), Some(answer)) = (challenge, answer) else { return Ok(Err(PasskeyError::Wrong)) };
        let passkey = match site.checks()?.finish_passkey_registration(&answer, &state) {
            Ok(passkey) if passkey.cred_id().len() <= MAX_ID_BYTES => passkey,
            Ok(_) | Err(_) => return Ok(Err(PasskeyError::Wrong)),
        };
        let id = hex(passkey.cred_id());
        let known: BTreeSet<&str> = signed_in.passkeys.iter().map(|known| known.id.as_str()).collect();
        if known.contains(id.as_str()) {
            return Ok(Err(PasskeyError::Known));
        }
        if known.len() >= MAX_PASSKEYS {
            return Ok(Err(PasskeyError::Full));
        }
        let codes = new_recovery_codes();
        let command = AddPasskey {
            user: signed_in.user.id,
            id,
            name: name.to_owned(),
            credential: serde_json::to_string(&passkey).map_err(defect)?,
            recovery_codes: codes.iter().map(|code| recovery_hash(code)).collect(),
        };
        let request = Request::new(signed_in.context(), Command::AddPasskey(Box::new(command)));
        match self.engine.run_background(request).await?? {
            Outcome::Count(0) => Ok(Ok(Vec::new())),
            _ => Ok(Ok(codes)),
        }
    }

    /// Removes a passkey of the user.
    pub async fn remove_passkey(&self, signed_in: &SignedIn, id: &str) -> Result<(), Failure> {
        let command = RemovePasskey { user: signed_in.user.id, id: id.to_owned() };
        let request = Request::new(signed_in.context(), Command::RemovePasskey(command));
        self.engine.run_background(request).await??;
        Ok(())
    }
}

/// Compares an answer with the user's passkeys.
fn compare(
    site: &Site,
    (asked_at, state): (Instant, DiscoverableAuthentication),
    answer: &PublicKeyCredential,
    secret: &UserSecret,
) -> Result<Proof, SignInError> {
    let id = hex(answer.get_credential_id());
    let stored = secret.passkeys.iter().find(|passkey| passkey.id == id).ok_or(SignInError::Wrong)?;
    let unreadable = |error| Failure::Internal(format!("a stored passkey cannot be read: {error}"));
    let mut passkey: Passkey = serde_json::from_str(&stored.credential).map_err(unreadable)?;
    let compared = site.checks()?.finish_discoverable_authentication_v2(answer, state, &passkey);
    let result = compared.map_err(|error| refused(&error, secret.user))?;
    // Without the proof that the authenticator asked for a PIN or a finger, a passkey is one factor only.
    if !result.user_verified() {
        return Err(SignInError::Wrong);
    }
    passkey.update_credential(&result);
    let after = serde_json::to_string(&passkey).map_err(defect)?;
    Ok(Proof::Passkey(PasskeyUse { id, before: stored.credential.clone(), after, asked_at }))
}

fn refused(error: &WebauthnError, user: UserId) -> SignInError {
    match error {
        WebauthnError::CredentialPossibleCompromise => {
            tracing::warn!(%user, "the counter of a passkey went back: it may have been copied, and was refused");
        }
        other => tracing::debug!(%user, error = %other, "a passkey was refused"),
    }
    Failure::Refused(Refusal::Person(PersonRefusal::ProofRefused)).into()
}

#[cfg(test)]
mod tests {
    use paygen_core::ids::{Id, UserId};

    use super::{Site, Stored, handle, named, user_of};

    #[test]
    fn browsers_have_passkeys_on_sites_with_a_name_and_tls() {
        for (origin, host) in [
            ("https://console.example.com", Some("console.example.com")),
            ("https://console.example.com:8443", Some("console.example.com")),
            ("http://localhost:4001", Some("localhost")),
            ("http://console.example.com", None),
            ("http://127.0.0.1:4001", None),
            ("https://127.0.0.1", None),
            ("https://[::1]", None),
            ("http://evil.localhost", None),
            ("", None),
        ] {
            assert_eq!(Site::of(origin).map(|site| site.host).as_deref(), host, "{origin}");
        }
        assert!(Site::of("https://console.example.com").is_some_and(|site| site.checks().is_ok()));
    }

    #[test]
    fn an_authenticator_names_the_user() {
        let user = UserId(Id::from_bytes([7; 12]));
        assert_eq!(user_of(handle(user).as_bytes()), Some(user));
        for wrong in [&[][..], &[0; 16][1..], &[1; 16], &[0; 17]] {
            assert_eq!(user_of(wrong), None, "{wrong:?}");
        }
    }

    #[test]
    fn passkeys_are_named_in_base64() {
        let passkey = Stored {
            id: "fbff".to_owned(),
            name: String::new(),
            credential: String::new(),
            added_at: paygen_core::time::Instant::default(),
            used_at: paygen_core::time::Instant::default(),
        };
        assert_eq!(named(&[passkey]).to_string(), r#"[{"id":"-_8","type":"public-key"}]"#);
    }
}
