//! Canceling and updating cards, and the effects on their accounts.

use super::*;

#[test]
fn canceling() {
    type Arrange = Box<dyn Fn(&mut World, AccountId) -> Option<AccountId>>;
    // Preparation and named account, the result, and the balance of the debit account after it.
    let cases: Vec<(&str, Arrange, Done, i64)> = vec![
        ("plain", Box::new(|_, _| None), Ok(()), 10_000),
        ("named", Box::new(|_, account| Some(account)), Ok(()), 10_000),
        ("another account", Box::new(|w, _| Some(w.account(0))), Ok(()), 5_000),
        (
            "another currency",
            Box::new(|w, _| Some(w.account_in("EUR", CategoryWord::Fiat, 0))),
            Err("currency_mismatch"),
            5_000,
        ),
        (
            "closed account",
            Box::new(|w, _| {
                let id = w.account(0);
                w.run(Command::CloseAccount(CloseAccount { id, if_match: None })).expect("it closes");
                Some(id)
            }),
            Err("account_inactive"),
            5_000,
        ),
        (
            "account that is not creditable",
            Box::new(|w, _| {
                let id = w.account(0);
                w.set_account(id, |u| UpdateAccount { can_credit: Some(false), ..u });
                Some(id)
            }),
            Err("credit_not_allowed"),
            5_000,
        ),
        (
            "another client's account",
            Box::new(|w, _| Some(as_another_client(w, |w| w.account(0)))),
            Err("account_not_found"),
            5_000,
        ),
        (
            "debit account inactive",
            Box::new(|w, account| {
                w.set_account(account, |u| UpdateAccount { status: Some(AccountStatus::Suspended), ..u });
                None
            }),
            Ok(()),
            10_000,
        ),
        (
            "debit account inactive and not creditable, and named",
            Box::new(|w, account| {
                let status = Some(AccountStatus::Inactive);
                w.set_account(account, |u| UpdateAccount { status, can_credit: Some(false), ..u });
                Some(account)
            }),
            Ok(()),
            10_000,
        ),
    ];
    for (name, arrange, expected, left) in cases {
        let (mut world, account, card) = funded();
        let holder = world.card_row(card).card_holder;
        let credit_account = arrange(&mut world, account);
        let command = UpdateCard {
            status: Some(CardStatus::Canceled),
            cancellation_reason: Some("stolen".to_owned()),
            credit_account,
            ..update(card)
        };
        assert_eq!(updated(&mut world, command), expected, "{name}");
        assert_eq!(world.amounts(account).0, left, "{name}");
        let row = world.card_row(card);
        if expected.is_ok() {
            let credit_account = credit_account.unwrap_or(account);
            assert_eq!((row.status, row.credit_account), (CardStatus::Canceled, Some(credit_account)), "{name}");
            assert_eq!(row.cancellation_reason.as_deref(), Some("stolen"), "{name}");
            assert_eq!(
                (world.amounts(card).0, world.amounts(credit_account).0 - left),
                (0, if credit_account == account { 0 } else { 5_000 - left })
            );
            assert_eq!(world.live_cards(account, holder), (0, 0), "{name}");
            assert_eq!(world.events(card.0).last(), Some(&"card.terminated"), "{name}");
            assert_eq!(world.events(credit_account.0).last(), Some(&"account.balance.updated"), "{name}");
        } else {
            assert_eq!((row.status, row.version), (CardStatus::Active, 1), "{name}");
            assert_eq!(world.amounts(card).0, 5_000, "{name}");
            assert_eq!(world.live_cards(account, holder), (1, 1), "{name}");
        }
    }
}

#[test]
fn an_ended_card_stays_ended() {
    let (mut world, account, card) = funded();
    let holder = world.card_row(card).card_holder;
    world.impose(card, 0, 700);
    assert_eq!(
        run(&mut world, Command::TerminateCard(TerminateCard { id: card, if_match: Some(7) })),
        Err("version_mismatch")
    );
    assert_eq!(terminate(&mut world, card), Ok(()));
    assert_eq!(world.amounts(account).0, 9_300, "a hold stays until it is released");
    assert_eq!(world.amounts(card), (700, 700, 0));
    let events = world.appended.events.len();
    assert_eq!(terminate(&mut world, card), Ok(()), "once more changes nothing");
    assert_eq!((world.appended.events.len(), world.live_cards(account, holder)), (events, (0, 0)));
    assert_eq!(set_status(&mut world, card, CardStatus::Active), Err("card_canceled"));
    assert_eq!(set_status(&mut world, card, CardStatus::Canceled), Ok(()), "a repeat changes nothing");
    assert_eq!(updated(&mut world, UpdateCard { metadata: Some(None), ..update(card) }), Ok(()), "there is none");
    let other = UpdateCard { metadata: Some(Some(r#"{"a":1}"#.to_owned())), ..update(card) };
    assert_eq!(updated(&mut world, other), Err("card_canceled"));
    assert_eq!((world.appended.events.len(), world.card_row(card).version), (events, 2));
    let nobody = CardId(world.work.new_id());
    assert_eq!(terminate(&mut world, nobody), Err("card_not_found"));
    let foreign = as_another_client(&mut world, |world| terminate(world, card));
    assert_eq!(foreign, Err("card_not_found"));
}

#[test]
fn an_account_closes_once_its_cards_ended() {
    let (mut world, account, holder) = people();
    let command = CreateCard { funding_mode: FundingMode::OnDemand, ..world.a_new_card(account, holder) };
    let (one, other) = (world.issue(command), world.card(account, holder, 1));
    world.set_account(account, |u| UpdateAccount { balance: Some(decimal("0")), if_match: Some(1), ..u });
    let close = Command::CloseAccount(CloseAccount { id: account, if_match: None });
    assert_eq!(run(&mut world, close.clone()), Err("account_in_use"));
    assert_eq!(terminate(&mut world, one), Ok(()));
    assert_eq!(run(&mut world, close.clone()), Err("account_in_use"), "one is left");
    assert_eq!(terminate(&mut world, other), Ok(()));
    assert_eq!(run(&mut world, close.clone()), Err("account_in_use"), "its money came back");
    let version = world.account_row(account).version;
    world.set_account(account, |u| UpdateAccount { balance: Some(decimal("0")), if_match: Some(version), ..u });
    assert_eq!(run(&mut world, close), Ok(()));
}

#[test]
fn an_account_with_cards_keeps_its_currency() {
    let mut world = World::new();
    let (empty, payer, holder) = (world.account(0), world.account(9), world.holder());
    let card = world.card(empty, holder, 0);
    let euro = UpdateAccount { id: empty, currency: Some("EUR".into()), ..UpdateAccount::default() };
    assert_eq!(run(&mut world, Command::UpdateAccount(Box::new(euro.clone()))), Err("account_has_entries"));
    assert_eq!(fund(&mut world, card, payer, "5", None), Ok(()));
    assert_eq!(terminate(&mut world, card), Ok(()));
    assert_eq!(world.amounts(empty).0, 500);
}

#[test]
fn changing() {
    type Change = Box<dyn Fn(UpdateCard) -> UpdateCard>;
    // The update, its result, and the version after it.
    let cases: Vec<(&str, Change, Done, i64)> = vec![
        ("nothing", Box::new(|u| u), Ok(()), 1),
        ("the same status", Box::new(|u| UpdateCard { status: Some(CardStatus::Active), ..u }), Ok(()), 1),
        ("frozen", Box::new(|u| UpdateCard { status: Some(CardStatus::Inactive), ..u }), Ok(()), 2),
        ("metadata", Box::new(|u| UpdateCard { metadata: Some(Some(r#"{"a":1}"#.into())), ..u }), Ok(()), 2),
        ("empty metadata", Box::new(|u| UpdateCard { metadata: Some(Some("{}".into())), ..u }), Ok(()), 1),
        ("the same controls", Box::new(|u| UpdateCard { controls: Some(NewControls::default()), ..u }), Ok(()), 1),
        (
            "stale",
            Box::new(|u| UpdateCard { status: Some(CardStatus::Inactive), if_match: Some(2), ..u }),
            Err("version_mismatch"),
            1,
        ),
        (
            "a limit that never was",
            Box::new(|u| {
                let counting_since = Some(Instant::from_micros(1));
                let limits = vec![NewLimit { limit: limit(1), counting_since }];
                UpdateCard { controls: Some(NewControls { limits, ..NewControls::default() }), ..u }
            }),
            Err("read_only_field"),
            1,
        ),
    ];
    for (name, change, expected, version) in cases {
        let (mut world, _, card) = funded();
        let events = world.events(card.0).len();
        assert_eq!(updated(&mut world, change(update(card))), expected, "{name}");
        assert_eq!(world.card_row(card).version, version, "{name}");
        let emitted = world.events(card.0).len() - events;
        assert_eq!(emitted, usize::from(version > 1), "{name}");
    }
    let (mut world, _, card) = funded();
    let foreign = as_another_client(&mut world, |world| set_status(world, card, CardStatus::Inactive));
    assert_eq!(foreign, Err("card_not_found"));
}

#[test]
fn a_holder_thaws_what_they_froze_and_not_what_the_client_did() {
    use CardStatus::{Active, Inactive};
    let frozen = Err("card_frozen_by_client");
    // The caller, the requested status, and the result.
    type Step = (bool, CardStatus, Done);
    let cases: &[(&str, &[Step])] = &[
        ("their own", &[(true, Inactive, Ok(())), (true, Active, Ok(()))]),
        ("the client's", &[(false, Inactive, Ok(())), (true, Active, frozen), (false, Active, Ok(()))]),
        ("theirs, thawed by the client", &[(true, Inactive, Ok(())), (false, Active, Ok(()))]),
        (
            "theirs, and the client's too",
            &[(true, Inactive, Ok(())), (false, Inactive, Ok(())), (true, Active, frozen)],
        ),
        (
            "the client's, and theirs too",
            &[(false, Inactive, Ok(())), (true, Inactive, Ok(())), (true, Active, frozen)],
        ),
        ("of an active card", &[(true, Active, Ok(()))]),
        (
            "again and again",
            &[(true, Inactive, Ok(())), (true, Active, Ok(())), (false, Inactive, Ok(())), (true, Active, frozen)],
        ),
    ];
    for (name, steps) in cases {
        let (mut world, _, card) = funded();
        for (by_holder, status, expected) in *steps {
            let command = UpdateCard { status: Some(*status), by_holder: *by_holder, ..update(card) };
            assert_eq!(updated(&mut world, command), *expected, "{name}");
        }
    }
}

#[test]
fn a_replacement_is_frozen_by_who_froze_the_old_card() {
    let frozen = Err("card_frozen_by_client");
    for (kind, by_holder, expected) in [
        (CardType::Virtual, false, frozen),
        (CardType::Virtual, true, Ok(())),
        (CardType::Physical, false, frozen),
        (CardType::Physical, true, Ok(())),
    ] {
        let (mut world, account, holder) = people();
        let command = CreateCard { kind, ..world.a_new_card(account, holder) };
        let old = world.issue(command);
        let activate = |id, by_holder| Command::ActivateCard(ActivateCard { id, by_holder, if_match: None });
        if kind == CardType::Physical {
            assert_eq!(
                run(&mut world, activate(old, true)),
                Ok(()),
                "a card that was never activated is not frozen by anyone"
            );
        }
        let freeze = UpdateCard { status: Some(CardStatus::Inactive), by_holder, ..update(old) };
        assert_eq!(updated(&mut world, freeze), Ok(()));
        let command = replacement(&mut world, old, ReplaceReason::Damaged);
        let new = command.new_id;
        assert_eq!(run(&mut world, Command::ReplaceCard(Box::new(command))), Ok(()));
        let thawed = match kind {
            CardType::Physical => run(&mut world, activate(new, true)),
            CardType::Virtual => {
                updated(&mut world, UpdateCard { status: Some(CardStatus::Active), by_holder: true, ..update(new) })
            }
        };
        assert_eq!(thawed, expected, "{kind:?} frozen by the holder: {by_holder}");
    }
}
