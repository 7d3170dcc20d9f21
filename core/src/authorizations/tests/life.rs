//! The life of an authorization, as scripts.

use super::stage::Stage;
use crate::accounts::CloseAccount;
use crate::authorizations::record::MAX_DECISIONS;
use crate::cards::{CreateCard, FundingMode, SetPin, UnblockPin};
use crate::ledger::System;
use crate::messages::{AuthorizationType, Match};
use crate::money::{Category, Currency};
use crate::programs::{FeeRule, FeeTerms, RateRule};
use crate::record::Key;
use crate::testing::{SEALED, decimal, usd};
use crate::transactions::TransactionView;
use crate::{Command, Outcome};

type Script = &'static [(&'static str, &'static str)];

const SCRIPTS: &[(&str, Script)] = &[
    (
        "approved, declined, collected",
        &[
            ("auth a 30", "approved 100-30 acct 100 used 30x1"),
            ("auth b 70.01", "declined insufficient_funds 100-30 acct 100 used 30x1"),
            ("auth c 70", "approved 100-100 acct 100 used 100x2"),
            ("clear a", "closed 70-70 acct 100 used 100x2"),
            ("clear b 1", "refused authorization_not_found 70-70 acct 100 used 100x2"),
            ("clear b 1 unmatched", "force_post 69-70 acct 100 used 101x3 !unmatched_clearing 1"),
        ],
    ),
    (
        "in part",
        &[
            ("auth a 130 partial", "approved 100-100 acct 100 used 100x1"),
            ("clear a 40", "approved 60-60 acct 100 used 100x1"),
            ("clear a 40", "approved 60-60 acct 100 used 100x1"),
            ("clear a 10 #2", "approved 50-50 acct 100 used 100x1"),
            ("clear a 20 final #3", "closed 30 acct 100 used 70x1"),
            ("clear a 5 #4", "closed 25 acct 100 used 75x1 !late_clearing 5"),
        ],
    ),
    (
        "more",
        &[
            ("auth a 30", "approved 100-30 acct 100 used 30x1"),
            ("more a 20", "approved 100-50 acct 100 used 50x1"),
            ("more a 51", "approved 100-50 acct 100 used 50x1"),
            ("more a 60 partial", "approved 100-100 acct 100 used 100x1"),
            ("clear a", "closed 0 acct 100 used 100x1"),
            ("more a 1", "refused authorization_not_open 0 acct 100 used 100x1"),
        ],
    ),
    (
        "over",
        &[
            ("auth a 30", "approved 100-30 acct 100 used 30x1"),
            ("clear a 36.5", "closed 63.5 acct 100 used 36.5x1 !over_clearing 6.5"),
            ("auth b 10", "approved 63.5-10 acct 100 used 46.5x2"),
            ("rev b 12", "reversed 63.5 acct 100 used 36.5x1 !over_reversal 2"),
            ("rev b", "refused authorization_not_open 63.5 acct 100 used 36.5x1"),
        ],
    ),
    (
        "reversed in part, then whole",
        &[
            ("auth a 30", "approved 100-30 acct 100 used 30x1"),
            ("rev a 10", "approved 100-20 acct 100 used 20x1"),
            ("clear a 5", "approved 95-15 acct 100 used 20x1"),
            ("rev a", "closed 95 acct 100 used 5x1"),
        ],
    ),
    (
        "reversed by reference",
        &[
            ("auth a 30", "approved 100-30 acct 100 used 30x1"),
            ("revref a 10", "approved 100-20 acct 100 used 20x1"),
            ("revref a 10", "approved 100-20 acct 100 used 20x1"),
            ("revref a 10 #2", "approved 100-10 acct 100 used 10x1"),
            ("revref a", "reversed 100 acct 100 used 0x0"),
            ("revref a", "reversed 100 acct 100 used 0x0"),
            ("revref a 7 #3", "reversed 100 acct 100 used 0x0 !over_reversal 7"),
        ],
    ),
    (
        "reversed before it came",
        &[
            ("revref a 30", "waiting 100 acct 100 used 0x0 !unmatched_reversal 30"),
            ("revref a 30", "waiting 100 acct 100 used 0x0"),
            ("auth a 30", "reversed 100 acct 100 used 0x0"),
            ("auth a 30", "reversed 100 acct 100 used 0x0"),
            ("clear a 30", "closed 70 acct 100 used 30x1 !late_clearing 30"),
        ],
    ),
    (
        "expired and collected late",
        &[
            ("auth a 30", "approved 100-30 acct 100 used 30x1"),
            ("days 6", "done 100-30 acct 100 used 30x1"),
            ("due a", "approved 100-30 acct 100 used 30x1"),
            ("days 1", "done 100-30 acct 100 used 30x1"),
            ("auth b 71", "declined insufficient_funds 100-30 acct 100 used 30x1"),
            ("due a", "expired 100 acct 100 used 0x0"),
            ("due a", "expired 100 acct 100 used 0x0"),
            ("expire a", "refused authorization_not_open 100 acct 100 used 0x0"),
            ("clear a 30", "closed 70 acct 100 used 30x1 !late_clearing 30"),
            ("auth c 5", "approved 70-5 acct 100 used 35x2"),
            ("expire c", "expired 70 acct 100 used 30x1"),
            ("auth d 5", "approved 70-5 acct 100 used 35x2"),
            ("release d", "reversed 70 acct 100 used 30x1"),
            ("release d", "refused authorization_not_open 70 acct 100 used 30x1"),
        ],
    ),
    (
        "repeats and duplicates",
        &[
            ("auth a 30", "approved 100-30 acct 100 used 30x1"),
            ("auth a 30", "approved 100-30 acct 100 used 30x1"),
            ("auth a 31", "declined duplicate 100-30 acct 100 used 30x1"),
            ("auth a 31", "declined duplicate 100-30 acct 100 used 30x1"),
            ("clear a", "closed 70 acct 100 used 30x1"),
            ("auth a 30", "closed 70 acct 100 used 30x1"),
        ],
    ),
    (
        "stand-in",
        &[
            ("advice a 30", "approved 100-30 acct 100 used 30x1"),
            ("advice b 200", "approved 100-230 acct 100 used 230x2"),
            ("advice b 200", "approved 100-230 acct 100 used 230x2"),
            ("advice b 150 #2", "approved 100-180 acct 100 used 180x2"),
            ("advice b 200 #3", "approved 100-230 acct 100 used 230x2"),
            ("advice c 5 no", "declined insufficient_funds 100-230 acct 100 used 230x2"),
            ("clear b", "closed -100-30 acct 100 used 230x2"),
        ],
    ),
    (
        "refunds",
        &[
            ("auth a 30", "approved 100-30 acct 100 used 30x1"),
            ("clear a", "closed 70 acct 100 used 30x1"),
            ("refund a 10", "closed 80 acct 100 used 20x1"),
            ("refund a 10", "closed 80 acct 100 used 20x1"),
            ("refund a #2", "closed 100 acct 100 used 0x1"),
            ("refund a #3", "refused already_refunded 100 acct 100 used 0x1"),
            ("refund a 5 #4", "waiting 100 acct 100 used 0x1 !over_refund 5"),
            ("refund a 5 #4", "waiting 100 acct 100 used 0x1"),
            ("unrefund a", "closed 80 acct 100 used 20x1"),
            ("refund x 7", "refund 87 acct 100 used 13x1"),
            ("unrefund x", "refund_reversal 80 acct 100 used 20x1"),
            ("unrefund x", "refused refund_reversed 80 acct 100 used 20x1"),
        ],
    ),
    (
        "force posts",
        &[
            ("force f 120", "force_post -20 acct 100 used 120x1 !force_post 120"),
            ("force f 120", "force_post -20 acct 100 used 120x1"),
            ("force f 120 #2", "force_post -140 acct 100 used 240x2 !force_post 120"),
            ("force f 20", "force_post -160 acct 100 used 260x3 !numbers_reused 20 !force_post 20"),
            ("force f 20", "force_post -160 acct 100 used 260x3"),
            ("force f 120", "force_post -160 acct 100 used 260x3"),
            ("auth a 1", "declined insufficient_funds -160 acct 100 used 260x3"),
            ("refund f 20", "refund -140 acct 100 used 240x3"),
        ],
    ),
    (
        "canceled",
        &[
            ("auth a 30", "approved 100-30 acct 100 used 30x1"),
            ("auth b 20", "approved 100-50 acct 100 used 50x2"),
            ("cancel", "done 50-50 acct 150 used 50x2"),
            ("auth c 1", "declined card_canceled 50-50 acct 150 used 50x2"),
            ("more a 1", "approved 50-50 acct 150 used 50x2"),
            ("clear a 35", "closed 20-20 acct 145 used 55x2 !over_clearing 5"),
            ("rev b 5", "approved 15-15 acct 150 used 50x2"),
            ("clear b 10 final", "closed 0 acct 155 used 45x2"),
            ("refund a 3", "closed 0 acct 158 used 42x2"),
            ("force f 8", "force_post 0 acct 150 used 50x3 !force_post 8"),
        ],
    ),
    (
        "replaced",
        &[
            ("auth a 30", "approved 100-30 acct 100 used 30x1"),
            ("auth b 20", "approved 100-50 acct 100 used 50x2"),
            ("replace lost", "done 50 old 50-50 acct 100 used 50x2"),
            ("auth old 1", "declined card_canceled 50 old 50-50 acct 100 used 50x2"),
            ("clear a 35", "closed 45 old 20-20 acct 100 used 55x2 !over_clearing 5"),
            ("rev b", "reversed 65 old 0 acct 100 used 35x1"),
            ("refund a 3", "closed 68 old 0 acct 100 used 32x1"),
            ("force f 8", "force_post 60 old 0 acct 100 used 40x2 !force_post 8"),
            ("auth c 60", "approved 60-60 old 0 acct 100 used 100x3"),
        ],
    ),
];

#[test]
fn scripts() {
    for (name, script) in SCRIPTS {
        Stage::new().play(name, script);
    }
}

#[test]
fn deposits_and_verifications() {
    let mut stage = Stage::new();
    stage.kind = AuthorizationType::Deposit;
    stage.play(
        "deposit",
        &[
            ("auth a 30", "approved 100 acct 100 used 0x0"),
            ("more a 10", "approved 100 acct 100 used 0x0"),
            ("rev a 15", "approved 100 acct 100 used 0x0"),
            ("clear a", "closed 125 acct 100 used 0x0"),
            ("refund a 25", "refused not_refundable 125 acct 100 used 0x0"),
        ],
    );
    stage.kind = AuthorizationType::AccountVerification;
    stage.play(
        "verification",
        &[
            ("auth v 0", "closed 125 acct 100 used 0x0"),
            ("auth w 1", "refused verification_with_amount 125 acct 100 used 0x0"),
            ("rev v", "refused authorization_not_open 125 acct 100 used 0x0"),
        ],
    );
    stage.kind = AuthorizationType::Purchase;
    stage.play("nothing", &[("auth z 0", "refused amount_not_positive 125 acct 100 used 0x0")]);
}

#[test]
fn fees_and_tax() {
    let terms = FeeTerms { fixed: 100, basis_points: 200, vat_basis_points: 1_000 };
    let fees = vec![FeeRule { currency: usd(), kinds: vec![], international: None, terms }];
    let mut stage = Stage::new();
    stage.terms.program.fees = fees;
    // On 50: 1 + 1 of fee, 0.2 of tax; on 10 more: 0.2 and 0.02.
    stage.play(
        "fees",
        &[
            ("auth a 50", "approved 100-52.2 acct 100 used 50x1"),
            ("more a 10", "approved 100-62.42 acct 100 used 60x1"),
            ("auth b 36.5", "declined insufficient_funds 100-62.42 acct 100 used 60x1"),
            ("auth e 100 partial", "approved 100-100 acct 100 used 95.7x2"),
            ("rev e", "reversed 100-62.42 acct 100 used 60x1"),
            ("clear a 20", "approved 78.46-40.88 acct 100 used 60x1"),
            ("clear a #2", "closed 37.58 acct 100 used 60x1"),
            ("refund a 40", "closed 77.58 acct 100 used 20x1"),
        ],
    );
    assert_eq!((stage.system(System::Fees), stage.system(System::Tax)), (220, 22));
    stage.terms.program.refund_fees = true;
    stage.play(
        "fees given back",
        &[
            ("auth c 10", "approved 77.58-11.32 acct 100 used 30x2"),
            ("clear c", "closed 66.26 acct 100 used 30x2"),
            ("refund c", "closed 77.58 acct 100 used 20x2"),
            ("unrefund c", "closed 66.26 acct 100 used 30x2"),
        ],
    );
    assert_eq!((stage.system(System::Fees), stage.system(System::Tax)), (340, 34));
}

#[test]
fn other_currencies() {
    let euro = Currency::find("EUR", Category::Fiat).expect("EUR is a currency");
    let mut stage = Stage::new();
    stage.currency = euro;
    stage.play("none", &[("auth a 10", "declined currency_not_supported 100 acct 100 used 0x0")]);
    stage.billing = Some("11.11");
    stage.play("billing", &[("auth b 10", "approved 100-11.11 acct 100 used 11.11x1")]);
    (stage.billing, stage.rate) = (None, Some("1.2345"));
    stage.play("rate", &[("auth c 10", "approved 100-23.45 acct 100 used 23.45x2")]);
    stage.rate = None;
    stage.terms.program.rates = vec![RateRule { from: euro, to: usd(), rate: decimal("1.5") }];
    stage.play(
        "terms",
        &[
            ("auth d 10", "approved 100-38.45 acct 100 used 38.45x3"),
            ("revref d 4", "approved 100-32.45 acct 100 used 32.45x3"),
            ("clear d 6", "closed 91-23.45 acct 100 used 32.45x3"),
            ("clear c 8", "approved 81.12-13.57 acct 100 used 32.45x3"),
        ],
    );
}

#[test]
fn a_closed_replacement() {
    let mut stage = Stage::with(|card| card);
    stage.play("canceled", &[("cancel", "done 0 acct 200 used 0x0")]);
    let empty = |stage: &mut Stage, amount: &str| {
        let other = stage.world.account(0);
        let transfer = crate::transfers::CreateTransfer {
            from: stage.account,
            to: other,
            amount: decimal(amount),
            reference: None,
            narration: None,
            metadata: None,
        };
        stage.run(Command::CreateTransfer(transfer)).expect("the money moves");
        stage.run(Command::CloseAccount(CloseAccount { id: stage.account, if_match: None })).expect("it closes");
    };
    empty(&mut stage, "200");
    stage.play(
        "suspense",
        &[
            ("force f 9", "force_post 0 acct 0 used 9x1 !force_post 9 !suspense 9"),
            ("refund f 4", "refund 0 acct 0 used 5x1 !suspense 4"),
        ],
    );
    assert_eq!(stage.system(System::Suspense), -500);

    // What is in suspense is paid out once, to an account of the same currency.
    stage.play(
        "paid out",
        &[
            ("resolve suspense", "refused resolution_mismatch 0 acct 0 used 5x1"),
            ("resolve suspense account", "refused account_inactive 0 acct 0 used 5x1"),
            ("resolve suspense other", "done 0 acct 0 used 5x1"),
            ("resolve suspense other", "refused exception_resolved 0 acct 0 used 5x1"),
        ],
    );
    assert_eq!(stage.system(System::Suspense), -900);
}

#[test]
fn an_account_stays_open_while_its_ended_cards_await_money() {
    let mut stage = Stage::new();
    stage.play(
        "held",
        &[
            ("auth a 30", "approved 100-30 acct 100 used 30x1"),
            ("auth b 20", "approved 100-50 acct 100 used 50x2"),
            ("cancel", "done 50-50 acct 150 used 50x2"),
            ("empty", "done 50-50 acct 0 used 50x2"),
            ("close", "refused account_in_use 50-50 acct 0 used 50x2"),
            ("rev a", "reversed 20-20 acct 30 used 20x1"),
            ("clear b 15 final", "closed 0 acct 35 used 15x1"),
            ("empty", "done 0 acct 0 used 15x1"),
            ("close", "done 0 acct 0 used 15x1"),
        ],
    );
    assert_eq!(stage.system(System::Suspense), 0);
}

#[test]
fn what_an_ended_card_owes_is_paid() {
    let mut stage = Stage::new();
    stage.play(
        "by the account behind it",
        &[
            ("force f 120", "force_post -20 acct 100 used 120x1 !force_post 120"),
            ("cancel", "done 0 acct 80 used 120x1"),
        ],
    );
    let mut stage = Stage::new();
    stage.play(
        "as far as that has money, the rest by funding and refunds",
        &[
            ("force f 240", "force_post -140 acct 100 used 240x1 !force_post 240"),
            ("cancel", "done -40 acct 0 used 240x1"),
            ("close", "refused account_in_use -40 acct 0 used 240x1"),
            ("refund f 15", "refund -25 acct 0 used 225x1"),
            ("fund 26", "refused more_than_owed -25 acct 0 used 225x1"),
            ("fund 25", "refused insufficient_funds -25 acct 0 used 225x1"),
            ("refund f 30 #2", "refund 0 acct 5 used 195x1"),
            ("fund 1", "refused card_canceled 0 acct 5 used 195x1"),
            ("empty", "done 0 acct 0 used 195x1"),
            ("close", "done 0 acct 0 used 195x1"),
        ],
    );
}

#[test]
fn a_last_clearing_of_nothing_releases_the_hold() {
    let mut stage = Stage::new();
    stage.play(
        "nothing",
        &[
            ("auth a 30", "approved 100-30 acct 100 used 30x1"),
            ("clear a 0", "refused nothing_to_clear 100-30 acct 100 used 30x1"),
            ("clear a 0 final", "closed 100 acct 100 used 0x0"),
            ("clear a 0 final", "closed 100 acct 100 used 0x0"),
            ("clear a 0 final #2", "refused nothing_to_clear 100 acct 100 used 0x0"),
            ("auth b 30", "approved 100-30 acct 100 used 30x1"),
            ("clear b 10", "approved 90-20 acct 100 used 30x1"),
            ("clear b 0 final #2", "closed 90 acct 100 used 10x1"),
        ],
    );
}

#[test]
fn there_is_an_end_to_asking_for_more() {
    let mut stage = Stage::new();
    stage.step("auth a 1").expect("a decision");
    for _ in 1..MAX_DECISIONS {
        stage.step("more a 0.01").expect("a decision");
    }
    assert_eq!(stage.step("more a 0.01"), Err("too_many_increments"));
    let row = stage.row(stage.id_of("a"));
    assert_eq!((row.decided.len(), row.approved), (MAX_DECISIONS, 199));
    assert!(row.limit_usage.by_window(row.currency).len() <= 10, "more from the same window is one part with it");
    stage.play("reversed", &[("rev a", "reversed 100 acct 100 used 0x0")]);
}

#[test]
fn a_transaction_shows_whether_a_pin_was_entered() {
    let mut stage = Stage::new();
    stage.run(Command::SetPin(SetPin { id: stage.card, sealed: b"sealed".to_vec() })).expect("a PIN");
    for (name, pin) in [("with", Match::Match), ("without", Match::NotGiven)] {
        stage.pin = pin;
        stage.step(&format!("auth {name} 1")).expect("a decision");
        stage.step(&format!("clear {name}")).expect("it is collected");
        let posted = stage.transaction(name);
        assert_eq!(posted.with_pin, pin == Match::Match, "{name}");
        let shown = TransactionView::of(posted, "sandbox").terminal.pin_entry_mode;
        assert_eq!(shown, if posted.with_pin { "pin" } else { "none" });
    }
}

#[test]
fn on_demand() {
    let mut stage = Stage::with(|card| CreateCard { funding_mode: FundingMode::OnDemand, ..card });
    stage.play(
        "the account's money",
        &[
            ("auth a 150", "approved 0 acct 200-150 used 150x1"),
            ("auth b 51", "declined insufficient_funds 0 acct 200-150 used 150x1"),
            ("clear a 160", "closed 0 acct 40 used 160x1 !over_clearing 10"),
            ("advice c 50", "approved 0 acct 40-50 used 210x2"),
            ("clear c", "closed 0 acct -10 used 210x2"),
            ("refund c 30", "closed 0 acct 20 used 180x2"),
            ("auth d 5", "approved 0 acct 20-5 used 185x3"),
            ("cancel", "done 0 acct 20-5 used 185x3"),
            ("clear d", "closed 0 acct 15 used 185x3"),
        ],
    );
    let events = stage.world.appended.events.iter().filter(|event| event.object_id == stage.account.0);
    let events: Vec<bool> = events.map(|event| event.data.contains("\"overdrawn\":true")).collect();
    // Opened and filled; a, c held, c, refunded, d.
    assert_eq!(events, [false, false, false, true, true, false, false]);
}

#[test]
fn wrong_pins() {
    let mut stage = Stage::new();
    let sealed = format!("{SEALED}pin").into_bytes();
    stage.run(Command::SetPin(SetPin { id: stage.card, sealed })).expect("a PIN");
    let state = "100 acct 100 used 0x0";
    let steps = [
        ("a", Match::Mismatch, "invalid_pin"),
        ("b", Match::Mismatch, "invalid_pin"),
        ("c", Match::NotGiven, ""),
        ("d", Match::Match, ""),
        ("e", Match::Mismatch, "invalid_pin"),
        ("f", Match::Mismatch, "invalid_pin"),
        ("g", Match::Mismatch, "invalid_pin"),
        ("h", Match::Match, "pin_tries_exceeded"),
        ("unblock", Match::NotGiven, ""),
        ("i", Match::Match, ""),
    ];
    for (name, pin, reason) in steps {
        if name == "unblock" {
            stage.run(Command::UnblockPin(UnblockPin { id: stage.card })).expect("it is unblocked");
            continue;
        }
        stage.pin = pin;
        let done = stage.step(&format!("auth {name} 1")).expect("a decision");
        let expected = if reason.is_empty() { "approved".to_owned() } else { format!("declined {reason}") };
        assert_eq!(done, expected, "{name} {state}");
        stage.pin = Match::NotGiven;
        // A repeat is answered, and counts no further try.
        stage.pin = pin;
        assert_eq!(stage.step(&format!("auth {name} 1")).expect("a decision"), expected, "{name} again");
    }
    stage.pin = Match::Match;
    let mut request = stage.request("stale", "1");
    request.presented.pin_sealed = None;
    assert_eq!(stage.authorize(request, None), Err("changed_meanwhile"));
}

#[test]
fn wrong_expiries_and_codes_of_a_day() {
    use Match::{Match as Right, Mismatch as Wrong, NotGiven};
    let mut stage = Stage::new();
    let mut number = 0;
    let mut pay = |stage: &mut Stage, expiry, cvv| {
        number += 1;
        let mut request = stage.request(&format!("n{number}"), "1");
        (request.presented.expiry, request.presented.cvv) = (expiry, cvv);
        // A repeat is answered, and counts no further try.
        let first = stage.authorize(request.clone(), None).expect("a decision");
        assert_eq!(stage.authorize(request, None), Ok(first.clone()));
        first
    };
    for try_ in 1..=9 {
        let (expiry, cvv) = if try_ % 2 == 0 { (Wrong, Right) } else { (Right, Wrong) };
        let reason = if try_ % 2 == 0 { "declined invalid_expiry" } else { "declined invalid_cvv" };
        assert_eq!(pay(&mut stage, expiry, cvv), reason, "{try_}");
    }
    assert_eq!(pay(&mut stage, Right, Right), "approved", "right ones do not count, and forget nothing");
    assert_eq!(stage.exceptions(), 0);
    assert_eq!(pay(&mut stage, Wrong, Wrong), "declined invalid_expiry", "the tenth, once for both");
    assert_eq!(stage.exceptions(), 1, "it is told");
    for (expiry, cvv) in [(Right, Right), (Wrong, Right), (Right, Wrong), (NotGiven, Right), (Wrong, NotGiven)] {
        assert_eq!(pay(&mut stage, expiry, cvv), "declined too_many_attempts");
    }
    assert_eq!(pay(&mut stage, NotGiven, NotGiven), "approved", "nothing is guessed");
    assert_eq!(stage.exceptions(), 1, "once");
    let key = Key::of(stage.world.client, stage.card.0);
    let kept = stage.world.work.card_secrets.peek(key).expect("a secret").wrong_tries;
    assert_eq!(kept, 10, "no further ones are counted");
    stage.world.wall = stage.world.wall.plus_seconds(86_400);
    assert_eq!(pay(&mut stage, Right, Wrong), "declined invalid_cvv", "another day, other tries");
    assert_eq!(pay(&mut stage, Right, Right), "approved");
}

#[test]
fn unknown_numbers() {
    let mut stage = Stage::new();
    let mut request = stage.request("u", "10");
    request.presented.card = None;
    for _ in 0..2 {
        assert_eq!(stage.authorize(request.clone(), None), Ok("declined unknown_card".to_owned()));
    }
    stage.step("auth a 10").expect("approved");
    request.trace.transaction_id = "a".to_owned();
    assert_eq!(
        stage.authorize(request.clone(), None),
        Ok("declined unknown_card".to_owned()),
        "not the other's answer"
    );
    request.trace.transaction_id = "s".to_owned();
    stage.authorize(request, Some(true)).expect("an advice is recorded");
    stage.play("flagged", &[("auth b 1", "approved 100-11 acct 100 used 11x2 !unmatched_advice 10")]);
}

#[test]
fn exceptions_are_looked_at_once() {
    let mut stage = Stage::new();
    stage.step("force f 5").expect("posted");
    let id = stage
        .world
        .work
        .network_exceptions
        .wanted()
        .find_map(|(key, _)| stage.world.work.network_exceptions.peek(key).map(|row| row.id));
    let command = Box::new(crate::resolution::ResolveException {
        id: id.expect("an exception"),
        note: "fine".to_owned(),
        rate: None,
        billing: None,
        account: None,
        terms: stage.terms(),
        if_match: None,
    });
    let done = stage.world.run(Command::ResolveException(command.clone()));
    assert!(matches!(done, Ok(Outcome::Exception(_))), "{done:?}");
    assert!(stage.world.run(Command::ResolveException(command)).is_err());
}

#[test]
fn what_events_show() {
    let mut stage = Stage::new();
    let steps = "auth a 10, auth b 500, more a 5, clear a 12 final, refund a 2, auth c 3, rev c, auth d 3, expire d";
    for step in steps.split(", ") {
        stage.step(step).expect(step);
    }
    let events = stage.world.events(stage.card.0);
    let expected = [
        "card.created",
        "card.funded",
        "authorization.approved",
        "authorization.declined",
        "authorization.updated",
        "transaction.created",
        "authorization.updated",
        "transaction.refund",
        "authorization.approved",
        "authorization.reversed",
        "authorization.approved",
        "authorization.expired",
    ];
    assert_eq!(events, expected);
}
