//! The changes of a committed batch, applied to another world.

use std::sync::Arc;

use crate::ids::ClientId;
use crate::record::Record;
use crate::table::{Access, Change};
use crate::testing::World;
use crate::work::{Appended, Changes, KeySet, Work};

macro_rules! define_committed {
    ($($field:ident: $record:ty),* $(,)?) => {
        impl World {
            /// Applies the changes of this world's client, and of rows that belong to no client.
            pub(super) fn learn(&mut self, committed: &Changes) {
                let (own, nobody) = (self.client, ClientId::INSTALLATION);
                $(for change in &committed.$field {
                    let (key, row) = match change {
                        Change::Insert(row) | Change::Update(row) => (row.key(), Some(row)),
                        Change::Delete(key) => (*key, None),
                    };
                    if key.client == own || key.client == nobody {
                        self.work.$field.load(key, row.map(|row| <$record>::clone(Arc::as_ref(row))), Access::Exclusive);
                    }
                })*
                let new = &committed.appended;
                self.append(Appended {
                    entries: new.entries.iter().filter(|row| row.client == own).cloned().collect(),
                    lines: new.lines.iter().filter(|row| row.client == own).cloned().collect(),
                    system_lines: new.system_lines.iter().filter(|row| row.client == own).cloned().collect(),
                    events: new.events.iter().filter(|row| row.client == own).cloned().collect(),
                    audit: new.audit.iter().filter(|row| row.client == own).cloned().collect(),
                    deleted_events: Vec::new(),
                    deleted_attempts: Vec::new(),
                    attempts: new.attempts.iter().filter(|row| row.client == own).cloned().collect(),
                });
            }

            /// The keys of all rows, deleted ones included.
            pub(super) fn keys(&self) -> KeySet {
                self.work.wanted()
            }

            /// Compares all rows with those read from the store.
            pub(super) fn assert_stored(&self, stored: &Work) {
                $(for (key, _) in self.work.$field.wanted() {
                    let (known, found) = (self.work.$field.peek(key), stored.$field.peek(key));
                    assert!(known == found, "{}: {key:?} is not stored as it was committed", stringify!($field));
                })*
            }
        }
    };
}
crate::for_each_table!(define_committed);
