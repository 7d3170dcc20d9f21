//! Users and signing in: one row per case.

use super::{
    AddUser, ChangeMembership, ChangeUser, CountTry, FORMER_PASSWORDS, Federate, IssueLink, LOCK_SECONDS, MAX_TRIES,
    Membership, NewSession, OpenSession, Proof, Role, Session, SetPassword, SetSecondFactor, User, UserSecret,
    UserStatus, UserSwitch, UserView,
};
use crate::access::{Actor, Scopes};
use crate::fields::Echo;
use crate::ids::{ApiKeyId, ClientId, Id, SessionId, UserId};
use crate::record::Key;
use crate::testing::{World, everything};
use crate::{Command, Outcome};

const LINK: [u8; 32] = [9; 32];

fn other_client() -> ClientId {
    ClientId(Id::from_bytes([8; 12]))
}

/// A world whose commands come from an API key.
fn world() -> World {
    let mut world = World::new();
    world.actor = Actor::ApiKey(ApiKeyId(Id::from_bytes([5; 12])));
    world
}

fn newcomer(world: &World, email: &str, role: Role) -> AddUser {
    let mut email_hash = [0; 32];
    email.bytes().zip(&mut email_hash).for_each(|(from, to)| *to = from);
    AddUser {
        email: email.to_owned(),
        email_hash,
        name: email.to_owned(),
        role,
        platform_wide: false,
        granter: everything(),
        link: (LINK, world.wall.plus_seconds(60)),
    }
}

fn add(world: &mut World, command: AddUser) -> Result<UserView, &'static str> {
    match world.run(Command::AddUser(Box::new(command)))? {
        Outcome::User(view) => Ok(view),
        other => panic!("{other:?}"),
    }
}

fn added(world: &mut World, email: &str, role: Role) -> UserId {
    let command = newcomer(world, email, role);
    id(&add(world, command).expect("a user"))
}

fn id(view: &UserView) -> UserId {
    UserId::parse(&view.id).expect("an id")
}

/// Someone who has signed in.
fn active(world: &mut World, email: &str, role: Role) -> UserId {
    let id = added(world, email, role);
    open(world, id, Proof::Link(LINK), None).expect("a session");
    id
}

fn change(world: &mut World, id: UserId, command: ChangeUser) -> Result<UserView, &'static str> {
    let granter = if command.granter.is_empty() { everything() } else { command.granter };
    match world.run(Command::ChangeUser(Box::new(ChangeUser { id, granter, ..command })))? {
        Outcome::User(view) => Ok(view),
        other => panic!("{other:?}"),
    }
}

fn issue(world: &mut World, id: UserId, granter: Scopes) -> Result<Outcome, &'static str> {
    let until = world.wall.plus_seconds(60);
    world.run(Command::IssueLink(IssueLink { id, hash: LINK, until, granter }))
}

fn to(role: Role) -> ChangeUser {
    ChangeUser { membership: ChangeMembership::Role(role), ..ChangeUser::default() }
}

fn remove() -> ChangeUser {
    ChangeUser { membership: ChangeMembership::Remove, ..ChangeUser::default() }
}

fn disable() -> ChangeUser {
    ChangeUser { switch: Some(UserSwitch::Disabled), ..ChangeUser::default() }
}

fn open(world: &mut World, user: UserId, proof: Proof, replaces: Option<SessionId>) -> Result<Session, &'static str> {
    let session = NewSession { hash: [1; 32], address: "192.0.2.7".to_owned(), agent: "test".to_owned() };
    let command = OpenSession { user, proof, session, replaces, ends: Vec::new() };
    match world.run(Command::OpenSession(Box::new(command)))? {
        Outcome::Session(session) => Ok(*session),
        other => panic!("{other:?}"),
    }
}

fn user(world: &World, id: UserId) -> User {
    world.work.users.peek(Key::of(ClientId::INSTALLATION, id.0)).expect("the user").clone()
}

fn secret(world: &World, id: UserId) -> UserSecret {
    world.work.user_secrets.peek(Key::of(ClientId::INSTALLATION, id.0)).expect("the secrets").clone()
}

fn set_password(world: &mut World, user: UserId, password: &str) -> Result<Outcome, &'static str> {
    let compared = secret(world, user).passwords();
    let command = SetPassword { user, password: password.to_owned(), compared, ends: Vec::new() };
    world.run(Command::SetPassword(command))
}

#[test]
fn nobody_grants_a_role_with_scopes_that_they_lack() {
    let admin = Role::Admin.scopes();
    let cases = [
        (everything(), Role::Owner, Ok(())),
        (admin, Role::Admin, Ok(())),
        (admin, Role::Owner, Err("role_exceeded")),
        // It adjusts balances, which an admin does not.
        (admin, Role::Finance, Err("role_exceeded")),
        (Role::Support.scopes(), Role::Auditor, Err("role_exceeded")),
    ];
    for (granter, role, expected) in cases {
        let mut world = world();
        let command = AddUser { granter, ..newcomer(&world, "ada@example.com", role) };
        assert_eq!(add(&mut world, command).map(|_| ()), expected, "{role:?}");
        // The same for somebody who is there, whose role must be covered too.
        let id = added(&mut world, "bob@example.com", Role::Support);
        let scopes = ChangeUser { granter, ..to(role) };
        let changed = change(&mut world, id, scopes).map(|_| ());
        assert_eq!(changed, expected, "{role:?}");
        let owner = added(&mut world, "eve@example.com", Role::Owner);
        let expected = if granter == everything() { Ok(()) } else { Err("role_exceeded") };
        assert_eq!(issue(&mut world, owner, granter).map(|_| ()), expected);
        assert_eq!(change(&mut world, owner, ChangeUser { granter, ..disable() }).map(|_| ()), expected);
    }
}

#[test]
fn a_client_sees_and_changes_its_own_users_only() {
    let mut world = world();
    let theirs = added(&mut world, "ada@example.com", Role::Support);
    world.client = other_client();
    for command in [to(Role::Admin), remove(), disable(), ChangeUser { name: Some("X".into()), ..remove() }] {
        assert_eq!(change(&mut world, theirs, command).map(|_| ()), Err("user_not_found"));
    }
    assert_eq!(issue(&mut world, theirs, everything()).map(|_| ()), Err("user_not_found"));
    // Whoever invited them elsewhere was shown their link, so only the operator gives them a role here.
    let command = newcomer(&world, "ada@example.com", Role::Admin);
    assert_eq!(add(&mut world, command.clone()).map(|_| ()), Err("user_shared"));
    world.actor = Actor::Operator;
    let before = secret(&world, theirs);
    let shared = add(&mut world, command).expect("another role");
    assert_eq!((shared.role, shared.platform_wide, secret(&world, theirs)), (Some(Role::Admin), false, before));
    world.actor = Actor::System;
    // The role here is the client's; name, status and link take effect elsewhere.
    change(&mut world, theirs, to(Role::Auditor)).expect("another role here");
    for command in [disable(), ChangeUser { name: Some("X".into()), ..ChangeUser::default() }] {
        assert_eq!(change(&mut world, theirs, command).map(|_| ()), Err("user_shared"));
    }
    assert_eq!(issue(&mut world, theirs, everything()).map(|_| ()), Err("user_shared"));
    change(&mut world, theirs, remove()).expect("no role here");
    assert_eq!(user(&world, theirs).role_in(other_client()), None);
    world.client = World::new().client;
    assert_eq!(user(&world, theirs).role_in(world.client), Some(Role::Support));
}

#[test]
fn a_user_of_the_platform_is_changed_by_the_operator() {
    let mut world = world();
    world.actor = Actor::Operator;
    let command = AddUser { platform_wide: true, ..newcomer(&world, "ada@example.com", Role::Owner) };
    let view = add(&mut world, command).expect("a user");
    let ada = id(&view);
    assert!(view.platform_wide && user(&world, ada).role_in(other_client()) == Some(Role::Owner));
    world.actor = Actor::System;
    for command in [to(Role::Auditor), remove(), disable()] {
        assert_eq!(change(&mut world, ada, command).map(|_| ()), Err("user_of_platform"));
    }
    assert_eq!(issue(&mut world, ada, everything()).map(|_| ()), Err("user_of_platform"));
    let again = newcomer(&world, "ada@example.com", Role::Auditor);
    assert_eq!(add(&mut world, again).map(|_| ()), Err("user_exists"));
    world.actor = Actor::Operator;
    issue(&mut world, ada, everything()).expect("a link");
    change(&mut world, ada, disable()).expect("disabled");
}

#[test]
fn an_address_has_one_user_who_begins_anew_after_they_left() {
    let mut world = world();
    let ada = active(&mut world, "ada@example.com", Role::Support);
    set_password(&mut world, ada, "$argon2id$1").expect("a password");
    let again = newcomer(&world, "ada@example.com", Role::Admin);
    assert_eq!(add(&mut world, again.clone()).map(|_| ()), Err("user_exists"));
    change(&mut world, ada, remove()).expect("removed");
    world.client = other_client();
    let view = add(&mut world, again).expect("somebody new to this client");
    assert_eq!((id(&view), view.status, view.role), (ada, UserStatus::Invited, Some(Role::Admin)));
    let secret = secret(&world, ada);
    assert_eq!((secret.password.clone(), secret.passwords().len(), secret.link), (None, 0, Some(LINK)));
}

#[test]
fn users_do_not_change_themselves() {
    let mut world = world();
    let ada = active(&mut world, "ada@example.com", Role::Owner);
    let bob = active(&mut world, "bob@example.com", Role::Owner);
    world.actor = Actor::User(ada);
    for command in [to(Role::Auditor), remove(), disable(), ChangeUser { name: Some("X".into()), ..remove() }] {
        let command = ChangeUser { other_owner: Some(bob), ..command };
        assert_eq!(change(&mut world, ada, command).map(|_| ()), Err("own_user"));
    }
    assert_eq!(issue(&mut world, ada, everything()).map(|_| ()), Err("own_user"));
    change(&mut world, bob, ChangeUser { other_owner: Some(ada), ..to(Role::Auditor) }).expect("another one");
}

#[test]
fn a_client_keeps_an_active_owner() {
    for command in [to(Role::Admin), remove(), disable()] {
        let mut world = world();
        let ada = active(&mut world, "ada@example.com", Role::Owner);
        let bob = active(&mut world, "bob@example.com", Role::Owner);
        let invited = added(&mut world, "eve@example.com", Role::Owner);
        let with = |other_owner| ChangeUser { other_owner, ..command.clone() };
        assert_eq!(change(&mut world, ada, with(None)).map(|_| ()), Err("last_owner"));
        assert_eq!(change(&mut world, ada, with(Some(ada))).map(|_| ()), Err("last_owner"));
        // Who never signed in may never do.
        assert_eq!(change(&mut world, ada, with(Some(invited))).map(|_| ()), Err("changed_meanwhile"));
        change(&mut world, ada, with(Some(bob))).expect("another owner remains");
        // What was read beside the engine does not hold any more.
        assert_eq!(change(&mut world, bob, with(Some(ada))).map(|_| ()), Err("changed_meanwhile"));
        assert_eq!(change(&mut world, bob, with(None)).map(|_| ()), Err("last_owner"));
        change(&mut world, invited, with(None)).expect("they were none yet");
        world.actor = Actor::Operator;
        change(&mut world, bob, with(None)).expect("the operator can make another one");
    }
}

#[test]
fn a_change_ends_sessions_and_checks_what_was_sent_back() {
    let mut world = world();
    let ada = added(&mut world, "ada@example.com", Role::Support);
    let session = open(&mut world, ada, Proof::Link(LINK), None).expect("a session").id;
    let kept = |world: &World| world.work.sessions.peek(Key::of(ClientId::INSTALLATION, session.0)).is_some();
    let sessions = vec![session];
    let echo = |email: &str| Echo { amounts: vec![], others: vec![("/email", email.into())] };
    let wrong = ChangeUser { echo: echo("eve@example.com"), ..to(Role::Auditor) };
    assert_eq!(change(&mut world, ada, wrong).map(|_| ()), Err("read_only_field"));
    let outdated = ChangeUser { if_match: Some(7), ..to(Role::Auditor) };
    assert_eq!(change(&mut world, ada, outdated).map(|_| ()), Err("version_mismatch"));
    let right = ChangeUser { sessions: sessions.clone(), echo: echo("ada@example.com"), ..to(Role::Auditor) };
    let view = change(&mut world, ada, right).expect("another role");
    assert!(kept(&world), "a session goes on with another role");
    let same = change(&mut world, ada, to(Role::Auditor)).expect("the same role");
    assert_eq!(same.version, view.version, "nothing changed");
    change(&mut world, ada, ChangeUser { sessions, ..disable() }).expect("disabled");
    assert!(!kept(&world));
    assert_eq!(open(&mut world, ada, Proof::Link(LINK), None).map(|_| ()), Err("proof_refused"));
    let enable = ChangeUser { switch: Some(UserSwitch::Active), ..ChangeUser::default() };
    assert_eq!(change(&mut world, ada, enable.clone()).expect("active").status, UserStatus::Active);
    let eve = added(&mut world, "eve@example.com", Role::Support);
    assert_eq!(change(&mut world, eve, enable).expect("no change").status, UserStatus::Invited);
}

#[test]
fn ten_tries_lock_signing_in_for_half_an_hour() {
    let mut world = world();
    let ada = active(&mut world, "ada@example.com", Role::Support);
    let try_once = |world: &mut World| world.run(Command::CountTry(CountTry { user: ada })).map(|_| ());
    for _ in 0..MAX_TRIES {
        assert_eq!(try_once(&mut world), Ok(()));
    }
    assert_eq!(try_once(&mut world), Err("sign_in_locked"));
    let locked = secret(&world, ada).locked_until;
    assert_eq!(locked, Some(world.wall.plus_seconds(LOCK_SECONDS)));
    world.wall = world.wall.plus_seconds(LOCK_SECONDS - 1);
    assert_eq!(try_once(&mut world), Err("sign_in_locked"));
    world.wall = world.wall.plus_seconds(1);
    for _ in 0..MAX_TRIES {
        assert_eq!(try_once(&mut world), Ok(()));
    }
    assert_eq!(try_once(&mut world), Err("sign_in_locked"));
    // A success gives the tries back.
    world.wall = world.wall.plus_seconds(LOCK_SECONDS);
    try_once(&mut world).expect("a try");
    set_password(&mut world, ada, "$argon2id$1").expect("a password");
    open(&mut world, ada, Proof::Password("$argon2id$1".to_owned()), None).expect("a session");
    assert_eq!((secret(&world, ada).tries, secret(&world, ada).locked_until), (0, None));
}

#[test]
fn a_role_that_somebody_changed_is_no_longer_the_groups() {
    let mut world = world();
    let cases = [(Role::Support, Role::Support, true), (Role::Auditor, Role::Auditor, false)];
    for (role, expected, is_federated) in cases {
        let from_group = Membership { client: Some(world.client), role: Role::Support, is_federated: true };
        let described = Federate {
            email: "ada@example.com".to_owned(),
            email_hash: [7; 32],
            name: "Ada".to_owned(),
            memberships: vec![from_group],
        };
        let federate = Command::Federate(Box::new(described));
        let Ok(Outcome::User(view)) = world.run(federate.clone()) else { panic!("no user") };
        change(&mut world, id(&view), to(role)).expect("a change");
        assert!(matches!(world.run(federate), Ok(Outcome::User(_))), "{role:?}");
        let kept = Membership { client: Some(world.client), role: expected, is_federated };
        assert_eq!(user(&world, id(&view)).memberships, [kept]);
    }
}

#[test]
fn a_new_password_or_factor_and_a_new_beginning_end_other_sessions() {
    for case in ["password", "factor", "beginning"] {
        let mut world = world();
        let ada = added(&mut world, "ada@example.com", Role::Support);
        let eve = active(&mut world, "eve@example.com", Role::Support);
        let first = open(&mut world, ada, Proof::Link(LINK), None).expect("a session").id;
        issue(&mut world, eve, everything()).expect("a link");
        let others = open(&mut world, eve, Proof::Link(LINK), None).expect("a session").id;
        let ends = vec![first, others];
        let recovery_codes = vec!["aa".to_owned()];
        match case {
            "password" => {
                let command = SetPassword { user: ada, password: "$argon2id$1".to_owned(), compared: vec![], ends };
                world.run(Command::SetPassword(command)).expect("a password");
            }
            "factor" => {
                let command = SetSecondFactor { user: ada, totp: Some(vec![1]), step: 1, recovery_codes, ends };
                world.run(Command::SetSecondFactor(command)).expect("a factor");
            }
            _ => {
                change(&mut world, ada, remove()).expect("removed");
                let again = newcomer(&world, "ada@example.com", Role::Support);
                add(&mut world, again).expect("invited again");
                let session = NewSession { hash: [1; 32], address: String::new(), agent: String::new() };
                let proof = Proof::Link(LINK);
                let command = OpenSession { user: ada, proof, session, replaces: None, ends };
                world.run(Command::OpenSession(Box::new(command))).expect("a session");
            }
        }
        let is_open = |id: SessionId| world.work.sessions.peek(Key::of(ClientId::INSTALLATION, id.0)).is_some();
        assert_eq!((is_open(first), is_open(others)), (false, true), "{case}: only the user's own");
    }
}

#[test]
fn a_link_works_once_and_in_its_time() {
    let mut world = world();
    let ada = added(&mut world, "ada@example.com", Role::Support);
    assert_eq!(open(&mut world, ada, Proof::Link([8; 32]), None).map(|_| ()), Err("proof_refused"));
    open(&mut world, ada, Proof::Link(LINK), None).expect("a session");
    assert_eq!(user(&world, ada).status, UserStatus::Active);
    assert_eq!(open(&mut world, ada, Proof::Link(LINK), None).map(|_| ()), Err("proof_refused"));
    issue(&mut world, ada, everything()).expect("a link");
    world.wall = world.wall.plus_seconds(60);
    assert_eq!(open(&mut world, ada, Proof::Link(LINK), None).map(|_| ()), Err("proof_refused"));
}

#[test]
fn codes_and_recovery_codes_work_once_and_not_alone() {
    let mut world = world();
    let ada = active(&mut world, "ada@example.com", Role::Support);
    set_password(&mut world, ada, "$argon2id$1").expect("a password");
    let recovery_codes = vec!["aa".to_owned(), "bb".to_owned()];
    let factor = SetSecondFactor { user: ada, totp: Some(vec![1]), step: 100, recovery_codes, ends: Vec::new() };
    world.run(Command::SetSecondFactor(factor)).expect("a second factor");
    let code = |step| Proof::Code { step, sealed: vec![1] };
    let password = || Proof::Password("$argon2id$1".to_owned());
    let refused = Err("proof_refused");
    assert_eq!(open(&mut world, ada, code(101), None).map(|_| ()), refused, "a code alone");
    let partial = open(&mut world, ada, password(), None).expect("a session");
    assert!(partial.is_partial);
    assert_eq!(open(&mut world, ada, code(100), Some(partial.id)).map(|_| ()), refused, "the code that set it up");
    let other = Proof::Code { step: 101, sealed: vec![2] };
    assert_eq!(open(&mut world, ada, other, Some(partial.id)).map(|_| ()), refused, "a code of a former secret");
    let whole = open(&mut world, ada, code(101), Some(partial.id)).expect("a session");
    assert!(!whole.is_partial && whole.since == partial.since);
    assert_eq!(open(&mut world, ada, code(102), Some(partial.id)).map(|_| ()), refused, "a session that was replaced");
    assert_eq!(open(&mut world, ada, code(101), Some(whole.id)).map(|_| ()), refused, "a code that was used");
    assert_eq!(open(&mut world, ada, password(), Some(whole.id)).map(|_| ()), refused, "less than they have");
    let recovery = || Proof::RecoveryCode("aa".to_owned());
    let proven = open(&mut world, ada, recovery(), Some(whole.id)).expect("a session");
    assert_eq!(open(&mut world, ada, recovery(), Some(proven.id)).map(|_| ()), refused, "it was used");
    assert_eq!(secret(&world, ada).recovery_codes, ["bb"]);
}

#[test]
fn the_last_five_passwords_are_kept_and_compared() {
    let mut world = world();
    let ada = active(&mut world, "ada@example.com", Role::Support);
    for number in 1..=7 {
        set_password(&mut world, ada, &format!("$argon2id${number}")).expect("a password");
    }
    let passwords = secret(&world, ada).passwords();
    assert_eq!(passwords.len(), FORMER_PASSWORDS);
    assert_eq!(passwords, [7, 6, 5, 4, 3].map(|number| format!("$argon2id${number}")));
    let compared = passwords[1..].to_vec();
    let outdated = SetPassword { user: ada, password: "$argon2id$8".into(), compared, ends: Vec::new() };
    assert_eq!(world.run(Command::SetPassword(outdated)).map(|_| ()), Err("changed_meanwhile"));
    assert_eq!(open(&mut world, ada, Proof::Password(passwords[1].clone()), None).map(|_| ()), Err("proof_refused"));
}
