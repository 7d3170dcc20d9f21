//! What a request with an `Idempotency-Key` was answered, kept in the transaction of its effect.

use crate::ids::{CardHolderId, ClientId};
use crate::record::{Key, Kind, Record};
use crate::refusal::Stop;
use crate::time::Instant;
use crate::work::Work;

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
    const PASSING: bool = true;

    fn key(&self) -> Key {
        Key::hashed(self.client, &self.key_hash)
    }

    fn long(&self) -> usize {
        self.body.len()
    }
}

/// Forgets answers whose time is over.
#[derive(Clone, Debug)]
pub struct PurgeIdempotency {
    /// Candidates; each is checked again.
    pub keys: Vec<Key>,
}

/// Forgets them; tells how many.
pub fn purge_idempotency(work: &mut Work, command: &PurgeIdempotency) -> Result<u64, Stop> {
    let mut over = Vec::new();
    for key in &command.keys {
        work.idempotency.expect(*key, crate::table::Access::Exclusive);
    }
    for key in &command.keys {
        let found = work.idempotency.get_to_change(*key)?;
        if found.is_some_and(|answer| answer.expires_at <= work.wall()) {
            over.push(*key);
        }
    }
    for key in &over {
        work.idempotency.delete(*key);
    }
    Ok(over.len() as u64)
}
