//! Accounts: one row per rule.

use super::{AccountStatus, AccountType, CategoryWord, CloseAccount, CreateAccount, UpdateAccount};
use crate::accounts::{CreateDetail, DeleteDetail, DetailType, FundAccount, UpdateDetail};
use crate::fields::Echo;
use crate::ids::{AccountId, DetailId, Id};
use crate::testing::{World, a_new_account, decimal};
use crate::{Command, Outcome};

fn update(id: AccountId) -> UpdateAccount {
    UpdateAccount { id, may_adjust: true, ..UpdateAccount::default() }
}

#[test]
fn opening() {
    let cases: Vec<(&str, CreateAccount, Result<(), &str>)> = vec![
        ("plain", a_new_account(), Ok(())),
        ("crypto", CreateAccount { category: CategoryWord::Crypto, currency: "BTC".into(), ..a_new_account() }, Ok(())),
        ("unknown currency", CreateAccount { currency: "XXY".into(), ..a_new_account() }, Err("currency_unknown")),
        ("lower case", CreateAccount { currency: "usd".into(), ..a_new_account() }, Err("currency_unknown")),
        ("fiat BTC", CreateAccount { currency: "BTC".into(), ..a_new_account() }, Err("currency_unknown")),
        ("negative", CreateAccount { balance: decimal("-1"), ..a_new_account() }, Err("amount_negative")),
        ("too precise", CreateAccount { balance: decimal("0.001"), ..a_new_account() }, Err("amount_too_precise")),
        (
            "no scope",
            CreateAccount { balance: decimal("1"), may_adjust: false, ..a_new_account() },
            Err("scope_missing"),
        ),
        ("zero needs no scope", CreateAccount { may_adjust: false, ..a_new_account() }, Ok(())),
        (
            "closed with money in it",
            CreateAccount { status: AccountStatus::Closed, balance: decimal("5"), may_adjust: true, ..a_new_account() },
            Err("account_in_use"),
        ),
        ("closed and empty", CreateAccount { status: AccountStatus::Closed, ..a_new_account() }, Ok(())),
        (
            "more than is shown exactly",
            CreateAccount { balance: decimal("100000000000000"), may_adjust: true, ..a_new_account() },
            Err("amount_too_large"),
        ),
        (
            "limit on checking",
            CreateAccount { credit_limit: decimal("5"), ..a_new_account() },
            Err("credit_limit_not_allowed"),
        ),
        (
            "limit on credit",
            CreateAccount { credit_limit: decimal("5"), kind: AccountType::Credit, ..a_new_account() },
            Ok(()),
        ),
    ];
    for (name, command, expected) in cases {
        assert_eq!(World::new().run(Command::CreateAccount(command)).map(|_| ()), expected, "{name}");
    }
}

#[test]
fn a_balance_never_grows_beyond_what_is_shown_exactly() {
    let mut world = World::new();
    let id = world.account(9_999_999_999_999);
    let fund = |amount| Command::FundAccount(FundAccount { id, amount: decimal(amount) });
    assert_eq!(world.run(fund("0.99")).map(|_| ()), Ok(()));
    assert_eq!(world.run(fund("0.01")).map(|_| ()), Err("amount_too_large"));
    let write_back = UpdateAccount { id, balance: Some(decimal("9999999999999.99")), ..UpdateAccount::default() };
    assert_eq!(world.run(Command::UpdateAccount(Box::new(write_back))).map(|_| ()), Ok(()));
}

#[test]
fn changing() {
    type Change = Box<dyn Fn(UpdateAccount) -> UpdateAccount>;
    type Case = (&'static str, Change, Result<(), &'static str>, i64, i64);
    // On an account with 100 USD: the update, its result, and the version and available amount after it.
    let cases: Vec<Case> = vec![
        ("nothing", Box::new(|u| u), Ok(()), 1, 10_000),
        ("name", Box::new(|u| UpdateAccount { name: Some("B".into()), ..u }), Ok(()), 2, 10_000),
        ("equal balance", Box::new(|u| UpdateAccount { balance: Some(decimal("100")), ..u }), Ok(()), 1, 10_000),
        (
            "balance, no version",
            Box::new(|u| UpdateAccount { balance: Some(decimal("50")), ..u }),
            Err("if_match_required"),
            1,
            10_000,
        ),
        (
            "balance",
            Box::new(|u| UpdateAccount { balance: Some(decimal("50.5")), if_match: Some(1), ..u }),
            Ok(()),
            1,
            5_050,
        ),
        (
            "balance, no scope",
            Box::new(|u| UpdateAccount { balance: Some(decimal("50")), if_match: Some(1), may_adjust: false, ..u }),
            Err("scope_missing"),
            1,
            10_000,
        ),
        (
            "negative balance",
            Box::new(|u| UpdateAccount { balance: Some(decimal("-1")), if_match: Some(1), ..u }),
            Err("amount_negative"),
            1,
            10_000,
        ),
        (
            "stale version",
            Box::new(|u| UpdateAccount { name: Some("B".into()), if_match: Some(2), ..u }),
            Err("version_mismatch"),
            1,
            10_000,
        ),
        (
            "currency with entries",
            Box::new(|u| UpdateAccount { currency: Some("EUR".into()), ..u }),
            Err("account_has_entries"),
            1,
            10_000,
        ),
        ("same currency", Box::new(|u| UpdateAccount { currency: Some("USD".into()), ..u }), Ok(()), 1, 10_000),
        (
            "close with money",
            Box::new(|u| UpdateAccount { status: Some(AccountStatus::Closed), ..u }),
            Err("account_in_use"),
            1,
            10_000,
        ),
        (
            "echo equal",
            Box::new(|u| UpdateAccount {
                echo: Echo {
                    amounts: vec![
                        ("/availableBalance", decimal("100")),
                        ("/ledgerBalance", decimal("100.00")),
                        ("/heldBalance", decimal("0")),
                    ],
                    others: vec![("/version", 1.into())],
                },
                ..u
            }),
            Ok(()),
            1,
            10_000,
        ),
        (
            "echo unequal",
            Box::new(|u| UpdateAccount {
                echo: Echo { amounts: vec![("/ledgerBalance", decimal("99"))], ..Echo::default() },
                ..u
            }),
            Err("read_only_field"),
            1,
            10_000,
        ),
        (
            "credit limit on checking",
            Box::new(|u| UpdateAccount { credit_limit: Some(decimal("1")), ..u }),
            Err("credit_limit_not_allowed"),
            1,
            10_000,
        ),
        (
            "credit limit",
            Box::new(|u| UpdateAccount { kind: Some(AccountType::Credit), credit_limit: Some(decimal("25")), ..u }),
            Ok(()),
            2,
            12_500,
        ),
        ("cleared owner", Box::new(|u| UpdateAccount { owner_id: Some(None), ..u }), Ok(()), 1, 10_000),
        (
            "empty metadata is none",
            Box::new(|u| UpdateAccount { metadata: Some(Some("{}".into())), ..u }),
            Ok(()),
            1,
            10_000,
        ),
    ];
    for (name, change, expected, version, available) in cases {
        let mut world = World::new();
        let id = world.account(100);
        let command = change(update(id));
        assert_eq!(world.run(Command::UpdateAccount(Box::new(command))).map(|_| ()), expected, "{name}");
        assert_eq!(world.amounts(id).2, available, "{name}");
        let Ok(Outcome::Account(view)) = world.run(Command::UpdateAccount(Box::new(update(id)))) else {
            panic!("{name}")
        };
        assert_eq!(view.version, version, "{name}");
    }
}

#[test]
fn a_credit_limit_cannot_be_lowered_below_what_is_used() {
    let mut world = World::new();
    let credit = CreateAccount { kind: AccountType::Credit, credit_limit: decimal("50"), ..a_new_account() };
    let Ok(Outcome::Account(view)) = world.run(Command::CreateAccount(credit)) else { panic!("it opens") };
    let (id, other) = (AccountId::parse(&view.id).expect("an id"), world.account(0));
    let transfer = |amount: &str| {
        Command::CreateTransfer(crate::transfers::CreateTransfer {
            from: id,
            to: other,
            amount: decimal(amount),
            reference: None,
            narration: None,
            metadata: None,
        })
    };
    assert!(world.run(transfer("30")).is_ok());
    let lower = |limit: &str| {
        Command::UpdateAccount(Box::new(UpdateAccount { credit_limit: Some(decimal(limit)), ..update(id) }))
    };
    assert_eq!(world.run(lower("29.99")).map(|_| ()), Err("insufficient_funds"));
    assert!(world.run(lower("30")).is_ok());
    assert_eq!(world.run(transfer("0.01")).map(|_| ()), Err("insufficient_funds"));
}

#[test]
fn closing_is_final() {
    let mut world = World::new();
    let id = world.account(0);
    assert!(world.run(Command::CloseAccount(CloseAccount { id, if_match: None })).is_ok());
    assert!(world.run(Command::CloseAccount(CloseAccount { id, if_match: None })).is_ok(), "once more changes nothing");
    let name = UpdateAccount { name: Some("B".into()), ..update(id) };
    assert_eq!(world.run(Command::UpdateAccount(Box::new(name))).map(|_| ()), Err("account_closed"));
    let fund = Command::FundAccount(FundAccount { id, amount: decimal("1") });
    assert_eq!(world.run(fund).map(|_| ()), Err("account_inactive"));
    let detail =
        CreateDetail { account: id, kind: DetailType::BankAccount, details: None, provider: None, is_primary: None };
    assert_eq!(world.run(Command::CreateDetail(detail)).map(|_| ()), Err("account_closed"));
}

#[test]
fn each_type_has_at_most_one_primary_detail() {
    let mut world = World::new();
    let account = world.account(0);
    let create = |world: &mut World, kind, is_primary| {
        let command = CreateDetail { account, kind, details: None, provider: None, is_primary };
        match world.run(Command::CreateDetail(command)) {
            Ok(Outcome::Detail(view)) => (DetailId::parse(&view.id).expect("an id"), view.is_primary),
            other => panic!("{other:?}"),
        }
    };
    let (first, primary) = create(&mut world, DetailType::BankAccount, None);
    assert!(primary, "the first of a type is its primary one");
    let (second, primary) = create(&mut world, DetailType::BankAccount, None);
    assert!(!primary);
    let (_, primary) = create(&mut world, DetailType::CryptoWallet, None);
    assert!(primary, "another type has its own");
    let crown = UpdateDetail { account, id: second, is_primary: Some(true), ..UpdateDetail::default() };
    assert!(world.run(Command::UpdateDetail(crown)).is_ok());
    let is_primary = |world: &mut World, id| match world.run(Command::UpdateDetail(UpdateDetail {
        account,
        id,
        ..UpdateDetail::default()
    })) {
        Ok(Outcome::Detail(view)) => view.is_primary,
        other => panic!("{other:?}"),
    };
    assert!(!is_primary(&mut world, first) && is_primary(&mut world, second));
    let delete = |id| Command::DeleteDetail(DeleteDetail { account, id, if_match: None });
    assert!(world.run(delete(second)).is_ok());
    assert_eq!(world.run(delete(second)).map(|_| ()), Err("account_detail_not_found"));
    let (_, primary) = create(&mut world, DetailType::BankAccount, None);
    assert!(primary, "the place was free");
}

#[test]
fn another_accounts_detail_is_not_found() {
    let mut world = World::new();
    let (one, other) = (world.account(0), world.account(0));
    let command =
        CreateDetail { account: one, kind: DetailType::BankAccount, details: None, provider: None, is_primary: None };
    let Ok(Outcome::Detail(view)) = world.run(Command::CreateDetail(command)) else { panic!("it is made") };
    let id = DetailId::parse(&view.id).expect("an id");
    let moved = UpdateDetail { account: other, id, ..UpdateDetail::default() };
    assert_eq!(world.run(Command::UpdateDetail(moved)).map(|_| ()), Err("account_detail_not_found"));
    let nobody = UpdateAccount { id: AccountId(Id::from_bytes([9; 12])), ..UpdateAccount::default() };
    assert_eq!(world.run(Command::UpdateAccount(Box::new(nobody))).map(|_| ()), Err("account_not_found"));
}
