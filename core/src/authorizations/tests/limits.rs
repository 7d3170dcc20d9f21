//! Spending limits: windows, categories, both levels, and what uses a card up.

use super::stage::Stage;
use crate::Command;
use crate::card_holders::UpdateCardHolder;
use crate::cards::{CardStatus, CreateCard, UpdateCard};
use crate::limits::{Interval, NewControls, NewLimit, SpendingLimit};
use crate::testing::decimal;

fn limit(amount: i64, interval: Interval, categories: &[&str], zone: &str) -> NewLimit {
    let limit = SpendingLimit {
        amount: Some(amount * 100),
        max_count: None,
        interval,
        categories: categories.iter().map(|text| (*text).to_owned()).collect(),
        time_zone: zone.to_owned(),
        currency: None,
        since: 0,
    };
    NewLimit { limit, counting_since: None }
}

fn controlled(limits: Vec<NewLimit>) -> NewControls {
    NewControls { limits, ..NewControls::default() }
}

fn set(stage: &mut Stage, limits: Vec<NewLimit>) {
    let controls = Some(controlled(limits));
    let command = UpdateCard { id: stage.card, controls, ..UpdateCard::default() };
    stage.run(Command::UpdateCard(Box::new(command))).expect("the card changes");
}

fn at(stage: &mut Stage, instant: &str) {
    let to = crate::time::Instant::parse(instant).expect("an instant");
    let command = crate::clock::AdvanceClock { to, offset: None, strict: true };
    stage.run(Command::AdvanceClock(command)).expect("the clock advances");
}

/// What an authorization came to, without the word that says so.
fn auth(stage: &mut Stage, name: &str, amount: &str) -> String {
    let said = stage.step(&format!("auth {name} {amount}")).expect("a decision");
    said.trim_start_matches("declined ").to_owned()
}

const EXCEEDED: &str = "spending_limit_exceeded";

#[test]
fn exactly_so_many_pass() {
    let limits = vec![limit(50, Interval::Daily, &[], "UTC")];
    let mut stage =
        Stage::with(|card| CreateCard { amount: Some(decimal("100")), controls: controlled(limits.clone()), ..card });
    let passed = (0..96).filter(|number| auth(&mut stage, &format!("a{number}"), "1") == "approved").count();
    assert_eq!(passed, 50);
    assert_eq!(stage.used(Interval::Daily, &[], "UTC"), (5_000, 50));
}

#[test]
fn windows_begin_in_their_zone() {
    let mut stage = Stage::new();
    at(&mut stage, "2026-03-01T22:00:00Z");
    set(&mut stage, vec![limit(10, Interval::Daily, &[], "Africa/Lagos"), limit(15, Interval::Monthly, &[], "UTC")]);
    assert_eq!(auth(&mut stage, "a", "8"), "approved");
    assert_eq!(auth(&mut stage, "b", "3"), EXCEEDED);
    // Midnight in Lagos.
    at(&mut stage, "2026-03-01T23:00:00Z");
    assert_eq!(auth(&mut stage, "c", "3"), "approved");
    assert_eq!(auth(&mut stage, "d", "5"), EXCEEDED, "the month has 11");
    // What came from yesterday's window is not given to today's, but the month has it back.
    stage.step("rev a").expect("it is reversed");
    assert_eq!(stage.used(Interval::Daily, &[], "Africa/Lagos"), (300, 1));
    assert_eq!(stage.used(Interval::Monthly, &[], "UTC"), (300, 1));
    stage.step("clear c").expect("it is collected");
    at(&mut stage, "2026-03-02T23:30:00Z");
    assert_eq!(auth(&mut stage, "e", "6"), "approved");
    // A refund gives to the current window, whichever the payment came from.
    stage.step("refund c").expect("it is given back");
    assert_eq!(stage.used(Interval::Daily, &[], "Africa/Lagos"), (300, 1));
    assert_eq!(stage.used(Interval::Daily, &[], "UTC"), (300, 1));
    assert_eq!(stage.used(Interval::AllTime, &[], "UTC"), (600, 2));
}

#[test]
fn limits_keep_their_use() {
    let mut stage = Stage::new();
    let restaurants = |amount| limit(amount, Interval::Daily, &["restaurants"], "UTC");
    set(&mut stage, vec![restaurants(20)]);
    assert_eq!(auth(&mut stage, "a", "15"), "approved");
    assert_eq!(auth(&mut stage, "b", "6"), EXCEEDED);
    stage.category = "5411";
    assert_eq!(auth(&mut stage, "c", "6"), "approved", "another category");
    stage.category = "5812";
    for _ in 0..2 {
        set(&mut stage, vec![restaurants(20)]);
        assert_eq!(stage.used(Interval::Daily, &["restaurants"], "UTC"), (1_500, 1), "sent again");
    }
    set(&mut stage, vec![restaurants(18)]);
    assert_eq!(auth(&mut stage, "d", "4"), EXCEEDED);
    assert_eq!(auth(&mut stage, "e", "3"), "approved");
    // Taken away and set again it is another one, which counts from then on; what the first one counted is not its.
    let later = |stage: &mut Stage, seconds| {
        let to = stage.world.work.now().plus_seconds(seconds);
        stage.run(Command::AdvanceClock(crate::clock::AdvanceClock { to, offset: None, strict: true })).expect("later");
    };
    later(&mut stage, 60);
    set(&mut stage, vec![]);
    later(&mut stage, 60);
    set(&mut stage, vec![restaurants(20)]);
    assert_eq!(stage.used(Interval::Daily, &["restaurants"], "UTC"), (0, 0), "set again");
    assert_eq!(auth(&mut stage, "again", "2"), "approved");
    stage.step("rev e").expect("it is reversed");
    assert_eq!(stage.used(Interval::Daily, &["restaurants"], "UTC"), (200, 1), "it took nothing from this one");
    stage.step("rev again").expect("it is reversed");
    assert_eq!(stage.used(Interval::Daily, &["restaurants"], "UTC"), (0, 0));
    assert_eq!(auth(&mut stage, "e2", "3"), "approved");
    // A plain limit that is new knows what was spent before it.
    set(&mut stage, vec![limit(25, Interval::Daily, &[], "UTC")]);
    assert_eq!(auth(&mut stage, "f", "2"), EXCEEDED);
    assert_eq!(auth(&mut stage, "g", "1"), "approved");
}

#[test]
fn each_authorization_by_itself() {
    let mut stage = Stage::new();
    set(&mut stage, vec![limit(10, Interval::PerAuthorization, &[], "UTC")]);
    assert_eq!(auth(&mut stage, "a", "10.01"), EXCEEDED);
    assert_eq!(auth(&mut stage, "b", "6"), "approved");
    assert_eq!(auth(&mut stage, "c", "10"), "approved");
    stage.step("more b 5").expect("a decision");
    assert_eq!(stage.row(stage.id_of("b")).approved, 600, "more is part of the same one");
    stage.step("more b 4").expect("a decision");
    assert_eq!(stage.row(stage.id_of("b")).approved, 1_000);
}

#[test]
fn a_holder_has_limits_over_all_cards() {
    let mut stage = Stage::new();
    let limits = Some(vec![limit(30, Interval::Weekly, &[], "UTC")]);
    let command = UpdateCardHolder { id: stage.holder, limits, ..UpdateCardHolder::default() };
    stage.run(Command::UpdateCardHolder(Box::new(command))).expect("the card holder changes");
    let other = stage.world.card(stage.account, stage.holder, 50);
    assert_eq!(auth(&mut stage, "a", "20"), "approved");
    let first = std::mem::replace(&mut stage.card, other);
    assert_eq!(auth(&mut stage, "b", "11"), EXCEEDED);
    assert_eq!(auth(&mut stage, "c", "10"), "approved");
    stage.card = first;
    assert_eq!(auth(&mut stage, "d", "1"), EXCEEDED);
    stage.step("rev c").expect("it is reversed");
    assert_eq!(auth(&mut stage, "e", "10"), "approved");
}

#[test]
fn counts() {
    let mut stage = Stage::new();
    let mut twice = limit(0, Interval::Daily, &[], "UTC");
    (twice.limit.amount, twice.limit.max_count) = (None, Some(2));
    set(&mut stage, vec![twice]);
    assert_eq!(auth(&mut stage, "a", "1"), "approved");
    assert_eq!(auth(&mut stage, "b", "1"), "approved");
    assert_eq!(auth(&mut stage, "c", "1"), EXCEEDED);
    stage.step("more a 1").expect("more is no further payment");
    assert_eq!(stage.row(stage.id_of("a")).approved, 200);
    stage.step("rev b").expect("it is reversed");
    assert_eq!(auth(&mut stage, "d", "1"), "approved");
}

#[test]
fn cards_that_are_used_up() {
    let mut stage = Stage::with(|card| CreateCard { amount: Some(decimal("50")), disposable: true, ..card });
    assert_eq!(auth(&mut stage, "a", "1"), "approved");
    assert_eq!(auth(&mut stage, "b", "1"), "single_use_card_used");
    stage.step("rev a").expect("it is reversed");
    assert_eq!(auth(&mut stage, "c", "1"), "approved", "nothing was paid yet");
    stage.step("expire c").expect("it expires");
    stage.step("clear c 1").expect("collected after all");
    assert_eq!(auth(&mut stage, "d", "1"), "single_use_card_used");

    let mut stage = Stage::with(|card| CreateCard { amount: Some(decimal("50")), cancel_after: Some(2), ..card });
    stage.play(
        "two payments",
        &[
            ("auth a 10", "approved 50-10 acct 150 used 10x1"),
            ("auth b 10", "approved 20-20 acct 180 used 20x2"),
            ("auth c 10", "declined card_canceled 20-20 acct 180 used 20x2"),
            ("rev a", "reversed 10-10 acct 190 used 10x1"),
            ("clear b", "closed 0 acct 190 used 10x1"),
        ],
    );
    assert_eq!(stage.world.card_row(stage.card).status, CardStatus::Canceled);

    let mut stage = Stage::with(|card| CreateCard { amount: Some(decimal("50")), merchant_lock: true, ..card });
    assert_eq!(auth(&mut stage, "x", "51"), "insufficient_funds");
    stage.merchant = "";
    assert_eq!(auth(&mut stage, "nameless", "1"), "approved", "nobody locks nothing");
    stage.merchant = "M2";
    assert_eq!(auth(&mut stage, "a", "1"), "approved", "a declined payment locks nothing");
    stage.merchant = "M1";
    assert_eq!(auth(&mut stage, "b", "1"), "merchant_not_allowed");
    stage.merchant = "M2";
    assert_eq!(auth(&mut stage, "c", "1"), "approved");
}
