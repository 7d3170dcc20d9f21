//! Look-up of API keys and bearer tokens, cached for at most five seconds.

use std::collections::HashMap;
use std::sync::{Arc, RwLock};
use std::time::{Duration, Instant as Stopwatch};

use paygen_core::access::{ApiKey, ApiKeyStatus, Client, ClientStatus};
use paygen_core::ids::{ApiKeyId, ClientId, TokenId};
use paygen_core::record::Key;
use paygen_core::time::Instant;
use paygen_store::{Reader, StoreError};

/// How long a looked-up credential is cached: a credential revoked on another node works at most this much longer.
const CACHE_TIME: Duration = Duration::from_secs(5);

/// Upper bound on the entries of each cache.
const MAX_CACHED_ENTRIES: usize = 10_000;

/// A key and the state that decides whether it is valid.
#[derive(Clone, Debug)]
pub struct KnownKey {
    pub key: ApiKey,
    /// Whether its client is active.
    pub client_active: bool,
}

/// Why a credential is not valid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rejected {
    Revoked,
    Expired,
    ClientDisabled,
}

impl KnownKey {
    /// Checks the key at `now`, in business time.
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

struct Cached<V> {
    value: V,
    since: Stopwatch,
}

/// A bounded cache of looked-up credentials.
struct Cache<K, V> {
    entries: RwLock<HashMap<K, Cached<V>>>,
}

impl<K: std::hash::Hash + Eq, V: Clone> Cache<K, V> {
    fn new() -> Cache<K, V> {
        Cache { entries: RwLock::new(HashMap::new()) }
    }

    fn get(&self, key: &K) -> Option<V> {
        let entries = self.entries.read().unwrap_or_else(|poison| poison.into_inner());
        let cached = entries.get(key)?;
        (cached.since.elapsed() < CACHE_TIME).then(|| cached.value.clone())
    }

    fn insert(&self, key: K, value: V) {
        let mut entries = self.entries.write().unwrap_or_else(|poison| poison.into_inner());
        if entries.len() >= MAX_CACHED_ENTRIES {
            entries.retain(|_, cached| cached.since.elapsed() < CACHE_TIME);
            if entries.len() >= MAX_CACHED_ENTRIES {
                entries.clear();
            }
        }
        entries.insert(key, Cached { value, since: Stopwatch::now() });
    }

    fn forget(&self) {
        self.entries.write().unwrap_or_else(|poison| poison.into_inner()).clear();
    }
}

/// Looks up credentials through the caches.
#[derive(Clone)]
pub struct Credentials {
    reader: Reader,
    keys: Arc<Cache<[u8; 32], Arc<KnownKey>>>,
    ids: Arc<Cache<(ClientId, ApiKeyId), Arc<KnownKey>>>,
    tokens: Arc<Cache<(ClientId, TokenId), bool>>,
}

impl Credentials {
    pub fn new(reader: Reader) -> Credentials {
        let (keys, ids, tokens) = (Cache::new(), Cache::new(), Cache::new());
        Credentials { reader, keys: Arc::new(keys), ids: Arc::new(ids), tokens: Arc::new(tokens) }
    }

    /// The key with this keyed hash.
    pub async fn by_hash(&self, hash: [u8; 32]) -> Result<Option<Arc<KnownKey>>, StoreError> {
        if let Some(known) = self.keys.get(&hash) {
            return Ok(Some(known));
        }
        let Some((key, client)) = self.reader.find_api_key(&hash).await? else { return Ok(None) };
        let known = Arc::new(KnownKey { key, client_active: client.status == ClientStatus::Active });
        self.keys.insert(hash, known.clone());
        Ok(Some(known))
    }

    /// The key a token was issued with.
    pub async fn by_id(&self, client: ClientId, id: ApiKeyId) -> Result<Option<Arc<KnownKey>>, StoreError> {
        if let Some(known) = self.ids.get(&(client, id)) {
            return Ok(Some(known));
        }
        let Some(key) = self.reader.get::<ApiKey>(Key::of(client, id.0)).await? else { return Ok(None) };
        let Some(owner) = self.reader.get::<Client>(Key::of(client, client.0)).await? else { return Ok(None) };
        let known = Arc::new(KnownKey { key, client_active: owner.status == ClientStatus::Active });
        self.ids.insert((client, id), known.clone());
        Ok(Some(known))
    }

    /// Whether a token exists and was not revoked.
    pub async fn token_works(&self, client: ClientId, id: TokenId) -> Result<bool, StoreError> {
        if let Some(works) = self.tokens.get(&(client, id)) {
            return Ok(works);
        }
        let token = self.reader.get::<paygen_core::access::Token>(Key::of(client, id.0)).await?;
        let works = token.is_some_and(|token| token.revoked_at.is_none());
        self.tokens.insert((client, id), works);
        Ok(works)
    }

    /// Clears the caches, so that a change made on this node is effective at once.
    pub fn forget(&self) {
        self.keys.forget();
        self.ids.forget();
        self.tokens.forget();
    }
}
