//! Funding cards and withdrawing from them.

use super::*;

#[test]
fn funding() {
    type Arrange = Box<dyn Fn(&mut World, AccountId, CardId) -> (AccountId, CardId)>;
    let nothing = || -> Arrange { Box::new(|_, account, card| (account, card)) };
    // Preparation, the amount, the result; account and card have 50 USD each before it.
    let cases: Vec<(&str, Arrange, &str, Done)> = vec![
        ("plain", nothing(), "10.25", Ok(())),
        ("least", nothing(), "0.01", Ok(())),
        ("all", nothing(), "50", Ok(())),
        ("too much", nothing(), "50.01", Err("insufficient_funds")),
        ("nothing", nothing(), "0", Err("amount_not_positive")),
        ("negative", nothing(), "-1", Err("amount_not_positive")),
        ("too precise", nothing(), "0.001", Err("amount_too_precise")),
        ("far too much", nothing(), "9999999999999", Err("insufficient_funds")),
        ("more than can be kept", nothing(), "99999999999999", Err("amount_too_large")),
        (
            "account inactive",
            Box::new(|w, account, card| {
                w.set_account(account, |u| UpdateAccount { status: Some(AccountStatus::Inactive), ..u });
                (account, card)
            }),
            "1",
            Err("account_inactive"),
        ),
        (
            "account not debitable",
            Box::new(|w, account, card| {
                w.set_account(account, |u| UpdateAccount { can_debit: Some(false), ..u });
                (account, card)
            }),
            "1",
            Err("debit_not_allowed"),
        ),
        (
            "another currency",
            Box::new(|w, _, card| (w.account_in("EUR", CategoryWord::Fiat, 50), card)),
            "1",
            Err("currency_mismatch"),
        ),
        (
            "another client's account",
            Box::new(|w, _, card| (as_another_client(w, |w| w.account(50)), card)),
            "1",
            Err("account_not_found"),
        ),
        (
            "another client's card",
            Box::new(|w, account, _| {
                let other = as_another_client(w, |w| {
                    let (account, holder) = (w.account(0), w.holder());
                    w.card(account, holder, 0)
                });
                (account, other)
            }),
            "1",
            Err("card_not_found"),
        ),
        ("an account that is not the card's", Box::new(|w, _, card| (w.account(50), card)), "10", Ok(())),
        (
            "frozen card",
            Box::new(|w, account, card| {
                set_status(w, card, CardStatus::Inactive).expect("it freezes");
                (account, card)
            }),
            "1",
            Ok(()),
        ),
        (
            "canceled card",
            Box::new(|w, account, card| {
                terminate(w, card).expect("it ends");
                (account, card)
            }),
            "1",
            Err("card_canceled"),
        ),
        (
            "on demand",
            Box::new(|w, account, _| {
                let holder = w.holder();
                let command = CreateCard { funding_mode: FundingMode::OnDemand, ..w.a_new_card(account, holder) };
                (account, w.issue(command))
            }),
            "1",
            Err("funding_mode_mismatch"),
        ),
    ];
    for (name, arrange, amount, expected) in cases {
        let (mut world, account, card) = funded();
        let (from, to) = arrange(&mut world, account, card);
        let minor = decimal(amount).to_minor(2).unwrap_or(0);
        let posted = |world: &World, id: Id| {
            let mut rows = world.work.balances.wanted().filter_map(|(key, _)| world.work.balances.peek(key));
            rows.find(|balance| balance.id.0 == id).expect("a balance").ledger
        };
        let (had, card_had) = (posted(&world, from.0), posted(&world, to.0));
        assert_eq!(fund(&mut world, to, from, amount, None), expected, "{name}");
        let moved = if expected.is_ok() { minor } else { 0 };
        assert_eq!((posted(&world, from.0), posted(&world, to.0)), (had - moved, card_had + moved), "{name}");
        let emitted = world.appended.events.last().map(|event| event.kind.as_str());
        if expected.is_ok() {
            assert_eq!(world.events(to.0).last(), Some(&"card.funded"), "{name}");
            assert_eq!(emitted, Some("account.balance.updated"), "{name}");
        }
    }
}

#[test]
fn withdrawing() {
    type Arrange = Box<dyn Fn(&mut World, AccountId, CardId) -> Option<AccountId>>;
    let nothing = || -> Arrange { Box::new(|_, _, _| None) };
    // Preparation and named account, the amount, the result; the card has 50 USD.
    let cases: Vec<(&str, Arrange, &str, Done)> = vec![
        ("plain", nothing(), "10.25", Ok(())),
        ("all", nothing(), "50", Ok(())),
        ("too much", nothing(), "50.01", Err("insufficient_funds")),
        ("nothing", nothing(), "0", Err("amount_not_positive")),
        ("too precise", nothing(), "0.001", Err("amount_too_precise")),
        ("another account", Box::new(|w, _, _| Some(w.account(0))), "10", Ok(())),
        (
            "another currency",
            Box::new(|w, _, _| Some(w.account_in("EUR", CategoryWord::Fiat, 0))),
            "10",
            Err("currency_mismatch"),
        ),
        (
            "another client's account",
            Box::new(|w, _, _| Some(as_another_client(w, |w| w.account(0)))),
            "10",
            Err("account_not_found"),
        ),
        (
            "debit account inactive",
            Box::new(|w, account, _| {
                w.set_account(account, |u| UpdateAccount { status: Some(AccountStatus::Inactive), ..u });
                None
            }),
            "10",
            Err("account_inactive"),
        ),
        (
            "account not creditable",
            Box::new(|w, account, _| {
                w.set_account(account, |u| UpdateAccount { can_credit: Some(false), ..u });
                Some(account)
            }),
            "10",
            Err("credit_not_allowed"),
        ),
        (
            "frozen card",
            Box::new(|w, _, card| {
                set_status(w, card, CardStatus::Inactive).expect("it freezes");
                None
            }),
            "10",
            Ok(()),
        ),
        (
            "what is held",
            Box::new(|w, _, card| {
                w.impose(card, 0, 4_001);
                None
            }),
            "10",
            Err("insufficient_funds"),
        ),
    ];
    for (name, arrange, amount, expected) in cases {
        let (mut world, account, card) = funded();
        let named = arrange(&mut world, account, card);
        let to = named.unwrap_or(account);
        let posted = |world: &World| world.work.balances.peek(Key::of(world.client, to.0)).map_or(0, |b| b.ledger);
        let had = posted(&world);
        let minor = decimal(amount).to_minor(2).unwrap_or(0);
        assert_eq!(withdraw(&mut world, card, named, amount, None), expected, "{name}");
        let moved = if expected.is_ok() { minor } else { 0 };
        assert_eq!((posted(&world), world.amounts(card).0), (had + moved, 5_000 - moved), "{name}");
        if expected.is_ok() {
            assert_eq!(world.events(card.0).last(), Some(&"card.withdrawn"), "{name}");
            assert_eq!(world.events(to.0).last(), Some(&"account.balance.updated"), "{name}");
        }
    }
    let (mut world, _, card) = funded();
    assert_eq!(terminate(&mut world, card), Ok(()));
    assert_eq!(withdraw(&mut world, card, None, "1", None), Err("card_canceled"));
    let (mut world, account, holder) = people();
    let command = CreateCard { funding_mode: FundingMode::OnDemand, ..world.a_new_card(account, holder) };
    let card = world.issue(command);
    assert_eq!(withdraw(&mut world, card, None, "1", None), Err("funding_mode_mismatch"));
    assert_eq!(world.amounts(account).0, 10_000);
}

#[test]
fn a_payment_reference_is_used_once_for_ever() {
    let (mut world, account, card) = funded();
    let holder = world.holder();
    let other = world.card(account, holder, 1);
    assert_eq!(fund(&mut world, card, account, "99", Some("r")), Err("insufficient_funds"), "nothing of it is stored");
    assert_eq!(fund(&mut world, card, account, "1", Some("r")), Ok(()));
    world.wall = world.wall.plus_seconds(10 * 365 * 86_400);
    assert_eq!(fund(&mut world, card, account, "1", Some("r")), Err("payment_reference_used"));
    assert_eq!(fund(&mut world, other, account, "1", Some("r")), Err("payment_reference_used"));
    assert_eq!(withdraw(&mut world, card, None, "1", Some("r")), Err("payment_reference_used"));
    assert_eq!(fund(&mut world, card, account, "1", Some("R")), Ok(()), "another reference");
    assert_eq!(withdraw(&mut world, card, None, "1", Some("s")), Ok(()));
    assert_eq!(terminate(&mut world, card), Ok(()));
    assert_eq!(fund(&mut world, other, account, "1", Some("s")), Err("payment_reference_used"), "its card is canceled");
    let reused = as_another_client(&mut world, |world| {
        let (account, holder) = (world.account(9), world.holder());
        let card = world.card(account, holder, 0);
        fund(world, card, account, "1", Some("r"))
    });
    assert_eq!(reused, Ok(()), "of each client");
}
