//! API keys: random, shown once, stored only as keyed hashes.

use zeroize::Zeroizing;

use crate::{Purpose, Vault, random_bytes};

/// The environment a key is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyKind {
    Test,
    Live,
}

/// The text of an API key. It cannot be printed, and is wiped when dropped.
pub struct ApiKeySecret(Zeroizing<String>);

const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

impl ApiKeySecret {
    /// A new key with 256 random bits.
    pub fn generate(kind: KeyKind) -> ApiKeySecret {
        let prefix = match kind {
            KeyKind::Test => "pgk_test_",
            KeyKind::Live => "pgk_live_",
        };
        let mut text = Zeroizing::new(prefix.to_owned());
        // 43 characters of an alphabet of 62 carry 256 bits. Bytes from 248 up would favour the first characters and
        // are drawn again.
        while text.len() < prefix.len() + 43 {
            let [byte] = random_bytes::<1>();
            if byte < 248 {
                text.push(char::from(ALPHABET[usize::from(byte % 62)]));
            }
        }
        ApiKeySecret(text)
    }

    /// A key from a given text, for an installation that brings its own.
    pub fn from_text(text: &str) -> ApiKeySecret {
        ApiKeySecret(Zeroizing::new(text.to_owned()))
    }

    /// Whether a key, as received, is a sandbox key.
    pub fn is_of_sandbox(text: &str) -> bool {
        text.starts_with("pgk_test_")
    }

    /// The keyed hash by which the key is looked up.
    pub fn hash(&self, vault: &Vault) -> [u8; 32] {
        ApiKeySecret::hash_text(&self.0, vault)
    }

    /// The keyed hash of a key as received.
    pub fn hash_text(text: &str, vault: &Vault) -> [u8; 32] {
        vault.mac(Purpose::ApiKeys, &[text.as_bytes()])
    }

    /// The beginning and end of the key, by which its owner recognizes it.
    pub fn hint(&self) -> String {
        let characters: Vec<char> = self.0.chars().collect();
        if characters.len() < 24 {
            return "…".to_owned();
        }
        let begin: String = characters[..13].iter().collect();
        let end: String = characters[characters.len() - 4..].iter().collect();
        format!("{begin}…{end}")
    }

    /// The text, for showing it once.
    pub fn expose(&self) -> &str {
        &self.0
    }
}
