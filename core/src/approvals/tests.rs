//! Rules of approvals: one row per case.

use super::{
    APPROVAL_SECONDS, ApprovalAction, ApprovalPolicy, ApprovalRule, ApprovalView, Ask, CancelApproval, DecideApproval,
    ExpireApproval, FinishApproval, RequestApproval, Verdict,
};
use crate::access::Actor;
use crate::accounts::{AccountStatus, CreateAccount, UpdateAccount};
use crate::cards::{CardStatus, CreateCard, UpdateCard};
use crate::ids::{ApiKeyId, ApprovalId, ClientId, Id, TransferId, UserId};
use crate::testing::{World, a_new_account, decimal, everything};
use crate::time::Instant;
use crate::transfers::ReverseTransfer;
use crate::{Command, Outcome};

fn user(number: u8) -> UserId {
    UserId(Id::from_bytes([number; 12]))
}

const KEY: Actor = Actor::ApiKey(ApiKeyId(Id::from_bytes([5; 12])));

/// The user 1 made the key that asks.
fn ask(world: &mut World, action: ApprovalAction, needed: i64) -> ApprovalId {
    ask_as(world, KEY, Some(user(1)), action, needed)
}

fn ask_as(
    world: &mut World,
    actor: Actor,
    key_maker: Option<UserId>,
    action: ApprovalAction,
    needed: i64,
) -> ApprovalId {
    world.actor = actor;
    let command = RequestApproval {
        action,
        key_maker,
        method: "POST".to_owned(),
        path: "/transfers".to_owned(),
        body: r#"{"amount":"5"}"#.to_owned(),
        if_match: None,
        preview: String::new(),
        needed,
        scopes: everything(),
    };
    let view = approval(world.run(Command::RequestApproval(Box::new(command)))).expect("it is kept");
    ApprovalId::parse(&view.id).expect("an id")
}

fn approval(outcome: Result<Outcome, &'static str>) -> Result<ApprovalView, &'static str> {
    match outcome? {
        Outcome::Approval(view) => Ok(*view),
        other => panic!("{other:?}"),
    }
}

/// The approval's status after somebody did something, or the refusal's code.
fn status(outcome: Result<Outcome, &'static str>) -> &'static str {
    match approval(outcome) {
        Ok(view) => view.status.as_str(),
        Err(code) => code,
    }
}

fn decide(world: &mut World, actor: Actor, id: ApprovalId, verdict: Verdict) -> &'static str {
    world.actor = actor;
    status(world.run(Command::DecideApproval(DecideApproval { id, verdict, note: Some("seen".to_owned()) })))
}

fn cancel(world: &mut World, actor: Actor, id: ApprovalId) -> &'static str {
    world.actor = actor;
    status(world.run(Command::CancelApproval(CancelApproval { id })))
}

fn finish(world: &mut World, id: ApprovalId, answer: i64) -> &'static str {
    world.actor = Actor::System;
    status(world.run(Command::FinishApproval(FinishApproval { id, status: answer, message: "said".to_owned() })))
}

fn expire(world: &mut World, id: ApprovalId) -> u64 {
    world.actor = Actor::System;
    match world.run(Command::ExpireApproval(ExpireApproval { id })) {
        Ok(Outcome::Count(count)) => count,
        other => panic!("{other:?}"),
    }
}

#[test]
fn who_decides() {
    use Verdict::{Approve, Reject};
    // What the actors say in turn to a call that needs two, and what each is answered.
    let person = |number| Actor::User(user(number));
    type Said = (Actor, Verdict, &'static str);
    let cases: &[(&str, &[Said])] = &[
        ("two people", &[(person(2), Approve, "pending"), (person(3), Approve, "approved")]),
        ("one no is enough", &[(person(2), Approve, "pending"), (person(3), Reject, "rejected")]),
        ("a no at once", &[(person(2), Reject, "rejected"), (person(3), Approve, "approval_not_pending")]),
        ("nobody counts twice", &[(person(2), Approve, "pending"), (person(2), Approve, "already_decided")]),
        ("nor takes it back", &[(person(2), Approve, "pending"), (person(2), Reject, "already_decided")]),
        ("not who made the key", &[(person(1), Approve, "own_approval"), (person(1), Reject, "own_approval")]),
        ("no key", &[(KEY, Approve, "approver_not_person"), (KEY, Reject, "approver_not_person")]),
        ("no server", &[(Actor::System, Approve, "approver_not_person")]),
        ("nor the command line", &[(Actor::Operator, Approve, "approver_not_person")]),
        (
            "a third",
            &[
                (person(2), Approve, "pending"),
                (person(3), Approve, "approved"),
                (person(4), Approve, "approval_not_pending"),
            ],
        ),
    ];
    for (case, said) in cases {
        let mut world = World::new();
        let id = ask(&mut world, ApprovalAction::TransferCreate, 2);
        for (actor, verdict, expected) in *said {
            assert_eq!(decide(&mut world, *actor, id, *verdict), *expected, "{case}");
        }
    }
}

#[test]
fn a_user_does_not_approve_what_they_asked_for() {
    let mut world = World::new();
    let id = ask_as(&mut world, Actor::User(user(6)), None, ApprovalAction::TransferCreate, 1);
    assert_eq!(decide(&mut world, Actor::User(user(6)), id, Verdict::Approve), "own_approval");
    assert_eq!(decide(&mut world, Actor::User(user(1)), id, Verdict::Approve), "approved");
}

#[test]
fn only_who_asked_cancels() {
    let mut world = World::new();
    let id = ask(&mut world, ApprovalAction::TransferCreate, 1);
    assert_eq!(cancel(&mut world, Actor::User(user(1)), id), "not_requester");
    assert_eq!(cancel(&mut world, KEY, id), "canceled");
    assert_eq!(cancel(&mut world, KEY, id), "approval_not_pending");
    assert_eq!(decide(&mut world, Actor::User(user(2)), id, Verdict::Approve), "approval_not_pending");
    assert_eq!(finish(&mut world, id, 201), "canceled", "it is not made");
}

#[test]
fn the_first_answer_counts() {
    for (answer, expected) in [(201, "executed"), (200, "executed"), (409, "failed"), (412, "failed"), (500, "failed")]
    {
        let mut world = World::new();
        let id = ask(&mut world, ApprovalAction::AccountAdjust, 1);
        assert_eq!(finish(&mut world, id, answer), "pending", "nobody approved it");
        assert_eq!(decide(&mut world, Actor::User(user(2)), id, Verdict::Approve), "approved");
        assert_eq!(finish(&mut world, id, answer), expected);
        assert_eq!(finish(&mut world, id, 599), expected, "said again");
    }
}

#[test]
fn what_waits_expires() {
    let later = |wall: Instant, seconds: i64| wall.plus_seconds(seconds);
    // The action, whether it is approved first, and whether it expires.
    let cases = [
        (ApprovalAction::TransferCreate, false, 1),
        (ApprovalAction::TransferCreate, true, 0),
        (ApprovalAction::ApiKeyCreate, false, 1),
        // Its requester did not make the call in time.
        (ApprovalAction::ApiKeyCreate, true, 1),
    ];
    for (action, approved, expected) in cases {
        let mut world = World::new();
        let id = ask(&mut world, action, 1);
        if approved {
            assert_eq!(decide(&mut world, Actor::User(user(2)), id, Verdict::Approve), "approved");
        }
        let begun = world.wall;
        world.wall = later(begun, APPROVAL_SECONDS - 1);
        assert_eq!(expire(&mut world, id), 0, "{action:?}: too early");
        world.wall = later(begun, APPROVAL_SECONDS);
        assert_eq!(expire(&mut world, id), expected, "{action:?}, approved: {approved}");
        assert_eq!(expire(&mut world, id), 0, "{action:?}: once");
    }
    // Before the worker comes, nobody can approve it any more.
    let mut world = World::new();
    let id = ask(&mut world, ApprovalAction::TransferCreate, 1);
    world.wall = later(world.wall, APPROVAL_SECONDS);
    assert_eq!(decide(&mut world, Actor::User(user(2)), id, Verdict::Approve), "approval_not_pending");
    assert_eq!(cancel(&mut world, KEY, id), "approval_not_pending");
}

#[test]
fn no_other_clients_approval_is_found() {
    let mut world = World::new();
    let id = ask(&mut world, ApprovalAction::TransferCreate, 1);
    world.client = ClientId(Id::from_bytes([8; 12]));
    assert_eq!(decide(&mut world, Actor::User(user(2)), id, Verdict::Approve), "approval_not_found");
    assert_eq!(cancel(&mut world, KEY, id), "approval_not_found");
    assert_eq!(finish(&mut world, id, 201), "approval_not_found");
}

#[test]
fn the_strictest_rule_counts() {
    let rule = |action, above: Option<&str>, needed| ApprovalRule { action, above: above.map(decimal), needed };
    let policy = ApprovalPolicy {
        client: ClientId(Id::from_bytes([7; 12])),
        rules: vec![
            rule(ApprovalAction::TransferCreate, Some("100"), 1),
            rule(ApprovalAction::TransferCreate, Some("1000"), 3),
            rule(ApprovalAction::ApiKeyCreate, None, 2),
        ],
        version: 1,
        updated_at: World::new().wall,
    };
    let cases = [
        (ApprovalAction::TransferCreate, Some("99.99"), None),
        (ApprovalAction::TransferCreate, Some("100"), None),
        (ApprovalAction::TransferCreate, Some("100.01"), Some(1)),
        (ApprovalAction::TransferCreate, Some("1000.01"), Some(3)),
        // An amount that is not known is above every bound.
        (ApprovalAction::TransferCreate, None, Some(3)),
        (ApprovalAction::ApiKeyCreate, None, Some(2)),
        (ApprovalAction::AccountClose, None, None),
    ];
    for (action, amount, expected) in cases {
        let ask = Ask { amount: amount.map(decimal), ..Ask::of(action) };
        let needed = policy.needed(&[ask]).first().map(|(_, needed)| *needed);
        assert_eq!(needed, expected, "{action:?} {amount:?}");
    }
    // A command that does several things needs what the strictest rule asks, and approvers who could do all of them.
    let both = [Ask::of(ApprovalAction::TransferCreate).amount(decimal("500")), Ask::of(ApprovalAction::ApiKeyCreate)];
    let found = policy.needed(&both);
    let found: Vec<_> = found.iter().map(|(ask, needed)| (ask.action, *needed)).collect();
    assert_eq!(found, [(ApprovalAction::ApiKeyCreate, 2), (ApprovalAction::TransferCreate, 1)]);
}

#[test]
fn what_a_command_asks_about() {
    use ApprovalAction::{AccountAdjust, AccountClose, CardFund, CardUnblock, LimitsChange, TransferCreate};
    let transfer = TransferId(Id::from_bytes([4; 12]));
    let mut world = World::new();
    let id = world.account(1_000);
    let holder = world.holder();
    let card = world.card(id, holder, 0);
    let some = decimal("5");
    let account = |command: UpdateAccount| Command::UpdateAccount(Box::new(UpdateAccount { id, ..command }));
    let opened = |balance: &str, credit: &str| {
        let (balance, credit_limit) = (decimal(balance), decimal(credit));
        Command::CreateAccount(CreateAccount { balance, credit_limit, ..a_new_account() })
    };
    let change = |command: UpdateCard| Command::UpdateCard(Box::new(UpdateCard { id: card, ..command }));
    let issued = |amount: Option<&str>, world: &mut World| {
        let card = CreateCard { amount: amount.map(decimal), ..world.a_new_card(id, holder) };
        Command::CreateCard(Box::new(card))
    };
    let controls = world.a_new_card(id, holder).controls;
    let cases: &[(Command, &[ApprovalAction])] = &[
        (account(UpdateAccount { name: Some("Other".to_owned()), ..UpdateAccount::default() }), &[]),
        (account(UpdateAccount { balance: Some(some), ..UpdateAccount::default() }), &[AccountAdjust]),
        (
            account(UpdateAccount { balance: Some(some), credit_limit: Some(some), ..UpdateAccount::default() }),
            &[AccountAdjust, LimitsChange],
        ),
        (account(UpdateAccount { status: Some(AccountStatus::Closed), ..UpdateAccount::default() }), &[AccountClose]),
        (opened("0", "0"), &[]),
        (opened("5", "0"), &[AccountAdjust]),
        (opened("0", "5"), &[LimitsChange]),
        (issued(None, &mut world), &[]),
        (issued(Some("5"), &mut world), &[CardFund]),
        (change(UpdateCard { status: Some(CardStatus::Inactive), ..UpdateCard::default() }), &[]),
        (change(UpdateCard { status: Some(CardStatus::Active), ..UpdateCard::default() }), &[CardUnblock]),
        (
            change(UpdateCard {
                status: Some(CardStatus::Active),
                controls: Some(controls.clone()),
                ..UpdateCard::default()
            }),
            &[LimitsChange, CardUnblock],
        ),
        (
            change(UpdateCard {
                status: Some(CardStatus::Canceled),
                credit_account: Some(id),
                ..UpdateCard::default()
            }),
            &[CardFund],
        ),
        (Command::ReverseTransfer(ReverseTransfer { id: transfer, amount: None, reason: None }), &[TransferCreate]),
        // Card holders change their own card with a token.
        (change(UpdateCard { controls: Some(controls), by_holder: true, ..UpdateCard::default() }), &[]),
    ];
    for (command, expected) in cases {
        let asked: Vec<_> = command.approvals().iter().map(|ask| ask.action).collect();
        assert_eq!(&asked, expected, "{command:?}");
    }
}
