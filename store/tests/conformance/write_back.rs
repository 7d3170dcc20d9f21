//! Rows that SQLite writes to their tables later: nobody can tell, whatever becomes of the process.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};

use paygen_core::accounts::{Account, AccountStatus, AccountType, CategoryWord, OwnerType};
use paygen_core::ids::Id;
use paygen_core::ledger::{Balance, Verifier};
use paygen_core::money::{Category, Currency};
use paygen_core::table::Access;
use paygen_core::time::Instant;
use paygen_store::lists::accounts;
use paygen_store::query::{Filter, ListQuery, Operand, Order, Page, Paging, Test};
use paygen_store::value::Value;
use paygen_store::{Database, Load, Reader, Target};

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
        store.commit(&mut work.take_changes(), Id::from_bytes([3; 12])).expect("a commit");
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

fn shown(number: u8) -> Account {
    let at = Instant::from_micros(1);
    Account {
        client: client(),
        id: account(number),
        owner_type: OwnerType::User,
        owner_id: None,
        name: "Listed".to_owned(),
        kind: AccountType::Checking,
        category: CategoryWord::Fiat,
        status: AccountStatus::Active,
        currency: Currency::find("USD", Category::Fiat).expect("USD"),
        network: None,
        can_debit: true,
        can_credit: true,
        metadata: None,
        primary_bank_account: None,
        primary_crypto_wallet: None,
        live_cards: 0,
        unsettled_cards: 0,
        limits: Vec::new(),
        version: 1,
        created_at: at,
        updated_at: at,
    }
}

async fn listed(reader: &Reader, filters: Vec<Filter>) -> Page<(Account, Balance)> {
    let order = vec![Order { column: accounts::CREATED_AT, descending: false }];
    let paging = Paging::Page { page: 1 };
    let query = ListQuery { client: client(), filters, search: None, order, paging, limit: 20, timeout_ms: 5000 };
    reader.list::<accounts::List>(&query).await.expect("a page")
}

fn in_journal(world: &World) -> i64 {
    let connection = rusqlite::Connection::open(file(world)).expect("a connection");
    connection.query_row("SELECT count(*) FROM journal", [], |row| row.get(0)).expect("a count")
}

/// Accounts 1 and 2, listed, with what [`with_rows`] gave them.
async fn with_accounts() -> World {
    let world = sqlite().await;
    let mut store = world.database.store().await.expect("a store");
    on_a_lane(move || {
        let mut work = work(1);
        for number in [1, 2] {
            work.accounts.put(shown(number));
        }
        work.keep();
        store.commit(&mut work.take_changes(), Id::from_bytes([9; 12])).expect("a commit");
        add(&mut *store, &mut work, &[1, 2], 7, Id::from_bytes([1; 12]));
        add(&mut *store, &mut work, &[2], 5, Id::from_bytes([2; 12]));
    })
    .await;
    world
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_list_shows_what_is_pending_and_leaves_it_pending() {
    let world = with_accounts().await;
    let reader = world.database.reader();
    let pending = in_journal(&world);
    assert!(pending > 0, "balances of new accounts are in the journal only");
    let page = listed(&reader, Vec::new()).await;
    let ledgers: Vec<i64> = page.rows.iter().map(|(_, balance)| balance.ledger).collect();
    assert_eq!((ledgers, page.total), (vec![7, 12], Some(2)));
    assert_eq!(in_journal(&world), pending, "nothing had to be written down");

    let twelve = Test::Eq(Operand::Value(Value::Integer(12)));
    let page = listed(&reader, vec![Filter { column: accounts::LEDGER, test: twelve }]).await;
    let ids: Vec<_> = page.rows.iter().map(|(account, _)| account.id).collect();
    assert_eq!((ids, page.total), (vec![account(2)], Some(1)), "which rows there are goes by what is pending too");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_list_is_never_behind_what_was_committed_before_it() {
    let world = with_accounts().await;
    let (reader, mut store) = (world.database.reader(), world.database.store().await.expect("a store"));
    let (committed, over) = (Arc::new(AtomicI64::new(7)), Arc::new(AtomicBool::new(false)));
    let lane = {
        let (committed, over) = (committed.clone(), over.clone());
        on_a_lane(move || {
            let mut work = work(3);
            for number in 1..=400_i64 {
                let mut batch = [3; 12];
                batch[4..].copy_from_slice(&number.to_be_bytes());
                add(&mut *store, &mut work, &[1], 1, Id::from_bytes(batch));
                committed.store(7 + number, Ordering::SeqCst);
            }
            over.store(true, Ordering::SeqCst);
        })
    };
    // Each has everything written down, again and again.
    let writing_down = async {
        while !over.load(Ordering::SeqCst) {
            reader.get_many::<Balance>(client(), &[account(1).0]).await.expect("a read");
        }
    };
    let listing = async {
        while !over.load(Ordering::SeqCst) {
            let before = committed.load(Ordering::SeqCst);
            let page = listed(&reader, Vec::new()).await;
            let seen = page.rows.iter().find(|(found, _)| found.id == account(1)).map(|(_, balance)| balance.ledger);
            assert!(seen >= Some(before), "{seen:?} is older than {before}");
        }
    };
    tokio::join!(lane, writing_down, listing);
}
