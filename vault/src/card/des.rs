//! DES and Triple DES, ECB, single blocks: the building blocks of the networks' card-verification and PIN algorithms.

#![allow(deprecated, reason = "the networks' algorithms are defined on DES; nothing else here uses it")]

use aws_lc_rs::cipher::{
    Algorithm, DES_EDE_FOR_LEGACY_USE_ONLY, DES_FOR_LEGACY_USE_ONLY, DecryptingKey, DecryptionContext, EncryptingKey,
    UnboundCipherKey,
};
use zeroize::Zeroizing;

use crate::VaultError;

pub(crate) type Block = [u8; 8];

/// A double-length key, of the halves A and B.
pub(crate) struct KeyPair(Zeroizing<[u8; 16]>);

impl KeyPair {
    /// Takes the key pair from the first half of a data key.
    pub(crate) fn from_key(key: &[u8; 32]) -> KeyPair {
        let mut pair = Zeroizing::new([0; 16]);
        pair.copy_from_slice(&key[..16]);
        KeyPair(pair)
    }

    pub(crate) fn from_bytes(bytes: [u8; 16]) -> KeyPair {
        KeyPair(Zeroizing::new(bytes))
    }

    /// DES under A.
    pub(crate) fn encrypt_with_a(&self, block: Block) -> Result<Block, VaultError> {
        encrypt(&DES_FOR_LEGACY_USE_ONLY, &self.0[..8], block)
    }

    /// Triple DES: encrypt under A, decrypt under B, encrypt under A.
    pub(crate) fn encrypt(&self, block: Block) -> Result<Block, VaultError> {
        encrypt(&DES_EDE_FOR_LEGACY_USE_ONLY, self.0.as_slice(), block)
    }

    /// The inverse of [`KeyPair::encrypt`].
    pub(crate) fn decrypt(&self, block: Block) -> Result<Block, VaultError> {
        let failed = |_| VaultError::Library("Triple DES");
        let key = UnboundCipherKey::new(&DES_EDE_FOR_LEGACY_USE_ONLY, self.0.as_slice()).map_err(failed)?;
        let mut block = block;
        DecryptingKey::ecb(key)
            .and_then(|key| key.decrypt(&mut block, DecryptionContext::None).map(|_| ()))
            .map_err(failed)?;
        Ok(block)
    }
}

fn encrypt(algorithm: &'static Algorithm, key: &[u8], block: Block) -> Result<Block, VaultError> {
    let failed = |_| VaultError::Library("DES");
    let key = UnboundCipherKey::new(algorithm, key).map_err(failed)?;
    let mut block = block;
    EncryptingKey::ecb(key).and_then(|key| key.encrypt(&mut block).map(|_| ())).map_err(failed)?;
    Ok(block)
}

/// Packs two decimal or hexadecimal digits into each byte.
pub(crate) fn packed(digits: impl Iterator<Item = u8>) -> Block {
    let mut block = [0; 8];
    for (number, digit) in digits.take(16).enumerate() {
        block[number / 2] |= if number % 2 == 0 { digit << 4 } else { digit };
    }
    block
}

/// The half-bytes of a block.
pub(crate) fn nibbles(block: &Block) -> impl Iterator<Item = u8> + Clone + '_ {
    block.iter().flat_map(|byte| [byte >> 4, byte & 0x0f])
}

/// The first `COUNT` digits of a block: its decimal digits in order, then its letters less ten (decimalization).
pub(crate) fn decimal_digits<const COUNT: usize>(block: &Block) -> [u8; COUNT] {
    let digits = nibbles(block).filter(|nibble| *nibble < 10);
    let letters = nibbles(block).filter(|nibble| *nibble >= 10).map(|nibble| nibble - 10);
    let mut found = [0; COUNT];
    for (slot, digit) in found.iter_mut().zip(digits.chain(letters)) {
        *slot = b'0' + digit;
    }
    found
}
