//! Who calls: API keys and bearer tokens, looked up once and remembered for at most five seconds.

use std::collections::HashMap;
use std::sync::{Arc, RwLock};
use std::time::{Duration, Instant as Stopwatch};

use paygen_core::access::{ApiKey, ApiKeyStatus, Client, ClientStatus};
use paygen_core::ids::{ApiKeyId, ClientId, TokenId};
use paygen_core::record::Key;
use paygen_core::time::Instant;
use paygen_store::{Reader, StoreError};

/// How long a looked-up credential is believed: a revoked key works at most this much longer.
const BELIEVED: Duration = Duration::from_secs(5);

/// How many credentials are remembered.
const REMEMBERED: usize = 10_000;

/// A key with what decides whether it works.
#[derive(Clone, Debug)]
pub struct KnownKey {
    /// The key.
    pub key: ApiKey,
    /// Whether its client's credentials work.
    pub client_active: bool,
}

/// Why a credential does not work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rejected {
    /// It was revoked.
    Revoked,
    /// Its time is over.
    Expired,
    /// Its client was disabled.
    ClientDisabled,
}

impl KnownKey {
    /// Whether the key works at `now`, in business time.
    pub fn check(&self, now: Instant) -> Result<(), Rejected> {
        if !self.client_active {
            return Err(Rejected::ClientDisabled);
        }
        match self.key.status {
            ApiKeyStatus::Revoked => return Err(Rejected::Revoked),
            ApiKeyStatus::Expired => return Err(Rejected::Expired),
            ApiKeyStatus::Active => {}
        }
        let over = |at: Option<Instant>| at.is_some_and(|at| at <= now);
        if over(self.key.expires_at) {
            return Err(Rejected::Expired);
        }
        if over(self.key.due_at) { Err(Rejected::Revoked) } else { Ok(()) }
    }
}

struct Remembered<V> {
    value: V,
    since: Stopwatch,
}

/// A bounded memory of looked-up credentials.
struct Memory<K, V> {
    known: RwLock<HashMap<K, Remembered<V>>>,
}

impl<K: std::hash::Hash + Eq, V: Clone> Memory<K, V> {
    fn new() -> Memory<K, V> {
        Memory { known: RwLock::new(HashMap::new()) }
    }

    fn recall(&self, key: &K) -> Option<V> {
        let known = self.known.read().unwrap_or_else(|poison| poison.into_inner());
        let remembered = known.get(key)?;
        (remembered.since.elapsed() < BELIEVED).then(|| remembered.value.clone())
    }

    fn remember(&self, key: K, value: V) {
        let mut known = self.known.write().unwrap_or_else(|poison| poison.into_inner());
        if known.len() >= REMEMBERED {
            known.retain(|_, remembered| remembered.since.elapsed() < BELIEVED);
            if known.len() >= REMEMBERED {
                known.clear();
            }
        }
        known.insert(key, Remembered { value, since: Stopwatch::now() });
    }

    fn forget(&self) {
        self.known.write().unwrap_or_else(|poison| poison.into_inner()).clear();
    }
}

/// Looks credentials up.
#[derive(Clone)]
pub struct Credentials {
    reader: Reader,
    keys: Arc<Memory<[u8; 32], KnownKey>>,
    ids: Arc<Memory<(ClientId, ApiKeyId), KnownKey>>,
    tokens: Arc<Memory<(ClientId, TokenId), bool>>,
}

impl Credentials {
    /// Over this reader.
    pub fn new(reader: Reader) -> Credentials {
        let (keys, ids, tokens) = (Memory::new(), Memory::new(), Memory::new());
        Credentials { reader, keys: Arc::new(keys), ids: Arc::new(ids), tokens: Arc::new(tokens) }
    }

    /// The key with this keyed hash.
    pub async fn by_hash(&self, hash: [u8; 32]) -> Result<Option<KnownKey>, StoreError> {
        if let Some(known) = self.keys.recall(&hash) {
            return Ok(Some(known));
        }
        let Some((key, client)) = self.reader.find_api_key(&hash).await? else { return Ok(None) };
        let known = KnownKey { key, client_active: client.status == ClientStatus::Active };
        self.keys.remember(hash, known.clone());
        Ok(Some(known))
    }

    /// The key a token was made with.
    pub async fn by_id(&self, client: ClientId, id: ApiKeyId) -> Result<Option<KnownKey>, StoreError> {
        if let Some(known) = self.ids.recall(&(client, id)) {
            return Ok(Some(known));
        }
        let Some(key) = self.reader.get::<ApiKey>(Key::of(client, id.0)).await? else { return Ok(None) };
        let Some(owner) = self.reader.get::<Client>(Key::of(client, client.0)).await? else { return Ok(None) };
        let known = KnownKey { key, client_active: owner.status == ClientStatus::Active };
        self.ids.remember((client, id), known.clone());
        Ok(Some(known))
    }

    /// Whether a token is known and was not revoked.
    pub async fn token_works(&self, client: ClientId, id: TokenId) -> Result<bool, StoreError> {
        if let Some(works) = self.tokens.recall(&(client, id)) {
            return Ok(works);
        }
        let token = self.reader.get::<paygen_core::access::Token>(Key::of(client, id.0)).await?;
        let works = token.is_some_and(|token| token.revoked_at.is_none());
        self.tokens.remember((client, id), works);
        Ok(works)
    }

    /// Forgets everything, so that a change made on this node is seen at once.
    pub fn forget(&self) {
        self.keys.forget();
        self.ids.forget();
        self.tokens.forget();
    }
}
