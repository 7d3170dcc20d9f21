//! Transfers: every refusal, in its order, and what reversals leave.

use super::{CreateTransfer, ReverseTransfer};
use crate::accounts::{AccountStatus, CategoryWord, UpdateAccount};
use crate::ids::{AccountId, Id, TransferId};
use crate::testing::{World, decimal};
use crate::{Command, Outcome};

fn transfer(from: AccountId, to: AccountId, amount: &str) -> Command {
    Command::CreateTransfer(CreateTransfer {
        from,
        to,
        amount: decimal(amount),
        reference: None,
        narration: None,
        metadata: None,
    })
}

fn set(world: &mut World, id: AccountId, change: impl Fn(UpdateAccount) -> UpdateAccount) {
    let command = change(UpdateAccount { id, ..UpdateAccount::default() });
    world.run(Command::UpdateAccount(Box::new(command))).expect("a change");
}

#[test]
fn the_first_rule_in_order_refuses() {
    let mut world = World::new();
    let nobody = AccountId(Id::from_bytes([9; 12]));
    let (rich, poor) = (world.account(100), world.account(0));
    let euro = world.account_in("EUR", CategoryWord::Fiat, 0);
    let idle = world.account(5);
    set(&mut world, idle, |u| UpdateAccount { status: Some(AccountStatus::Suspended), can_debit: Some(false), ..u });
    let shut = world.account(5);
    set(&mut world, shut, |u| UpdateAccount { can_debit: Some(false), can_credit: Some(false), ..u });
    // In the order of the rules: each case also breaks later rules than the one that refuses.
    let cases = [
        (nobody, nobody, "-1", "account_not_found"),
        (rich, nobody, "-1", "account_not_found"),
        (rich, rich, "-1", "same_account"),
        (idle, euro, "-1", "account_inactive"),
        (rich, idle, "-1", "account_inactive"),
        (shut, euro, "-1", "debit_not_allowed"),
        (rich, shut, "-1", "credit_not_allowed"),
        (rich, euro, "-1", "currency_mismatch"),
        (rich, poor, "-1", "amount_not_positive"),
        (rich, poor, "0", "amount_not_positive"),
        (rich, poor, "1000.001", "amount_too_precise"),
        (rich, poor, "100.01", "insufficient_funds"),
    ];
    for (from, to, amount, code) in cases {
        assert_eq!(world.run(transfer(from, to, amount)).map(|_| ()), Err(code), "{amount}");
    }
    assert!(world.run(transfer(rich, poor, "100")).is_ok(), "to the last cent");
    assert_eq!((world.amounts(rich).2, world.amounts(poor).2), (0, 10_000));
}

#[test]
fn each_currency_has_its_own_precision() {
    let cases = [
        ("JPY", CategoryWord::Fiat, "1", true),
        ("JPY", CategoryWord::Fiat, "0.1", false),
        ("USD", CategoryWord::Fiat, "0.01", true),
        ("USD", CategoryWord::Fiat, "0.001", false),
        ("KWD", CategoryWord::Fiat, "0.001", true),
        ("KWD", CategoryWord::Fiat, "0.0001", false),
        ("USDC", CategoryWord::Crypto, "0.000001", true),
        ("USDC", CategoryWord::Crypto, "0.0000001", false),
        ("BTC", CategoryWord::Crypto, "0.00000001", true),
        ("BTC", CategoryWord::Crypto, "0.000000001", false),
    ];
    for (currency, category, amount, fits) in cases {
        let mut world = World::new();
        let (from, to) = (world.account_in(currency, category, 10), world.account_in(currency, category, 0));
        let outcome = world.run(transfer(from, to, amount)).map(|_| ());
        assert_eq!(outcome, if fits { Ok(()) } else { Err("amount_too_precise") }, "{amount} {currency}");
    }
}

#[test]
fn a_balance_never_overflows() {
    let mut world = World::new();
    let (from, to) =
        (world.account_in("BTC", CategoryWord::Crypto, 0), world.account_in("BTC", CategoryWord::Crypto, 0));
    let fund = |id, amount| Command::FundAccount(crate::accounts::FundAccount { id, amount: decimal(amount) });
    assert!(world.run(fund(from, "9000000")).is_ok());
    assert!(world.run(fund(to, "9000000")).is_ok());
    assert_eq!(world.run(transfer(from, to, "9000000")).map(|_| ()), Err("amount_too_large"));
    assert_eq!(world.run(fund(to, "999999999999999")).map(|_| ()), Err("amount_too_large"));
}

#[test]
fn reversals_add_up_and_end() {
    let mut world = World::new();
    let (from, to, third) = (world.account(100), world.account(0), world.account(0));
    let Ok(Outcome::Transfer(made)) = world.run(transfer(from, to, "60")) else { panic!("it is made") };
    let id = TransferId::parse(&made.id).expect("an id");
    let reverse = |amount: Option<&str>| {
        Command::ReverseTransfer(ReverseTransfer { id, amount: amount.map(decimal), reason: None })
    };
    let cases: [(Option<&str>, Result<&str, &str>, i64); 5] = [
        (Some("60.01"), Err("reversal_too_large"), 4_000),
        (Some("0"), Err("amount_not_positive"), 4_000),
        (Some("20"), Ok("partially_reversed"), 6_000),
        (Some("40.01"), Err("reversal_too_large"), 6_000),
        (Some("0.001"), Err("amount_too_precise"), 6_000),
    ];
    for (amount, expected, left) in cases {
        let outcome = world.run(reverse(amount)).map(|outcome| match outcome {
            Outcome::Transfer(view) => view.status.as_str(),
            other => panic!("{other:?}"),
        });
        assert_eq!((outcome, world.amounts(from).2), (expected, left), "{amount:?}");
    }
    assert!(world.run(transfer(to, third, "30")).is_ok(), "the money is spent meanwhile");
    assert_eq!(world.run(reverse(None)).map(|_| ()), Err("insufficient_funds"));
    assert!(world.run(transfer(third, to, "30")).is_ok());
    set(&mut world, to, |u| UpdateAccount { can_debit: Some(false), ..u });
    assert!(world.run(reverse(None)).is_ok(), "a correction is not stopped by canDebit");
    assert_eq!(world.run(reverse(None)).map(|_| ()), Err("already_reversed"));
    assert_eq!((world.amounts(from).2, world.amounts(to).2), (10_000, 0));
}
