//! Credentials and the clock: a row a case.

use super::{
    ApiKeyStatus, CreateApiKey, ExpireApiKey, IssueToken, NewKey, RevokeApiKey, RevokeToken, RotateApiKey, Scope,
    Scopes,
};
use crate::clock::AdvanceClock;
use crate::ids::{ApiKeyId, Id, TokenId};
use crate::testing::{World, everything};
use crate::time::Instant;
use crate::{Command, Outcome};

fn some_key(scopes: Scopes, expires_at: Option<Instant>, byte: u8) -> Command {
    let key = NewKey { hash: [byte; 32], hint: "pgk…".into() };
    let name = "key".to_owned();
    Command::CreateApiKey(CreateApiKey { name, scopes, expires_at, allowed_ips: Vec::new(), key, maker: everything() })
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
    for (scopes, maker, expected) in cases {
        let mut world = World::new();
        let key = NewKey { hash: [1; 32], hint: String::new() };
        let command = CreateApiKey { name: "k".into(), scopes, expires_at: None, allowed_ips: Vec::new(), key, maker };
        assert_eq!(world.run(Command::CreateApiKey(command)).map(|_| ()), expected);
    }
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
        Command::RotateApiKey(RotateApiKey { id, overlap_seconds, key, maker: everything() })
    };
    let second = made(&mut world, rotate(id, 3600, 2));
    assert_eq!(status(&mut world, id), ApiKeyStatus::Active);
    world.wall = world.wall.plus_seconds(3600);
    assert!(matches!(world.run(Command::ExpireApiKey(ExpireApiKey { id })), Ok(Outcome::Count(1))));
    assert_eq!(status(&mut world, id), ApiKeyStatus::Revoked);
    assert_eq!(world.run(rotate(id, 0, 3)).map(|_| ()), Err("api_key_revoked"));
    made(&mut world, rotate(second, 0, 4));
    assert_eq!(status(&mut world, second), ApiKeyStatus::Revoked, "no overlap ends it at once");
    let nobody = ApiKeyId(Id::from_bytes([9; 12]));
    assert_eq!(world.run(Command::RevokeApiKey(RevokeApiKey { id: nobody })).map(|_| ()), Err("api_key_not_found"));
    let sequences: Vec<i64> =
        world.appended.events.iter().filter(|e| e.object_id == id.0).map(|e| e.sequence).collect();
    assert_eq!(sequences, [1, 2], "made and revoked");
}

#[test]
fn tokens_are_subsets_and_end() {
    let mut world = World::new();
    let id = made(&mut world, some_key(everything(), None, 1));
    let reader: Scopes = [Scope::AccountsRead].into_iter().collect();
    let issue = |scopes, maker| {
        Command::IssueToken(IssueToken { api_key: id, scopes, maker, card_holder: None, card: None, seconds: 60 })
    };
    assert_eq!(world.run(issue(everything(), reader)).map(|_| ()), Err("scopes_exceeded"));
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
