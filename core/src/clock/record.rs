//! The row that says how far business time is ahead of wall time.

use crate::ids::ClientId;
use crate::record::{Key, KeyBytes, Kind, Record};

/// The one row that says how far business time is ahead of wall time.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Clock {
    /// Microseconds, never negative.
    pub offset: i64,
}

impl Clock {
    /// The key of the one row.
    pub fn the_key() -> Key {
        Key { client: ClientId::NOBODY, id: KeyBytes::new(b"clock") }
    }
}

impl Record for Clock {
    const KIND: Kind = Kind::Clock;
    const AUDITED: Option<&'static str> = Some("clock");

    fn key(&self) -> Key {
        Clock::the_key()
    }

    fn shown(&self) -> Vec<(&'static str, crate::record::Shown)> {
        vec![("offsetSeconds", (self.offset / crate::time::SECOND).into())]
    }
}
