//! What a request with an `Idempotency-Key` was answered, kept in the transaction of its effect.

use crate::ids::{CardHolderId, ClientId};
use crate::record::{Key, Kind, Record};
use crate::time::Instant;

/// The first answer to a key.
#[derive(Clone, Debug, PartialEq)]
pub struct Idempotency {
    /// Whose key.
    pub client: ClientId,
    /// SHA-256 of the key.
    pub key_hash: [u8; 32],
    /// Keyed hash of method, path and parsed content.
    pub fingerprint: [u8; 32],
    /// The status that was answered.
    pub status: i64,
    /// The body that was answered, sealed: under the key of `subject` where there is one.
    pub body: Vec<u8>,
    /// The card holder whose personal data the body repeats: it can be told again for as long as they are not erased.
    pub subject: Option<CardHolderId>,
    /// The version in the `ETag` that was answered.
    pub etag: Option<i64>,
    /// When, in wall time.
    pub created_at: Instant,
    /// Until when it is kept, in wall time.
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
