//! One suite for both stores: what a batch may rely on, whichever database is behind it.
//!
//! PostgreSQL comes from `PAYGEN_TEST_POSTGRES_URL`, set by `cargo xtask test`; each test has a database of its own.

#[path = "conformance/cards.rs"]
mod cards;
#[path = "conformance/locks.rs"]
mod locks;
#[path = "conformance/paging.rs"]
mod paging;
#[path = "conformance/write_back.rs"]
mod write_back;

use std::sync::atomic::{AtomicU32, Ordering};

use paygen_core::events::Event;
use paygen_core::ids::{AccountId, ApiKeyId, ClientId, EventId, Id, IdGenerator};
use paygen_core::ledger::Balance;
use paygen_core::money::{Category, Currency};
use paygen_core::record::Key;
use paygen_core::table::Access;
use paygen_core::time::Instant;
use paygen_core::work::{KeySet, Work};
use paygen_store::{Database, Load, Store, StoreError, Target};

static DATABASES: AtomicU32 = AtomicU32::new(0);

struct World {
    _directory: tempfile::TempDir,
    target: Target,
    database: Database,
}

async fn worlds() -> Vec<World> {
    vec![sqlite().await, postgres().await]
}

async fn sqlite() -> World {
    let directory = tempfile::tempdir().expect("a directory");
    let target = Target::Sqlite(directory.path().join("test.sqlite"));
    let database = Database::open(&target).await.expect("SQLite opens");
    World { _directory: directory, target, database }
}

async fn postgres() -> World {
    let admin = std::env::var("PAYGEN_TEST_POSTGRES_URL")
        .expect("PAYGEN_TEST_POSTGRES_URL is not set: run the tests with `cargo xtask test`");
    // The number of a process may come again on a cluster that lives long; the time does not.
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).map_or(0, |since| since.as_nanos());
    let name = format!("store_{}_{now}_{}", std::process::id(), DATABASES.fetch_add(1, Ordering::Relaxed));
    let (client, connection) =
        tokio_postgres::connect(&admin, tokio_postgres::NoTls).await.expect("PostgreSQL answers");
    tokio::spawn(connection);
    client.batch_execute(&format!("CREATE DATABASE {name}")).await.expect("a database");
    let target = Target::Postgres(format!("{}/{name}", admin.rsplit_once('/').expect("a URL").0));
    let refused = Database::open(&target).await.err().expect("an empty database is refused").to_string();
    assert!(refused.contains("paygen migrate"), "{refused}");
    assert!(!Database::migrate(&target).await.expect("the schema").is_empty());
    assert!(Database::migrate(&target).await.expect("again").is_empty(), "a second migration does nothing");
    let database = Database::open(&target).await.expect("PostgreSQL opens");
    World { _directory: tempfile::tempdir().expect("a directory"), target, database }
}

fn client() -> ClientId {
    ClientId(Id::from_bytes([1; 12]))
}

fn account(number: u8) -> AccountId {
    AccountId(Id::from_bytes([number; 12]))
}

fn balance(number: u8, ledger: i64) -> Balance {
    let usd = Currency::find("USD", Category::Fiat).expect("USD");
    Balance { ledger, ..Balance::opened(client(), account(number).into(), usd, Instant::from_micros(1)) }
}

fn key(number: u8) -> Key {
    Key::of(client(), account(number).0)
}

fn work(node: u8) -> Work {
    Work::new(IdGenerator::new([node, 0, 0, 0, 1], 0))
}

fn balances(numbers: &[u8], access: Access) -> KeySet {
    let mut balances: Vec<(Key, Access)> = numbers.iter().map(|number| (key(*number), access)).collect();
    balances.sort();
    KeySet { balances, ..KeySet::default() }
}

/// Runs a blocking use of a store on a thread of its own, as the engine does.
async fn on_a_lane<T: Send + 'static>(run: impl FnOnce() -> T + Send + 'static) -> T {
    tokio::task::spawn_blocking(run).await.expect("the lane ran")
}

/// Adds to balances as one batch; repeats it when another writer was in the way.
fn add(store: &mut dyn Store, work: &mut Work, numbers: &[u8], amount: i64, batch: Id) {
    for _ in 0..100 {
        work.forget();
        work.begin_batch(Instant::from_micros(5));
        let attempt = store.load(&balances(numbers, Access::Exclusive), work, Load::Hold).and_then(|()| {
            for number in numbers {
                let row = work.balances.get_for_update(key(*number)).ok().flatten();
                let ledger = row.map_or(0, |row| row.ledger);
                work.balances.put(balance(*number, ledger + amount));
            }
            work.keep();
            store.commit(&mut work.take_changes(), batch)
        });
        match attempt {
            Ok(()) => return,
            Err(StoreError::Conflict(_)) => store.abandon(),
            Err(other) => panic!("{other}"),
        }
    }
    panic!("always in the way");
}

async fn ledger_of(database: &Database, number: u8) -> Option<i64> {
    database.reader().get::<Balance>(key(number)).await.expect("a read").map(|balance| balance.ledger)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rows_are_inserted_changed_deleted_and_known_to_be_absent() {
    for world in worlds().await {
        let mut store = world.database.store().await.expect("a store");
        on_a_lane(move || {
            let mut work = work(1);
            add(&mut *store, &mut work, &[1, 2], 7, Id::from_bytes([1; 12]));
            add(&mut *store, &mut work, &[2], i64::MAX - 7, Id::from_bytes([2; 12]));
            work.forget();
            store.load(&balances(&[1, 9], Access::Exclusive), &mut work, Load::Hold).expect("a load");
            assert_eq!(work.balances.get(key(9)), Ok(None), "a known absence is an ordinary none");
            work.balances.delete(key(1));
            work.keep();
            store.commit(&mut work.take_changes(), Id::from_bytes([3; 12])).expect("a commit");
        })
        .await;
        assert_eq!(ledger_of(&world.database, 1).await, None);
        assert_eq!(ledger_of(&world.database, 2).await, Some(i64::MAX));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_batch_that_the_schema_refuses_leaves_nothing() {
    for world in worlds().await {
        let mut store = world.database.store().await.expect("a store");
        on_a_lane(move || {
            let mut work = work(1);
            store.load(&balances(&[1, 2], Access::Exclusive), &mut work, Load::Hold).expect("a load");
            work.balances.put(balance(1, 5));
            work.balances.put(Balance { held: -1, ..balance(2, 5) });
            work.keep();
            let refused = store.commit(&mut work.take_changes(), Id::from_bytes([1; 12]));
            assert!(matches!(refused, Err(StoreError::CommandFault(_))), "{refused:?}");
            add(&mut *store, &mut work, &[3], 1, Id::from_bytes([2; 12]));
        })
        .await;
        assert_eq!(ledger_of(&world.database, 1).await, None);
        assert_eq!(ledger_of(&world.database, 3).await, Some(1), "the store goes on");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_writers_lose_no_update_and_do_not_lock_each_other_up() {
    let world = postgres().await;
    let mut lanes = Vec::new();
    for node in 1..=2u8 {
        let mut store = world.database.store().await.expect("a store");
        lanes.push(tokio::task::spawn_blocking(move || {
            let mut work = work(node);
            for round in 0..60u8 {
                let numbers = if node == 1 { [1, 2] } else { [2, 1] };
                add(&mut *store, &mut work, &numbers, 1, Id::from_bytes([node, round, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]));
            }
        }));
    }
    for lane in lanes {
        lane.await.expect("the lane ran");
    }
    assert_eq!((ledger_of(&world.database, 1).await, ledger_of(&world.database, 2).await), (Some(120), Some(120)));
}

/// Ends every session of a database, and waits until they are gone.
async fn end_sessions(url: &str) {
    let (client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls).await.expect("PostgreSQL answers");
    tokio::spawn(connection);
    let others = "FROM pg_stat_activity
         WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'";
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(10);
    loop {
        client.query(&format!("SELECT pg_terminate_backend(pid) {others}"), &[]).await.expect("they are ended");
        if client.query(&format!("SELECT pid {others}"), &[]).await.expect("the sessions").is_empty() {
            return;
        }
        assert!(std::time::Instant::now() < deadline, "a session goes on");
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
}

/// The locks of a batch go with its connection: what it decided under them must not be written on another one.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_lost_before_the_first_write_loses_no_update() {
    let world = postgres().await;
    let mut slow = world.database.store().await.expect("a store");
    let Target::Postgres(url) = world.target.clone() else { panic!("a PostgreSQL") };
    let runtime = tokio::runtime::Handle::current();
    on_a_lane(move || {
        let mut work = work(1);
        slow.load(&balances(&[1], Access::Exclusive), &mut work, Load::Hold).expect("a load");
        work.balances.put(balance(1, 5));
        work.keep();
        runtime.block_on(end_sessions(&url));
        let lost = slow.commit(&mut work.take_changes(), Id::from_bytes([1; 12]));
        assert!(lost.is_err(), "what was decided under locks that are gone is not written");
        add(&mut *slow, &mut work, &[1], 7, Id::from_bytes([2; 12]));
    })
    .await;
    assert_eq!(ledger_of(&world.database, 1).await, Some(7));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_taken_look_up_row_is_a_conflict() {
    let world = postgres().await;
    let (mut one, mut two) =
        (world.database.store().await.expect("a store"), world.database.store().await.expect("a store"));
    on_a_lane(move || {
        let look_up = |api_key: u8| paygen_core::access::ApiKeyHash {
            hash: [7; 32],
            client: client(),
            api_key: ApiKeyId(Id::from_bytes([api_key; 12])),
        };
        let mut keys = KeySet::default();
        keys.api_key_hashes.push((paygen_core::record::Record::key(&look_up(1)), Access::Exclusive));
        let (mut first, mut second) = (work(1), work(2));
        one.load(&keys, &mut first, Load::Hold).expect("a load");
        two.load(&keys, &mut second, Load::Hold).expect("a load: there is no row to lock yet");
        first.api_key_hashes.put(look_up(1));
        second.api_key_hashes.put(look_up(2));
        first.keep();
        second.keep();
        one.commit(&mut first.take_changes(), Id::from_bytes([1; 12])).expect("the first one gets it");
        let late = two.commit(&mut second.take_changes(), Id::from_bytes([2; 12]));
        assert!(matches!(late, Err(StoreError::Conflict(_))), "{late:?}");
    })
    .await;
}

fn event(object: u8, sequence: i64, node: u8) -> Event {
    let mut id = [0; 12];
    // Ids of a later sequence sort first: as when another node's clock is behind.
    id[0] = 200 - u8::try_from(sequence).unwrap_or(0);
    id[4] = node;
    id[5] = object;
    Event {
        client: client(),
        id: EventId(Id::from_bytes(id)),
        kind: "account.updated".to_owned(),
        object_type: "account".to_owned(),
        object_id: Id::from_bytes([object; 12]),
        sequence,
        position: None,
        data: "{}".to_owned(),
        request_id: String::new(),
        created_at: Instant::from_micros(1),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn positions_have_no_gap_and_keep_each_objects_order() {
    for world in worlds().await {
        let mut lanes = Vec::new();
        let writers = if world.database.has_one_writer() { 1 } else { 2 };
        for node in 1..=writers {
            let mut store = world.database.store().await.expect("a store");
            lanes.push(tokio::task::spawn_blocking(move || {
                let mut work = work(node);
                for sequence in 1..=30 {
                    work.begin_batch(Instant::from_micros(5));
                    work.appended.events.push(event(node, sequence, node));
                    store
                        .commit(
                            &mut work.take_changes(),
                            Id::from_bytes([node, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, sequence as u8]),
                        )
                        .expect("a commit");
                }
            }));
        }
        for lane in lanes {
            lane.await.expect("the lane ran");
        }
        if let Some(mut sequencer) = world.database.sequencer().await.expect("a sequencer") {
            let mut other = world.database.sequencer().await.expect("a sequencer").expect("of PostgreSQL");
            let mut listener = world.database.listener().expect("of PostgreSQL");
            listener.heard().await.expect("it begins to listen");
            assert!(!sequencer.step().await.expect("a step").is_empty());
            let heard = tokio::time::timeout(std::time::Duration::from_secs(30), listener.heard()).await;
            heard.expect("word of what was placed").expect("it listens");
            assert!(other.step().await.expect("a step").is_empty(), "one holder of the lease at a time");
            while !sequencer.step().await.expect("a step").is_empty() {}
        }
        let events = world.database.reader().events_after(client(), 0, 1000).await.expect("a read");
        assert_eq!(events.len(), usize::from(writers) * 30);
        let positions: Vec<i64> = events.iter().filter_map(|event| event.position).collect();
        assert_eq!(positions, (1..=i64::from(writers) * 30).collect::<Vec<_>>());
        for object in 1..=writers {
            let own = events.iter().filter(|event| event.object_id == Id::from_bytes([object; 12]));
            let sequences: Vec<i64> = own.map(|event| event.sequence).collect();
            assert_eq!(sequences, (1..=30).collect::<Vec<_>>());
        }
        // Old events go, but never the newest: from its position the next one is counted.
        let old = world.database.reader().old_events(client(), Instant::from_micros(5), 1000).await.expect("a read");
        assert_eq!(old.len(), events.len() - 1);
        let before = events.iter().map(|event| event.created_at).min().expect("events").plus_micros(-1);
        let none = world.database.reader().old_events(client(), before, 1000).await.expect("a read");
        assert!(none.is_empty(), "what is younger stays");
        let mut store = world.database.store().await.expect("a store");
        on_a_lane(move || {
            let mut work = work(9);
            work.begin_batch(Instant::from_micros(6));
            work.appended.deleted_events.extend(old.iter().map(|(key, _)| *key));
            store.commit(&mut work.take_changes(), Id::from_bytes([9; 12])).expect("a commit");
        })
        .await;
        let left = world.database.reader().events_after(client(), 0, 1000).await.expect("a read");
        assert_eq!(left.first().map(|event| event.id), events.last().map(|event| event.id));
        assert_eq!(left.len(), 1);
    }
}

#[tokio::test]
async fn a_newer_schema_is_refused() {
    let world = sqlite().await;
    let Target::Sqlite(path) = world.target.clone() else { return };
    drop(world.database);
    let connection = rusqlite::Connection::open(&path).expect("the file");
    let newer = "INSERT INTO schema_migrations (number, name, checksum) VALUES (99, 'later', 'x')";
    connection.execute(newer, []).expect("a later migration");
    let refused = Database::open(&world.target).await.err().expect("it is refused").to_string();
    assert!(refused.contains("newer paygen"), "{refused}");
}

fn data_key(id: &str, purpose: &str) -> paygen_store::VaultKeyRow {
    let created_at = Instant::from_micros(1);
    let wrapped = id.as_bytes().to_vec();
    paygen_store::VaultKeyRow { id: id.to_owned(), purpose: purpose.to_owned(), wrapped, created_at, retired_at: None }
}

/// Keeps an answer that names a data key.
fn keep_answer(store: &mut dyn Store, number: u8, key: &str) -> Result<(), StoreError> {
    let row = paygen_core::access::Idempotency {
        client: client(),
        key_hash: [number; 32],
        fingerprint: [0; 32],
        status: 201,
        body: [&[1], key.as_bytes(), [0; 40].as_slice()].concat(),
        subject: None,
        etag: None,
        created_at: Instant::from_micros(1),
        expires_at: Instant::from_micros(i64::MAX),
    };
    let mut work = work(1);
    work.begin_batch(Instant::from_micros(5));
    work.idempotency.put(row);
    work.keep();
    store.commit(&mut work.take_changes(), Id::from_bytes([number; 12]))
}

/// Whatever a node slept through: content under a data key keeps the key, and without the key there is no content.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_data_key_in_use_is_not_deleted_and_nothing_is_stored_under_a_deleted_one() {
    use paygen_core::rotation::Sealed::Answer;
    for world in worlds().await {
        let database = &world.database;
        database.add_vault_key(data_key("0000000a", "idempotency_bodies")).await.expect("a key");
        let before = ["0000000a".to_owned()];
        let new = |id| vec![data_key(id, "idempotency_bodies")];
        let mut store = database.store().await.expect("a store");
        let (mut store, kept) = on_a_lane(move || {
            let kept = keep_answer(&mut *store, 1, "0000000a");
            (store, kept)
        })
        .await;
        kept.expect("a commit under a key that is there");
        assert!(!database.delete_vault_key("0000000a", Answer).await.expect("a try"), "an active key stays");
        assert!(database.replace_vault_keys(&before, new("0000000b")).await.expect("a swap"));
        assert!(!database.replace_vault_keys(&before, new("0000000c")).await.expect("a swap"), "only the first one");
        assert_eq!(database.vault_keys().await.expect("keys").len(), 2, "all or none");
        assert!(!database.delete_vault_key("0000000a", Answer).await.expect("a try"), "it is in use");
        assert_eq!(database.vault_keys().await.expect("keys").len(), 2);

        let found = database.reader().sealed_under(Answer, &before, None, 10).await.expect("a read");
        assert_eq!(found.len(), 1);
        let last = Some(found[0].0);
        assert!(database.reader().sealed_under(Answer, &before, last, 10).await.expect("a read").is_empty());
        (store, _) = on_a_lane(move || {
            let mut work = work(2);
            work.begin_batch(Instant::from_micros(6));
            let keys = KeySet { idempotency: vec![(found[0].0, Access::Exclusive)], ..KeySet::default() };
            store.load(&keys, &mut work, Load::Hold).expect("a load");
            work.idempotency.delete(found[0].0);
            work.keep();
            store.commit(&mut work.take_changes(), Id::from_bytes([9; 12])).expect("a commit");
            (store, ())
        })
        .await;
        assert!(database.delete_vault_key("0000000a", Answer).await.expect("a try"), "nothing is under it");
        let late = on_a_lane(move || keep_answer(&mut *store, 2, "0000000a")).await;
        assert!(matches!(late, Err(StoreError::Unavailable(_))), "{late:?}");
        assert_eq!(database.reader().count_sealed_under(Answer, &before).await.expect("a count"), 0);
    }
}
