//! Issuing and activating cards.

use super::*;

#[test]
fn issuing() {
    type Change = Box<dyn Fn(&mut World, CreateCard) -> CreateCard>;
    let euro = || Currency::find("EUR", Category::Fiat).expect("EUR is a currency");
    let now = World::new().wall;
    // A change of a default card on an account with 100 USD, its result, and the balances of account and card after it.
    let cases: Vec<(&str, Change, Done, i64, i64)> = vec![
        ("plain", Box::new(|_, c| c), Ok(()), 10_000, 0),
        ("amount", Box::new(|_, c| CreateCard { amount: Some(decimal("25.5")), ..c }), Ok(()), 7_450, 2_550),
        ("everything", Box::new(|_, c| CreateCard { amount: Some(decimal("100")), ..c }), Ok(()), 0, 10_000),
        ("least", Box::new(|_, c| CreateCard { amount: Some(decimal("1")), ..c }), Ok(()), 9_900, 100),
        ("too little", Box::new(|_, c| CreateCard { amount: Some(decimal("0.99")), ..c }), Err("minimum"), 10_000, 0),
        (
            "nothing",
            Box::new(|_, c| CreateCard { amount: Some(decimal("0")), ..c }),
            Err("amount_not_positive"),
            10_000,
            0,
        ),
        (
            "negative",
            Box::new(|_, c| CreateCard { amount: Some(decimal("-5")), ..c }),
            Err("amount_not_positive"),
            10_000,
            0,
        ),
        (
            "too precise",
            Box::new(|_, c| CreateCard { amount: Some(decimal("1.001")), ..c }),
            Err("amount_too_precise"),
            10_000,
            0,
        ),
        (
            "too much",
            Box::new(|_, c| CreateCard { amount: Some(decimal("100.01")), ..c }),
            Err("insufficient_funds"),
            10_000,
            0,
        ),
        ("on demand", Box::new(|_, c| CreateCard { funding_mode: FundingMode::OnDemand, ..c }), Ok(()), 10_000, 0),
        (
            "on demand with amount",
            Box::new(|_, c| CreateCard { funding_mode: FundingMode::OnDemand, amount: Some(decimal("1")), ..c }),
            Err("funding_mode_mismatch"),
            10_000,
            0,
        ),
        (
            "account inactive",
            Box::new(|w, c| {
                let status = Some(AccountStatus::Inactive);
                w.set_account(c.debit_account, |u| UpdateAccount { status, ..u });
                c
            }),
            Err("account_inactive"),
            10_000,
            0,
        ),
        (
            "account suspended",
            Box::new(|w, c| {
                let status = Some(AccountStatus::Suspended);
                w.set_account(c.debit_account, |u| UpdateAccount { status, ..u });
                c
            }),
            Err("account_inactive"),
            10_000,
            0,
        ),
        (
            "account closed",
            Box::new(|w, c| {
                let debit_account = w.account(0);
                w.run(Command::CloseAccount(CloseAccount { id: debit_account, if_match: None })).expect("it closes");
                CreateCard { debit_account, ..c }
            }),
            Err("account_inactive"),
            10_000,
            0,
        ),
        (
            "account not debitable",
            Box::new(|w, c| {
                w.set_account(c.debit_account, |u| UpdateAccount { can_debit: Some(false), ..u });
                c
            }),
            Err("debit_not_allowed"),
            10_000,
            0,
        ),
        (
            "account not creditable",
            Box::new(|w, c| {
                w.set_account(c.debit_account, |u| UpdateAccount { can_credit: Some(false), ..u });
                c
            }),
            Ok(()),
            10_000,
            0,
        ),
        (
            "account of another currency",
            Box::new(|w, c| CreateCard { debit_account: w.account_in("EUR", CategoryWord::Fiat, 9), ..c }),
            Err("currency_mismatch"),
            10_000,
            0,
        ),
        (
            "card of another currency",
            Box::new(move |_, c| CreateCard { currency: euro(), ..c }),
            Err("currency_mismatch"),
            10_000,
            0,
        ),
        (
            "another client's account",
            Box::new(|w, c| CreateCard { debit_account: as_another_client(w, |w| w.account(100)), ..c }),
            Err("account_not_found"),
            10_000,
            0,
        ),
        (
            "another client's card holder",
            Box::new(|w, c| CreateCard { card_holder: as_another_client(w, World::holder), ..c }),
            Err("card_holder_not_found"),
            10_000,
            0,
        ),
        (
            "no card holder",
            Box::new(|w, c| CreateCard { card_holder: CardHolderId(w.work.new_id()), ..c }),
            Err("card_holder_not_found"),
            10_000,
            0,
        ),
        (
            "card holder inactive",
            Box::new(|w, c| {
                set_holder(w, c.card_holder, CardHolderStatus::Inactive);
                c
            }),
            Err("card_holder_inactive"),
            10_000,
            0,
        ),
        (
            "card holder blocked",
            Box::new(|w, c| {
                set_holder(w, c.card_holder, CardHolderStatus::Blocked);
                c
            }),
            Err("card_holder_inactive"),
            10_000,
            0,
        ),
        (
            "card holder not verified",
            Box::new(|_, c| CreateCard { verified_only: true, ..c }),
            Err("card_holder_unverified"),
            10_000,
            0,
        ),
        (
            "until now",
            Box::new(move |_, c| CreateCard { valid_until: Some(now), ..c }),
            Err("validity_invalid"),
            10_000,
            0,
        ),
        (
            "until later",
            Box::new(move |_, c| CreateCard { valid_until: Some(now.plus_seconds(1)), ..c }),
            Ok(()),
            10_000,
            0,
        ),
        (
            "from after until",
            Box::new(move |_, c| CreateCard {
                valid_from: Some(now.plus_seconds(9)),
                valid_until: Some(now.plus_seconds(9)),
                ..c
            }),
            Err("validity_invalid"),
            10_000,
            0,
        ),
        (
            "from after its expiry",
            Box::new(|_, c| CreateCard { valid_from: Instant::parse_date("2029-07-01"), ..c }),
            Err("validity_invalid"),
            10_000,
            0,
        ),
        (
            "from its last day on",
            Box::new(|_, c| CreateCard { valid_from: Instant::parse_date("2029-06-30"), ..c }),
            Ok(()),
            10_000,
            0,
        ),
        (
            "number taken",
            Box::new(|w, c| {
                let (account, holder) = (w.account(0), w.holder());
                let other = w.card(account, holder, 0);
                CreateCard { number: a_number(other), ..c }
            }),
            Err("no_free_card_number"),
            10_000,
            0,
        ),
    ];
    for (name, change, expected, left, on_card) in cases {
        let (mut world, account, holder) = people();
        let plain = world.a_new_card(account, holder);
        let command = change(&mut world, plain);
        let id = command.id;
        assert_eq!(run(&mut world, Command::CreateCard(Box::new(command))), expected, "{name}");
        assert_eq!(world.amounts(account), (left, 0, left), "{name}");
        let live = i64::from(expected.is_ok());
        assert_eq!(world.live_cards(account, holder), (live, live), "{name}");
        let key = Key::of(world.client, id.0);
        assert_eq!(world.work.cards.peek(key).is_some(), expected.is_ok(), "{name}");
        assert_eq!(world.work.balances.peek(key).map(|balance| balance.ledger), expected.ok().map(|()| on_card));
        assert_eq!(world.secret_row(id).is_some(), expected.is_ok(), "{name}");
        let emitted: &[&str] = match (expected, on_card) {
            (Err(_), _) => &[],
            (Ok(()), 0) => &["card.created"],
            (Ok(()), _) => &["card.created", "card.funded"],
        };
        assert_eq!(world.events(id.0), emitted, "{name}");
        let balance_told = world.events(account.0).iter().filter(|kind| **kind == "account.balance.updated").count();
        assert_eq!(balance_told, if on_card > 0 { 2 } else { 1 }, "{name}: the opening balance, then the card's");
    }
}

#[test]
fn a_physical_card_is_inactive_until_it_is_activated() {
    let (mut world, account, holder) = people();
    let command = CreateCard { kind: CardType::Physical, ..world.a_new_card(account, holder) };
    let id = world.issue(command);
    assert_eq!(world.card_row(id).status, CardStatus::Inactive, "whatever was asked for");
    assert_eq!(set_status(&mut world, id, CardStatus::Active), Err("card_not_activated"));
    let activate = |if_match| Command::ActivateCard(ActivateCard { id, by_holder: false, if_match });
    assert_eq!(run(&mut world, activate(Some(9))), Err("version_mismatch"));
    assert_eq!(run(&mut world, activate(Some(1))), Ok(()));
    assert_eq!((world.card_row(id).status, world.card_row(id).version), (CardStatus::Active, 2));
    assert_eq!(run(&mut world, activate(None)), Err("card_already_activated"));
    assert_eq!(set_status(&mut world, id, CardStatus::Inactive), Ok(()));
    assert_eq!(
        run(&mut world, activate(None)),
        Err("card_already_activated"),
        "a frozen card is thawed, not activated"
    );
    assert_eq!(set_status(&mut world, id, CardStatus::Active), Ok(()));
    assert_eq!(terminate(&mut world, id), Ok(()));
    assert_eq!(run(&mut world, activate(None)), Err("card_canceled"));
    let emitted = ["card.created", "card.updated", "card.updated", "card.updated", "card.terminated"];
    assert_eq!(world.events(id.0), emitted);
    let history: Vec<&str> = world.card_row(id).history.iter().map(|change| change.status.as_str()).collect();
    assert_eq!(history, ["inactive", "active", "inactive", "active", "canceled"]);
}
