//! OpenID Connect (Core 1.0): the code flow with PKCE (RFC 7636), as far as it needs no network. Who calls the provider is
//! the caller; here requests are made, and what the provider answered is checked.
//!
//! An ID token counts when it is signed with one of the provider's published keys (never with a shared secret, never
//! unsigned), is for this client, not expired, and carries the nonce of this attempt. Between start and return the
//! browser keeps the attempt, sealed: any server of the installation can open it, for ten minutes.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jsonwebtoken::jwk::{AlgorithmParameters, Jwk, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header};
use paygen_core::hash::hex;
use paygen_core::ids::{ClientId, SessionId, UserId};
use paygen_core::people::{Federate, Membership, PersonRefusal, Proof, Role, Session, UserView};
use paygen_core::record::Key;
use paygen_core::work::Context;
use paygen_core::{Command, Outcome, Refusal, Request};
use paygen_engine::clock::wall;
use paygen_vault::Purpose;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use url::form_urlencoded::{Serializer, byte_serialize};
use url::{Host, Url};
use zeroize::Zeroizing;

use super::{Opened, Origin, SignInError, email_hash, normal_email, sha256};
use crate::{App, Failure};

/// How long signing in at the provider may take.
pub const ATTEMPT_SECONDS: i64 = 10 * 60;

/// How much clocks may differ, in seconds.
const LEEWAY_SECONDS: u64 = 60;

/// The place in which attempts are sealed.
const PLACE: &[&[u8]] = &[b"oidc attempt"];

/// What is signed with: keys that only the provider has.
const ALGORITHMS: &[Algorithm] = &[
    Algorithm::RS256,
    Algorithm::RS384,
    Algorithm::RS512,
    Algorithm::PS256,
    Algorithm::PS384,
    Algorithm::PS512,
    Algorithm::ES256,
    Algorithm::ES384,
    Algorithm::EdDSA,
];

/// The provider, and which roles its groups bring.
pub struct OidcSettings {
    pub issuer: String,
    pub client_id: String,
    /// `None` for a public client, which proves itself with PKCE alone.
    pub client_secret: Option<Zeroizing<String>>,
    /// What the button is called after "Sign in with".
    pub name: String,
    pub scopes: Vec<String>,
    /// The claim with the names of the user's groups.
    pub groups_claim: String,
    /// The first that applies to a client counts.
    pub roles: Vec<GroupRole>,
}

#[derive(Clone, Debug)]
pub struct GroupRole {
    pub group: String,
    pub role: Role,
    /// Every client if `None`.
    pub client: Option<ClientId>,
}

/// Why a sign-in at the provider does not count.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OidcError {
    #[error("the provider's metadata cannot be used: {0}")]
    Metadata(String),
    #[error("the provider does not redeem the code: it was used already, is too old, or is not for this client")]
    Code,
    #[error("the ID token is signed with a key that the provider does not publish")]
    UnknownKey,
    #[error("the ID token is not valid: {0}")]
    Token(String),
    #[error("the provider does not say that the e-mail address is verified (claim email_verified)")]
    Email,
    #[error("the provider does not say that the sign-in is a new one (claim auth_time)")]
    NotRecent,
}

/// What the provider publishes about itself (OpenID Connect Discovery 1.0).
#[derive(Clone, Debug, Deserialize)]
pub struct Metadata {
    issuer: String,
    authorization_endpoint: String,
    pub token_endpoint: String,
    pub jwks_uri: String,
    #[serde(default)]
    token_endpoint_auth_methods_supported: Vec<String>,
}

/// Whether secrets may go there: TLS, or this machine.
pub fn is_safe(url: &str) -> bool {
    let Ok(url) = Url::parse(url) else { return false };
    let local = match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    };
    url.scheme() == "https" || (url.scheme() == "http" && local)
}

impl Metadata {
    /// Where an issuer publishes it.
    pub fn place(issuer: &str) -> String {
        format!("{}/.well-known/openid-configuration", issuer.trim_end_matches('/'))
    }

    pub fn read(body: &[u8], issuer: &str) -> Result<Metadata, OidcError> {
        let read: Metadata = serde_json::from_slice(body).map_err(|error| OidcError::Metadata(error.to_string()))?;
        if read.issuer != issuer {
            let why = format!("it is of the issuer {:?}, and console.oidc.issuer is {issuer:?}", read.issuer);
            return Err(OidcError::Metadata(why));
        }
        for url in [&read.authorization_endpoint, &read.token_endpoint, &read.jwks_uri] {
            if !is_safe(url) {
                return Err(OidcError::Metadata(format!("{url} is not https")));
            }
        }
        Ok(read)
    }
}

/// The public keys with which a provider signs (RFC 7517). Other published keys are left out.
#[derive(Clone, Debug, Default)]
pub struct ProviderKeys(Vec<Jwk>);

fn signs(key: &Jwk) -> bool {
    let is_public = matches!(
        key.algorithm,
        AlgorithmParameters::RSA(_) | AlgorithmParameters::EllipticCurve(_) | AlgorithmParameters::OctetKeyPair(_)
    );
    is_public && matches!(key.common.public_key_use, None | Some(PublicKeyUse::Signature))
}

impl ProviderKeys {
    pub fn read(body: &[u8]) -> Result<ProviderKeys, OidcError> {
        #[derive(Deserialize)]
        struct Set {
            keys: Vec<Value>,
        }
        let set: Set = serde_json::from_slice(body).map_err(|error| OidcError::Metadata(error.to_string()))?;
        let keys = set.keys.into_iter().filter_map(|key| serde_json::from_value::<Jwk>(key).ok());
        Ok(ProviderKeys(keys.filter(signs).collect()))
    }

    fn find(&self, id: Option<&str>) -> Result<&Jwk, OidcError> {
        let fits = |key: &&Jwk| id.is_none() || key.common.key_id.as_deref() == id;
        let mut fitting = self.0.iter().filter(fits);
        match (fitting.next(), fitting.next()) {
            (Some(key), None) => Ok(key),
            _ => Err(OidcError::UnknownKey),
        }
    }
}

/// A sign-in under way at the provider.
#[derive(Serialize, Deserialize)]
pub struct Attempt {
    pub state: String,
    nonce: String,
    /// Proves that the code is redeemed by who asked for it.
    verifier: String,
    /// Where the user goes on.
    pub next: String,
    /// In seconds of wall time.
    asked_at: i64,
    /// The session that is proven anew, and then continues under a new secret.
    again: Option<SessionText>,
}

/// The id of a session, and that of its user.
type SessionText = (String, String);

fn random() -> String {
    hex(&paygen_vault::random_bytes::<32>())
}

/// A user as the provider describes them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    pub email: String,
    pub name: String,
    pub groups: Vec<String>,
}

impl Attempt {
    /// Begins one; `again` within a session that is to be proven anew.
    pub fn new(next: &str, again: Option<&super::SignedIn>) -> Attempt {
        Attempt {
            state: random(),
            nonce: random(),
            verifier: random(),
            next: next.to_owned(),
            asked_at: wall().seconds(),
            again: again.map(|one| (one.session.id.to_string(), one.user.id.to_string())),
        }
    }

    /// Where the browser is sent.
    pub fn url(&self, metadata: &Metadata, settings: &OidcSettings, redirect: &str) -> Result<String, OidcError> {
        let parsed = Url::parse(&metadata.authorization_endpoint);
        let mut url = parsed.map_err(|error| OidcError::Metadata(error.to_string()))?;
        let challenge = URL_SAFE_NO_PAD.encode(sha256(&self.verifier));
        let scope = settings.scopes.join(" ");
        url.query_pairs_mut().extend_pairs([
            ("response_type", "code"),
            ("client_id", &settings.client_id),
            ("redirect_uri", redirect),
            ("scope", &scope),
            ("state", &self.state),
            ("nonce", &self.nonce),
            ("code_challenge", &challenge),
            ("code_challenge_method", "S256"),
        ]);
        if self.again.is_some() {
            url.query_pairs_mut().extend_pairs([("prompt", "login"), ("max_age", "0")]);
        }
        Ok(url.into())
    }

    /// The form that redeems a code, and the `Authorization` header beside it.
    pub fn redemption(
        &self,
        metadata: &Metadata,
        settings: &OidcSettings,
        (code, redirect): (&str, &str),
    ) -> (String, Option<Zeroizing<String>>) {
        let mut form = Serializer::new(String::new());
        form.extend_pairs([("grant_type", "authorization_code"), ("code", code), ("redirect_uri", redirect)]);
        form.append_pair("code_verifier", &self.verifier);
        let methods = &metadata.token_endpoint_auth_methods_supported;
        let by_header = methods.is_empty() || methods.iter().any(|method| method == "client_secret_basic");
        let Some(secret) = &settings.client_secret else {
            return (form.append_pair("client_id", &settings.client_id).finish(), None);
        };
        if by_header {
            let part = |text: &str| byte_serialize(text.as_bytes()).collect::<String>();
            let pair = Zeroizing::new(format!("{}:{}", part(&settings.client_id), part(secret)));
            return (form.finish(), Some(Zeroizing::new(format!("Basic {}", STANDARD.encode(pair.as_bytes())))));
        }
        form.extend_pairs([("client_id", settings.client_id.as_str()), ("client_secret", secret.as_str())]);
        (form.finish(), None)
    }

    /// Checks an ID token, and reads who it is about.
    pub fn check(&self, token: &str, keys: &ProviderKeys, settings: &OidcSettings) -> Result<Person, OidcError> {
        let invalid = |error: jsonwebtoken::errors::Error| OidcError::Token(error.to_string());
        let header = decode_header(token).map_err(invalid)?;
        if !ALGORITHMS.contains(&header.alg) {
            return Err(OidcError::Token(format!("the algorithm {:?} is not accepted", header.alg)));
        }
        let key = DecodingKey::from_jwk(keys.find(header.kid.as_deref())?).map_err(invalid)?;
        let mut rules = Validation::new(header.alg);
        rules.leeway = LEEWAY_SECONDS;
        rules.validate_nbf = true;
        rules.set_issuer(&[&settings.issuer]);
        rules.set_audience(&[&settings.client_id]);
        rules.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
        let claims = decode::<Map<String, Value>>(token, &key, &rules).map_err(invalid)?.claims;
        self.read(&claims, settings)
    }

    fn read(&self, claims: &Map<String, Value>, settings: &OidcSettings) -> Result<Person, OidcError> {
        let text = |name: &str| claims.get(name).and_then(Value::as_str).unwrap_or_default();
        if text("nonce") != self.nonce {
            return Err(OidcError::Token("it belongs to another sign-in (nonce)".to_owned()));
        }
        let several = claims.get("aud").and_then(Value::as_array).is_some_and(|all| all.len() > 1);
        if (several || claims.contains_key("azp")) && text("azp") != settings.client_id {
            return Err(OidcError::Token("it was issued to another client (azp)".to_owned()));
        }
        let since = claims.get("auth_time").and_then(Value::as_i64);
        let leeway = i64::try_from(LEEWAY_SECONDS).unwrap_or_default();
        if self.again.is_some() && since.is_none_or(|since| since + leeway < self.asked_at) {
            return Err(OidcError::NotRecent);
        }
        let email = normal_email(text("email"));
        if email.is_empty() || claims.get("email_verified") != Some(&Value::Bool(true)) {
            return Err(OidcError::Email);
        }
        let groups = match claims.get(&settings.groups_claim) {
            Some(Value::Array(all)) => all.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
            Some(Value::String(one)) => vec![one.clone()],
            _ => Vec::new(),
        };
        Ok(Person { email, name: text("name").trim().to_owned(), groups })
    }
}

impl OidcSettings {
    /// The memberships that groups bring, at most one for a client.
    pub fn memberships(&self, groups: &[String]) -> Vec<Membership> {
        let mut memberships: Vec<Membership> = Vec::new();
        for rule in self.roles.iter().filter(|rule| groups.contains(&rule.group)) {
            if memberships.iter().all(|known| known.client != rule.client) {
                memberships.push(Membership { client: rule.client, role: rule.role, is_federated: true });
            }
        }
        memberships
    }
}

impl App {
    /// An attempt for a cookie: letters and digits.
    pub fn sealed_attempt(&self, attempt: &Attempt) -> Result<String, Failure> {
        let plain = serde_json::to_vec(attempt).map_err(|error| Failure::Internal(error.to_string()))?;
        Ok(hex(&self.vault.seal(Purpose::SecondFactors, PLACE, &plain)))
    }

    /// The attempt that a browser kept, if it is not too old.
    pub fn kept_attempt(&self, text: &str) -> Option<Attempt> {
        let plain = self.vault.open_sealed(Purpose::SecondFactors, PLACE, &super::unhex(text)).ok()?;
        let attempt: Attempt = serde_json::from_slice(&plain).ok()?;
        (wall().seconds() < attempt.asked_at + ATTEMPT_SECONDS).then_some(attempt)
    }

    /// Signs in somebody whom the provider described. Their memberships from groups become those of now, also when there
    /// are none any more; then nobody is signed in.
    pub async fn sign_in_federated(
        &self,
        settings: &OidcSettings,
        person: &Person,
        attempt: &Attempt,
        from: &Origin,
    ) -> Result<Opened, SignInError> {
        let memberships = settings.memberships(&person.groups);
        let is_member = !memberships.is_empty();
        let mut context = Context::system(self.first_client(&memberships).await?, "");
        context.address = Some(from.address);
        let command = Federate {
            email: person.email.clone(),
            email_hash: email_hash(&person.email),
            name: person.name.clone(),
            memberships,
        };
        let request = Request::new(context, Command::Federate(Box::new(command)));
        let Outcome::User(UserView { id, .. }) = self.engine.run_background(request).await?? else {
            return Err(Failure::Internal("a user was described with another outcome".to_owned()).into());
        };
        if !is_member {
            return Err(SignInError::Wrong);
        }
        let id = UserId::parse(&id).ok_or(Refusal::Person(PersonRefusal::NotFound))?;
        let (user, _) = self.reader.user(id).await?.ok_or(Refusal::Person(PersonRefusal::NotFound))?;
        let replaces = match &attempt.again {
            // Somebody else signed in at the provider meanwhile: that is no proof for this session.
            Some((_, user)) if *user != id.to_string() => return Err(SignInError::Wrong),
            Some((session, _)) => SessionId::parse(session),
            None => None,
        };
        let mut context = self.sign_in_context(&user, from).await?;
        if let Some(id) = replaces {
            // The session goes on in the client that it shows.
            let session = self.reader.get::<Session>(Key::of(ClientId::INSTALLATION, id.0)).await?;
            context.client = session.ok_or(SignInError::Wrong)?.client;
        }
        Ok(self.replace_session(context, id, Proof::Federated, from, replaces).await?)
    }

    async fn first_client(&self, memberships: &[Membership]) -> Result<ClientId, Failure> {
        match memberships.iter().find_map(|membership| membership.client) {
            Some(client) => Ok(client),
            None => Ok(self.reader.clients().await?.first().map_or(ClientId::INSTALLATION, |client| client.id)),
        }
    }
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
    use jsonwebtoken::{EncodingKey, Header, encode};
    use serde_json::json;

    use super::*;

    /// A provider's key pair, and what it publishes of it.
    struct Signer {
        key: EncodingKey,
        published: Value,
    }

    fn signer(id: &str) -> Signer {
        let pair = Ed25519KeyPair::generate().expect("a key pair");
        let der = pair.to_pkcs8v1().expect("PKCS #8");
        let x = URL_SAFE_NO_PAD.encode(pair.public_key().as_ref());
        let published = json!({"kty": "OKP", "crv": "Ed25519", "kid": id, "alg": "EdDSA", "use": "sig", "x": x});
        Signer { key: EncodingKey::from_ed_der(der.as_ref()), published }
    }

    fn settings() -> OidcSettings {
        OidcSettings {
            issuer: "https://id.example.com".to_owned(),
            client_id: "paygen".to_owned(),
            client_secret: Some(Zeroizing::new("a secret&".to_owned())),
            name: "Example".to_owned(),
            scopes: vec!["openid".to_owned(), "email".to_owned()],
            groups_claim: "groups".to_owned(),
            roles: Vec::new(),
        }
    }

    fn claims(attempt: &Attempt, changes: Value) -> Value {
        let now = wall().seconds();
        let mut claims = json!({
            "iss": "https://id.example.com", "aud": "paygen", "sub": "1", "exp": now + 300, "iat": now,
            "nonce": attempt.nonce, "email": "Ada@Example.com", "email_verified": true, "groups": ["ops", 7],
        });
        for (name, value) in changes.as_object().expect("changes") {
            claims[name] = value.clone();
        }
        claims
    }

    fn token(signer: &Signer, id: Option<&str>, claims: &Value) -> String {
        let mut header = Header::new(Algorithm::EdDSA);
        header.kid = id.map(str::to_owned);
        encode(&header, claims, &signer.key).expect("a token")
    }

    fn keys(signers: &[&Signer]) -> ProviderKeys {
        let mut all: Vec<Value> = signers.iter().map(|signer| signer.published.clone()).collect();
        all.push(json!({"kty": "of another kind", "kid": "new"}));
        all.push(json!({"kty": "oct", "kid": "a", "k": "c2VjcmV0"}));
        let mut other_use = signers[0].published.clone();
        other_use["use"] = json!("enc");
        all.push(other_use);
        ProviderKeys::read(json!({"keys": all}).to_string().as_bytes()).expect("keys")
    }

    #[test]
    fn a_token_is_checked_whole() {
        let (own, settings) = (signer("a"), settings());
        let attempt = Attempt::new("/console", None);
        let keys = keys(&[&own]);
        let check =
            |changes: Value| attempt.check(&token(&own, Some("a"), &claims(&attempt, changes)), &keys, &settings);
        let person = check(json!({})).expect("a person");
        assert_eq!((person.email.as_str(), person.groups.as_slice()), ("ada@example.com", &["ops".to_owned()][..]));
        let now = wall().seconds();
        assert!(check(json!({"aud": ["paygen", "other"], "azp": "paygen"})).is_ok());
        for changes in [
            json!({"iss": "https://evil.example.com"}),
            json!({"iss": null}),
            json!({"aud": "other"}),
            json!({"aud": ["paygen", "other"]}),
            json!({"azp": "other"}),
            json!({"exp": now - 300}),
            json!({"exp": null}),
            json!({"nbf": now + 300}),
            json!({"nonce": "another"}),
            json!({"nonce": null}),
            json!({"sub": null}),
        ] {
            assert!(matches!(check(changes.clone()), Err(OidcError::Token(_))), "{changes}");
        }
        for changes in [json!({"email_verified": false}), json!({"email_verified": "true"}), json!({"email": null})] {
            assert_eq!(check(changes.clone()), Err(OidcError::Email), "{changes}");
        }
    }

    #[test]
    fn only_published_keys_sign() {
        let (own, other, settings) = (signer("a"), signer("a"), settings());
        let attempt = Attempt::new("/console", None);
        let claims = claims(&attempt, json!({}));
        let check = |token: &str, keys: &ProviderKeys| attempt.check(token, keys, &settings);
        assert!(check(&token(&own, Some("a"), &claims), &keys(&[&own])).is_ok());
        assert!(check(&token(&own, None, &claims), &keys(&[&own])).is_ok(), "one key needs no id");
        assert!(matches!(check(&token(&other, Some("a"), &claims), &keys(&[&own])), Err(OidcError::Token(_))));
        assert_eq!(check(&token(&own, Some("b"), &claims), &keys(&[&own])), Err(OidcError::UnknownKey));
        assert_eq!(check(&token(&own, None, &claims), &keys(&[&own, &signer("b")])), Err(OidcError::UnknownKey));
        // Signed with a secret, such as the published key itself, or not at all.
        let secret = EncodingKey::from_secret(own.published["x"].as_str().expect("text").as_bytes());
        let mut header = Header::new(Algorithm::HS256);
        header.kid = Some("a".to_owned());
        let shared = encode(&header, &claims, &secret).expect("a token");
        let unsigned = URL_SAFE_NO_PAD.encode(r#"{"alg":"none","kid":"a"}"#);
        let unsigned = format!("{unsigned}.{}.", URL_SAFE_NO_PAD.encode(claims.to_string()));
        for wrong in [shared, unsigned, String::new()] {
            assert!(matches!(check(&wrong, &keys(&[&own])), Err(OidcError::Token(_))), "{wrong}");
        }
    }

    #[test]
    fn a_proof_anew_is_a_new_sign_in() {
        let (own, settings) = (signer("a"), settings());
        let mut attempt = Attempt::new("/console", None);
        attempt.again = Some((String::new(), String::new()));
        let asked = attempt.asked_at;
        for (since, expected) in
            [(json!(null), false), (json!(asked - 300), false), (json!(asked), true), (json!(asked - 30), true)]
        {
            let token = token(&own, Some("a"), &claims(&attempt, json!({"auth_time": since})));
            let checked = attempt.check(&token, &keys(&[&own]), &settings);
            assert_eq!(checked.is_ok(), expected, "{since}");
        }
    }

    #[test]
    fn metadata_is_the_issuers_and_leads_to_safe_places() {
        let issuer = "https://id.example.com/realm";
        assert_eq!(Metadata::place(issuer), "https://id.example.com/realm/.well-known/openid-configuration");
        let read = |name: &str, value: &str| {
            let mut metadata = json!({
                "issuer": issuer, "authorization_endpoint": "https://id.example.com/a?b=c",
                "token_endpoint": "https://id.example.com/t", "jwks_uri": "https://id.example.com/k",
            });
            metadata[name] = json!(value);
            Metadata::read(metadata.to_string().as_bytes(), issuer)
        };
        let metadata = read("x", "y").expect("metadata");
        assert!(read("issuer", "https://id.example.com/realm/").is_err());
        assert!(read("token_endpoint", "http://id.example.com/t").is_err());
        assert!(read("jwks_uri", "http://127.0.0.1:9/k").is_ok(), "this machine");

        let (attempt, settings, back) =
            (Attempt::new("/console", None), settings(), "https://c.example.com/console/oidc/callback");
        let url = attempt.url(&metadata, &settings, back).expect("a URL");
        let challenge = URL_SAFE_NO_PAD.encode(sha256(&attempt.verifier));
        assert!(
            url.starts_with("https://id.example.com/a?b=c&response_type=code&client_id=paygen&redirect_uri=https%3A"),
            "{url}"
        );
        assert!(
            url.contains(&challenge) && url.contains("code_challenge_method=S256") && !url.contains(&attempt.verifier)
        );
        let (form, header) = attempt.redemption(&metadata, &settings, ("c", back));
        assert!(form.contains(&attempt.verifier) && !form.contains("secret"), "{form}");
        assert_eq!(header.as_deref().map(String::as_str), Some("Basic cGF5Z2VuOmErc2VjcmV0JTI2"));
    }

    #[test]
    fn groups_bring_one_role_for_each_client() {
        let client = Some(ClientId::INSTALLATION);
        let rule = |group: &str, role, client| GroupRole { group: group.to_owned(), role, client };
        let roles = vec![
            rule("admins", Role::Admin, None),
            rule("ops", Role::Operations, None),
            rule("ops", Role::Support, client),
        ];
        let settings = OidcSettings { roles, ..settings() };
        let of = |groups: &[&str]| {
            let groups: Vec<String> = groups.iter().map(|group| (*group).to_owned()).collect();
            settings.memberships(&groups).iter().map(|one| (one.client, one.role)).collect::<Vec<_>>()
        };
        assert_eq!(of(&["ops", "admins"]), [(None, Role::Admin), (client, Role::Support)]);
        assert_eq!(of(&["ops"]), [(None, Role::Operations), (client, Role::Support)]);
        assert_eq!(of(&["Ops", ""]), []);
    }
}
