//! The look-up from what the network calls a message to what the message became here.

use crate::ids::{ClientId, Id};
use crate::record::{Key, KeyBytes, Kind, Record};

crate::string_enum! {
    /// What a network reference leads to.
    pub enum ReferenceKind {
        /// An authorization, by its network transaction id.
        Authorization = "authorization",
        /// A transaction, by the identity of the message that posted it.
        Transaction = "posting",
        /// An exception that waits for more: a reversal that came before its authorization.
        Reversal = "reversal",
    }
}

/// The look-up from what the network calls a message to what it became here; it is there for ever.
#[derive(Clone, Debug, PartialEq)]
pub struct NetworkReference {
    /// Whose.
    pub client: ClientId,
    /// SHA-256 of the reference, the last byte telling the kind: what is known by one reference lies together.
    pub hash: [u8; 32],
    /// What it leads to.
    pub kind: ReferenceKind,
    /// Its id.
    pub object: Id,
}

impl NetworkReference {
    /// The key of a reference.
    pub fn key_of(client: ClientId, kind: ReferenceKind, reference: &str) -> Key {
        Key { client, id: KeyBytes::new(&NetworkReference::hash(kind, reference)) }
    }

    /// SHA-256 of the reference, the last byte telling the kind.
    pub fn hash(kind: ReferenceKind, reference: &str) -> [u8; 32] {
        let mut hash = [0; 32];
        hash.copy_from_slice(aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, reference.as_bytes()).as_ref());
        hash[31] = match kind {
            ReferenceKind::Authorization => 1,
            ReferenceKind::Transaction => 2,
            ReferenceKind::Reversal => 3,
        };
        hash
    }
}

impl Record for NetworkReference {
    const KIND: Kind = Kind::NetworkReference;
    const TRANSIENT: bool = true;

    fn key(&self) -> Key {
        Key::hashed(self.client, &self.hash)
    }
}
