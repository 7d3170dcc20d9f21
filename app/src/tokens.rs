//! Bearer tokens: JWTs (RFC 7519) signed with EdDSA (RFC 8037), valid for one client and a subset of a key's scopes.

use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation, decode, encode};
use paygen_core::access::Scopes;
use paygen_core::ids::{ApiKeyId, CardHolderId, CardId, ClientId, Id, TokenId};
use paygen_vault::Vault;
use serde::{Deserialize, Serialize};

/// The claims of a token.
#[derive(Clone, Debug)]
pub struct Claims {
    pub client: ClientId,
    pub id: TokenId,
    /// The API key it was issued with.
    pub api_key: ApiKeyId,
    pub scopes: Scopes,
    /// The one card holder it is restricted to, with their cards.
    pub card_holder: Option<CardHolderId>,
    /// The one card it is restricted to.
    pub card: Option<CardId>,
    /// Expiry, in unix seconds.
    pub expires: i64,
}

/// Why a token is not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenError {
    /// Not issued by this server, or altered.
    Invalid,
    Expired,
}

#[derive(Serialize, Deserialize)]
struct Payload {
    iss: String,
    jti: String,
    sub: String,
    azp: String,
    scope: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    card_holder: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    card: Option<String>,
    iat: i64,
    exp: i64,
}

const ISSUER: &str = "paygen";

/// Signs a token valid from `issued`, in unix seconds.
pub fn sign(claims: &Claims, issued: i64, vault: &Vault) -> Result<String, jsonwebtoken::errors::Error> {
    let signer = vault.token_signer();
    let mut header = Header::new(Algorithm::EdDSA);
    header.kid = Some(signer.key_id().to_owned());
    let payload = Payload {
        iss: ISSUER.to_owned(),
        jti: claims.id.to_string(),
        sub: claims.client.to_string(),
        azp: claims.api_key.to_string(),
        scope: claims.scopes.to_string(),
        card_holder: claims.card_holder.map(|id| id.to_string()),
        card: claims.card.map(|id| id.to_string()),
        iat: issued,
        exp: claims.expires,
    };
    encode(&header, &payload, &EncodingKey::from_ed_der(signer.pkcs8()))
}

/// Whether a credential has the form of a token (RFC 7519, section 3), whatever its issuer.
pub fn looks_like_one(text: &str) -> bool {
    text.starts_with("eyJ") && text.split('.').count() == 3
}

/// Verifies and reads a token, by wall time.
pub fn read(token: &str, vault: &Vault) -> Result<Claims, TokenError> {
    let mut rules = Validation::new(Algorithm::EdDSA);
    rules.leeway = 0;
    rules.set_issuer(&[ISSUER]);
    rules.set_required_spec_claims(&["exp", "iss"]);
    let key = DecodingKey::from_ed_components(&vault.token_signer().public_x()).map_err(|_| TokenError::Invalid)?;
    let read = decode::<Payload>(token, &key, &rules).map_err(|error| match error.kind() {
        jsonwebtoken::errors::ErrorKind::ExpiredSignature => TokenError::Expired,
        _ => TokenError::Invalid,
    })?;
    let claims = read.claims;
    // A restriction that cannot be parsed must not become no restriction.
    let id = |text: Option<String>| text.map(|text| Id::parse(&text).ok_or(TokenError::Invalid)).transpose();
    Ok(Claims {
        client: ClientId::parse(&claims.sub).ok_or(TokenError::Invalid)?,
        id: TokenId::parse(&claims.jti).ok_or(TokenError::Invalid)?,
        api_key: ApiKeyId::parse(&claims.azp).ok_or(TokenError::Invalid)?,
        scopes: Scopes::parse(&claims.scope),
        card_holder: id(claims.card_holder)?.map(CardHolderId),
        card: id(claims.card)?.map(CardId),
        expires: claims.exp,
    })
}

#[cfg(test)]
mod tests {
    use paygen_core::access::Scopes;
    use paygen_core::ids::{ApiKeyId, ClientId, Id, TokenId};
    use paygen_vault::{DataKey, FileKeyProvider, Purpose, Vault};

    use super::{Claims, TokenError, read, sign};

    #[test]
    fn a_token_made_while_the_clock_was_ahead_is_good_until_it_ends() {
        let directory = tempfile::tempdir().expect("a directory");
        let provider = FileKeyProvider::open_or_create(&directory.path().join("key")).expect("a key file");
        let keys = Purpose::ALL.iter().map(|purpose| DataKey::generate(&provider, *purpose).expect("a data key"));
        let vault = Vault::open(&provider, &keys.collect::<Vec<_>>()).expect("a vault");
        let id = Id::from_bytes([1; 12]);
        let claims = Claims {
            client: ClientId(id),
            id: TokenId(id),
            api_key: ApiKeyId(id),
            scopes: Scopes::parse("cards:read"),
            card_holder: None,
            card: None,
            expires: 0,
        };
        let now = paygen_engine::clock::wall().seconds();
        let sign = |issued, expires| sign(&Claims { expires, ..claims.clone() }, issued, &vault);
        let ahead = sign(now + 3 * 3_600, now + 4 * 3_600).expect("a token");
        assert_eq!(read(&ahead, &vault).map(|claims| claims.client).ok(), Some(claims.client));
        let over = sign(now - 60, now - 1).expect("a token");
        assert_eq!(read(&over, &vault).err(), Some(TokenError::Expired));
    }
}
