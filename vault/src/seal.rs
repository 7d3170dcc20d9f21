//! Sealing of bytes under a key: AES-256-GCM with a random 96-bit nonce, bound to their place by associated data.

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use zeroize::Zeroizing;

use crate::{VaultError, random_bytes};

/// Encodes several parts as associated data, each with its length, so that different splits differ.
pub(crate) fn joined(parts: &[&[u8]]) -> Vec<u8> {
    let mut joined = Vec::new();
    for part in parts {
        joined.extend((part.len() as u64).to_be_bytes());
        joined.extend(*part);
    }
    joined
}

fn key(bytes: &[u8; 32]) -> Result<LessSafeKey, VaultError> {
    let unbound = UnboundKey::new(&AES_256_GCM, bytes).map_err(|_| VaultError::Library("key set-up"))?;
    Ok(LessSafeKey::new(unbound))
}

/// Returns nonce, ciphertext and tag.
pub(crate) fn seal(key_bytes: &[u8; 32], aad: &[&[u8]], plain: &[u8]) -> Result<Vec<u8>, VaultError> {
    let nonce: [u8; NONCE_LEN] = random_bytes();
    let mut sealed = plain.to_vec();
    key(key_bytes)?
        .seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::from(joined(aad)), &mut sealed)
        .map_err(|_| VaultError::Library("sealing"))?;
    Ok([nonce.as_slice(), &sealed].concat())
}

/// Opens the output of [`seal`] for the same key and place.
pub(crate) fn open(key_bytes: &[u8; 32], aad: &[&[u8]], sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, VaultError> {
    let (nonce, content) = sealed.split_first_chunk::<NONCE_LEN>().ok_or(VaultError::CannotOpen)?;
    let mut content = Zeroizing::new(content.to_vec());
    let length = key(key_bytes)?
        .open_in_place(Nonce::assume_unique_for_key(*nonce), Aad::from(joined(aad)), &mut content)
        .map_err(|_| VaultError::CannotOpen)?
        .len();
    content.truncate(length);
    Ok(content)
}
