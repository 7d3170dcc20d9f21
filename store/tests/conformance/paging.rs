//! Pages by cursor are the whole list, whatever it is sorted by and whatever rows lack; totals count the same rows.

use std::cmp::Ordering;

use paygen_core::card_holders::{CardHolder, ReviewStatus};
use paygen_core::cards::{Card, CardStatus};
use paygen_core::ids::CardId;
use paygen_store::query::{Filter, ListColumn, ListQuery, Operand, Order, Paging, Search, Test};
use paygen_store::{Listed, Reader, lists};

use super::cards::{a_card, a_holder, at, id, put};
use super::*;

const ROWS: u8 = 40;
const SORTS: usize = 60;

/// What a row is sorted by: without a value as with the least one.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Cell {
    Number(Option<i64>),
    Bytes(Vec<u8>),
}

fn text(text: Option<&str>) -> Cell {
    Cell::Bytes(text.unwrap_or_default().as_bytes().to_vec())
}

fn id_cell(id: Option<Id>) -> Cell {
    Cell::Bytes(id.map(|id| id.bytes().to_vec()).unwrap_or_default())
}

type Sorted<R> = (ListColumn, fn(&R) -> Cell);

/// Draws the same numbers in every run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).expect("31 bits") % end
    }
}

/// Which rows are asked for, and which these are.
struct Asked<R> {
    filters: Vec<Filter>,
    search: Option<Search>,
    fits: fn(&R) -> bool,
}

async fn check<L: Listed>(reader: &Reader, rows: &[L::Row], columns: &[Sorted<L::Row>], asked: &[Asked<L::Row>]) {
    let own_id = columns.iter().find(|(column, _)| *column == L::ID).expect("the id is a column").1;
    let mut dice = Dice(7);
    for _ in 0..SORTS {
        let mut chosen: Vec<(Sorted<L::Row>, bool)> = Vec::new();
        for _ in 0..=dice.below(4) {
            let column = columns[dice.below(columns.len())];
            if chosen.iter().all(|((known, _), _)| *known != column.0) {
                chosen.push((column, dice.below(2) == 1));
            }
        }
        let order: Vec<Order> =
            chosen.iter().map(|((column, _), descending)| Order { column: *column, descending: *descending }).collect();
        let compare = |one: &&L::Row, other: &&L::Row| {
            let last = chosen.last().expect("a sort").1;
            let by_id = ((L::ID, own_id), last);
            let keys = chosen.iter().chain(std::iter::once(&by_id));
            keys.fold(Ordering::Equal, |so_far, ((_, cell), descending)| {
                let this = cell(one).cmp(&cell(other));
                so_far.then(if *descending { this.reverse() } else { this })
            })
        };
        let Asked { filters, search, fits } = &asked[dice.below(asked.len())];
        let mut expected: Vec<&L::Row> = rows.iter().filter(|row| fits(row)).collect();
        expected.sort_by(compare);
        let expected: Vec<Cell> = expected.into_iter().map(own_id).collect();
        let limit = u32::try_from(dice.below(7) + 1).expect("a small number");
        let query = |paging, limit| ListQuery {
            client: client(),
            filters: filters.clone(),
            search: search.clone(),
            order: order.clone(),
            limit,
            paging,
            timeout_ms: 10_000,
        };
        let whole = reader.list::<L>(&query(Paging::Page { page: 1 }, 200)).await.expect("a list");
        assert_eq!(whole.total, Some(expected.len() as u64), "{filters:?} {search:?}");
        assert_eq!(whole.rows.iter().map(own_id).collect::<Vec<_>>(), expected, "{order:?}");
        let mut found = Vec::new();
        let mut after = None;
        loop {
            let page = reader.list::<L>(&query(Paging::After(after), limit)).await;
            let page = page.unwrap_or_else(|error| panic!("{error}: {order:?}"));
            found.extend(page.rows.iter().map(own_id));
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        assert_eq!(found, expected, "by cursor, {limit} at a time: {order:?}");
    }
}

fn some_card(number: u8, dice: &mut Dice) -> Card {
    let full = dice.below(2) == 1;
    let reasons = [None, Some(""), Some("lost"), Some("Lost"), Some("élan"), Some("zzz")];
    Card {
        status: if full { CardStatus::Canceled } else { CardStatus::Inactive },
        cancellation_reason: reasons[dice.below(reasons.len())].map(str::to_owned),
        replacement_for: [None, Some(92), Some(93)][dice.below(3)].map(|number| CardId(id(number))),
        replaced_by: full.then(|| CardId(id(94))),
        expiry_month: 1 + i64::try_from(dice.below(3)).expect("a month"),
        disposable: dice.below(2) == 1,
        last4: ["0019", "1234", "9999"][dice.below(3)].to_owned(),
        created_at: at(i64::try_from(dice.below(4)).expect("a time")),
        ..a_card(number, full)
    }
}

fn some_holder(number: u8, dice: &mut Dice) -> CardHolder {
    let holder = CardHolder {
        document_status: [None, Some(ReviewStatus::Verified), Some(ReviewStatus::Pending)][dice.below(3)],
        created_at: at(i64::try_from(dice.below(4)).expect("a time")),
        ..a_holder(number, false)
    };
    match dice.below(3) {
        0 => holder,
        erased => CardHolder {
            name: String::new(),
            key: None,
            personal: None,
            erased_at: Some(at(i64::try_from(erased).expect("a time"))),
            ..holder
        },
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pages_by_cursor_are_the_whole_list() {
    let mut dice = Dice(1);
    let cards: Vec<(Card, Balance)> =
        (1..=ROWS).map(|number| (some_card(number, &mut dice), balance(number, i64::from(number % 5) * 100))).collect();
    let holders: Vec<CardHolder> = (1..=ROWS).map(|number| some_holder(number, &mut dice)).collect();
    let card_columns: [Sorted<(Card, Balance)>; 8] = [
        (lists::cards::ID, |(card, _)| id_cell(Some(card.id.0))),
        (lists::cards::STATUS, |(card, _)| text(Some(card.status.as_str()))),
        (lists::cards::CANCELLATION_REASON, |(card, _)| text(card.cancellation_reason.as_deref())),
        (lists::cards::REPLACEMENT_FOR, |(card, _)| id_cell(card.replacement_for.map(|card| card.0))),
        (lists::cards::EXPIRY_MONTH, |(card, _)| Cell::Number(Some(card.expiry_month))),
        (lists::cards::DISPOSABLE, |(card, _)| Cell::Number(Some(i64::from(card.disposable)))),
        (lists::cards::LAST4, |(card, _)| text(Some(&card.last4))),
        (lists::cards::CREATED_AT, |(card, _)| Cell::Number(Some(card.created_at.micros()))),
    ];
    let filter = |column, test| vec![Filter { column, test }];
    let hundred = Operand::Decimal(paygen_core::money::Decimal::parse("1").expect("a number"));
    let lost = Search { text: "LOST".to_owned(), columns: vec![lists::cards::CANCELLATION_REASON], equal: Vec::new() };
    let asked_cards = [
        Asked { filters: Vec::new(), search: None, fits: |_| true },
        Asked {
            filters: filter(lists::cards::BALANCE, Test::Gt(hundred)),
            search: None,
            fits: |(_, funds): &(Card, Balance)| funds.ledger > 100,
        },
        Asked {
            filters: filter(lists::cards::DISPOSABLE, Test::Eq(Operand::Value(true.into()))),
            search: None,
            fits: |(card, _)| card.disposable,
        },
        Asked {
            filters: Vec::new(),
            search: Some(lost),
            fits: |(card, _)| {
                card.cancellation_reason.as_deref().is_some_and(|reason| reason.eq_ignore_ascii_case("lost"))
            },
        },
    ];
    let holder_columns: [Sorted<CardHolder>; 4] = [
        (lists::card_holders::ID, |holder| id_cell(Some(holder.id.0))),
        (lists::card_holders::DOCUMENT_STATUS, |holder| text(holder.document_status.map(ReviewStatus::as_str))),
        (lists::card_holders::ERASED_AT, |holder| Cell::Number(holder.erased_at.map(Instant::micros))),
        (lists::card_holders::CREATED_AT, |holder| Cell::Number(Some(holder.created_at.micros()))),
    ];
    let asked_holders = [
        Asked { filters: Vec::new(), search: None, fits: |_: &CardHolder| true },
        Asked {
            filters: filter(lists::card_holders::ERASED_AT, Test::Exists(false)),
            search: None,
            fits: |holder| holder.erased_at.is_none(),
        },
    ];
    for world in worlds().await {
        let (stored_cards, stored_holders) = (cards.clone(), holders.clone());
        put(&world, 1, move |work| {
            for (card, funds) in stored_cards {
                // What another client has is not in any of the lists.
                let other = ClientId(Id::from_bytes([2; 12]));
                work.cards.put(Card { client: other, ..card.clone() });
                work.balances.put(Balance { client: other, ..funds.clone() });
                work.cards.put(card);
                work.balances.put(funds);
            }
            stored_holders.into_iter().for_each(|holder| work.card_holders.put(holder));
        })
        .await
        .expect("a commit");
        let reader = world.database.reader();
        check::<lists::cards::List>(&reader, &cards, &card_columns, &asked_cards).await;
        check::<lists::card_holders::List>(&reader, &holders, &holder_columns, &asked_holders).await;
    }
}
