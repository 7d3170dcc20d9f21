//! Commits, steps, failures of both and kills in any order, against a model: what was acknowledged is what is read, and
//! what the file alone says.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use paygen_core::ids::{AccountId, ClientId, Id, IdGenerator};
use paygen_core::ledger::Balance;
use paygen_core::money::{Category, Currency};
use paygen_core::record::{Key, Record};
use paygen_core::table::Access;
use paygen_core::time::Instant;
use paygen_core::work::{KeySet, Work};

use super::read::Pool;
use super::write::SqliteStore;
use super::writer::{Open, Writer};
use super::{flusher, journal, migrate};
use crate::records::{Row, Stored};
use crate::value::Value;
use crate::{Load, Store, StoreError};

const CLIENT: ClientId = ClientId(Id::from_bytes([1; 12]));

/// So many that writing down takes several steps.
const ROWS: usize = 1500;

fn id(number: usize) -> Id {
    let [.., high, low] = number.to_be_bytes();
    Id::from_bytes([1, 0, 0, 0, 0, 0, 0, 0, 0, 0, high, low])
}

fn key(number: usize) -> Key {
    Key::of(CLIENT, id(number))
}

fn row(number: usize, ledger: i64) -> Balance {
    let usd = Currency::find("USD", Category::Fiat).expect("USD");
    Balance { ledger, ..Balance::opened(CLIENT, AccountId(id(number)).into(), usd, Instant::from_micros(1)) }
}

/// Draws the same numbers in every run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).expect("31 bits") % end
    }
}

struct World {
    _directory: tempfile::TempDir,
    path: PathBuf,
    writer: Arc<Writer>,
    pool: Pool,
    acknowledged: BTreeMap<Key, i64>,
    dice: Dice,
    changes: i64,
}

fn open(path: &std::path::Path) -> (Arc<Writer>, Pool) {
    migrate(path).expect("the schema");
    let writer = Arc::new(Writer::new(path).expect("a writer"));
    (writer.clone(), Pool::new(path, Some(writer)))
}

impl World {
    /// Without the threads of an open database: nothing happens but what is asked for.
    fn new(seed: u64) -> World {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("test.sqlite");
        let (writer, pool) = open(&path);
        let (acknowledged, dice) = (BTreeMap::new(), Dice(seed));
        World { _directory: directory, path, writer, pool, acknowledged, dice, changes: 0 }
    }

    /// Runs something while the writer's inserts are refused where this says.
    fn refusing<T>(&self, table_and_when: &str, how: &str, run: impl FnOnce() -> Result<T, StoreError>) -> bool {
        let trigger = format!(
            "CREATE TEMP TRIGGER refuse BEFORE INSERT ON main.{table_and_when} BEGIN SELECT RAISE({how}, 'no'); END"
        );
        self.writer.open().connection.execute_batch(&trigger).expect("a trigger");
        let refused = run().is_err();
        self.writer.open().connection.execute_batch("DROP TRIGGER refuse").expect("no trigger");
        refused
    }

    fn commit(&mut self, succeeds: bool) {
        let (first, many) = (self.dice.below(ROWS), 1 + self.dice.below(300));
        let numbers: Vec<usize> = (first..ROWS.min(first + many)).collect();
        let deletes = self.dice.below(8) == 0;
        let mut store = SqliteStore::new(&self.path, self.writer.clone());
        let mut work = Work::new(IdGenerator::new([1; 5], 0));
        work.begin_batch(Instant::from_micros(5));
        let balances = numbers.iter().map(|number| (key(*number), Access::Exclusive)).collect();
        store.load(&KeySet { balances, ..KeySet::default() }, &mut work, Load::Hold).expect("a load");
        let mut after = self.acknowledged.clone();
        for number in numbers {
            let found = work.balances.get_for_update(key(number)).expect("it was loaded");
            let known = self.acknowledged.get(&key(number)).copied();
            assert_eq!(found.map(|row| row.ledger), known, "loaded");
            self.changes += 1;
            if deletes && known.is_some() && self.dice.below(3) == 0 {
                work.balances.delete(key(number));
                after.remove(&key(number));
            } else {
                work.balances.put(row(number, self.changes));
                after.insert(key(number), self.changes);
            }
        }
        work.keep();
        let batch = id(usize::try_from(self.changes).expect("a number"));
        if succeeds {
            store.commit(&mut work.take_changes(), batch).expect("a commit");
            self.acknowledged = after;
        } else {
            let how = ["ABORT", "ROLLBACK"][self.dice.below(2)];
            assert!(self.refusing("commits", how, || store.commit(&mut work.take_changes(), batch)));
        }
    }

    fn step(&self) -> Result<(), StoreError> {
        let mut open = self.writer.open();
        let Open { connection, progress, .. } = &mut *open;
        self.writer.write_back.flush_some(connection, progress)
    }

    /// A step that fails after some rows, when it has rows from there on.
    fn step_refused_from(&self, number: usize, how: &str) -> bool {
        let from: String = id(number).bytes().iter().map(|byte| format!("{byte:02x}")).collect();
        self.refusing(&format!("balances WHEN new.id >= x'{from}'"), how, || self.step())
    }

    fn kill(&mut self) {
        let (writer, pool) = open(&self.path);
        (self.writer, self.pool) = (writer, pool);
    }

    /// What the tables have, with what the journal has over it: all that a kill leaves.
    fn on_disk(&self) -> BTreeMap<Key, i64> {
        let beside = Pool::new(&self.path, None);
        let sql = format!(
            "SELECT {} FROM balances",
            Balance::COLUMNS.iter().map(|column| column.name).collect::<Vec<_>>().join(", ")
        );
        let mut rows = beside.rows(&sql, &[], Balance::COLUMNS.len()).expect("a read");
        rows.extend(beside.with(|connection| Ok(journal::balances(connection).expect("the journal"))).expect("a read"));
        let rows = rows.into_iter().map(|values| Balance::read(&mut Row::of::<Balance>(values)).expect("a balance"));
        rows.map(|balance| (balance.key(), balance.ledger)).collect()
    }

    fn look(&mut self) {
        assert_eq!(self.on_disk(), self.acknowledged, "on disk");
        for _ in 0..50 {
            let key = key(self.dice.below(ROWS));
            let found = self.pool.row::<Balance>(&key).expect("a read");
            let found = found.map(|values| Balance::read(&mut Row::of::<Balance>(values)).expect("a balance").ledger);
            assert_eq!(found, self.acknowledged.get(&key).copied(), "by its key");
        }
    }

    fn look_at_all(&mut self) {
        let found = self.pool.rows("SELECT ledger FROM balances ORDER BY id", &[], 1).expect("a read");
        let acknowledged: Vec<Vec<Value>> =
            self.acknowledged.values().map(|ledger| vec![Value::Integer(*ledger)]).collect();
        assert_eq!(found, acknowledged, "by a statement that names the table");
        assert_eq!(self.writer.write_back.count_pending(), 0);
        let left = self.pool.rows("SELECT count(*) FROM journal", &[], 1).expect("a read");
        assert_eq!(left, [[Value::Integer(0)]], "what is written down leaves the journal");
    }
}

#[test]
fn what_was_acknowledged_is_read_and_kept_whatever_fails_in_between() {
    for seed in 1..=6 {
        let mut world = World::new(seed);
        for _ in 0..120 {
            match world.dice.below(20) {
                0..=8 => world.commit(true),
                9 => world.commit(false),
                10..=15 => world.step().expect("a step"),
                16 | 17 => {
                    let (from, how) = (world.dice.below(ROWS), ["ABORT", "ROLLBACK"][world.dice.below(2)]);
                    world.step_refused_from(from, how);
                }
                18 => world.kill(),
                _ => world.look_at_all(),
            }
            world.look();
        }
        world.look_at_all();
    }
}

#[test]
fn a_step_that_failed_is_tried_again_though_nobody_writes() {
    let mut world = World::new(1);
    world.commit(true);
    assert!(world.step_refused_from(0, "ABORT"));
    assert!(world.writer.write_back.count_pending() > 0, "the rows are left");
    assert!(world.writer.write_back.will_be_due(), "they get their turn");
}

/// All rows with this amount.
fn commit_all_rows(store: &mut SqliteStore, ledger: i64) {
    let mut work = Work::new(IdGenerator::new([1; 5], 0));
    work.begin_batch(Instant::from_micros(5));
    let balances = (0..ROWS).map(|number| (key(number), Access::Exclusive)).collect();
    store.load(&KeySet { balances, ..KeySet::default() }, &mut work, Load::Hold).expect("a load");
    (0..ROWS).for_each(|number| work.balances.put(row(number, ledger)));
    work.keep();
    store.commit(&mut work.take_changes(), id(usize::try_from(ledger).expect("a number"))).expect("a commit");
}

#[test]
fn a_row_is_loaded_as_it_is_while_rows_are_committed_and_flushed() {
    let world = World::new(1);
    let acknowledged = Arc::new(AtomicI64::new(0));
    let (writer, path, seen) = (world.writer.clone(), world.path.clone(), acknowledged.clone());
    let writing = std::thread::spawn(move || {
        let mut store = SqliteStore::new(&path, writer.clone());
        for ledger in 1..=20 {
            commit_all_rows(&mut store, ledger);
            seen.store(ledger, Ordering::SeqCst);
            flusher::flush_all(&writer, std::time::Duration::ZERO).expect("it is flushed");
        }
    });
    let mut store = SqliteStore::new(&world.path, world.writer.clone());
    let mut dice = Dice(1);
    while !writing.is_finished() {
        let key = key(dice.below(ROWS));
        let mut work = Work::new(IdGenerator::new([2; 5], 0));
        let before = acknowledged.load(Ordering::SeqCst);
        let keys = KeySet { balances: vec![(key, Access::Exclusive)], ..KeySet::default() };
        store.load(&keys, &mut work, Load::Hold).expect("a load");
        let found = work.balances.peek(key).map_or(0, |row| row.ledger);
        assert!(found >= before, "{found} was loaded after {before} was acknowledged");
    }
    writing.join().expect("all was written");
}

/// Between the look at the beginning and the turn to write, another thread may have failed.
#[test]
fn a_batch_that_waited_for_the_writer_finds_that_it_failed_meanwhile() {
    let mut world = World::new(1);
    world.commit(true);
    let mut work = Work::new(IdGenerator::new([1; 5], 0));
    world.writer.note::<()>(Err(StoreError::Fatal("an fsync failed".to_owned()))).expect_err("it failed");
    let late = SqliteStore::new(&world.path, world.writer.clone()).commit_all(&mut work.take_changes(), id(1));
    assert!(matches!(late, Err(StoreError::Fatal(_))), "{late:?}");
    assert!(flusher::flush_all(&world.writer, std::time::Duration::ZERO).is_err());
}

#[test]
fn a_transaction_that_a_panic_left_open_is_given_up_before_anything_else_is_written() {
    let mut world = World::new(1);
    let writer = world.writer.clone();
    let panicked = std::thread::spawn(move || {
        let open = writer.open();
        open.connection
            .execute_batch("BEGIN; DELETE FROM clock; INSERT INTO commits VALUES (x'', 1)")
            .expect("a write");
        panic!("in between");
    });
    assert!(panicked.join().is_err());
    let sql = "INSERT INTO commits (batch_id, committed_at) VALUES (x'010101010101010101010101', 1)";
    world.writer.execute(sql, &[]).expect("it is written");
    let found = world.pool.rows("SELECT count(*) FROM commits", &[], 1).expect("a read");
    assert_eq!(found, [[Value::Integer(1)]], "and is there for others");
    world.commit(true);
    world.look();
}

#[test]
fn a_thread_that_gives_way_comes_after_a_batch_that_waits() {
    let world = World::new(1);
    let held = world.writer.open();
    let (done, wait) = std::sync::mpsc::channel::<()>();
    let writer = world.writer.clone();
    let batch = std::thread::spawn(move || {
        let _open = writer.open_for_a_batch();
        wait.recv().expect("the other one looked");
    });
    while !world.writer.is_awaited() {
        std::thread::yield_now();
    }
    drop(held);
    world.writer.give_way();
    assert!(world.writer.is_held(), "the batch has it");
    done.send(()).expect("it waits");
    batch.join().expect("it ended");
    assert!(!world.writer.is_held());
}
