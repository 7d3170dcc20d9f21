//! PINs, reveal tokens, look-ups, resealing.

use super::*;

#[test]
fn pins() {
    let (mut world, _, card) = funded();
    let unblock = Command::UnblockPin(UnblockPin { id: card });
    assert_eq!(run(&mut world, unblock.clone()), Err("pin_not_set"));
    assert_eq!(set_pin(&mut world, card, "one"), Ok(()));
    assert_eq!((world.card_row(card).pin_set, world.card_row(card).version), (true, 2));
    let fail = |world: &mut World| {
        let secret = CardSecret { pin_failures: 3, ..world.secret_row(card).expect("a secret").clone() };
        world.work.card_secrets.load(Key::of(world.client, card.0), Some(secret), crate::table::Access::Shared);
    };
    fail(&mut world);
    assert_eq!(run(&mut world, unblock.clone()), Ok(()));
    assert_eq!(world.secret_row(card).map(|secret| secret.pin_failures), Some(0));
    fail(&mut world);
    assert_eq!(set_pin(&mut world, card, "two"), Ok(()));
    let secret = world.secret_row(card).expect("a secret");
    assert_eq!((secret.pin.as_deref(), secret.pin_failures), (Some(format!("{SEALED}two").as_bytes()), 0));
    let audited: Vec<&str> = world.appended.audit.iter().map(|entry| entry.action.as_str()).collect();
    assert_eq!(audited.iter().filter(|action| **action == "card.pin.unblock").count(), 1);
    assert!(audited.iter().filter(|action| **action == "card.pin.set").count() >= 2, "each change of a PIN is audited");
    assert_eq!(terminate(&mut world, card), Ok(()));
    assert_eq!(set_pin(&mut world, card, "three"), Err("card_canceled"));
    assert_eq!(run(&mut world, unblock), Err("card_canceled"));
    let foreign = as_another_client(&mut world, |world| set_pin(world, card, "four"));
    assert_eq!(foreign, Err("card_not_found"));
}

fn issue_token(world: &mut World, id: CardId, hash: u8, purpose: RevealPurpose, origin: Option<&str>) -> Done {
    let origin = origin.map(str::to_owned);
    let command = IssueRevealToken { id, hash: [hash; 32], purpose, origin, seconds: 120, reason: None };
    run(world, Command::IssueRevealToken(command))
}

fn use_token(world: &mut World, id: CardId, hash: u8, purpose: RevealPurpose, origin: Option<&str>) -> Done {
    let origin = origin.map(str::to_owned);
    run(world, Command::UseRevealToken(UseRevealToken { id, hash: [hash; 32], purpose, origin }))
}

#[test]
fn revealing() {
    use RevealPurpose::{Page, Reveal};
    type Act = Box<dyn Fn(&mut World, CardId) -> Done>;
    let here = Some("https://shop.example");
    // Each case has token 1 for the card, with the given purpose and origin.
    let cases: Vec<(&str, RevealPurpose, Option<&str>, Act, Done)> = vec![
        ("plain", Reveal, None, Box::new(|w, c| use_token(w, c, 1, Reveal, None)), Ok(())),
        ("with any origin", Reveal, None, Box::new(move |w, c| use_token(w, c, 1, Reveal, here)), Ok(())),
        ("page", Page, here, Box::new(|w, c| use_token(w, c, 1, Page, None)), Ok(())),
        ("unknown", Reveal, None, Box::new(|w, c| use_token(w, c, 2, Reveal, None)), Err("reveal_token_unknown")),
        ("page for JSON", Page, None, Box::new(|w, c| use_token(w, c, 1, Reveal, None)), Err("reveal_token_mismatch")),
        ("JSON for page", Reveal, None, Box::new(|w, c| use_token(w, c, 1, Page, None)), Err("reveal_token_mismatch")),
        ("no origin", Reveal, here, Box::new(|w, c| use_token(w, c, 1, Reveal, None)), Err("reveal_token_mismatch")),
        (
            "another origin",
            Reveal,
            here,
            Box::new(|w, c| use_token(w, c, 1, Reveal, Some("https://shop.example.evil"))),
            Err("reveal_token_mismatch"),
        ),
        ("its origin", Reveal, here, Box::new(move |w, c| use_token(w, c, 1, Reveal, here)), Ok(())),
        (
            "twice",
            Reveal,
            None,
            Box::new(|w, c| {
                use_token(w, c, 1, Reveal, None)?;
                use_token(w, c, 1, Reveal, None)
            }),
            Err("reveal_token_used"),
        ),
        (
            "in its last second",
            Reveal,
            None,
            Box::new(|w, c| {
                w.wall = w.wall.plus_seconds(119);
                use_token(w, c, 1, Reveal, None)
            }),
            Ok(()),
        ),
        (
            "too late",
            Reveal,
            None,
            Box::new(|w, c| {
                w.wall = w.wall.plus_seconds(120);
                use_token(w, c, 1, Reveal, None)
            }),
            Err("reveal_token_expired"),
        ),
        (
            "another card",
            Reveal,
            None,
            Box::new(|w, _| {
                let (account, holder) = (w.account(0), w.holder());
                let other = w.card(account, holder, 0);
                use_token(w, other, 1, Reveal, None)
            }),
            Err("reveal_token_unknown"),
        ),
        (
            "another client",
            Reveal,
            None,
            Box::new(|w, c| as_another_client(w, |w| use_token(w, c, 1, Reveal, None))),
            Err("reveal_token_unknown"),
        ),
        (
            "canceled",
            Reveal,
            None,
            Box::new(|w, c| {
                terminate(w, c)?;
                use_token(w, c, 1, Reveal, None)
            }),
            Err("card_canceled"),
        ),
        (
            "frozen",
            Reveal,
            None,
            Box::new(|w, c| {
                set_status(w, c, CardStatus::Inactive)?;
                use_token(w, c, 1, Reveal, None)
            }),
            Ok(()),
        ),
        (
            "a token for a canceled card",
            Reveal,
            None,
            Box::new(|w, c| {
                terminate(w, c)?;
                issue_token(w, c, 3, Reveal, None)
            }),
            Err("card_canceled"),
        ),
    ];
    for (name, purpose, origin, act, expected) in cases {
        let (mut world, _, card) = funded();
        assert_eq!(issue_token(&mut world, card, 1, purpose, origin), Ok(()), "{name}");
        let audited = |world: &World| world.appended.audit.iter().filter(|entry| entry.action == "card.reveal").count();
        assert_eq!(act(&mut world, card), expected, "{name}");
        let shown = usize::from(expected.is_ok() || name == "twice");
        assert_eq!(audited(&world), shown, "{name}: each reveal is audited, once");
        let emitted = world.events(card.0).iter().filter(|kind| **kind == "card.revealed").count();
        assert_eq!(emitted, shown, "{name}");
    }
}

#[test]
fn a_replaced_cards_token_shows_nothing() {
    for reason in [ReplaceReason::Stolen, ReplaceReason::Damaged] {
        let (mut world, _, card) = funded();
        assert_eq!(issue_token(&mut world, card, 1, RevealPurpose::Reveal, None), Ok(()));
        let command = replacement(&mut world, card, reason);
        let new = command.new_id;
        assert_eq!(run(&mut world, Command::ReplaceCard(Box::new(command))), Ok(()));
        assert_eq!(use_token(&mut world, card, 1, RevealPurpose::Reveal, None), Err("card_canceled"));
        assert_eq!(use_token(&mut world, new, 1, RevealPurpose::Reveal, None), Err("reveal_token_unknown"));
    }
}

#[test]
fn looking_up() {
    let (mut world, _, card) = funded();
    let look_up = |fingerprint| Command::LookUpCard(LookUpCard { fingerprint });
    let found = |world: &mut World, fingerprint| match world.run(look_up(fingerprint)) {
        Ok(Outcome::MaybeCard(found)) => found.map(|view| view.id),
        other => panic!("{other:?}"),
    };
    let audited = |world: &World| {
        let entry = world.appended.audit.last().expect("an entry");
        (entry.action.clone(), entry.object_id.clone(), entry.changes.clone())
    };
    let missed = ("card.lookup".to_owned(), String::new(), r#"{"lookedUp":false}"#.to_owned());
    let number = a_number(card).fingerprint;
    assert_eq!(found(&mut world, number), Some(card.to_string()));
    assert_eq!(audited(&world), ("card.lookup".to_owned(), card.to_string(), r#"{"lookedUp":true}"#.to_owned()));
    let entries = world.appended.audit.len();
    assert_eq!(found(&mut world, [9; 32]), None);
    assert_eq!(audited(&world), missed, "a miss is audited too");
    assert_eq!(as_another_client(&mut world, |world| found(world, number)), None);
    assert_eq!(
        (audited(&world), world.appended.audit.len()),
        (missed, entries + 2),
        "another client's card counts as absent"
    );
    let command = replacement(&mut world, card, ReplaceReason::Damaged);
    let new = command.new_id;
    assert_eq!(run(&mut world, Command::ReplaceCard(Box::new(command))), Ok(()));
    assert_eq!(found(&mut world, number), Some(new.to_string()), "the number is the new card's");
    assert_eq!(terminate(&mut world, new), Ok(()));
    assert_eq!(found(&mut world, number), Some(new.to_string()), "also once it ended");
    world.check();
}

#[test]
fn old_reveal_tokens_are_forgotten() {
    let (mut world, _, card) = funded();
    for hash in 1..=2 {
        assert_eq!(issue_token(&mut world, card, hash, RevealPurpose::Reveal, None), Ok(()));
        world.wall = world.wall.plus_seconds(60);
    }
    let purge = |world: &mut World| {
        let keys = [1, 2, 3].map(|hash| RevealToken::key_of(&[hash; 32])).to_vec();
        match world.run(Command::PurgeRevealTokens(PurgeRevealTokens { keys })) {
            Ok(Outcome::Count(count)) => count,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(purge(&mut world), 0);
    assert_eq!(use_token(&mut world, card, 2, RevealPurpose::Reveal, None), Ok(()));
    world.wall = world.wall.plus_seconds(TOKEN_RETENTION_SECONDS);
    assert_eq!(purge(&mut world), 1, "the other one ends a minute later");
    assert_eq!(use_token(&mut world, card, 1, RevealPurpose::Reveal, None), Err("reveal_token_unknown"));
    assert_eq!(use_token(&mut world, card, 2, RevealPurpose::Reveal, None), Err("reveal_token_used"));
    world.wall = world.wall.plus_seconds(60);
    assert_eq!(purge(&mut world), 1);
}

#[test]
fn sealing_again_passes_over_what_changed() {
    let (mut world, account, card) = funded();
    let holder = world.card_row(card).card_holder;
    assert_eq!(set_pin(&mut world, card, "pin"), Ok(()));
    let sealed = |text: &str| format!("{SEALED}{text}").into_bytes();
    let (of_card, of_holder) = (Key::of(world.client, card.0), Key::of(world.client, holder.0));
    let nobody = Key::of(world.client, Id::from_bytes([1; 12]));
    let number = a_number(card).sealed;
    // The kind, the row, its former sealed value, and the number of resealed rows.
    let cases = [
        (Sealed::CardNumber, of_card, number.clone(), 1),
        (Sealed::CardNumber, of_card, number, 0),
        (Sealed::CardNumber, nobody, sealed("x"), 0),
        (Sealed::Pin, of_card, sealed("another"), 0),
        (Sealed::Pin, of_card, sealed("pin"), 1),
        (Sealed::HolderKey, of_holder, sealed("another"), 0),
        (Sealed::HolderKey, of_holder, sealed("key"), 1),
        (Sealed::HolderKey, nobody, sealed("key"), 0),
        (Sealed::Answer, nobody, sealed("key"), 0),
    ];
    let (events, audit) = (world.appended.events.len(), world.appended.audit.len());
    let versions = (world.card_row(card).version, world.holder_row(holder).version);
    for (kind, key, before, expected) in cases {
        let pieces = vec![Resealed { key, before, after: sealed("again") }];
        match world.run(Command::Reseal(Reseal { sealed: kind, pieces })) {
            Ok(Outcome::Count(count)) => assert_eq!(count, expected, "{kind:?}"),
            other => panic!("{other:?}"),
        }
        world.check();
    }
    let secret = world.secret_row(card).expect("a secret");
    assert_eq!((&secret.number, secret.pin.as_ref()), (&sealed("again"), Some(&sealed("again"))));
    assert_eq!(world.holder_row(holder).key, Some(sealed("again")));
    assert_eq!((world.appended.events.len(), world.appended.audit.len()), (events, audit), "the content is the same");
    assert_eq!((world.card_row(card).version, world.holder_row(holder).version), versions);
    assert_eq!(world.live_cards(account, holder), (1, 1));
}
