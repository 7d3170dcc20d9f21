//! Signing of bearer tokens: Ed25519 (RFC 8032).

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use zeroize::Zeroizing;

use crate::VaultError;

/// The key pair that signs tokens.
pub struct TokenSigner {
    id: String,
    pkcs8: Zeroizing<Vec<u8>>,
    public: Vec<u8>,
}

impl TokenSigner {
    pub(crate) fn from_seed(seed: &[u8; 32], id: &[u8; 8]) -> Result<TokenSigner, VaultError> {
        let failed = |_| VaultError::Library("the signing key");
        let pair = Ed25519KeyPair::from_seed_unchecked(seed).map_err(failed)?;
        let der: Pkcs8V1Der<'_> = pair.as_der().map_err(|_| VaultError::Library("the signing key"))?;
        Ok(TokenSigner {
            id: String::from_utf8_lossy(id).into_owned(),
            pkcs8: Zeroizing::new(der.as_ref().to_vec()),
            public: pair.public_key().as_ref().to_vec(),
        })
    }

    /// The key's id in a token's header (`kid`).
    pub fn key_id(&self) -> &str {
        &self.id
    }

    /// The private key as PKCS#8, for the signing library alone.
    pub fn pkcs8(&self) -> &[u8] {
        &self.pkcs8
    }

    /// The public key, as a JWK's `x` (RFC 8037).
    pub fn public_x(&self) -> String {
        URL_SAFE_NO_PAD.encode(&self.public)
    }
}
