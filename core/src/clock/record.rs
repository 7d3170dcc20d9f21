//! The offset of business time from wall time.

use crate::ids::ClientId;
use crate::record::{Key, KeyBytes, Kind, Record};

/// The single row with the offset of business time.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Clock {
    /// In microseconds, never negative.
    pub offset: i64,
}

impl Clock {
    /// The key of the single row.
    pub fn singleton_key() -> Key {
        Key { client: ClientId::INSTALLATION, id: KeyBytes::new(b"clock") }
    }
}

impl Record for Clock {
    const KIND: Kind = Kind::Clock;

    fn key(&self) -> Key {
        Clock::singleton_key()
    }
}
