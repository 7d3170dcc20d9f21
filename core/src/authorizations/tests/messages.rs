//! Messages of the network: what makes them the same, what the network decided already, amounts in parts and in other
//! currencies, and what counters remember.

use super::stage::Stage;
use crate::cards::CreateCard;
use crate::limits::{Interval, NewControls, NewLimit, SpendingControls, SpendingLimit};
use crate::money::{Category, Currency};
use crate::programs::{FeeRule, FeeTerms, RateRule};
use crate::testing::{decimal, usd};

fn currency(code: &str) -> Currency {
    Currency::find(code, Category::Fiat).expect("a currency")
}

#[test]
fn another_amount_is_another_message() {
    let mut stage = Stage::new();
    stage.play(
        "captures",
        &[
            ("auth a 30", "approved 100-30 acct 100 used 30x1"),
            ("clear a 10", "approved 90-20 acct 100 used 30x1"),
            ("clear a 10", "approved 90-20 acct 100 used 30x1"),
            ("clear a 12", "approved 78-8 acct 100 used 30x1 !numbers_reused 12"),
            ("clear a 12", "approved 78-8 acct 100 used 30x1"),
            ("clear a 10", "approved 78-8 acct 100 used 30x1"),
            ("clear a", "closed 70 acct 100 used 30x1"),
            ("clear a", "closed 70 acct 100 used 30x1"),
        ],
    );
    stage.play(
        "refunds",
        &[
            ("refund a 2", "closed 72 acct 100 used 28x1"),
            ("refund a 3", "closed 75 acct 100 used 25x1 !numbers_reused 3"),
            ("refund a 2", "closed 75 acct 100 used 25x1"),
            ("refund a 3", "closed 75 acct 100 used 25x1"),
        ],
    );
}

#[test]
fn one_transaction_is_one_hold() {
    for (name, script) in [
        (
            "an advice of what was approved here",
            &[
                ("auth a 10", "approved 100-10 acct 100 used 10x1"),
                ("advice a 10", "approved 100-10 acct 100 used 10x1"),
                ("advice a 12 #2", "approved 100-12 acct 100 used 12x1"),
                ("advice a 8 #3", "approved 100-8 acct 100 used 8x1"),
                ("advice a 8 #4", "approved 100-8 acct 100 used 8x1"),
                ("clear a", "closed 92 acct 100 used 8x1"),
                ("advice a 8 #5", "closed 92 acct 100 used 8x1"),
                ("advice a 9 #6", "closed 92 acct 100 used 8x1 !unmatched_advice 1"),
            ][..],
        ),
        (
            "a request after its advice",
            &[
                ("advice a 10", "approved 100-10 acct 100 used 10x1"),
                ("auth a 10", "approved 100-10 acct 100 used 10x1"),
                ("auth a 11", "declined duplicate 100-10 acct 100 used 10x1"),
                ("clear a", "closed 90 acct 100 used 10x1"),
            ],
        ),
        (
            "the network approved what was declined here",
            &[
                ("auth a 110", "declined insufficient_funds 100 acct 100 used 0x0"),
                ("advice a 110", "approved 100-110 acct 100 used 110x1"),
                ("advice a 110", "approved 100-110 acct 100 used 110x1"),
                ("advice a 110 #2", "approved 100-110 acct 100 used 110x1"),
                ("clear a", "closed -10 acct 100 used 110x1"),
            ],
        ),
        (
            "the network declined what was approved here",
            &[
                ("auth a 10", "approved 100-10 acct 100 used 10x1"),
                ("advice a 10 no", "reversed 100 acct 100 used 0x0"),
                ("advice a 10 no", "reversed 100 acct 100 used 0x0"),
            ],
        ),
        (
            "the same amount, approved and then declined",
            &[
                ("advice a 12", "approved 100-12 acct 100 used 12x1"),
                ("advice a 12 no", "reversed 100 acct 100 used 0x0"),
            ],
        ),
        (
            "an advice of what was collected and taken back in part",
            &[
                ("auth a 30", "approved 100-30 acct 100 used 30x1"),
                ("clear a 10", "approved 90-20 acct 100 used 30x1"),
                ("rev a 5", "approved 90-15 acct 100 used 25x1"),
                ("advice a 30", "approved 90-15 acct 100 used 25x1"),
                ("advice a 40 #2", "approved 90-25 acct 100 used 35x1"),
                ("advice a 12 #3", "closed 90 acct 100 used 10x1"),
            ],
        ),
    ] {
        Stage::new().play(name, script);
    }
}

#[test]
fn a_message_that_comes_again_after_many_others_is_still_the_same() {
    let mut stage = Stage::new();
    stage.step("auth a 1").expect("approved");
    stage.step("advice b 1").expect("approved");
    for number in 0..20 {
        stage.step(&format!("auth other{number} 500")).expect("declined");
    }
    stage.play(
        "again",
        &[
            ("auth a 1", "approved 100-2 acct 100 used 2x2"),
            ("advice b 1", "approved 100-2 acct 100 used 2x2"),
            ("auth other0 500", "declined insufficient_funds 100-2 acct 100 used 2x2"),
        ],
    );
    assert_eq!(stage.authorizations(), 22, "no message that came again made another authorization");
}

#[test]
fn another_card_with_the_same_number_is_another_transaction() {
    let mut stage = Stage::new();
    stage.step("advice a 10").expect("approved");
    stage.second_card();
    stage.play(
        "on the second card",
        &[
            ("auth a 7", "declined duplicate 100 acct 0 used 0x0"),
            ("auth a 7", "declined duplicate 100 acct 0 used 0x0"),
            ("advice a 7", "approved 100-7 acct 0 used 7x1"),
            ("advice a 7 #2", "approved 100-7 acct 0 used 7x1"),
            ("clear a 7 unmatched", "closed 93 acct 0 used 7x1"),
            ("force a 3", "force_post 90 acct 0 used 10x2 !force_post 3"),
            ("force a 3", "force_post 90 acct 0 used 10x2"),
        ],
    );
}

#[test]
fn an_early_reversal_on_another_card_leaves_the_payment_its_number() {
    let mut stage = Stage::new();
    stage.step("auth a 10").expect("approved");
    let first = stage.card;
    stage.second_card();
    let waits = stage.step("revref a 4").expect("it is stored");
    assert!(waits.starts_with("waiting"), "{waits}");
    stage.card = first;
    let cleared = stage.step("clear a 10 final").expect("it finds its authorization");
    assert!(cleared.starts_with("closed"), "{cleared}");
}

#[test]
fn early_reversals_keep_their_amounts() {
    for (name, script) in [
        (
            "a part",
            &[
                ("revref a 4", "waiting 100 acct 100 used 0x0 !unmatched_reversal 4"),
                ("revref a 4", "waiting 100 acct 100 used 0x0"),
                ("auth a 10", "approved 100-6 acct 100 used 6x1"),
                ("revref a 4", "approved 100-6 acct 100 used 6x1"),
                ("auth a 10", "approved 100-6 acct 100 used 6x1"),
                ("clear a", "closed 94 acct 100 used 6x1"),
            ][..],
        ),
        (
            "two parts",
            &[
                ("revref a 4", "waiting 100 acct 100 used 0x0 !unmatched_reversal 4"),
                ("revref a 4 #2", "waiting 100 acct 100 used 0x0"),
                ("auth a 10", "approved 100-2 acct 100 used 2x1"),
                ("revref a 1 #3", "approved 100-1 acct 100 used 1x1"),
            ],
        ),
        (
            "a part, then all",
            &[
                ("revref a 4", "waiting 100 acct 100 used 0x0 !unmatched_reversal 4"),
                ("revref a", "waiting 100 acct 100 used 0x0"),
                ("auth a 10", "reversed 100 acct 100 used 0x0"),
            ],
        ),
        (
            "more than comes",
            &[
                ("revref a 40", "waiting 100 acct 100 used 0x0 !unmatched_reversal 40"),
                ("advice a 10", "reversed 100 acct 100 used 0x0"),
            ],
        ),
    ] {
        Stage::new().play(name, script);
    }
}

#[test]
fn parts_add_up_to_the_whole() {
    let mut stage = Stage::new();
    (stage.currency, stage.rate) = (currency("JPY"), Some("0.0065"));
    stage.step("auth a 1000").expect("approved");
    stage.rate = None;
    stage.play(
        "collected",
        &[
            ("clear a 333 #1", "approved 97.84-4.34 acct 100 used 6.5x1"),
            ("clear a 333 #2", "approved 95.67-2.17 acct 100 used 6.5x1"),
            ("clear a 334 #3", "closed 93.5 acct 100 used 6.5x1"),
        ],
    );
    stage.rate = Some("0.0065");
    stage.step("auth b 1000").expect("approved");
    stage.rate = None;
    stage.play(
        "taken back",
        &[
            ("revref b 333", "approved 93.5-4.34 acct 100 used 10.84x2"),
            ("clear b 333", "approved 91.33-2.17 acct 100 used 10.84x2"),
            ("revref b 334 #2", "closed 91.33 acct 100 used 8.67x2"),
        ],
    );
    stage.rate = Some("0.0065");
    stage.step("auth c 1").expect("approved");
    stage.rate = None;
    stage.play(
        "more is asked for",
        &[
            ("more c 999", "approved 91.33-6.5 acct 100 used 15.17x3"),
            ("clear c 1000", "closed 84.83 acct 100 used 15.17x3"),
            ("refund c 333", "closed 86.99 acct 100 used 13.01x3"),
            ("refund c 333 #2", "closed 89.16 acct 100 used 10.84x3"),
            ("refund c #3", "closed 91.33 acct 100 used 8.67x3"),
        ],
    );
    let refund = stage.transaction("refund c");
    assert_eq!((refund.amount, refund.merchant_amount, refund.merchant_currency), (217, 334, currency("JPY")));
}

#[test]
fn a_refund_of_the_rest_says_what_the_rest_is() {
    let mut stage = Stage::new();
    for step in ["auth a 13", "clear a", "refund a 5", "refund a #2"] {
        stage.step(step).expect(step);
    }
    let refund = stage.transaction("refund a");
    assert_eq!((refund.amount, refund.merchant_amount), (800, 800));
}

#[test]
fn fees_of_parts_are_those_of_the_whole() {
    let terms = FeeTerms { fixed: 0, basis_points: 250, vat_basis_points: 0 };
    let fees = vec![FeeRule { currency: usd(), kinds: vec![], international: None, terms }];
    let mut stage = Stage::new();
    stage.terms.program.fees = fees;
    stage.terms.program.refund_fees = true;
    // 2.5 % of 1.50 and of 10.02 in parts: 0.04 and 0.25.
    stage.play(
        "held and charged alike",
        &[
            ("auth a 3.34", "approved 100-3.42 acct 100 used 3.34x1"),
            ("more a 3.34", "approved 100-6.85 acct 100 used 6.68x1"),
            ("more a 3.34", "approved 100-10.27 acct 100 used 10.02x1"),
            ("clear a 3.34 #1", "approved 96.58-6.85 acct 100 used 10.02x1"),
            ("clear a 3.34 #2", "approved 93.15-3.42 acct 100 used 10.02x1"),
            ("clear a 3.34 #3", "closed 89.73 acct 100 used 10.02x1"),
        ],
    );
    stage.play(
        "given back with the part that makes it whole",
        &[
            ("auth b 10", "approved 89.73-10.25 acct 100 used 20.02x2"),
            ("clear b", "closed 79.48 acct 100 used 20.02x2"),
            ("refund b 4", "closed 83.48 acct 100 used 16.02x2"),
            ("refund b 6 #2", "closed 89.73 acct 100 used 10.02x2"),
        ],
    );
}

#[test]
fn what_cannot_be_priced_waits_for_a_rate() {
    let mut stage = Stage::new();
    stage.currency = currency("EUR");
    stage.play(
        "a force post",
        &[
            ("force f 5", "waiting 100 acct 100 used 0x0 !unpriced 5"),
            ("force f 5", "waiting 100 acct 100 used 0x0"),
            ("resolve unpriced", "refused resolution_mismatch 100 acct 100 used 0x0"),
            ("resolve unpriced rate 1.2 account", "refused resolution_mismatch 100 acct 100 used 0x0"),
            ("resolve unpriced rate 1.2", "done 94 acct 100 used 6x1 !force_post 6"),
            ("resolve unpriced rate 1.2", "refused exception_resolved 94 acct 100 used 6x1"),
            ("force f 5", "force_post 94 acct 100 used 6x1"),
        ],
    );
    stage.play(
        "an advice",
        &[
            ("advice a 10", "pending 94 acct 100 used 6x1 !unpriced 10"),
            ("advice a 10", "pending 94 acct 100 used 6x1"),
            ("advice a 10 #2", "pending 94 acct 100 used 6x1"),
            ("resolve unpriced billing 11", "done 94-11 acct 100 used 17x2"),
            ("clear a 10", "closed 83 acct 100 used 17x2"),
        ],
    );
    stage.play(
        "a refund of nothing that is known",
        &[
            ("refund x 5", "waiting 83 acct 100 used 17x2 !unpriced 5"),
            ("resolve unpriced rate 2", "done 93 acct 100 used 7x2"),
        ],
    );
    stage.play(
        "an advice that is taken back first",
        &[
            ("advice b 10", "pending 93 acct 100 used 7x2 !unpriced 10"),
            ("revref b", "reversed 93 acct 100 used 7x2"),
            ("resolve unpriced rate 1", "done 93 acct 100 used 7x2"),
        ],
    );
    stage.play(
        "an advice whose reversal had come before it",
        &[
            ("revref c 4", "waiting 93 acct 100 used 7x2 !unmatched_reversal 4"),
            ("advice c 10", "pending 93 acct 100 used 7x2 !unpriced 10"),
            ("resolve unpriced rate 1", "done 93-6 acct 100 used 13x3"),
            ("rev c", "reversed 93 acct 100 used 7x2"),
        ],
    );
    stage.play(
        "a part of an advice that waits",
        &[
            ("advice d 10", "pending 93 acct 100 used 7x2 !unpriced 10"),
            ("revref d 4", "pending 93 acct 100 used 7x2 !unmatched_reversal 4"),
            ("revref d 4", "pending 93 acct 100 used 7x2"),
            ("resolve unpriced rate 1", "done 93-6 acct 100 used 13x3"),
            ("rev d", "reversed 93 acct 100 used 7x2"),
        ],
    );
    stage.currency = usd();
    stage.step("auth e 10").expect("approved");
    stage.currency = currency("EUR");
    stage.play(
        "an amount that cannot be compared",
        &[
            ("revref e 3", "approved 93-10 acct 100 used 17x3 !unmatched_reversal 3"),
            ("revref e 3", "approved 93-10 acct 100 used 17x3"),
            ("revref e", "reversed 93 acct 100 used 7x2"),
        ],
    );
    stage.currency = usd();
    stage.step("force p 20").expect("posted");
    stage.currency = currency("EUR");
    stage.step("refund p 10").expect("it waits");
    stage.currency = usd();
    stage.play(
        "a refund that is too much once it has a price",
        &[
            ("refund p 20 #2", "refund 93 acct 100 used 7x3 !force_post 20 !unpriced 10"),
            ("resolve unpriced rate 1.1", "done 93 acct 100 used 7x3"),
            ("resolve over_refund", "done 104 acct 100 used 0x3"),
            ("force q 11", "force_post 93 acct 100 used 7x4 !force_post 11"),
        ],
    );
    stage.currency = currency("EUR");
    stage.terms.program.rates = vec![RateRule { from: currency("EUR"), to: usd(), rate: decimal("1.5") }];
    stage.play("the program's rate", &[("force g 2", "force_post 90 acct 100 used 10x5 !force_post 3")]);
    stage.rate = Some("2");
    stage.play("the message's rate", &[("force h 2", "force_post 86 acct 100 used 14x6 !force_post 4")]);
}

#[test]
fn nothing_is_approved_for_nothing() {
    let mut stage = Stage::new();
    stage.billing = Some("0");
    stage.currency = currency("EUR");
    stage.play("no billing amount", &[("auth a 10", "refused amount_not_positive 100 acct 100 used 0x0")]);
    stage.currency = usd();
    stage.billing = Some("0.01");
    stage.play("another one", &[("auth a 1", "refused billing_amount_mismatch 100 acct 100 used 0x0")]);
    stage.billing = Some("1");
    stage.play("the same", &[("auth a 1", "approved 100-1 acct 100 used 1x1")]);
    (stage.billing, stage.rate) = (None, Some("2"));
    stage.play("a rate", &[("auth b 1", "refused billing_amount_mismatch 100-1 acct 100 used 1x1")]);
    (stage.currency, stage.rate) = (currency("JPY"), Some("0.0001"));
    stage.play("less than a cent is a cent", &[("auth b 1", "approved 100-1.01 acct 100 used 1.01x2")]);
}

#[test]
fn counters_remember_what_they_gave() {
    let limit = SpendingLimit {
        amount: Some(6_000),
        max_count: None,
        interval: Interval::Daily,
        categories: Vec::new(),
        time_zone: "UTC".to_owned(),
        currency: None,
        since: 0,
    };
    let limits = vec![NewLimit { limit, counting_since: None }];
    let with = move |card: CreateCard| CreateCard {
        amount: Some(decimal("100")),
        controls: NewControls { limits: limits.clone(), ..NewControls::default() },
        ..card
    };
    let mut stage = Stage::with(with.clone());
    stage.play(
        "a refund of a fresh card and its reversal",
        &[
            ("refund x 50", "refund 150 acct 100 used 0x0"),
            ("unrefund x", "refund_reversal 100 acct 100 used 0x0"),
            ("auth a 20", "approved 100-20 acct 100 used 20x1"),
        ],
    );
    assert_eq!(stage.used(Interval::Daily, &[], "UTC"), (2_000, 1));
    let mut stage = Stage::with(with);
    stage.play(
        "the reversal on the day after",
        &[
            ("refund x 50", "refund 150 acct 100 used 0x0"),
            ("days 1", "done 150 acct 100 used 0x0"),
            ("unrefund x", "refund_reversal 100 acct 100 used 0x0"),
            ("auth a 60", "approved 100-60 acct 100 used 60x1"),
        ],
    );
    assert_eq!(stage.used(Interval::Daily, &[], "UTC"), (6_000, 1));
}

#[test]
fn force_posts_are_payments() {
    let once = |card: CreateCard| CreateCard { amount: Some(decimal("100")), cancel_after: Some(1), ..card };
    Stage::with(once).play(
        "the last payment",
        &[
            ("force f 5", "force_post 0 acct 195 used 5x1 !force_post 5"),
            ("auth a 1", "declined card_canceled 0 acct 195 used 5x1"),
        ],
    );
    let locked = |card: CreateCard| CreateCard { amount: Some(decimal("100")), merchant_lock: true, ..card };
    let mut stage = Stage::with(locked);
    stage.play("the first payment", &[("force f 5", "force_post 95 acct 100 used 5x1 !force_post 5")]);
    stage.merchant = "M2";
    stage.play("at another merchant", &[("auth a 1", "declined merchant_not_allowed 95 acct 100 used 5x1")]);
}

#[test]
fn padding_is_not_part_of_a_merchant() {
    let block = |card: CreateCard| {
        let blocked = vec!["MID9".to_owned(), "MID8  ".to_owned()];
        let controls = SpendingControls { blocked_merchants: blocked, ..SpendingControls::default() };
        let controls = NewControls { controls, ..NewControls::default() };
        CreateCard { amount: Some(decimal("100")), controls, ..card }
    };
    let mut stage = Stage::with(block);
    for merchant in ["MID9", "MID9   ", " MID9", "MID8"] {
        stage.merchant = merchant;
        let step = format!("auth a{} 1", merchant.len());
        assert_eq!(stage.step(&step), Ok("declined merchant_not_allowed".to_owned()), "{merchant:?}");
    }
}
