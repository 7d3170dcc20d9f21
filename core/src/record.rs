//! What every kept row has in common: a kind, a key, and what the audit log may show of it.

use std::fmt;

use crate::ids::{ClientId, Id};

/// The kinds of rows that are loaded by key. Rows are locked in this order, so the order is part of the protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// The test clock.
    Clock,
    /// A client.
    Client,
    /// An API key.
    ApiKey,
    /// The look-up from a key's hash to its client and id.
    ApiKeyHash,
    /// A bearer token.
    Token,
    /// What a request with an idempotency key was answered.
    Idempotency,
    /// An account.
    Account,
    /// A detail record of an account.
    Detail,
    /// A transfer.
    Transfer,
    /// A card holder.
    CardHolder,
    /// A document of a card holder.
    Document,
    /// A card.
    Card,
    /// The sealed secrets of a card.
    CardSecret,
    /// The look-up from a card number's fingerprint to its client and card.
    CardFingerprint,
    /// A token that reveals a card once.
    RevealToken,
    /// A payment reference that was used.
    PaymentReference,
    /// What a card or card holder spent in each window.
    Counters,
    /// An authorization.
    Authorization,
    /// A transaction: what was posted to a card.
    Transaction,
    /// The look-up from what the network calls a message to what it became.
    NetworkReference,
    /// A message of the network that did not fit.
    NetworkException,
    /// A webhook endpoint.
    Webhook,
    /// How far a webhook endpoint is.
    WebhookProgress,
    /// A delivery that did not succeed at once.
    Delivery,
    /// The head of a ledger account.
    Balance,
}

/// The part of a key after the client: an id or a hash, at most 32 bytes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyBytes {
    bytes: [u8; 32],
    len: u8,
}

impl KeyBytes {
    /// From at most 32 bytes.
    ///
    /// # Panics
    /// When there are more: keys are ids and hashes of ours.
    pub fn new(from: &[u8]) -> KeyBytes {
        let mut bytes = [0; 32];
        bytes[..from.len()].copy_from_slice(from);
        KeyBytes { bytes, len: from.len() as u8 }
    }

    /// The bytes.
    pub fn as_slice(&self) -> &[u8] {
        &self.bytes[..usize::from(self.len)]
    }
}

impl fmt::Debug for KeyBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_slice().iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// The primary key of a row. Look-up tables that belong to nobody use [`ClientId::NOBODY`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    /// Whose row.
    pub client: ClientId,
    /// Which row.
    pub id: KeyBytes,
}

impl Key {
    /// The key of a row named by an id.
    pub fn of(client: ClientId, id: impl Into<Id>) -> Key {
        Key { client, id: KeyBytes::new(id.into().bytes()) }
    }

    /// The key of a row named by a hash.
    pub fn hashed(client: ClientId, hash: &[u8; 32]) -> Key {
        Key { client, id: KeyBytes::new(hash) }
    }
}

/// What the audit log may show of a field.
#[derive(Clone, Debug, PartialEq)]
pub enum AuditValue {
    /// The value itself.
    Value(serde_json::Value),
    /// JSON as it was sent: compared as text, so that no digit is lost, and shown as what it says.
    Json(String),
    /// Only that it changed: the value is secret or personal.
    Hidden(Vec<u8>),
}

impl AuditValue {
    /// Free-form JSON; null where there is none.
    pub fn json(text: Option<&str>) -> AuditValue {
        text.map_or(AuditValue::Value(serde_json::Value::Null), |text| AuditValue::Json(text.to_owned()))
    }
}

impl<T: Into<serde_json::Value>> From<T> for AuditValue {
    fn from(value: T) -> AuditValue {
        AuditValue::Value(value.into())
    }
}

/// A row that commands load by key, change and insert.
pub trait Record: Clone + PartialEq + Send + Sync + 'static {
    /// Its kind.
    const KIND: Kind;

    /// About how many bytes a row has on the heap, but for what [`Record::long`] counts.
    const HEAP_BYTES: usize = 128;

    /// Whether a row is seldom asked for soon after its batch: it would push out of memory those that are.
    const TRANSIENT: bool = false;

    /// The name of the object in the audit log, or `None` when its changes are not audited.
    const AUDITED: Option<&'static str> = None;

    /// Its primary key.
    fn key(&self) -> Key;

    /// How many bytes its long fields have: those whose length a caller chooses.
    fn variable_bytes(&self) -> usize {
        0
    }

    /// Its fields as the audit log shows them.
    fn audit_fields(&self) -> Vec<(&'static str, AuditValue)> {
        Vec::new()
    }
}
