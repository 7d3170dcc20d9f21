//! Maps the network's references to the objects that messages created.

use crate::ids::{ClientId, Id};
use crate::record::{Key, KeyBytes, Kind, Record};

crate::string_enum! {
    /// What a network reference maps to.
    pub enum ReferenceKind {
        /// An authorization, by its network transaction id.
        Authorization = "authorization",
        /// A transaction, by the identity of the message that posted it.
        Transaction = "posting",
        /// An exception: a reversal that arrived before its authorization.
        Reversal = "reversal",
    }
}

/// Maps a network reference to an object. Stored for ever.
#[derive(Clone, Debug, PartialEq)]
pub struct NetworkReference {
    pub client: ClientId,
    /// SHA-256 of the reference; the last byte is replaced by the kind, so that rows of one reference are adjacent.
    pub hash: [u8; 32],
    pub kind: ReferenceKind,
    pub object: Id,
}

impl NetworkReference {
    /// The key of a reference.
    pub fn key_of(client: ClientId, kind: ReferenceKind, reference: &str) -> Key {
        ReferenceHash::of(reference).key(client, kind)
    }
}

/// SHA-256 of a reference, from which the keys of all kinds follow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReferenceHash([u8; 32]);

impl ReferenceHash {
    pub fn of(reference: &str) -> ReferenceHash {
        let mut hash = [0; 32];
        hash.copy_from_slice(aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, reference.as_bytes()).as_ref());
        ReferenceHash(hash)
    }

    pub fn key(&self, client: ClientId, kind: ReferenceKind) -> Key {
        Key { client, id: KeyBytes::new(&self.of_kind(kind)) }
    }

    /// The row that maps the reference to an object.
    pub fn leading_to(&self, client: ClientId, kind: ReferenceKind, object: Id) -> NetworkReference {
        NetworkReference { client, hash: self.of_kind(kind), kind, object }
    }

    /// With the kind in the last byte.
    fn of_kind(&self, kind: ReferenceKind) -> [u8; 32] {
        let mut hash = self.0;
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
