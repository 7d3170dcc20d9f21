//! Sealing of bytes under a key: AES-256-GCM with a random 96-bit nonce, bound to their place by associated data.

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use zeroize::Zeroizing;

use crate::{VaultError, random_bytes};

/// Encodes several parts as associated data, each with its length, so that different splits differ.
fn joined(parts: &[&[u8]]) -> Vec<u8> {
    let mut joined = Vec::new();
    for part in parts {
        joined.extend((part.len() as u64).to_be_bytes());
        joined.extend(*part);
    }
    joined
}

/// A key that is set up for sealing and opening.
pub(crate) struct SealingKey(LessSafeKey);

impl SealingKey {
    pub(crate) fn new(bytes: &[u8; 32]) -> Result<SealingKey, VaultError> {
        let unbound = UnboundKey::new(&AES_256_GCM, bytes).map_err(|_| VaultError::Library("key set-up"))?;
        Ok(SealingKey(LessSafeKey::new(unbound)))
    }

    /// Returns nonce, ciphertext and tag.
    pub(crate) fn seal(&self, aad: &[&[u8]], plain: &[u8]) -> Result<Vec<u8>, VaultError> {
        let nonce: [u8; NONCE_LEN] = random_bytes();
        let mut sealed = Vec::with_capacity(NONCE_LEN + plain.len() + AES_256_GCM.tag_len());
        sealed.extend(nonce);
        sealed.extend(plain);
        let tag = self
            .0
            .seal_in_place_separate_tag(
                Nonce::assume_unique_for_key(nonce),
                Aad::from(joined(aad)),
                &mut sealed[NONCE_LEN..],
            )
            .map_err(|_| VaultError::Library("sealing"))?;
        sealed.extend(tag.as_ref());
        Ok(sealed)
    }

    /// Opens the output of [`SealingKey::seal`] for the same key and place.
    pub(crate) fn open(&self, aad: &[&[u8]], sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, VaultError> {
        let (nonce, content) = sealed.split_first_chunk::<NONCE_LEN>().ok_or(VaultError::CannotOpen)?;
        let mut content = Zeroizing::new(content.to_vec());
        let length = self
            .0
            .open_in_place(Nonce::assume_unique_for_key(*nonce), Aad::from(joined(aad)), &mut content)
            .map_err(|_| VaultError::CannotOpen)?
            .len();
        content.truncate(length);
        Ok(content)
    }
}

/// Seals once with a key that is not used again.
pub(crate) fn seal(key: &[u8; 32], aad: &[&[u8]], plain: &[u8]) -> Result<Vec<u8>, VaultError> {
    SealingKey::new(key)?.seal(aad, plain)
}

/// Opens once with a key that is not used again.
pub(crate) fn open(key: &[u8; 32], aad: &[&[u8]], sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, VaultError> {
    SealingKey::new(key)?.open(aad, sealed)
}
