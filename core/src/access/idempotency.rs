//! Stored responses to requests with an `Idempotency-Key`.

use crate::ids::{CardHolderId, ClientId};
use crate::record::{Key, Kind, Record};
use crate::time::Instant;

/// The response to the first request with a key. It is committed together with the request's effect.
#[derive(Clone, Debug, PartialEq)]
pub struct Idempotency {
    pub client: ClientId,
    /// SHA-256 of the key.
    pub key_hash: [u8; 32],
    /// Keyed hash of method, path and parsed content. Another request with the same key is refused.
    pub fingerprint: [u8; 32],
    pub status: i64,
    /// Sealed; under the key of `subject` if there is one.
    pub body: Vec<u8>,
    /// The card holder whose personal data the body contains. Once they are erased, the response cannot be replayed.
    pub subject: Option<CardHolderId>,
    /// The version in the `ETag`.
    pub etag: Option<i64>,
    /// Wall time.
    pub created_at: Instant,
    /// Wall time.
    pub expires_at: Instant,
}

impl Record for Idempotency {
    const KIND: Kind = Kind::Idempotency;
    const TRANSIENT: bool = true;

    fn key(&self) -> Key {
        Key::hashed(self.client, &self.key_hash)
    }

    fn variable_bytes(&self) -> usize {
        self.body.len()
    }
}
