//! Credentials and the clock: one row per case.

use super::{
    ApiKeyStatus, CreateApiKey, ExpireApiKey, Granter, IssueToken, NewKey, RevokeApiKey, RevokeToken, RotateApiKey,
    Scope, Scopes,
};
use crate::clock::AdvanceClock;
use crate::ids::{ApiKeyId, Id, TokenId};
use crate::testing::{World, everything};
use crate::time::Instant;
use crate::{Command, Outcome};

fn granter(scopes: Scopes) -> Granter {
    Granter { scopes, until: None, networks: Vec::new() }
}

fn some_key(scopes: Scopes, expires_at: Option<Instant>, byte: u8) -> Command {
    let key = NewKey { hash: [byte; 32], hint: "pgk…".into() };
    let name = "key".to_owned();
    Command::CreateApiKey(CreateApiKey {
        name,
        scopes,
        expires_at,
        allowed_ips: Vec::new(),
        key,
        granter: granter(everything()),
    })
}

fn made(world: &mut World, command: Command) -> ApiKeyId {
    match world.run(command) {
        Ok(Outcome::ApiKey(view)) => ApiKeyId::parse(&view.id).expect("an id"),
        other => panic!("{other:?}"),
    }
}

fn status(world: &mut World, id: ApiKeyId) -> ApiKeyStatus {
    let key = crate::record::Key::of(world.client, id.0);
    world.work.api_keys.peek(key).expect("the key").status
}

#[test]
fn a_key_gives_no_more_than_its_maker_has() {
    let reader: Scopes = [Scope::AccountsRead].into_iter().collect();
    let cases =
        [(reader, everything(), Ok(())), (everything(), reader, Err("scopes_exceeded")), (reader, reader, Ok(()))];
    for (scopes, of_maker, expected) in cases {
        let mut world = World::new();
        let key = NewKey { hash: [1; 32], hint: String::new() };
        let granter = granter(of_maker);
        let command =
            CreateApiKey { name: "k".into(), scopes, expires_at: None, allowed_ips: Vec::new(), key, granter };
        assert_eq!(world.run(Command::CreateApiKey(command)).map(|_| ()), expected);
    }
}

#[test]
fn a_key_lives_no_longer_and_works_from_nowhere_else_than_its_makers() {
    let now = World::new().wall;
    let at = |seconds| Some(now.plus_seconds(seconds));
    let nets =
        |texts: &[&str]| -> Vec<ipnet::IpNet> { texts.iter().map(|text| text.parse().expect("a network")).collect() };
    let office = nets(&["203.0.113.0/24", "2001:db8::/32"]);
    let cases = [
        (None, vec![], Ok((at(60), office.clone()))),
        (at(60), nets(&["203.0.113.7/32"]), Ok((at(60), nets(&["203.0.113.7/32"])))),
        (
            at(59),
            nets(&["203.0.113.0/25", "2001:db8:1::/48"]),
            Ok((at(59), nets(&["203.0.113.0/25", "2001:db8:1::/48"]))),
        ),
        (at(61), vec![], Err("bounds_exceeded")),
        (None, nets(&["203.0.112.0/23"]), Err("bounds_exceeded")),
        (None, nets(&["203.0.113.7/32", "198.51.100.1/32"]), Err("bounds_exceeded")),
        (None, nets(&["0.0.0.0/0"]), Err("bounds_exceeded")),
    ];
    for (expires_at, allowed_ips, expected) in cases {
        let mut world = World::new();
        let key = NewKey { hash: [1; 32], hint: String::new() };
        let granter = Granter { scopes: everything(), until: at(60), networks: office.clone() };
        let place = format!("{expires_at:?} {allowed_ips:?}");
        let command = CreateApiKey { name: "k".into(), scopes: everything(), expires_at, allowed_ips, key, granter };
        let outcome = world.run(Command::CreateApiKey(command)).map(|outcome| match outcome {
            Outcome::ApiKey(view) => {
                let id = ApiKeyId::parse(&view.id).expect("an id");
                let kept = world.work.api_keys.peek(crate::record::Key::of(world.client, id.0)).expect("the key");
                (kept.expires_at, kept.allowed_ips.clone())
            }
            other => panic!("{other:?}"),
        });
        assert_eq!(outcome, expected, "{place}");
    }
}

#[test]
fn rotating_takes_nothing_beyond_the_bounds_of_the_one_who_rotates() {
    let mut world = World::new();
    let endless = made(&mut world, some_key(everything(), None, 1));
    let soon = world.wall.plus_seconds(50);
    let short = made(&mut world, some_key(everything(), Some(soon), 2));
    let until = Some(world.wall.plus_seconds(60));
    let rotate = |id, until, networks: &[&str], byte| {
        let networks = networks.iter().map(|text| text.parse().expect("a network")).collect();
        let granter = Granter { scopes: everything(), until, networks };
        let key = NewKey { hash: [byte; 32], hint: String::new() };
        Command::RotateApiKey(RotateApiKey { id, overlap_seconds: 0, key, granter })
    };
    assert_eq!(world.run(rotate(endless, until, &[], 3)).map(|_| ()), Err("bounds_exceeded"), "it would live longer");
    assert_eq!(world.run(rotate(short, until, &["10.0.0.0/8"], 4)).map(|_| ()), Err("bounds_exceeded"), "elsewhere");
    let second = made(&mut world, rotate(short, until, &[], 5));
    let kept = world.work.api_keys.peek(crate::record::Key::of(world.client, second.0)).expect("the key");
    assert_eq!(kept.expires_at, Some(soon), "the expiry of the key that it replaces");
    assert!(world.run(rotate(endless, None, &[], 6)).is_ok());
}

#[test]
fn a_key_ends_at_its_instant_and_not_before() {
    let mut world = World::new();
    let ends = world.wall.plus_seconds(60);
    assert_eq!(world.run(some_key(everything(), Some(world.wall), 1)).map(|_| ()), Err("expiry_in_past"));
    let id = made(&mut world, some_key(everything(), Some(ends), 2));
    let expire = Command::ExpireApiKey(ExpireApiKey { id });
    world.wall = ends.plus_micros(-1);
    assert!(matches!(world.run(expire.clone()), Ok(Outcome::Count(0))));
    world.wall = ends;
    assert!(matches!(world.run(expire.clone()), Ok(Outcome::Count(1))));
    assert!(matches!(world.run(expire), Ok(Outcome::Count(0))), "once");
    assert_eq!(status(&mut world, id), ApiKeyStatus::Expired);
}

#[test]
fn a_rotated_key_is_revoked_after_the_overlap() {
    let mut world = World::new();
    let id = made(&mut world, some_key(everything(), None, 1));
    let rotate = |id, overlap_seconds, byte| {
        let key = NewKey { hash: [byte; 32], hint: String::new() };
        Command::RotateApiKey(RotateApiKey { id, overlap_seconds, key, granter: granter(everything()) })
    };
    let second = made(&mut world, rotate(id, 3600, 2));
    assert_eq!(status(&mut world, id), ApiKeyStatus::Active);
    world.wall = world.wall.plus_seconds(3600);
    assert!(matches!(world.run(Command::ExpireApiKey(ExpireApiKey { id })), Ok(Outcome::Count(1))));
    assert_eq!(status(&mut world, id), ApiKeyStatus::Revoked);
    assert_eq!(world.run(rotate(id, 0, 3)).map(|_| ()), Err("api_key_revoked"));
    made(&mut world, rotate(second, 0, 4));
    assert_eq!(status(&mut world, second), ApiKeyStatus::Revoked, "without an overlap it is revoked at once");
    let nobody = ApiKeyId(Id::from_bytes([9; 12]));
    assert_eq!(world.run(Command::RevokeApiKey(RevokeApiKey { id: nobody })).map(|_| ()), Err("api_key_not_found"));
    let sequences: Vec<i64> =
        world.appended.events.iter().filter(|e| e.object_id == id.0).map(|e| e.sequence).collect();
    assert_eq!(sequences, [1, 2], "created and revoked");
}

#[test]
fn tokens_are_subsets_and_end() {
    let mut world = World::new();
    let id = made(&mut world, some_key(everything(), None, 1));
    let reader: Scopes = [Scope::AccountsRead].into_iter().collect();
    let issue_until = |scopes, granter, until| {
        let (card_holder, card, seconds) = (None, None, Some(60));
        Command::IssueToken(IssueToken { api_key: id, scopes, granter, card_holder, card, seconds, until })
    };
    let issue = |scopes, granter| issue_until(scopes, granter, None);
    assert_eq!(world.run(issue(everything(), reader)).map(|_| ()), Err("scopes_exceeded"));
    let ends = |seconds| Some(world.wall.plus_seconds(seconds));
    let (longer, as_long) = (issue_until(reader, reader, ends(59)), issue_until(reader, reader, ends(60)));
    assert_eq!(world.run(longer).map(|_| ()), Err("bounds_exceeded"), "a token cannot create a token that outlives it");
    assert!(world.run(as_long).is_ok());
    let Ok(Outcome::Token(token)) = world.run(issue(reader, everything())) else { panic!("it is made") };
    let revoke = Command::RevokeToken(RevokeToken { id: TokenId::parse(&token.id).expect("an id") });
    assert!(world.run(revoke.clone()).is_ok() && world.run(revoke).is_ok());
    assert!(!world.appended.audit.is_empty(), "it is in the audit log");
}

#[test]
fn the_clock_only_moves_forward() {
    let mut world = World::new();
    let now = world.wall;
    let to = |to, strict| Command::AdvanceClock(AdvanceClock { to, offset: None, strict });
    let cases = [
        (to(now.plus_seconds(-1), true), Err("clock_backwards")),
        (to(now.plus_seconds(-1), false), Ok(0)),
        (to(now.plus_seconds(10), true), Ok(10)),
        (to(now.plus_seconds(9), true), Err("clock_backwards")),
        (to(Instant::parse("2300-01-01").expect("a date"), true), Err("clock_too_far")),
        (
            Command::AdvanceClock(AdvanceClock { to: now.plus_seconds(20), offset: Some(15_000_000), strict: true }),
            Ok(15),
        ),
    ];
    for (command, expected) in cases {
        let outcome = world.run(command).map(|outcome| match outcome {
            Outcome::Clock(reading) => reading.offset / crate::time::SECOND,
            other => panic!("{other:?}"),
        });
        assert_eq!(outcome, expected);
    }
}
