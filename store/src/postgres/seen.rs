//! Guarded rows, as they were last read. Cards, card holders and accounts seldom change, but every payment reads them, and
//! they are wide. Of a row that was seen before only the version is read (`xmin`, the transaction that wrote it), while its
//! guard is locked; if that is the same, so is the row.

use std::sync::Arc;

use paygen_core::for_each_table;
use paygen_core::recent::Recent;
use paygen_core::record::{Key, Record};
use tokio_postgres::types::{FromSql, Type};

/// Half the number of rows of a kind that are kept, about 1 kB each.
const MAX_RECENT_ROWS: usize = 5_000;

/// The transaction that wrote a version of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Version(u32);

impl FromSql<'_> for Version {
    fn from_sql(_: &Type, raw: &[u8]) -> Result<Version, Box<dyn std::error::Error + Sync + Send>> {
        Ok(Version(u32::from_be_bytes(raw.try_into()?)))
    }

    fn accepts(kind: &Type) -> bool {
        *kind == Type::XID
    }
}

/// The rows of one kind.
pub(super) struct Seen<R>(Recent<Key, (Version, Arc<R>)>);

impl<R> Default for Seen<R> {
    fn default() -> Seen<R> {
        Seen(Recent::new(MAX_RECENT_ROWS))
    }
}

impl<R: Record> Seen<R> {
    pub(super) fn has(&mut self, key: &Key) -> bool {
        self.0.get(key).is_some()
    }

    /// The row, if it still has this version.
    pub(super) fn row(&mut self, key: &Key, version: Version) -> Option<Arc<R>> {
        self.0.get(key).filter(|(seen, _)| *seen == version).map(|(_, row)| row)
    }

    pub(super) fn forget(&mut self, key: &Key) {
        self.0.remove(key);
    }

    pub(super) fn note(&mut self, version: Version, row: &Arc<R>) {
        self.0.insert(row.key(), (version, row.clone()));
    }
}

macro_rules! define_seen {
    ($($field:ident: $record:ty),* $(,)?) => {
        /// The rows of all kinds, by table.
        #[derive(Default)]
        pub(super) struct SeenRows {
            $(pub(super) $field: Seen<$record>,)*
        }
    };
}
for_each_table!(define_seen);
