//! Secrets of card holders: each has a key that seals their personal fields and documents. Destroying the key erases
//! everything sealed under it, wherever copies of it are.

use std::fmt;

use zeroize::Zeroizing;

use crate::{Purpose, Vault, VaultError, random_bytes, seal};

/// Bytes of a document that are sealed at a time.
pub const CHUNK_BYTES: usize = 64 * 1024;

/// Bytes of nonce and tag of each sealed chunk.
const OVERHEAD_BYTES: usize = 12 + 16;

/// The key of a card holder. It cannot be printed, and is wiped when dropped.
#[derive(Clone)]
pub struct HolderKey(Zeroizing<[u8; 32]>);

impl fmt::Debug for HolderKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[holder key]")
    }
}

impl Vault {
    /// A new key for a card holder, and its stored form.
    pub fn new_holder_key(&self, client: &[u8], holder: &[u8]) -> (HolderKey, Vec<u8>) {
        let key = HolderKey(Zeroizing::new(random_bytes()));
        let kept = self.seal(Purpose::HolderKeys, &[client, holder], key.0.as_slice());
        (key, kept)
    }

    /// Opens the key of a card holder.
    pub fn open_holder_key(&self, client: &[u8], holder: &[u8], kept: &[u8]) -> Result<HolderKey, VaultError> {
        let plain = self.open_sealed(Purpose::HolderKeys, &[client, holder], kept)?;
        let key = <[u8; 32]>::try_from(plain.as_slice()).map_err(|_| VaultError::CannotOpen)?;
        Ok(HolderKey(Zeroizing::new(key)))
    }

    /// The keyed hash by which a sealed field is looked up when its whole value is known. Letter case and surrounding
    /// white space are ignored.
    pub fn search_hash(&self, client: &[u8], field: &str, value: &str) -> [u8; 32] {
        let value = Zeroizing::new(value.trim().to_lowercase());
        self.mac(Purpose::HolderSearch, &[client, field.as_bytes(), value.as_bytes()])
    }

    /// Seals content again, under the newest key of its purpose.
    pub fn reseal(&self, purpose: Purpose, place: &[&[u8]], sealed: &[u8]) -> Result<Vec<u8>, VaultError> {
        let plain = self.open_sealed(purpose, place, sealed)?;
        Ok(self.seal(purpose, place, &plain))
    }
}

impl HolderKey {
    /// Seals content for a place.
    ///
    /// # Panics
    /// When the cryptographic library fails: the content must not be stored in clear.
    pub fn seal(&self, place: &[&[u8]], plain: &[u8]) -> Vec<u8> {
        seal::seal(&self.0, place, plain).expect("sealing with a whole key works")
    }

    /// Opens content sealed for the same place.
    pub fn open(&self, place: &[&[u8]], sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, VaultError> {
        seal::open(&self.0, place, sealed)
    }

    /// Seals a document piece by piece.
    pub fn seal_file(&self, document: &[u8]) -> FileSealer {
        FileSealer { key: self.clone(), document: document.to_vec(), buffer: Zeroizing::new(Vec::new()), chunk: 0 }
    }

    /// Opens a document piece by piece.
    pub fn open_file(&self, document: &[u8]) -> FileOpener {
        FileOpener { key: self.clone(), document: document.to_vec(), buffer: Vec::new(), chunk: 0 }
    }
}

/// The place of a chunk: its document, its number, and whether it is the last, so that chunks can be neither reordered
/// nor truncated.
fn place(document: &[u8], chunk: u64, last: bool) -> [Vec<u8>; 3] {
    [document.to_vec(), chunk.to_be_bytes().to_vec(), vec![u8::from(last)]]
}

/// Seals a document in chunks of [`CHUNK_BYTES`].
pub struct FileSealer {
    key: HolderKey,
    document: Vec<u8>,
    buffer: Zeroizing<Vec<u8>>,
    chunk: u64,
}

impl FileSealer {
    /// Takes the next bytes; returns the chunks completed by them, sealed.
    pub fn push(&mut self, bytes: &[u8]) -> Vec<u8> {
        self.buffer.extend_from_slice(bytes);
        let mut sealed = Vec::new();
        while self.buffer.len() > CHUNK_BYTES {
            let rest = Zeroizing::new(self.buffer.split_off(CHUNK_BYTES));
            let whole = std::mem::replace(&mut self.buffer, rest);
            sealed.extend(self.seal(&whole, false));
        }
        sealed
    }

    /// Seals the last chunk.
    pub fn finish(mut self) -> Vec<u8> {
        let rest = std::mem::take(&mut self.buffer);
        self.seal(&rest, true)
    }

    fn seal(&mut self, plain: &[u8], last: bool) -> Vec<u8> {
        let parts = place(&self.document, self.chunk, last);
        self.chunk += 1;
        self.key.seal(&parts.each_ref().map(Vec::as_slice), plain)
    }
}

/// Opens the output of a [`FileSealer`].
pub struct FileOpener {
    key: HolderKey,
    document: Vec<u8>,
    buffer: Vec<u8>,
    chunk: u64,
}

impl FileOpener {
    /// Takes the next sealed bytes; returns the content of the chunks completed by them.
    pub fn push(&mut self, bytes: &[u8]) -> Result<Vec<u8>, VaultError> {
        self.buffer.extend_from_slice(bytes);
        let mut open = Vec::new();
        while self.buffer.len() > CHUNK_BYTES + OVERHEAD_BYTES {
            let rest = self.buffer.split_off(CHUNK_BYTES + OVERHEAD_BYTES);
            let whole = std::mem::replace(&mut self.buffer, rest);
            open.extend_from_slice(&self.open(&whole, false)?);
        }
        Ok(open)
    }

    /// Opens the last chunk; fails when the document was truncated.
    pub fn finish(mut self) -> Result<Zeroizing<Vec<u8>>, VaultError> {
        let rest = std::mem::take(&mut self.buffer);
        self.open(&rest, true)
    }

    fn open(&mut self, sealed: &[u8], last: bool) -> Result<Zeroizing<Vec<u8>>, VaultError> {
        let parts = place(&self.document, self.chunk, last);
        self.chunk += 1;
        self.key.open(&parts.each_ref().map(Vec::as_slice), sealed)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{CHUNK_BYTES, HolderKey, OVERHEAD_BYTES};
    use crate::random_bytes;

    fn key() -> HolderKey {
        HolderKey(zeroize::Zeroizing::new(random_bytes()))
    }

    fn seal(key: &HolderKey, plain: &[u8], step: usize) -> Vec<u8> {
        let mut sealer = key.seal_file(b"document");
        let mut sealed: Vec<u8> = plain.chunks(step).flat_map(|piece| sealer.push(piece)).collect();
        sealed.extend(sealer.finish());
        sealed
    }

    fn open(key: &HolderKey, document: &[u8], sealed: &[u8], step: usize) -> Option<Vec<u8>> {
        let mut opener = key.open_file(document);
        let mut plain = Vec::new();
        for piece in sealed.chunks(step) {
            plain.extend(opener.push(piece).ok()?);
        }
        plain.extend_from_slice(&opener.finish().ok()?);
        Some(plain)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]

        #[test]
        fn documents_open_whole_or_not_at_all(
            size in prop::sample::select(vec![0usize, 1, 100, CHUNK_BYTES - 1, CHUNK_BYTES, CHUNK_BYTES + 1, 2 * CHUNK_BYTES, 3 * CHUNK_BYTES + 7]),
            steps in (1usize..100_000, 1usize..100_000),
            flip in any::<prop::sample::Index>(), cut in any::<prop::sample::Index>(),
        ) {
            let key = key();
            let plain: Vec<u8> = (0..size).map(|at| (at % 251) as u8).collect();
            let sealed = seal(&key, &plain, steps.0);
            prop_assert_eq!(open(&key, b"document", &sealed, steps.1), Some(plain));
            prop_assert_eq!(open(&key, b"another", &sealed, steps.1), None);
            prop_assert_eq!(open(&super::HolderKey(zeroize::Zeroizing::new([1; 32])), b"document", &sealed, steps.1), None);
            let mut altered = sealed.clone();
            altered[flip.index(sealed.len())] ^= 1;
            prop_assert_eq!(open(&key, b"document", &altered, steps.1), None);
            prop_assert_eq!(open(&key, b"document", &sealed[..cut.index(sealed.len())], steps.1), None);
            let whole = CHUNK_BYTES + OVERHEAD_BYTES;
            if sealed.len() > 2 * whole {
                let swapped = [&sealed[whole..2 * whole], &sealed[..whole], &sealed[2 * whole..]].concat();
                prop_assert_eq!(open(&key, b"document", &swapped, steps.1), None);
                prop_assert_eq!(open(&key, b"document", &sealed[..2 * whole], steps.1), None);
            }
        }
    }
}
