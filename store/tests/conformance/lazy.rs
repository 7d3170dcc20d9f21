//! Rows that SQLite writes to their tables later: nobody can tell, whatever becomes of the process.

use std::path::Path;

use paygen_core::ids::Id;
use paygen_core::ledger::{Balance, Verifier};
use paygen_core::table::Access;
use paygen_store::{Database, Load, Target};

use super::{World, account, add, balances, client, key, ledger_of, on_a_lane, sqlite, work};

async fn with_rows() -> World {
    let world = sqlite().await;
    let mut store = world.database.store().await.expect("a store");
    on_a_lane(move || {
        let mut work = work(1);
        add(&mut *store, &mut work, &[1, 2], 7, Id::from_bytes([1; 12]));
        add(&mut *store, &mut work, &[2], 5, Id::from_bytes([2; 12]));
    })
    .await;
    world
}

fn file(world: &World) -> &Path {
    let Target::Sqlite(path) = &world.target else { panic!("an SQLite database") };
    path
}

/// What is on disk at this moment, as a kill would leave it.
fn as_after_a_kill(path: &Path, to: &Path) {
    for suffix in ["", "-wal"] {
        let name = |path: &Path| format!("{}{suffix}", path.display());
        std::fs::copy(name(path), name(to)).expect("a copy");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_committed_is_there_after_a_kill() {
    let world = with_rows().await;
    let elsewhere = tempfile::tempdir().expect("a directory");
    let copy = elsewhere.path().join("copy.sqlite");
    as_after_a_kill(file(&world), &copy);
    let opened = Database::open(&Target::Sqlite(copy)).await.expect("it opens");
    assert_eq!((ledger_of(&opened, 1).await, ledger_of(&opened, 2).await), (Some(7), Some(12)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_row_is_the_same_whichever_way_it_is_read() {
    let world = with_rows().await;
    assert_eq!(ledger_of(&world.database, 2).await, Some(12), "by its key");
    let mut store = world.database.store().await.expect("a store");
    let loaded = on_a_lane(move || {
        let mut work = work(2);
        store.load(&balances(&[2], Access::Exclusive), &mut work, Load::Hold).expect("a load");
        work.balances.peek(key(2)).map(|balance| balance.ledger)
    });
    assert_eq!(loaded.await, Some(12), "by a lane that has nothing in memory");
    let (reader, ids) = (world.database.reader(), [account(1).0, account(2).0]);
    let many = reader.get_many::<Balance>(client(), &ids).await.expect("a read");
    let many: Vec<i64> = many.iter().map(|balance| balance.ledger).collect();
    assert_eq!(many, [7, 12], "by a statement that reads the table");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deleted_row_does_not_come_back() {
    let world = with_rows().await;
    let mut store = world.database.store().await.expect("a store");
    on_a_lane(move || {
        let mut work = work(2);
        store.load(&balances(&[1], Access::Exclusive), &mut work, Load::Hold).expect("a load");
        work.balances.delete(key(1));
        work.keep();
        store.commit(&mut work, Id::from_bytes([3; 12])).expect("a commit");
    })
    .await;
    assert_eq!(ledger_of(&world.database, 1).await, None);
    let elsewhere = tempfile::tempdir().expect("a directory");
    let copy = elsewhere.path().join("copy.sqlite");
    as_after_a_kill(file(&world), &copy);
    let opened = Database::open(&Target::Sqlite(copy)).await.expect("it opens");
    assert_eq!((ledger_of(&opened, 1).await, ledger_of(&opened, 2).await), (None, Some(12)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_ledger_is_verified_with_heads_that_are_pending() {
    let world = with_rows().await;
    let beside = Database::open_read_only(&world.target).await.expect("it opens beside the writer");
    let report = beside.verify_ledger(Verifier::default()).await.expect("a report");
    assert_eq!(report.balances, 2, "heads that are in the journal only are looked at too");
}
