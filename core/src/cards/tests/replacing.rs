//! Replacing cards.

use super::*;

#[test]
fn replacing() {
    use ReplaceReason::{Damaged, Expired, Lost, Stolen};
    for reason in [Lost, Stolen, Damaged, Expired] {
        for (kind, mode) in [
            (CardType::Virtual, FundingMode::Prefunded),
            (CardType::Physical, FundingMode::Prefunded),
            (CardType::Virtual, FundingMode::OnDemand),
        ] {
            let name = format!("{reason:?} {kind:?} {mode:?}");
            let (mut world, account, holder) = people();
            let command = CreateCard {
                kind,
                funding_mode: mode,
                amount: (mode == FundingMode::Prefunded).then(|| decimal("40")),
                controls: limited(100),
                metadata: Some(r#"{"a":1}"#.to_owned()),
                merchant_lock: true,
                cancel_after: Some(3),
                ..world.a_new_card(account, holder)
            };
            let old = world.issue(command);
            if kind == CardType::Physical {
                assert_eq!(
                    run(&mut world, Command::ActivateCard(ActivateCard { id: old, by_holder: false, if_match: None })),
                    Ok(())
                );
            }
            assert_eq!(set_pin(&mut world, old, "pin"), Ok(()));
            let before = world.card_row(old).clone();
            world.wall = world.wall.plus_seconds(3600);
            let command = replacement(&mut world, old, reason);
            let new = command.new_id;
            let total = world.amounts(account).0;
            assert_eq!(run(&mut world, Command::ReplaceCard(Box::new(command))), Ok(()), "{name}");

            let (row, retired) = (world.card_row(new).clone(), world.card_row(old).clone());
            assert_eq!((retired.status, retired.replaced_by), (CardStatus::Canceled, Some(new)), "{name}");
            assert_eq!(retired.cancellation_reason.as_deref(), Some(reason.as_str()), "{name}");
            assert_eq!((row.replacement_for, row.replaced_by), (Some(old), None), "{name}");
            let status = if kind == CardType::Physical { CardStatus::Inactive } else { CardStatus::Active };
            assert_eq!((row.status, row.version, row.cancellation_reason), (status, 1, None), "{name}");
            assert_eq!(row.controls, before.controls, "{name}: limits keep their start of counting");
            assert_eq!(
                (&row.metadata, row.merchant_lock, row.cancel_after),
                (&before.metadata, true, Some(3)),
                "{name}"
            );
            assert_eq!(world.live_cards(account, holder), (1, 1), "{name}");
            assert_eq!(world.amounts(account).0, total, "{name}");
            let moved = if mode == FundingMode::Prefunded { 4_000 } else { 0 };
            assert_eq!((world.amounts(old).0, world.amounts(new).0), (0, moved), "{name}");
            assert_eq!(row.funds.0, if mode == FundingMode::OnDemand { account.0 } else { new.0 }, "{name}");

            let expiry = (row.expiry_year, row.expiry_month);
            if reason.needs_new_number() {
                assert_eq!((expiry, row.pin_set), ((2029, 6), false), "{name}");
                assert_ne!(row.last4, before.last4, "{name}");
                assert_eq!(world.secret_row(new).and_then(|secret| secret.pin.clone()), None, "{name}");
                assert!(world.secret_row(old).is_some(), "{name}");
                assert_eq!(fingerprint_of(&world, old), a_number(old).fingerprint, "{name}: it is still recognised");
                assert_eq!(fingerprint_of(&world, new), a_number(new).fingerprint, "{name}");
            } else {
                assert_eq!((expiry, row.pin_set), ((2029, 7), true), "{name}: later than it was");
                assert_eq!(row.last4, before.last4, "{name}");
                let secret = world.secret_row(new).expect("a secret");
                assert_eq!(secret.pin.as_deref(), Some(format!("{SEALED}pin-again-{new}").as_bytes()), "{name}");
                assert_eq!(secret.number, format!("{SEALED}number-again-{new}").into_bytes(), "{name}");
                assert_eq!(world.secret_row(old), None, "{name}: the old card cannot be revealed");
                assert_eq!(fingerprint_of(&world, new), a_number(old).fingerprint, "{name}");
            }
            assert_eq!(world.events(new.0), ["card.created"], "{name}");
            let emitted = world.appended.events.iter().find(|event| event.object_id == new.0).expect("an event");
            let shown: serde_json::Value = serde_json::from_str(&emitted.data).expect("JSON");
            let expected = if mode == FundingMode::Prefunded { 40 } else { 100 };
            assert_eq!(shown["card"]["balance"], expected, "{name}: the event contains the moved balance");
            assert_eq!(world.events(old.0).last(), Some(&"card.replaced"), "{name}");
            let again = replacement(&mut world, old, Lost);
            assert_eq!(run(&mut world, Command::ReplaceCard(Box::new(again))), Err("card_canceled"), "{name}");
        }
    }
}

#[test]
fn what_cannot_be_replaced() {
    type Change = Box<dyn Fn(&mut World, ReplaceCard) -> ReplaceCard>;
    let cases: Vec<(&str, ReplaceReason, Change, &str)> = vec![
        ("stale", ReplaceReason::Lost, Box::new(|_, c| ReplaceCard { if_match: Some(9), ..c }), "version_mismatch"),
        (
            "no card",
            ReplaceReason::Lost,
            Box::new(|w, c| ReplaceCard { id: CardId(w.work.new_id()), ..c }),
            "card_not_found",
        ),
        (
            "number taken",
            ReplaceReason::Stolen,
            Box::new(|_, c| ReplaceCard { number: ReplacementNumber::New(a_number(c.id)), ..c }),
            "no_free_card_number",
        ),
        (
            "PIN set meanwhile",
            ReplaceReason::Damaged,
            Box::new(|w, c| {
                set_pin(w, c.id, "another").expect("a PIN");
                c
            }),
            "changed_meanwhile",
        ),
        (
            "another card's number",
            ReplaceReason::Expired,
            Box::new(|w, c| {
                let (account, holder) = (w.account(0), w.holder());
                let other = w.card(account, holder, 0);
                let (sealed, fingerprint) = (Vec::new(), a_number(other).fingerprint);
                let number = ReplacementNumber::Same { fingerprint, sealed, pin: None, pin_before: None };
                ReplaceCard { number, ..c }
            }),
            "changed_meanwhile",
        ),
    ];
    for (name, reason, change, expected) in cases {
        let (mut world, account, card) = funded();
        let holder = world.card_row(card).card_holder;
        let plain = replacement(&mut world, card, reason);
        let command = change(&mut world, plain);
        assert_eq!(run(&mut world, Command::ReplaceCard(Box::new(command))), Err(expected), "{name}");
        assert_eq!(world.card_row(card).status, CardStatus::Active, "{name}");
        assert_eq!((world.amounts(card).0, world.live_cards(account, holder)), (5_000, (1, 1)), "{name}");
    }
}

#[test]
fn holds_and_debts_of_a_replaced_card() {
    type Case = (&'static str, i64, i64, (i64, i64), (i64, i64));
    // Ledger and held balance before; then ledger and held balance of the old and the new card.
    let cases: [Case; 4] = [
        ("nothing held", 0, 0, (0, 0), (5_000, 0)),
        ("some held", 0, 700, (700, 700), (4_300, 0)),
        ("in debt", -6_000, 0, (0, 0), (-1_000, 0)),
        ("in debt and some held", -5_500, 700, (700, 700), (-1_200, 0)),
    ];
    for (name, delta, held, on_old, on_new) in cases {
        let (mut world, account, old) = funded();
        world.impose(old, delta, held);
        world.check();
        let command = replacement(&mut world, old, ReplaceReason::Lost);
        let new = command.new_id;
        assert_eq!(run(&mut world, Command::ReplaceCard(Box::new(command))), Ok(()), "{name}");
        let (old, card) = (world.amounts(old), world.amounts(new));
        assert_eq!(((old.0, old.1), (card.0, card.1)), (on_old, on_new), "{name}");
        assert_eq!(fund(&mut world, new, account, "20", None), Ok(()), "{name}: the next funding fills it first");
        assert_eq!(world.amounts(new).0, on_new.0 + 2_000, "{name}");
    }
}

#[test]
fn a_frozen_card_is_replaced_by_a_frozen_one() {
    let (mut world, _, old) = funded();
    assert_eq!(set_status(&mut world, old, CardStatus::Inactive), Ok(()));
    let command = replacement(&mut world, old, ReplaceReason::Damaged);
    let new = command.new_id;
    assert_eq!(run(&mut world, Command::ReplaceCard(Box::new(command))), Ok(()));
    assert_eq!(world.card_row(new).status, CardStatus::Inactive);
    assert_eq!(set_status(&mut world, new, CardStatus::Active), Ok(()));
    let command = replacement(&mut world, new, ReplaceReason::Expired);
    let third = command.new_id;
    assert_eq!(run(&mut world, Command::ReplaceCard(Box::new(command))), Ok(()), "again and again");
    assert_eq!((world.amounts(third).0, world.card_row(third).expiry_month), (5_000, 8));
}

#[test]
fn a_blocked_pin_stays_blocked_on_a_card_with_the_same_number() {
    for (reason, failures) in [(ReplaceReason::Damaged, 3), (ReplaceReason::Expired, 3), (ReplaceReason::Lost, 0)] {
        let (mut world, _, card) = funded();
        assert_eq!(set_pin(&mut world, card, "pin"), Ok(()));
        let blocked = CardSecret { pin_failures: 3, ..world.secret_row(card).expect("a secret").clone() };
        world.work.card_secrets.put(blocked);
        world.work.keep();
        let command = replacement(&mut world, card, reason);
        let new = command.new_id;
        assert_eq!(run(&mut world, Command::ReplaceCard(Box::new(command))), Ok(()));
        assert_eq!(world.secret_row(new).map(|secret| secret.pin_failures), Some(failures), "{reason:?}");
    }
}
