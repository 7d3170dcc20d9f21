//! What several writers of one PostgreSQL may rely on.

use paygen_core::card_holders::CardHolder;
use paygen_core::cards::{Card, CardStatus};
use paygen_core::limits::Counters;

use super::cards::{a_card, id, put};
use super::*;

/// Waits until a session of the database waits for a lock.
async fn until_one_waits(url: &str) {
    let (client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls).await.expect("PostgreSQL answers");
    tokio::spawn(connection);
    let sql = "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(10);
    while client.query(sql, &[]).await.expect("the sessions").is_empty() {
        assert!(std::time::Instant::now() < deadline, "nobody waits");
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
}

fn card_keys(card: Access, counters: Option<Access>) -> KeySet {
    let key = Key::of(a_card(1, false).client, id(1));
    let counters = counters.map(|access| (key, access)).into_iter().collect();
    KeySet { cards: vec![(key, card)], counters, ..KeySet::default() }
}

/// A payment reads the card beside its counters, which it locks. With or without counters, and whether it has seen the card
/// before or not, it waits for a change of the card and then reads the changed one.
#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn a_payment_sees_the_change_of_a_card_that_it_waited_for() {
    for (has_counters, has_seen) in [(true, false), (true, true), (false, true), (false, false)] {
        let world = postgres().await;
        let Target::Postgres(url) = world.target.clone() else { panic!("a PostgreSQL") };
        let card = Card { status: CardStatus::Inactive, ..a_card(1, false) };
        let (client, key) = (card.client, Key::of(card.client, id(1)));
        put(&world, 1, move |work| {
            work.cards.put(card);
            if has_counters {
                work.counters.put(Counters::new(client, id(1)));
            }
        })
        .await
        .expect("a card");
        let mut changing = world.database.store().await.expect("a store");
        let mut paying = world.database.store().await.expect("a store");
        let as_a_payment = || card_keys(Access::Shared, Some(Access::Exclusive));
        if has_seen {
            paying = on_a_lane(move || {
                paying.load(&as_a_payment(), &mut work(3), Load::Hold).expect("a load");
                paying.abandon();
                paying
            })
            .await;
        }
        let (locked, is_locked) = std::sync::mpsc::channel();
        let runtime = tokio::runtime::Handle::current();
        let change = tokio::task::spawn_blocking(move || {
            let mut work = work(2);
            changing.load(&card_keys(Access::Exclusive, None), &mut work, Load::Hold).expect("a load");
            locked.send(()).expect("the payment waits for it");
            let card = work.cards.get_for_update(key).ok().flatten().expect("the card");
            work.cards.put(Card { last4: "9999".to_owned(), version: 2, ..(*card).clone() });
            work.keep();
            runtime.block_on(until_one_waits(&url));
            changing.commit(&mut work.take_changes(), id(2)).expect("a commit");
        });
        let seen = on_a_lane(move || {
            is_locked.recv().expect("the card is locked");
            let mut work = work(3);
            paying.load(&as_a_payment(), &mut work, Load::Hold).expect("a load");
            let seen = work.cards.get(key).ok().flatten().map(|card| card.version);
            paying.abandon();
            seen
        })
        .await;
        change.await.expect("the card is changed");
        assert_eq!(seen, Some(2), "with counters: {has_counters}, seen before: {has_seen}");
    }
}

/// And the other way round: a card does not change before a payment that read it is stored.
#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn a_card_waits_for_the_payment_that_read_it() {
    let world = postgres().await;
    let Target::Postgres(url) = world.target.clone() else { panic!("a PostgreSQL") };
    let card = a_card(1, false);
    let (client, key) = (card.client, Key::of(card.client, id(1)));
    put(&world, 1, move |work| {
        work.cards.put(card);
        work.counters.put(Counters::new(client, id(1)));
    })
    .await
    .expect("a card");
    let mut paying = world.database.store().await.expect("a store");
    let mut changing = world.database.store().await.expect("a store");
    let (locked, is_locked) = std::sync::mpsc::channel();
    let runtime = tokio::runtime::Handle::current();
    let pay = tokio::task::spawn_blocking(move || {
        let mut work = work(2);
        paying.load(&card_keys(Access::Shared, Some(Access::Exclusive)), &mut work, Load::Hold).expect("a load");
        locked.send(()).expect("the change waits for it");
        let counters = work.counters.get_for_update(key).ok().flatten().expect("the counters");
        work.counters.put(Counters { payments: 7, ..(*counters).clone() });
        work.keep();
        runtime.block_on(until_one_waits(&url));
        paying.commit(&mut work.take_changes(), id(2)).expect("a commit");
    });
    let seen = on_a_lane(move || {
        is_locked.recv().expect("the counters are locked");
        let mut work = work(3);
        changing.load(&card_keys(Access::Exclusive, None), &mut work, Load::Hold).expect("a load");
        let seen = work.counters.peek(key).map(|counters| counters.payments);
        changing.abandon();
        seen
    })
    .await;
    pay.await.expect("the payment is stored");
    assert_eq!(seen, Some(7), "the payment was stored first");
}

/// Of a row that was seen before only the version is read. It is read again when it has changed, when it was deleted, and
/// when it came back.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_row_that_was_seen_is_read_again_when_it_changed() {
    let world = postgres().await;
    let holder = |number: u8| super::cards::a_holder(number, false);
    let client = holder(1).client;
    put(&world, 1, move |work| {
        for number in [1, 2] {
            work.card_holders.put(holder(number));
            work.counters.put(Counters::new(client, id(number)));
        }
    })
    .await
    .expect("two card holders");
    let keys = move |access| {
        let keys: Vec<_> = [1, 2].map(|number| (Key::of(client, id(number)), access)).into();
        KeySet {
            card_holders: keys.clone(),
            counters: keys.iter().map(|(key, _)| (*key, Access::Exclusive)).collect(),
            ..KeySet::default()
        }
    };
    let mut paying = world.database.store().await.expect("a store");
    let mut changing = world.database.store().await.expect("a store");
    on_a_lane(move || {
        let mut seen = move || {
            let mut work = work(2);
            paying.load(&keys(Access::Shared), &mut work, Load::Hold).expect("a load");
            paying.abandon();
            [1, 2].map(|number| work.card_holders.peek(Key::of(client, id(number))).map(|holder| holder.version))
        };
        let mut batches = 10..;
        let mut change = move |change: &dyn Fn(&mut Work)| {
            let mut work = work(3);
            changing.load(&keys(Access::Exclusive), &mut work, Load::Hold).expect("a load");
            change(&mut work);
            work.keep();
            let batch = id(batches.next().expect("a number"));
            changing.commit(&mut work.take_changes(), batch).expect("a commit");
        };
        let version = holder(1).version;
        assert_eq!(seen(), [Some(version), Some(version)]);
        assert_eq!(seen(), [Some(version), Some(version)], "by its version");
        for later in [version + 1, version + 2] {
            change(&|work| work.card_holders.put(CardHolder { version: later, ..holder(1) }));
            assert_eq!(seen(), [Some(later), Some(version)]);
        }
        change(&|work| work.card_holders.delete(Key::of(client, id(1))));
        assert_eq!(seen(), [None, Some(version)]);
        assert_eq!(seen(), [None, Some(version)]);
        change(&|work| work.card_holders.put(holder(1)));
        assert_eq!(seen(), [Some(version), Some(version)]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_update_of_a_row_that_is_gone_stores_nothing_of_its_batch() {
    let world = postgres().await;
    let mut store = world.database.store().await.expect("a store");
    on_a_lane(move || {
        let mut work = work(1);
        work.balances.load(key(1), Some(balance(1, 5)), Access::Exclusive);
        work.balances.load(key(2), None, Access::Exclusive);
        work.balances.put(balance(1, 6));
        work.balances.put(balance(2, 7));
        work.keep();
        let gone = store.commit(&mut work.take_changes(), Id::from_bytes([1; 12]));
        assert!(matches!(gone, Err(StoreError::Conflict(_))), "{gone:?}");
        add(&mut *store, &mut work, &[3], 1, Id::from_bytes([2; 12]));
    })
    .await;
    assert_eq!(ledger_of(&world.database, 2).await, None);
    assert_eq!(ledger_of(&world.database, 3).await, Some(1), "the store goes on");
}
