//! Data keys and what is done with them.

use aws_lc_rs::hmac;
use zeroize::Zeroizing;

use crate::{KeyProvider, TokenSigner, VaultError, random_bytes, seal};

macro_rules! purposes {
    ($($(#[$doc:meta])* $variant:ident = $word:literal),* $(,)?) => {
        /// What a data key is for. A key serves one purpose only.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Purpose {
            $($(#[$doc])* $variant,)*
        }

        impl Purpose {
            /// Every purpose.
            pub const ALL: &'static [Purpose] = &[$(Purpose::$variant),*];

            /// Its name, as it is kept.
            pub const fn as_str(self) -> &'static str {
                match self { $(Purpose::$variant => $word,)* }
            }
        }
    };
}

purposes! {
    /// Hashes of API keys.
    ApiKeys = "api_keys",
    /// Fingerprints of requests.
    Fingerprint = "request_fingerprints",
    /// Answers kept for repeats.
    IdempotencyBody = "idempotency_bodies",
    /// Signing bearer tokens.
    TokenSigning = "token_signing",
}

/// A data key as it may be kept: only its provider can open it.
#[derive(Clone, PartialEq, Eq)]
pub struct WrappedKey {
    /// Its id, eight hex characters.
    pub id: String,
    /// A word of [`Purpose`].
    pub purpose: String,
    /// The wrapped key.
    pub wrapped: Vec<u8>,
}

/// Makes data keys.
pub struct DataKey;

impl DataKey {
    /// A new data key, wrapped.
    pub fn generate(provider: &dyn KeyProvider, purpose: Purpose) -> Result<WrappedKey, VaultError> {
        let id: String = random_bytes::<4>().iter().map(|byte| format!("{byte:02x}")).collect();
        let key = Zeroizing::new(random_bytes::<32>());
        let wrapped = provider.wrap(&key, &[purpose.as_str().as_bytes(), id.as_bytes()])?;
        Ok(WrappedKey { id, purpose: purpose.as_str().to_owned(), wrapped })
    }
}

struct OpenKey {
    id: [u8; 8],
    purpose: Purpose,
    key: Zeroizing<[u8; 32]>,
}

/// The open vault. Of several keys of a purpose the last one given seals, and all of them open.
pub struct Vault {
    keys: Vec<OpenKey>,
    signer: TokenSigner,
}

/// The form of sealed content: version, data-key id, then what the key sealed.
const VERSION: u8 = 1;

impl Vault {
    /// Opens the vault with the wrapped data keys, oldest first.
    pub fn open(provider: &dyn KeyProvider, wrapped: &[WrappedKey]) -> Result<Vault, VaultError> {
        let mut keys = Vec::with_capacity(wrapped.len());
        for key in wrapped {
            let Some(purpose) = Purpose::ALL.iter().find(|purpose| purpose.as_str() == key.purpose) else { continue };
            let plain = provider.unwrap(&key.wrapped, &[key.purpose.as_bytes(), key.id.as_bytes()])?;
            let id = <[u8; 8]>::try_from(key.id.as_bytes()).map_err(|_| VaultError::CannotOpen)?;
            keys.push(OpenKey { id, purpose: *purpose, key: plain });
        }
        let newest = |purpose: Purpose| keys.iter().rfind(|key: &&OpenKey| key.purpose == purpose);
        let signing = newest(Purpose::TokenSigning).ok_or(VaultError::NoDataKey(Purpose::TokenSigning.as_str()))?;
        let signer = TokenSigner::from_seed(&signing.key, &signing.id)?;
        Ok(Vault { keys, signer })
    }

    fn newest(&self, purpose: Purpose) -> &OpenKey {
        let key = self.keys.iter().rfind(|key| key.purpose == purpose);
        key.unwrap_or_else(|| panic!("the vault was opened without a key for {}", purpose.as_str()))
    }

    /// Seals content for a place; only the same parts of `place` open it again.
    ///
    /// # Panics
    /// When the vault was opened without a key of this purpose, or the library fails: nothing may go on in clear.
    pub fn seal(&self, purpose: Purpose, place: &[&[u8]], plain: &[u8]) -> Vec<u8> {
        let key = self.newest(purpose);
        let sealed = seal::seal(&key.key, place, plain).expect("sealing with a whole key works");
        [&[VERSION], key.id.as_slice(), &sealed].concat()
    }

    /// Opens what was sealed for the same purpose and place.
    pub fn open_sealed(
        &self,
        purpose: Purpose,
        place: &[&[u8]],
        sealed: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, VaultError> {
        let (version, rest) = sealed.split_first().ok_or(VaultError::CannotOpen)?;
        let (id, content) = rest.split_first_chunk::<8>().ok_or(VaultError::CannotOpen)?;
        let known = self.keys.iter().find(|key| key.purpose == purpose && key.id == *id);
        match known {
            Some(key) if *version == VERSION => seal::open(&key.key, place, content),
            _ => Err(VaultError::CannotOpen),
        }
    }

    /// A keyed hash (HMAC-SHA-256) of several parts, for looking up what must not be kept.
    pub fn mac(&self, purpose: Purpose, parts: &[&[u8]]) -> [u8; 32] {
        // The key that hashes must stay the same for as long as its hashes are looked up: the oldest one.
        let key = self.keys.iter().find(|key| key.purpose == purpose);
        let key = key.unwrap_or_else(|| panic!("the vault was opened without a key for {}", purpose.as_str()));
        let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key.key.as_slice()), &seal::joined(parts));
        let mut hash = [0; 32];
        hash.copy_from_slice(tag.as_ref());
        hash
    }

    /// What signs bearer tokens.
    pub fn token_signer(&self) -> &TokenSigner {
        &self.signer
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{DataKey, Purpose, Vault};
    use crate::FileKeyProvider;

    fn vault() -> Vault {
        let directory = tempfile::tempdir().expect("a directory");
        let provider = FileKeyProvider::open_or_create(&directory.path().join("key")).expect("a key file");
        let keys: Vec<_> =
            Purpose::ALL.iter().map(|purpose| DataKey::generate(&provider, *purpose).expect("a data key")).collect();
        Vault::open(&provider, &keys).expect("the vault opens")
    }

    #[test]
    fn another_key_file_does_not_open_the_data_keys() {
        let directory = tempfile::tempdir().expect("a directory");
        let one = FileKeyProvider::open_or_create(&directory.path().join("one")).expect("a key file");
        let two = FileKeyProvider::open_or_create(&directory.path().join("two")).expect("a key file");
        let key = DataKey::generate(&one, Purpose::TokenSigning).expect("a data key");
        assert!(Vault::open(&two, std::slice::from_ref(&key)).is_err());
        let again = FileKeyProvider::open(&directory.path().join("one")).expect("it opens again");
        assert!(Vault::open(&again, &[key]).is_ok());
    }

    #[test]
    fn a_key_file_that_others_can_read_is_refused() {
        use std::os::unix::fs::PermissionsExt;
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("key");
        FileKeyProvider::open_or_create(&path).expect("a key file");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).expect("permissions");
        let refused = FileKeyProvider::open(&path).err().map(|error| error.to_string()).unwrap_or_default();
        assert!(refused.contains("chmod 600"), "{refused}");
        std::fs::write(&path, "something else").expect("a write");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).expect("permissions");
        assert!(FileKeyProvider::open(&path).is_err());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn what_is_sealed_opens_in_its_place_and_nowhere_else(
            plain in prop::collection::vec(any::<u8>(), 0..200), flip in any::<prop::sample::Index>(),
        ) {
            let vault = vault();
            let place: [&[u8]; 2] = [b"client", b"card"];
            let sealed = vault.seal(Purpose::IdempotencyBody, &place, &plain);
            let opened = vault.open_sealed(Purpose::IdempotencyBody, &place, &sealed).expect("it opens");
            prop_assert_eq!(opened.as_slice(), plain.as_slice());
            prop_assert!(vault.open_sealed(Purpose::IdempotencyBody, &[b"clientcard"], &sealed).is_err());
            prop_assert!(vault.open_sealed(Purpose::IdempotencyBody, &[b"clien", b"tcard"], &sealed).is_err());
            prop_assert!(vault.open_sealed(Purpose::Fingerprint, &place, &sealed).is_err());
            let mut altered = sealed.clone();
            altered[flip.index(sealed.len())] ^= 1;
            prop_assert!(vault.open_sealed(Purpose::IdempotencyBody, &place, &altered).is_err());
            prop_assert!(vault.open_sealed(Purpose::IdempotencyBody, &place, &sealed[..sealed.len() - 1]).is_err());
        }
    }
}
