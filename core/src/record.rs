//! What all stored records have in common: a kind and a key.

use std::fmt;

use crate::ids::{ClientId, Id};

/// The kinds of rows that are loaded by key. Rows are locked in this order, so the order must not change while several
/// nodes run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    Clock,
    Client,
    ApiKey,
    /// Maps the hash of an API key to its client and id.
    ApiKeyHash,
    Token,
    /// A stored response to a request with an `Idempotency-Key`.
    Idempotency,
    Account,
    Detail,
    Transfer,
    CardHolder,
    Document,
    Card,
    /// Sealed secrets of a card.
    CardSecret,
    /// Maps the fingerprint of a card number to its client and card.
    CardFingerprint,
    /// A single-use token that reveals a card.
    RevealToken,
    PaymentReference,
    /// Spending of a card or card holder, by window.
    Counters,
    Authorization,
    /// A posted transaction of a card.
    Transaction,
    /// Maps the network's reference of a message to the object the message created.
    NetworkReference,
    /// A message of the network that needs an operator's attention.
    NetworkException,
    Webhook,
    WebhookProgress,
    /// A delivery that did not succeed at the first attempt.
    Delivery,
    Responder,
    /// What a responder is being asked, while its authorization is pending.
    ResponderQuestion,
    ResponderCall,
    /// A question that a responder gets as an event.
    StreamedQuestion,
    /// What was approved in an hour while a responder was silent.
    ResponderBudget,
    Balance,
    /// What cards have in common. Read without a lock, after those of the counters.
    Program,
    /// Who owns the card numbers that begin with the same six digits.
    RangeRegister,
    User,
    /// Maps the hash of an e-mail address to its user.
    UserEmail,
    /// What a user signs in with.
    UserSecret,
    Session,
    /// A call that waits for the approval of others.
    Approval,
    ApprovalPolicy,
}

/// The part of a key that follows the client: an id or a hash, at most 32 bytes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyBytes {
    bytes: [u8; 32],
    len: u8,
}

impl KeyBytes {
    /// Copies at most 32 bytes.
    ///
    /// # Panics
    ///
    /// If there are more. Keys are ids and hashes made by the core.
    pub fn new(from: &[u8]) -> KeyBytes {
        let mut bytes = [0; 32];
        bytes[..from.len()].copy_from_slice(from);
        KeyBytes { bytes, len: from.len() as u8 }
    }

    pub fn as_slice(&self) -> &[u8] {
        &self.bytes[..usize::from(self.len)]
    }
}

impl fmt::Debug for KeyBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_slice().iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// The primary key of a row. Look-up tables that belong to no client use [`ClientId::INSTALLATION`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    pub client: ClientId,
    pub id: KeyBytes,
}

impl Key {
    /// The key of a row identified by an id.
    pub fn of(client: ClientId, id: impl Into<Id>) -> Key {
        Key { client, id: KeyBytes::new(id.into().bytes()) }
    }

    /// The key of a row identified by a hash.
    pub fn hashed(client: ClientId, hash: &[u8; 32]) -> Key {
        Key { client, id: KeyBytes::new(hash) }
    }
}

/// A row that commands load by key, change and insert.
pub trait Record: Clone + PartialEq + Send + Sync + 'static {
    const KIND: Kind;

    /// Approximate heap memory of a row in bytes, without [`Record::variable_bytes`].
    const HEAP_BYTES: usize = 128;

    /// Whether a row is rarely used again after its batch. Such rows are evicted first, so that they do not displace
    /// cards and counters.
    const TRANSIENT: bool = false;

    fn key(&self) -> Key;

    /// Memory of the fields whose length a caller chooses, in bytes.
    fn variable_bytes(&self) -> usize {
        0
    }
}
