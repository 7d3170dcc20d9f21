//! The secrets of Paygen: keys, sealing, fingerprints. Secret types cannot be printed and are wiped when dropped.
//!
//! Envelope encryption: a [`KeyProvider`] holds a key that never leaves it and wraps the data keys, of which there is
//! at least one for each [`Purpose`]; the caller stores the wrapped data keys. AES-256-GCM (NIST SP 800-38D) seals,
//! HMAC-SHA-256 (RFC 2104) makes look-up hashes, Ed25519 (RFC 8032) signs tokens.

mod api_key;
mod card;
mod data_keys;
mod holder;
pub mod mask;
mod provider;
mod seal;
mod signer;

pub use api_key::{ApiKeySecret, KeyKind};
pub use card::{CardRange, Code, Expiry, Pan, PanError, Pin, ServiceCode, ZonePinKey};
pub use data_keys::{DataKey, Purpose, Vault, WrappedKey, sealed_with};
pub use holder::{CHUNK_BYTES, FileOpener, FileSealer, HolderKey};
pub use provider::{FileKeyProvider, KeyProvider};
pub use signer::TokenSigner;

/// Why an operation of the vault failed.
#[derive(Debug, thiserror::Error)]
pub enum VaultError {
    #[error("the key file {path}: {why}")]
    KeyFile {
        path: String,
        /// What is wrong, and the fix.
        why: String,
    },
    /// The content is sealed under another key or for another place, or was altered.
    #[error("sealed content cannot be opened: it was altered, or belongs to another key or place")]
    CannotOpen,
    #[error("there is no data key for {0}")]
    NoDataKey(&'static str),
    #[error("the cryptographic library failed at {0}")]
    Library(&'static str),
}

/// Random bytes from the operating system's generator.
///
/// # Panics
/// When the operating system cannot provide random bytes: no operation would be safe.
pub fn random_bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    aws_lc_rs::rand::fill(&mut bytes).expect("the operating system gives randomness");
    bytes
}
