//! The rows of one kind in memory: loaded by key, changed with an undo list, and handed to the store as a list of
//! changes.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;

use foldhash::fast::RandomState;

use crate::Stop;
use crate::record::{Key, Record};

/// The access to a row that is needed, or held.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Access {
    /// Read access: the row does not change before the commit.
    Shared,
    Exclusive,
}

#[derive(Clone, Debug)]
struct Slot<R> {
    row: Option<Arc<R>>,
    stored: bool,
    dirty: bool,
    held: Access,
    wanted: Access,
}

#[derive(Debug)]
struct Undo<R> {
    key: Key,
    before: Option<Slot<R>>,
}

/// A row that a command changed, before and after.
pub(crate) struct Touched<R> {
    pub(crate) key: Key,
    pub(crate) before: Option<Arc<R>>,
    pub(crate) after: Option<Arc<R>>,
}

/// The difference between a row in memory and the stored row.
#[derive(Clone, Debug)]
pub enum Change<R> {
    /// The row is not stored yet.
    Insert(Arc<R>),
    /// The stored row differs.
    Update(Arc<R>),
    Delete(Key),
}

/// A payment looks rows up many times. This hash is faster than the default one, and randomly seeded as well.
type Slots<R> = HashMap<Key, Slot<R>, RandomState>;

/// The rows of one kind that are known: present, or known to be absent.
#[derive(Debug)]
pub struct Table<R: Record> {
    slots: Slots<R>,
    /// Rows that no batch has used since rows aged last. A row that is used again moves back to `slots`.
    aged: Slots<R>,
    undo: Vec<Undo<R>>,
    missing: Vec<(Key, Access)>,
    dirty: Vec<Key>,
    /// Rows that are taken as absent without having been looked for.
    presumed: HashMap<Key, Presumed>,
    /// Approximate memory of `slots`, in bytes.
    bytes: usize,
}

/// A row that is taken as absent.
#[derive(Clone, Copy, Debug)]
struct Presumed {
    /// The row that is stored whenever this one is: if the batch can insert it, both were absent.
    proof: Key,
    /// Whether a command relied on the absence.
    used: bool,
}

impl<R: Record> Default for Table<R> {
    fn default() -> Self {
        Table {
            slots: Slots::default(),
            aged: Slots::default(),
            undo: Vec::new(),
            missing: Vec::new(),
            dirty: Vec::new(),
            presumed: HashMap::new(),
            bytes: 0,
        }
    }
}

impl<R: Record> Slot<R> {
    fn bytes(&self) -> usize {
        let row = self.row.as_ref().map_or(0, |row| size_of::<R>() + R::HEAP_BYTES + row.variable_bytes());
        size_of::<(Key, Slot<R>)>() + row
    }
}

impl<R: Record> Table<R> {
    /// Reads a row; `None` if it is known to be absent. If the row is not in memory, this run of the command ends with
    /// [`Stop::Missing`].
    pub fn get(&mut self, key: Key) -> Result<Option<Arc<R>>, Stop> {
        self.fetch(key, Access::Shared)
    }

    /// Reads a row in order to change it: as [`Table::get`], but with exclusive access until the commit.
    pub fn get_for_update(&mut self, key: Key) -> Result<Option<Arc<R>>, Stop> {
        self.fetch(key, Access::Exclusive)
    }

    fn fetch(&mut self, key: Key, access: Access) -> Result<Option<Arc<R>>, Stop> {
        if !self.presumed.is_empty()
            && let Some(presumed) = self.presumed.get_mut(&key)
        {
            presumed.used = true;
        }
        let row = self.with(key, |slot| {
            slot.wanted = slot.wanted.max(access);
            (slot.held >= access).then(|| slot.row.clone())
        });
        if let Some(Some(row)) = row {
            return Ok(row);
        }
        self.missing.push((key, access));
        Err(Stop::Missing)
    }

    /// Applies `look` to a slot in memory, and counts the row as used.
    fn with<T>(&mut self, key: Key, look: impl FnOnce(&mut Slot<R>) -> T) -> Option<T> {
        if let Some(slot) = self.slots.get_mut(&key) {
            return Some(look(slot));
        }
        let mut slot = self.aged.remove(&key)?;
        let seen = look(&mut slot);
        self.set(key, Some(slot));
        Some(seen)
    }

    /// Inserts or removes a slot, and keeps the byte count right.
    fn set(&mut self, key: Key, slot: Option<Slot<R>>) {
        self.bytes += slot.as_ref().map_or(0, Slot::bytes);
        let before = match slot {
            Some(slot) => self.slots.insert(key, slot),
            None => self.slots.remove(&key),
        };
        self.bytes -= before.map_or(0, |before| before.bytes());
    }

    /// The row if it is in memory, without recording a need for it.
    pub fn peek(&self, key: Key) -> Option<&R> {
        self.slots.get(&key).or_else(|| self.aged.get(&key))?.row.as_deref()
    }

    /// Names a row that will be needed, so that the first load includes it.
    pub fn prefetch(&mut self, key: Key, access: Access) {
        let known = self.with(key, |slot| {
            slot.wanted = slot.wanted.max(access);
            slot.held >= access
        });
        if known != Some(true) {
            self.missing.push((key, access));
        }
    }

    /// Takes a row as absent without looking for it, unless it is in memory. `proof` is a row, perhaps the same, that is
    /// stored whenever this one is. The batch must not be committed while [`Table::unproven`] has keys, and when its
    /// commit finds the proof taken, it must be run again with what is stored.
    pub fn presume_absent(&mut self, key: Key, proof: Key) {
        if self.with(key, |_| ()).is_none() {
            self.load(key, None, Access::Exclusive);
            self.presumed.insert(key, Presumed { proof, used: false });
        }
    }

    /// Rows on whose presumed absence a command relied, and whose proof the batch does not insert.
    pub fn unproven(&self) -> impl Iterator<Item = (Key, Access)> + '_ {
        let inserted = |key: &Key| self.slots.get(key).is_some_and(|slot| slot.row.is_some() && !slot.stored);
        let unproven = self.presumed.iter().filter(move |(_, presumed)| presumed.used && !inserted(&presumed.proof));
        unproven.map(|(key, _)| (*key, Access::Exclusive))
    }

    /// Inserts or replaces a row. The row must have been read with [`Table::get_for_update`], or have a new id.
    ///
    /// # Panics
    ///
    /// If the row is only held for reading.
    pub fn put(&mut self, row: impl Into<Arc<R>>) {
        let row = row.into();
        self.replace(row.key(), Some(row));
    }

    /// Deletes a row that was read with [`Table::get_for_update`].
    ///
    /// # Panics
    ///
    /// If the row is only held for reading.
    pub fn delete(&mut self, key: Key) {
        self.replace(key, None);
    }

    fn replace(&mut self, key: Key, row: Option<Arc<R>>) {
        // Another batch could change a row that is not held exclusively, and this write would overwrite it. That is a
        // bug of the command; the panic makes this command fail alone.
        let is_held = self.with(key, |slot| slot.held == Access::Exclusive);
        assert!(is_held != Some(false), "{:?} {key:?} is not held to be changed", R::KIND);
        let mut slot = Slot { row, stored: false, dirty: true, held: Access::Exclusive, wanted: Access::Exclusive };
        let before = match self.slots.entry(key) {
            Entry::Occupied(mut known) => {
                slot.stored = known.get().stored;
                self.bytes = self.bytes + slot.bytes() - known.get().bytes();
                Some(known.insert(slot))
            }
            Entry::Vacant(new) => {
                self.bytes += slot.bytes();
                new.insert(slot);
                None
            }
        };
        if before.as_ref().is_none_or(|slot| !slot.dirty) {
            self.dirty.push(key);
        }
        self.undo.push(Undo { key, before });
    }

    /// Adds a loaded row, or the knowledge that it is absent.
    pub fn load(&mut self, key: Key, row: Option<R>, held: Access) {
        self.load_shared(key, row.map(Arc::new), held);
    }

    /// As [`Table::load`], of a row that its reader keeps too.
    pub fn load_shared(&mut self, key: Key, row: Option<Arc<R>>, held: Access) {
        if !self.presumed.is_empty() {
            self.presumed.remove(&key);
        }
        let slot = Slot { stored: row.is_some(), row, dirty: false, held, wanted: Access::Shared };
        self.set(key, Some(slot));
    }

    /// Takes the keys of missing rows.
    pub fn take_missing(&mut self) -> Vec<(Key, Access)> {
        std::mem::take(&mut self.missing)
    }

    /// All rows that were asked for, with the access that was asked for.
    pub fn wanted(&self) -> impl Iterator<Item = (Key, Access)> + '_ {
        self.slots.iter().map(|(key, slot)| (*key, slot.wanted))
    }

    /// Downgrades every row to shared access, as if it had just been loaded for reading. This exposes commands that
    /// change a row without asking for exclusive access.
    #[cfg(any(test, feature = "testing"))]
    pub(crate) fn unlock_all(&mut self) {
        self.slots.values_mut().for_each(|slot| slot.held = Access::Shared);
    }

    /// Grants the access that was asked for, as a load would. Rows that are not in memory become absent.
    #[cfg(any(test, feature = "testing"))]
    pub(crate) fn lock_missing(&mut self) {
        for (key, access) in std::mem::take(&mut self.missing) {
            match self.slots.get_mut(&key) {
                Some(slot) => slot.held = slot.held.max(access),
                None => self.load(key, None, access),
            }
        }
    }

    pub(crate) fn roll_back(&mut self) {
        while let Some(Undo { key, before }) = self.undo.pop() {
            if before.as_ref().is_none_or(|slot| !slot.dirty) {
                self.dirty.retain(|dirty| *dirty != key);
            }
            self.set(key, before);
        }
    }

    pub(crate) fn keep(&mut self) {
        self.undo.clear();
    }

    /// The rows that the running command has changed so far, each once.
    pub(crate) fn changed_by_command(&self) -> Vec<Touched<R>> {
        let mut touched: Vec<Touched<R>> = Vec::new();
        for undo in &self.undo {
            if touched.iter().all(|known| known.key != undo.key) {
                let before = undo.before.as_ref().and_then(|slot| slot.row.clone());
                let after = self.slots.get(&undo.key).and_then(|slot| slot.row.clone());
                touched.push(Touched { key: undo.key, before, after });
            }
        }
        touched
    }

    /// The changes to be stored, in key order.
    pub fn changes(&self) -> Vec<Change<R>> {
        let mut keys = self.dirty.clone();
        keys.sort_unstable();
        keys.iter()
            .filter_map(|key| {
                let slot = self.slots.get(key)?;
                match (&slot.row, slot.stored) {
                    (Some(row), true) => Some(Change::Update(row.clone())),
                    (Some(row), false) => Some(Change::Insert(row.clone())),
                    (None, true) => Some(Change::Delete(*key)),
                    (None, false) => None,
                }
            })
            .collect()
    }

    /// Whether any row differs from what is stored.
    pub fn has_changes(&self) -> bool {
        !self.dirty.is_empty()
    }

    /// Takes the changes to be stored, in key order. From here on they count as stored.
    pub fn take_changes(&mut self) -> Vec<Change<R>> {
        let changes = self.changes();
        self.presumed.clear();
        for key in self.dirty.drain(..) {
            if let Some(slot) = self.slots.get_mut(&key) {
                slot.stored = slot.row.is_some();
                slot.dirty = false;
            }
        }
        changes
    }

    /// Evicts the rows of a transient kind that the last batch did not use. Called after each batch.
    pub(crate) fn evict_transient(&mut self) {
        if R::TRANSIENT {
            self.aged.clear();
            std::mem::swap(&mut self.slots, &mut self.aged);
            self.bytes = 0;
        }
    }

    /// Ages the rows of a kind that is not transient.
    pub(crate) fn age_if_lasting(&mut self) -> Box<dyn Send> {
        if R::TRANSIENT { Box::new(()) } else { Box::new(self.age()) }
    }

    /// Drops everything.
    pub fn forget(&mut self) {
        self.slots.clear();
        self.aged.clear();
        self.undo.clear();
        self.missing.clear();
        self.dirty.clear();
        self.presumed.clear();
        self.bytes = 0;
    }

    /// Ages all rows, and returns the rows that had aged before so that the caller can drop them. Called between
    /// batches.
    pub(crate) fn age(&mut self) -> impl Send + use<R> {
        debug_assert!(self.dirty.is_empty(), "unstored changes are not evicted");
        let fresh = Slots::with_capacity_and_hasher(self.slots.len(), RandomState::default());
        let aging = std::mem::replace(&mut self.slots, fresh);
        self.bytes = 0;
        std::mem::replace(&mut self.aged, aging)
    }

    /// Approximate memory of the rows that have not aged, in bytes.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// The number of rows in memory.
    pub fn len(&self) -> usize {
        self.slots.len() + self.aged.len()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

#[cfg(test)]
mod tests {
    use super::{Access, Change, Table};
    use crate::Stop;
    use crate::access::Idempotency;
    use crate::ids::{AccountId, ClientId, Id};
    use crate::ledger::Balance;
    use crate::money::{Category, Currency};
    use crate::record::{Key, Record};
    use crate::time::Instant;

    fn row(ledger: i64) -> Balance {
        let usd = Currency::find("USD", Category::Fiat).expect("USD");
        let (client, account) = (ClientId(Id::from_bytes([1; 12])), AccountId(Id::from_bytes([2; 12])));
        Balance { ledger, ..Balance::opened(client, account.into(), usd, Instant::from_micros(1)) }
    }

    fn key() -> Key {
        row(0).key()
    }

    fn ledger(table: &mut Table<Balance>) -> Result<Option<i64>, Stop> {
        Ok(table.get_for_update(key())?.map(|row| row.ledger))
    }

    #[test]
    fn a_row_is_forgotten_when_it_aged_twice_and_not_when_it_was_asked_for_in_between() {
        let mut table = Table::default();
        table.load(key(), Some(row(7)), Access::Exclusive);
        for _ in 0..3 {
            drop(table.age());
            assert_eq!(ledger(&mut table), Ok(Some(7)));
        }
        drop(table.age());
        drop(table.age());
        assert_eq!(ledger(&mut table), Err(Stop::Missing));
        assert_eq!(table.take_missing(), [(key(), Access::Exclusive)]);
        assert!(table.is_empty());
    }

    #[test]
    fn bytes_are_those_of_the_rows_that_are_not_aged() {
        let mut table = Table::default();
        let answer = |bytes| Idempotency {
            client: ClientId(Id::from_bytes([1; 12])),
            key_hash: [3; 32],
            fingerprint: [0; 32],
            status: 201,
            body: vec![0; bytes],
            subject: None,
            etag: None,
            created_at: Instant::from_micros(1),
            expires_at: Instant::from_micros(2),
        };
        table.load(answer(0).key(), None, Access::Exclusive);
        let absent = table.bytes();
        assert!(absent > 0, "a known absence takes memory");
        table.put(answer(1_000_000));
        let long = table.bytes();
        assert!(long > 1_000_000, "{long}: a row counts with its variable length");
        table.put(answer(0));
        assert_eq!(table.bytes(), long - 1_000_000);
        table.roll_back();
        assert_eq!(table.bytes(), absent);
        table.put(answer(1_000_000));
        table.keep();
        table.take_changes();
        drop(table.age());
        assert_eq!(table.bytes(), 0);
        assert!(table.get(answer(0).key()).is_ok_and(|row| row.is_some()));
        assert_eq!(table.bytes(), long, "it is asked for again");
        table.forget();
        assert_eq!(table.bytes(), 0);
    }

    #[test]
    fn transient_rows_are_evicted_after_the_next_batch_and_others_stay() {
        let (mut answers, mut balances) = (Table::<Idempotency>::default(), Table::default());
        let hash = Key::hashed(ClientId(Id::from_bytes([1; 12])), &[2; 32]);
        answers.load(hash, None, Access::Exclusive);
        balances.load(key(), Some(row(7)), Access::Exclusive);
        for left in [1, 0, 0] {
            answers.evict_transient();
            balances.evict_transient();
            drop(answers.age_if_lasting());
            assert_eq!((answers.len(), answers.bytes(), balances.len()), (left, 0, 1));
        }
        drop((balances.age_if_lasting(), balances.age_if_lasting()));
        assert!(balances.is_empty());
    }

    #[test]
    fn a_row_that_is_not_held_is_not_written_and_nothing_of_the_command_stays() {
        let writes: [fn(&mut Table<Balance>); 2] = [|table| table.put(row(8)), |table| table.delete(key())];
        for write in writes {
            let mut table = Table::default();
            let other = Balance { id: AccountId(Id::from_bytes([9; 12])).into(), ..row(1) };
            table.load(key(), Some(row(7)), Access::Shared);
            table.load(other.key(), Some(other.clone()), Access::Exclusive);
            table.put(Balance { ledger: 2, ..other.clone() });
            let written = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| write(&mut table)));
            assert!(written.is_err(), "it was held with shared access only");
            table.roll_back();
            assert!(!table.has_changes() && table.changes().is_empty());
            assert_eq!(table.get(key()).map(|row| row.map(|row| row.ledger)), Ok(Some(7)));
            assert_eq!(table.get(other.key()).map(|row| row.map(|row| row.ledger)), Ok(Some(1)));
        }
    }

    #[test]
    fn a_presumed_absence_is_proven_by_what_the_batch_inserts() {
        let other = Balance { id: AccountId(Id::from_bytes([9; 12])).into(), ..row(1) };
        let mut table = Table::default();
        table.presume_absent(key(), key());
        table.presume_absent(other.key(), key());
        assert_eq!(table.unproven().count(), 0, "nobody relied on it");
        assert_eq!((ledger(&mut table), table.get(other.key())), (Ok(None), Ok(None)));
        assert_eq!(table.unproven().count(), 2);
        table.put(row(7));
        assert_eq!(table.unproven().count(), 0, "both follow from the insert");
        table.roll_back();
        assert_eq!(table.unproven().count(), 2, "a command that was undone inserts nothing");
        table.load(other.key(), Some(other.clone()), Access::Exclusive);
        assert_eq!(table.unproven().collect::<Vec<_>>(), [(key(), Access::Exclusive)], "what was looked for is known");
        table.presume_absent(other.key(), key());
        assert_eq!(table.get(other.key()).map(|row| row.map(|row| row.ledger)), Ok(Some(1)), "nor is what is known");
    }

    #[test]
    fn an_aged_row_is_updated_and_not_inserted_again() {
        let mut table = Table::default();
        table.load(key(), Some(row(7)), Access::Exclusive);
        drop(table.age());
        table.put(row(8));
        assert!(matches!(table.changes().as_slice(), [Change::Update(changed)] if changed.ledger == 8));
        table.roll_back();
        assert!(!table.has_changes());
        assert_eq!(ledger(&mut table), Ok(Some(7)));
        drop(table.age());
        table.delete(key());
        assert!(matches!(table.changes().as_slice(), [Change::Delete(_)]));
        table.keep();
        table.take_changes();
        drop(table.age());
        assert_eq!(ledger(&mut table), Ok(None), "its absence is known");
    }
}
