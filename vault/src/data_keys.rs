//! Data keys, one or more for each purpose, and the operations on them: sealing, keyed hashes, derivation, signing.

use std::sync::{Arc, OnceLock, PoisonError, RwLock};

use aws_lc_rs::hmac;
use zeroize::Zeroizing;

use crate::card::KeyPair;
use crate::seal::SealingKey;
use crate::{KeyProvider, TokenSigner, VaultError, random_bytes};

macro_rules! purposes {
    ($($(#[$doc:meta])* $variant:ident = $word:literal),* $(,)?) => {
        /// The purpose of a data key. A key serves one purpose only.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Purpose {
            $($(#[$doc])* $variant,)*
        }

        impl Purpose {
            pub const ALL: &'static [Purpose] = &[$(Purpose::$variant),*];

            /// The stored name.
            pub const fn as_str(self) -> &'static str {
                match self { $(Purpose::$variant => $word,)* }
            }
        }
    };
}

purposes! {
    ApiKeys = "api_keys",
    Fingerprint = "request_fingerprints",
    /// Sealing of answers kept for replays.
    IdempotencyBody = "idempotency_bodies",
    TokenSigning = "token_signing",
    CardNumbers = "card_numbers",
    /// Look-up of cards by number.
    CardFingerprints = "card_fingerprints",
    /// The card-verification key pair (CVK A and B) from which card codes are derived.
    CardVerification = "card_verification",
    /// The PIN-verification key pair (PVK A and B) from which PIN verification values are derived.
    PinVerification = "pin_verification",
    /// Sealing of PIN verification values.
    Pins = "pins",
    /// Sealing of the card holders' keys.
    HolderKeys = "holder_keys",
    /// Look-up of card holders by sealed fields.
    HolderSearch = "holder_search",
    /// Sealing of the tokens and signing secrets of webhook endpoints.
    WebhookCredentials = "webhook_credentials",
    /// Sealing of the signing secrets of responders.
    ResponderCredentials = "responder_credentials",
    RevealTokens = "reveal_tokens",
    /// Sealing of the secrets of one-time codes.
    SecondFactors = "second_factors",
}

impl Purpose {
    /// The purposes whose keys are rotated: their content is sealed again under a new key. Keys of the other purposes
    /// derive values that are looked up or printed on cards, and live as long as those values.
    pub const ROTATED: &'static [Purpose] = &[
        Purpose::CardNumbers,
        Purpose::Pins,
        Purpose::HolderKeys,
        Purpose::WebhookCredentials,
        Purpose::ResponderCredentials,
        Purpose::IdempotencyBody,
        Purpose::SecondFactors,
    ];

    /// Parses a stored name.
    pub fn parse(name: &str) -> Option<Purpose> {
        Purpose::ALL.iter().copied().find(|purpose| purpose.as_str() == name)
    }
}

/// A data key in its stored form: only its provider can open it.
#[derive(Clone, PartialEq, Eq)]
pub struct WrappedKey {
    /// Eight hexadecimal characters.
    pub id: String,
    /// The stored name of a [`Purpose`].
    pub purpose: String,
    pub wrapped: Vec<u8>,
}

/// Generates and rewraps data keys.
pub struct DataKey;

impl DataKey {
    /// A new data key, wrapped.
    pub fn generate(provider: &dyn KeyProvider, purpose: Purpose) -> Result<WrappedKey, VaultError> {
        let id: String = random_bytes::<4>().iter().map(|byte| format!("{byte:02x}")).collect();
        let key = Zeroizing::new(random_bytes::<32>());
        let wrapped = provider.wrap(&key, &[purpose.as_str().as_bytes(), id.as_bytes()])?;
        Ok(WrappedKey { id, purpose: purpose.as_str().to_owned(), wrapped })
    }

    /// Whether a provider can open a data key.
    pub fn opens(provider: &dyn KeyProvider, key: &WrappedKey) -> bool {
        provider.unwrap(&key.wrapped, &[key.purpose.as_bytes(), key.id.as_bytes()]).is_ok()
    }

    /// The same data key, wrapped by another provider; unchanged when that provider wrapped it already.
    pub fn rewrap(from: &dyn KeyProvider, to: &dyn KeyProvider, key: &WrappedKey) -> Result<WrappedKey, VaultError> {
        let place = [key.purpose.as_bytes(), key.id.as_bytes()];
        if to.unwrap(&key.wrapped, &place).is_ok() {
            return Ok(key.clone());
        }
        let plain = from.unwrap(&key.wrapped, &place)?;
        Ok(WrappedKey { wrapped: to.wrap(&plain, &place)?, ..key.clone() })
    }
}

struct OpenKey {
    id: [u8; 8],
    purpose: Purpose,
    key: Zeroizing<[u8; 32]>,
    /// The key set up for sealing and for keyed hashes: setting it up costs more than a short operation.
    sealing: SealingKey,
    hashing: hmac::Key,
}

struct Keys {
    keys: Vec<OpenKey>,
    signer: Arc<TokenSigner>,
}

/// Called when content names a data key the vault does not have; it may reload the vault's keys.
type KeyLoader = Box<dyn Fn(&Vault, &[u8]) + Send + Sync>;

/// The open vault. Of several keys of a purpose the last one seals, and all of them open.
pub struct Vault {
    keys: RwLock<Arc<Keys>>,
    key_loader: OnceLock<KeyLoader>,
}

/// Version of the format of sealed content: version, data-key id, sealed bytes.
const VERSION: u8 = 1;

/// The id of the data key under which content is sealed.
pub fn sealed_with(sealed: &[u8]) -> Option<&str> {
    let (version, rest) = sealed.split_first()?;
    let (id, _) = rest.split_first_chunk::<8>()?;
    std::str::from_utf8(id).ok().filter(|_| *version == VERSION)
}

impl Keys {
    fn open(provider: &dyn KeyProvider, wrapped: &[WrappedKey]) -> Result<Keys, VaultError> {
        let mut keys = Vec::with_capacity(wrapped.len());
        for key in wrapped {
            let Some(purpose) = Purpose::parse(&key.purpose) else { continue };
            let plain = provider.unwrap(&key.wrapped, &[key.purpose.as_bytes(), key.id.as_bytes()])?;
            let id = <[u8; 8]>::try_from(key.id.as_bytes()).map_err(|_| VaultError::CannotOpen)?;
            let (sealing, hashing) = (SealingKey::new(&plain)?, hmac::Key::new(hmac::HMAC_SHA256, plain.as_slice()));
            keys.push(OpenKey { id, purpose, key: plain, sealing, hashing });
        }
        for purpose in Purpose::ALL {
            if !keys.iter().any(|key| key.purpose == *purpose) {
                return Err(VaultError::NoDataKey(purpose.as_str()));
            }
        }
        let signing = keys.iter().rfind(|key| key.purpose == Purpose::TokenSigning);
        let signing = signing.ok_or(VaultError::NoDataKey(Purpose::TokenSigning.as_str()))?;
        let signer = Arc::new(TokenSigner::from_seed(&signing.key, &signing.id)?);
        Ok(Keys { keys, signer })
    }

    fn newest(&self, purpose: Purpose) -> &OpenKey {
        let key = self.keys.iter().rfind(|key| key.purpose == purpose);
        key.unwrap_or_else(|| panic!("an open vault has a key for {}", purpose.as_str()))
    }

    /// The oldest key of a purpose, for results that are looked up or compared forever.
    fn oldest(&self, purpose: Purpose) -> &OpenKey {
        let key = self.keys.iter().find(|key| key.purpose == purpose);
        key.unwrap_or_else(|| panic!("an open vault has a key for {}", purpose.as_str()))
    }
}

impl Vault {
    /// Opens the vault with the wrapped data keys; of a purpose's keys the last one seals. Every purpose needs a key.
    pub fn open(provider: &dyn KeyProvider, wrapped: &[WrappedKey]) -> Result<Vault, VaultError> {
        let keys = RwLock::new(Arc::new(Keys::open(provider, wrapped)?));
        Ok(Vault { keys, key_loader: OnceLock::new() })
    }

    /// Sets the loader for data keys created elsewhere. It is called once for each opening of content that names an
    /// unknown key, with that content, and the opening is then retried. Only the first call has an effect.
    pub fn set_key_loader(&self, key_loader: impl Fn(&Vault, &[u8]) + Send + Sync + 'static) {
        let _ = self.key_loader.set(Box::new(key_loader));
    }

    /// Replaces the data keys, after another node or a rotation changed them.
    pub fn reopen(&self, provider: &dyn KeyProvider, wrapped: &[WrappedKey]) -> Result<(), VaultError> {
        let keys = Arc::new(Keys::open(provider, wrapped)?);
        *self.keys.write().unwrap_or_else(PoisonError::into_inner) = keys;
        Ok(())
    }

    fn keys(&self) -> Arc<Keys> {
        self.keys.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Whether the vault has the key under which content is sealed.
    pub fn has_key_for(&self, sealed: &[u8]) -> bool {
        let keys = self.keys();
        sealed_with(sealed).is_some_and(|id| keys.keys.iter().any(|key| key.id == id.as_bytes()))
    }

    /// The id of the key that seals for a purpose.
    pub fn sealing_key(&self, purpose: Purpose) -> String {
        String::from_utf8_lossy(&self.keys().newest(purpose).id).into_owned()
    }

    /// Seals content for a place: the parts of `place` are its associated data, and only the same parts open it again.
    ///
    /// # Panics
    /// When the cryptographic library fails: the content must not be stored in clear.
    pub fn seal(&self, purpose: Purpose, place: &[&[u8]], plain: &[u8]) -> Vec<u8> {
        let keys = self.keys();
        let key = keys.newest(purpose);
        let sealed = key.sealing.seal(place, plain).expect("sealing with a whole key works");
        [&[VERSION], key.id.as_slice(), &sealed].concat()
    }

    /// Opens content sealed for the same purpose and place.
    pub fn open_sealed(
        &self,
        purpose: Purpose,
        place: &[&[u8]],
        sealed: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, VaultError> {
        let (version, rest) = sealed.split_first().ok_or(VaultError::CannotOpen)?;
        let (id, content) = rest.split_first_chunk::<8>().ok_or(VaultError::CannotOpen)?;
        if !self.has_key_for(sealed)
            && let Some(key_loader) = self.key_loader.get()
        {
            key_loader(self, sealed);
        }
        let keys = self.keys();
        let known = keys.keys.iter().find(|key| key.purpose == purpose && key.id == *id);
        match known {
            Some(key) if *version == VERSION => key.sealing.open(place, content),
            _ => Err(VaultError::CannotOpen),
        }
    }

    /// A keyed hash (HMAC-SHA-256) of several parts, for looking up values that must not be stored.
    pub fn mac(&self, purpose: Purpose, parts: &[&[u8]]) -> [u8; 32] {
        let keys = self.keys();
        let key = keys.oldest(purpose);
        let mut context = hmac::Context::with_key(&key.hashing);
        for part in parts {
            context.update(&(part.len() as u64).to_be_bytes());
            context.update(part);
        }
        let tag = context.sign();
        let mut hash = [0; 32];
        hash.copy_from_slice(tag.as_ref());
        hash
    }

    /// The double-length DES key pair of a purpose.
    pub(crate) fn pair(&self, purpose: Purpose) -> KeyPair {
        KeyPair::from_key(&self.keys().oldest(purpose).key)
    }

    /// The signer of bearer tokens.
    pub fn token_signer(&self) -> Arc<TokenSigner> {
        self.keys().signer.clone()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{DataKey, Purpose, Vault, WrappedKey, sealed_with};
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
        let refused = Vault::open(&two, std::slice::from_ref(&key)).err();
        assert!(matches!(refused, Some(crate::VaultError::CannotOpen)), "{refused:?}");
        let again = FileKeyProvider::open(&directory.path().join("one")).expect("it opens again");
        let missing = Vault::open(&again, &[key]).err();
        assert!(matches!(missing, Some(crate::VaultError::NoDataKey(_))), "{missing:?}");
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

    fn generate(provider: &FileKeyProvider, purposes: &[Purpose]) -> Vec<WrappedKey> {
        purposes.iter().map(|purpose| DataKey::generate(provider, *purpose).expect("a data key")).collect()
    }

    #[test]
    fn rotated_keys_seal_what_comes_and_the_old_ones_open_what_was_until_they_are_gone() {
        let directory = tempfile::tempdir().expect("a directory");
        let provider = FileKeyProvider::open_or_create(&directory.path().join("key")).expect("a key file");
        let old = generate(&provider, Purpose::ALL);
        let vault = Vault::open(&provider, &old).expect("it opens");
        let kept = vault.seal(Purpose::CardNumbers, &[b"card"], b"4005");
        let (hash, token_key) = (vault.mac(Purpose::RevealTokens, &[b"x"]), vault.token_signer().key_id().to_owned());
        let before = vault.sealing_key(Purpose::CardNumbers);

        let both = [old.clone(), generate(&provider, Purpose::ROTATED)].concat();
        vault.reopen(&provider, &both).expect("it takes them");
        assert_ne!(vault.sealing_key(Purpose::CardNumbers), before);
        let open =
            |sealed: &[u8]| vault.open_sealed(Purpose::CardNumbers, &[b"card"], sealed).map(|plain| plain.to_vec());
        assert_eq!(open(&kept).expect("the old key opens"), b"4005");
        let again = vault.reseal(Purpose::CardNumbers, &[b"card"], &kept).expect("sealed again");
        assert_eq!(sealed_with(&again), Some(vault.sealing_key(Purpose::CardNumbers).as_str()));
        assert!(vault.reseal(Purpose::CardNumbers, &[b"another"], &kept).is_err(), "its place still binds it");

        let rotated = |key: &WrappedKey| Purpose::ROTATED.iter().any(|purpose| purpose.as_str() == key.purpose);
        let left: Vec<_> = both.iter().filter(|key| !(old.contains(key) && rotated(key))).cloned().collect();
        vault.reopen(&provider, &left).expect("it takes them");
        assert!(!vault.has_key_for(&kept) && open(&kept).is_err(), "what the deleted key sealed is gone");
        assert_eq!(open(&again).expect("the new key opens"), b"4005");
        assert_eq!(vault.mac(Purpose::RevealTokens, &[b"x"]), hash, "what is looked up stays");
        assert_eq!(vault.token_signer().key_id(), token_key);
        assert!(vault.reopen(&provider, &left[..3]).is_err(), "a set with holes is refused");
        assert_eq!(open(&again).expect("and the one before stays"), b"4005");
    }

    #[test]
    fn a_vault_that_meets_an_unknown_key_asks_once_and_opens() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("key");
        let provider = FileKeyProvider::open_or_create(&path).expect("a key file");
        let old = generate(&provider, Purpose::ALL);
        let (one, other) = (Vault::open(&provider, &old).expect("opens"), Vault::open(&provider, &old).expect("opens"));
        let both = [old, generate(&provider, Purpose::ROTATED)].concat();
        one.reopen(&provider, &both).expect("it takes them");
        let asked = std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(0));
        let count = asked.clone();
        other.set_key_loader(move |vault, sealed| {
            assert!(!vault.has_key_for(sealed));
            count.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            vault.reopen(&FileKeyProvider::open(&path).expect("the key file"), &both).expect("it takes them");
        });
        let sealed = one.seal(Purpose::Pins, &[b"card"], b"1234");
        for _ in 0..2 {
            assert_eq!(other.open_sealed(Purpose::Pins, &[b"card"], &sealed).expect("it opens").as_slice(), b"1234");
        }
        assert_eq!(asked.load(std::sync::atomic::Ordering::Relaxed), 1);
        let strange = [&[1], b"ffffffff".as_slice(), &sealed[9..]].concat();
        assert!(other.open_sealed(Purpose::Pins, &[b"card"], &strange).is_err());
    }

    #[test]
    fn data_keys_are_wrapped_again_under_another_key_file() {
        let directory = tempfile::tempdir().expect("a directory");
        let one = FileKeyProvider::open_or_create(&directory.path().join("one")).expect("a key file");
        let two = FileKeyProvider::open_or_create(&directory.path().join("two")).expect("a key file");
        let keys = generate(&one, Purpose::ALL);
        let sealed = Vault::open(&one, &keys).expect("it opens").seal(Purpose::Pins, &[b"card"], b"1234");
        let again: Vec<_> = keys.iter().map(|key| DataKey::rewrap(&one, &two, key).expect("wrapped again")).collect();
        assert!(Vault::open(&one, &again).is_err(), "the old file no longer opens them");
        let vault = Vault::open(&two, &again).expect("the new one does");
        assert_eq!(vault.open_sealed(Purpose::Pins, &[b"card"], &sealed).expect("it opens").as_slice(), b"1234");
        assert!(again.iter().all(|key| DataKey::rewrap(&one, &two, key).expect("a repeat does no harm") == *key));
        assert!(DataKey::rewrap(&two, &one, &keys[0]).is_ok_and(|key| key == keys[0]));
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
