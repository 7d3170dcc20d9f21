//! A card holder, a document, a card and what belongs to them: with every optional field, or with none.

use paygen_core::card_holders::{
    CardHolder, CardHolderStatus, Document, DocumentPart, Files, ReviewStatus, SearchHashes,
};
use paygen_core::cards::{
    Brand, Card, CardFingerprint, CardSecret, CardStatus, CardType, FundingMode, PaymentReference, RevealPurpose,
    RevealToken, StatusChange,
};
use paygen_core::ids::{AccountId, CardHolderId, CardId, DocumentId, EntryId, ProgramId};
use paygen_core::limits::SpendingControls;
use paygen_core::record::Record;
use paygen_core::rotation::Sealed;
use paygen_store::VaultKeyRow;
use paygen_store::query::{Filter, ListQuery, Operand, Order, Paging, Test};
use paygen_store::{lists, records::Keyed};

use super::*;

pub(super) fn id(number: u8) -> Id {
    Id::from_bytes([number; 12])
}

pub(super) fn at(seconds: i64) -> Instant {
    Instant::from_micros(seconds * 1_000_000)
}

/// Sealed under the data key of this name.
fn sealed(key: &str, rest: u8) -> Vec<u8> {
    [&[1u8], key.as_bytes(), &[rest; 40]].concat()
}

pub(super) fn a_holder(number: u8, full: bool) -> CardHolder {
    let some = |byte: u8| full.then_some([byte; 32]);
    CardHolder {
        client: client(),
        id: CardHolderId(id(number)),
        name: "Ada Ümlaut".to_owned(),
        status: CardHolderStatus::Active,
        key: Some(sealed("holderke", number)),
        personal: Some(vec![7; 30]),
        hashes: SearchHashes { email: some(1), phone: some(2), birth_date: some(3), document_number: some(4) },
        metadata: full.then(|| r#"{"a":1}"#.to_owned()),
        document_status: full.then_some(ReviewStatus::Verified),
        document_expires: full.then_some(at(9)),
        proof_status: full.then_some(ReviewStatus::Rejected),
        files: Files::default(),
        documents: 1,
        limits: Vec::new(),
        live_cards: 1,
        retain_from: at(1),
        erased_at: None,
        event_seq: 3,
        version: 2,
        created_at: at(i64::from(number)),
        updated_at: at(3),
    }
}

fn a_document(number: u8, full: bool) -> Document {
    Document {
        client: client(),
        id: DocumentId(id(number)),
        card_holder: CardHolderId(id(1)),
        part: DocumentPart::ProofOfAddress,
        file_type: "image/png".to_owned(),
        size: 9,
        content_hash: [5; 32],
        status: ReviewStatus::Pending,
        reason: full.then(|| "blurred".to_owned()),
        current: full,
        version: 1,
        created_at: at(i64::from(number)),
        updated_at: at(2),
    }
}

pub(super) fn a_card(number: u8, full: bool) -> Card {
    let usd = Currency::find("USD", Category::Fiat).expect("USD");
    Card {
        client: client(),
        id: CardId(id(number)),
        debit_account: AccountId(id(90)),
        card_holder: CardHolderId(id(1)),
        program: ProgramId(id(77)),
        kind: CardType::Physical,
        brand: Brand::Visa,
        currency: usd,
        status: if full { CardStatus::Canceled } else { CardStatus::Inactive },
        cancellation_reason: full.then(|| "lost".to_owned()),
        credit_account: full.then_some(AccountId(id(91))),
        metadata: full.then(|| "{}".to_owned()),
        controls: SpendingControls::default(),
        enable_2fa: full,
        disposable: full,
        funding_mode: FundingMode::Prefunded,
        funds: CardId(id(number)).into(),
        valid_from: full.then_some(at(1)),
        valid_until: full.then_some(at(2)),
        merchant_lock: full,
        locked_merchant: full.then(|| "M1".to_owned()),
        cancel_after: full.then_some(3),
        bin: "400555".to_owned(),
        last4: "0019".to_owned(),
        expiry_month: 12,
        expiry_year: 2029,
        pin_set: full,
        activated_at: full.then_some(at(4)),
        replacement_for: full.then_some(CardId(id(92))),
        replaced_by: full.then_some(CardId(id(93))),
        history: vec![StatusChange { status: "inactive".to_owned(), at: 1, reason: None, by: None }],
        version: 1,
        created_at: at(i64::from(number)),
        updated_at: at(5),
    }
}

fn a_secret(number: u8, key: &str, pin: Option<&str>) -> CardSecret {
    CardSecret {
        client: client(),
        card: CardId(id(number)),
        number: sealed(key, number),
        pin: pin.map(|key| sealed(key, number)),
        pin_failures: 2,
        wrong_tries: 4,
        wrong_tries_day: 20_000,
        pin_set_at: pin.map(|_| at(6)),
    }
}

fn a_token(number: u8, full: bool) -> RevealToken {
    RevealToken {
        hash: [number; 32],
        client: client(),
        card: CardId(id(1)),
        purpose: RevealPurpose::Page,
        origin: full.then(|| "https://shop.example".to_owned()),
        expires_at: at(i64::from(number)),
        used_at: full.then_some(at(1)),
        created_at: at(0),
    }
}

/// Commits what was put, each row held to be changed before.
pub(super) async fn put(
    world: &World,
    batch: u8,
    change: impl FnOnce(&mut Work) + Send + 'static,
) -> Result<(), StoreError> {
    let mut store = world.database.store().await.expect("a store");
    on_a_lane(move || {
        let mut work = work(batch);
        work.begin_batch(Instant::from_micros(5));
        change(&mut work);
        work.keep();
        store.commit(&mut work.take_changes(), id(batch))
    })
    .await
}

async fn reads_back<R: Keyed + Record + std::fmt::Debug>(world: &World, row: R) {
    let found = world.database.reader().get::<R>(row.key()).await.expect("a read");
    assert_eq!(found, Some(row));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn records_of_cards_and_card_holders_read_back_as_they_were_written() {
    for world in worlds().await {
        for (number, full) in [(1, false), (2, true)] {
            let stored = put(&world, number, move |work| {
                work.card_holders.put(a_holder(number, full));
                work.documents.put(a_document(number, full));
                work.cards.put(a_card(number, full));
                work.card_secrets.put(a_secret(number, "numberke", full.then_some("pinvalue")));
                work.reveal_tokens.put(a_token(number, full));
            });
            stored.await.expect("a commit");
            reads_back(&world, a_holder(number, full)).await;
            reads_back(&world, a_document(number, full)).await;
            reads_back(&world, a_card(number, full)).await;
            reads_back(&world, a_secret(number, "numberke", full.then_some("pinvalue"))).await;
            reads_back(&world, a_token(number, full)).await;
        }
        let fingerprint = CardFingerprint { fingerprint: [9; 32], client: client(), card: CardId(id(1)) };
        let reference = PaymentReference {
            client: client(),
            hash: [8; 32],
            card: CardId(id(1)),
            entry: EntryId(id(3)),
            created_at: at(1),
        };
        let (one, two) = (fingerprint.clone(), reference.clone());
        put(&world, 3, move |work| {
            work.card_fingerprints.put(one);
            work.payment_references.put(two);
        })
        .await
        .expect("a commit");
        reads_back(&world, fingerprint).await;
        reads_back(&world, reference).await;
        let erased =
            CardHolder { name: String::new(), key: None, personal: None, erased_at: Some(at(7)), ..a_holder(4, false) };
        let row = erased.clone();
        put(&world, 4, move |work| work.card_holders.put(row)).await.expect("a commit");
        reads_back(&world, erased).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_schema_refuses_what_must_not_be() {
    type Change = fn(&mut Work);
    let cases: [(&str, Change); 9] = [
        ("an erased holder with a name and a key", |w| {
            w.card_holders.put(CardHolder { erased_at: Some(at(7)), ..a_holder(1, false) });
        }),
        ("an erased holder who is found by e-mail", |w| {
            let holder =
                CardHolder { name: String::new(), key: None, personal: None, metadata: None, ..a_holder(1, true) };
            w.card_holders.put(CardHolder { erased_at: Some(at(7)), ..holder });
        }),
        ("a holder without a key", |w| w.card_holders.put(CardHolder { key: None, ..a_holder(1, false) })),
        ("a count below zero", |w| w.card_holders.put(CardHolder { live_cards: -1, ..a_holder(1, false) })),
        ("a live card that was replaced", |w| {
            w.cards.put(Card { replaced_by: Some(CardId(id(3))), ..a_card(1, false) });
        }),
        ("a prefunded card that spends another's money", |w| {
            w.cards.put(Card { funds: AccountId(id(90)).into(), ..a_card(1, false) });
        }),
        ("an active card that was never activated", |w| {
            w.cards.put(Card { status: CardStatus::Active, ..a_card(1, false) });
        }),
        ("a number in clear", |w| {
            w.card_secrets.put(CardSecret { number: b"4005550000000019".to_vec(), ..a_secret(1, "a", None) });
        }),
        ("a document of another type", |w| {
            w.documents.put(Document { file_type: "text/html".to_owned(), ..a_document(1, false) });
        }),
    ];
    for world in worlds().await {
        for (batch, (name, change)) in (1..).zip(cases) {
            let refused = put(&world, batch, change).await;
            assert!(matches!(refused, Err(StoreError::CommandFault(_))), "{name}: {refused:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_number_drawn_for_two_clients_at_once_is_a_conflict() {
    let world = postgres().await;
    let row =
        |owner: u8| CardFingerprint { fingerprint: [7; 32], client: ClientId(id(owner)), card: CardId(id(owner)) };
    put(&world, 1, move |work| work.card_fingerprints.put(row(1))).await.expect("the first one gets it");
    let late = put(&world, 2, move |work| work.card_fingerprints.put(row(2))).await;
    assert!(matches!(late, Err(StoreError::Conflict(_))), "{late:?}");
    reads_back(&world, row(1)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_sealed_under_a_key_is_found_in_steps() {
    for world in worlds().await {
        put(&world, 1, |work| {
            for number in 1..=5 {
                let key = if number == 3 { "newnewne" } else { "oldoldol" };
                work.card_secrets.put(a_secret(number, key, (number > 3).then_some("oldoldol")));
            }
        })
        .await
        .expect("a commit");
        let (reader, old) = (world.database.reader(), ["oldoldol".to_owned(), "gonegone".to_owned()]);
        let first = reader.sealed_under(Sealed::CardNumber, &old, None, 3).await.expect("a read");
        let keys: Vec<Key> = first.iter().map(|(key, _)| *key).collect();
        assert_eq!(keys, [1, 2, 4].map(|number| Key::of(client(), id(number))));
        assert_eq!(first[0].1, sealed("oldoldol", 1));
        let rest = reader.sealed_under(Sealed::CardNumber, &old, keys.last().copied(), 3).await.expect("a read");
        assert_eq!(rest.iter().map(|(key, _)| *key).collect::<Vec<_>>(), [Key::of(client(), id(5))]);
        assert_eq!(reader.count_sealed_under(Sealed::CardNumber, &old).await.expect("a count"), 4);
        assert_eq!(reader.count_sealed_under(Sealed::Pin, &old).await.expect("a count"), 2);
        assert_eq!(reader.count_sealed_under(Sealed::HolderKey, &old).await.expect("a count"), 0);
        assert!(reader.sealed_under(Sealed::Pin, &[], None, 3).await.expect("a read").is_empty(), "under no key");
        assert_eq!(reader.count_sealed_under(Sealed::Answer, &[]).await.expect("a count"), 0);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn data_keys_are_replaced_all_or_none() {
    let row = |key: &str, purpose: &str| VaultKeyRow {
        id: key.to_owned(),
        purpose: purpose.to_owned(),
        wrapped: vec![1, 2],
        created_at: at(1),
        retired_at: None,
    };
    for world in worlds().await {
        let database = &world.database;
        for (key, purpose) in [("a1", "a"), ("b1", "b")] {
            database.add_vault_key(row(key, purpose)).await.expect("a key");
        }
        let active = async || -> Vec<String> {
            let keys = database.vault_keys().await.expect("a read").into_iter();
            let mut keys: Vec<String> = keys.filter(|key| key.retired_at.is_none()).map(|key| key.id).collect();
            keys.sort();
            keys
        };
        let both = || vec![row("a2", "a"), row("b2", "b")];
        let unknown = ["a1".to_owned(), "zz".to_owned()];
        assert!(!database.replace_vault_keys(&unknown, both()).await.expect("an answer"));
        assert_eq!(active().await, ["a1", "b1"], "none");
        let before = ["a1".to_owned(), "b1".to_owned()];
        assert!(database.replace_vault_keys(&before, both()).await.expect("an answer"));
        assert_eq!(active().await, ["a2", "b2"], "all");
        assert!(!database.replace_vault_keys(&before, vec![row("a3", "a")]).await.expect("an answer"), "too late");
        assert!(!database.delete_vault_key("a2", Sealed::Answer).await.expect("an answer"), "an active key stays");
        assert!(database.delete_vault_key("a1", Sealed::Answer).await.expect("an answer"), "a retired one goes");
        assert_eq!(database.vault_keys().await.expect("a read").len(), 3, "only a retired one goes");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn reveal_tokens_that_ended_are_found_the_oldest_first() {
    for world in worlds().await {
        put(&world, 1, |work| (1..=4).rev().for_each(|number| work.reveal_tokens.put(a_token(number, false))))
            .await
            .expect("a commit");
        let reader = world.database.reader();
        let found = reader.expired_reveal_tokens(at(3), 2).await.expect("a read");
        assert_eq!(found, [1, 2].map(|number| RevealToken::key_of(&[number; 32])));
        assert_eq!(reader.expired_reveal_tokens(at(3), 9).await.expect("a read").len(), 3, "its instant included");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cards_holders_and_documents_are_listed() {
    for world in worlds().await {
        put(&world, 1, |work| {
            for number in 1..=5 {
                let full = number % 2 == 0;
                work.card_holders.put(a_holder(number, full));
                work.documents.put(a_document(number, full));
                work.cards.put(a_card(number, full));
                work.balances.put(balance(number, i64::from(number) * 100));
            }
        })
        .await
        .expect("a commit");
        let reader = world.database.reader();
        let query = |filters, column, paging| ListQuery {
            client: client(),
            filters,
            search: None,
            order: vec![Order { column, descending: true }],
            paging,
            limit: 2,
            timeout_ms: 5000,
        };
        let mut seen = Vec::new();
        let mut paging = Paging::After(None);
        for _ in 0..5 {
            let asked = query(Vec::new(), lists::cards::CREATED_AT, paging.clone());
            let page = reader.list::<lists::cards::List>(&asked).await.expect("a list");
            seen.extend(page.rows.into_iter().map(|(card, funds)| (card.id.0, funds.ledger)));
            let Some(next) = page.next else { break };
            paging = Paging::After(Some(next));
        }
        assert_eq!(seen, [5u8, 4, 3, 2, 1].map(|number| (id(number), i64::from(number) * 100)));

        let email = Test::Eq(Operand::Value(vec![1u8; 32].into()));
        let filters = vec![Filter { column: lists::card_holders::EMAIL, test: email }];
        let asked = query(filters, lists::card_holders::CREATED_AT, Paging::Page { page: 1 });
        let page = reader.list::<lists::card_holders::List>(&asked).await.expect("a list");
        let found: Vec<Id> = page.rows.iter().map(|holder| holder.id.0).collect();
        assert_eq!((found, page.total), (vec![id(4), id(2)], Some(2)));

        let test = Test::Eq(Operand::Value(false.into()));
        let filters = vec![Filter { column: lists::documents::CURRENT, test }];
        let asked = query(filters, lists::documents::CREATED_AT, Paging::Page { page: 2 });
        let page = reader.list::<lists::documents::List>(&asked).await.expect("a list");
        let found: Vec<Id> = page.rows.iter().map(|document| document.id.0).collect();
        assert_eq!((found, page.total), (vec![id(1)], Some(3)));
    }
}
