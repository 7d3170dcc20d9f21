//! Payments that a responder is asked about, as scripts.

use super::stage::Stage;
use crate::authorizations::Replay;
use crate::cards::CreateCard;
use crate::ids::{Id, ResponderId};
use crate::record::Key;
use crate::responders::{
    Ask, Budget, CreateResponder, Fallback, OnSilence, Responder, ResponderKind, ResponderSettings,
};
use crate::testing::decimal;
use crate::{Command, Outcome};

type Script = &'static [(&'static str, &'static str)];

const ID: ResponderId = ResponderId(Id::from_bytes([9; 12]));

/// A stage with a responder.
fn stage(settings: ResponderSettings, change: impl Fn(CreateCard) -> CreateCard) -> Stage {
    let mut stage = Stage::with(|card| change(CreateCard { amount: Some(decimal("100")), ..card }));
    let command = CreateResponder {
        id: ID,
        kind: ResponderKind::Authorization,
        url: Some("https://example.com/".to_owned()),
        description: None,
        timeout_ms: 1500,
        settings,
        credentials: b"sealed".to_vec(),
    };
    let made = stage.world.run(Command::CreateResponder(Box::new(command)));
    assert!(matches!(made, Ok(Outcome::Responder(_))), "{made:?}");
    let key = Key::of(stage.world.client, ID.0);
    let row = stage.world.work.responders.peek(key).expect("a responder").clone();
    stage.responders = vec![Responder { verified_at: Some(row.created_at), ..row }];
    stage
}

/// Every decision is made again with the same result.
fn replays(stage: &Stage) {
    let rows = stage.world.work.authorizations.wanted();
    let mut replay = Replay::default();
    for (key, _) in rows {
        if let Some(row) = stage.world.work.authorizations.peek(key) {
            assert_eq!(replay.look(row), []);
        }
    }
    assert!(replay.decisions > 0);
}

const SCRIPTS: &[(&str, Script)] = &[
    (
        "approved",
        &[
            ("auth a 30", "pending 100-30 acct 100 used 30x1"),
            ("auth b 80", "declined insufficient_funds 100-30 acct 100 used 30x1"),
            ("yes a", "approved 100-30 acct 100 used 30x1"),
            ("yes a", "approved 100-30 acct 100 used 30x1"),
            ("no a", "approved 100-30 acct 100 used 30x1"),
            ("clear a", "closed 70 acct 100 used 30x1"),
        ],
    ),
    (
        "declined",
        &[
            ("auth a 30", "pending 100-30 acct 100 used 30x1"),
            ("no a", "declined endpoint_declined 100 acct 100 used 0x0"),
            ("yes a", "declined endpoint_declined 100 acct 100 used 0x0"),
            ("auth a 30", "declined endpoint_declined 100 acct 100 used 0x0"),
            ("rev a", "refused authorization_not_open 100 acct 100 used 0x0"),
        ],
    ),
    (
        "silent",
        &[
            ("auth a 30", "pending 100-30 acct 100 used 30x1"),
            ("silent a", "declined endpoint_timeout 100 acct 100 used 0x0"),
            ("yes a", "declined endpoint_timeout 100 acct 100 used 0x0"),
        ],
    ),
    (
        "less",
        &[
            ("auth a 30 partial", "pending 100-30 acct 100 used 30x1"),
            ("yes a 12.5", "approved 100-12.5 acct 100 used 12.5x1"),
            ("auth b 200 partial", "pending 100-100 acct 100 used 100x2"),
            ("yes b 50", "approved 100-62.5 acct 100 used 62.5x2"),
            // A message that allows no partial approval is approved as a whole.
            ("auth c 30", "pending 100-92.5 acct 100 used 92.5x3"),
            ("yes c 5", "approved 100-92.5 acct 100 used 92.5x3"),
        ],
    ),
    (
        "a repeat",
        &[
            ("auth a 30", "pending 100-30 acct 100 used 30x1"),
            ("auth a 30", "pending 100-30 acct 100 used 30x1"),
            ("more a 5", "refused authorization_not_open 100-30 acct 100 used 30x1"),
            ("expire a", "refused authorization_not_open 100-30 acct 100 used 30x1"),
            ("yes a", "approved 100-30 acct 100 used 30x1"),
            ("auth a 30", "approved 100-30 acct 100 used 30x1"),
        ],
    ),
    (
        "reversed meanwhile",
        &[
            ("auth a 30", "pending 100-30 acct 100 used 30x1"),
            ("rev a", "reversed 100 acct 100 used 0x0"),
            ("yes a", "reversed 100 acct 100 used 0x0"),
            ("auth b 30", "pending 100-30 acct 100 used 30x1"),
            ("revref b", "reversed 100 acct 100 used 0x0"),
            ("silent b", "reversed 100 acct 100 used 0x0"),
            ("auth c 30", "pending 100-30 acct 100 used 30x1"),
            ("rev c 10", "approved 100-20 acct 100 used 20x1"),
            ("no c", "approved 100-20 acct 100 used 20x1"),
        ],
    ),
    (
        "reversed before",
        &[
            ("revref a", "waiting 100 acct 100 used 0x0 !unmatched_reversal 0"),
            ("auth a 30", "reversed 100 acct 100 used 0x0"),
            ("revref b 10", "waiting 100 acct 100 used 0x0 !unmatched_reversal 10"),
            ("auth b 30", "pending 100-20 acct 100 used 20x1"),
            ("yes b", "approved 100-20 acct 100 used 20x1"),
        ],
    ),
    (
        "collected meanwhile",
        &[
            ("auth a 30", "pending 100-30 acct 100 used 30x1"),
            ("clear a", "closed 70 acct 100 used 30x1"),
            ("no a", "closed 70 acct 100 used 30x1"),
        ],
    ),
    (
        "decided by the network meanwhile",
        &[
            ("auth a 30", "pending 100-30 acct 100 used 30x1"),
            ("advice a 40 #2", "approved 100-40 acct 100 used 40x1"),
            ("no a", "approved 100-40 acct 100 used 40x1"),
            ("auth b 30", "pending 100-70 acct 100 used 70x2"),
            ("advice b 30 no #2", "reversed 100-40 acct 100 used 40x1"),
            ("advice c 5", "approved 100-45 acct 100 used 45x2"),
        ],
    ),
    (
        "released meanwhile",
        &[
            ("auth a 30", "pending 100-30 acct 100 used 30x1"),
            ("release a", "reversed 100 acct 100 used 0x0"),
            ("yes a", "reversed 100 acct 100 used 0x0"),
        ],
    ),
    (
        "the card is frozen or ended meanwhile",
        &[
            ("auth a 30", "pending 100-30 acct 100 used 30x1"),
            ("freeze", "done 100-30 acct 100 used 30x1"),
            ("yes a", "declined card_inactive 100 acct 100 used 0x0"),
        ],
    ),
    (
        "the card is canceled meanwhile",
        &[
            ("auth a 30", "pending 100-30 acct 100 used 30x1"),
            ("cancel", "done 30-30 acct 170 used 30x1"),
            ("close", "refused account_in_use 30-30 acct 170 used 30x1"),
            ("yes a", "declined card_canceled 0 acct 200 used 0x0"),
        ],
    ),
];

#[test]
fn whatever_comes_first_settles_it() {
    for (name, script) in SCRIPTS {
        let mut stage = stage(ResponderSettings::default(), |card| card);
        stage.play(name, script);
        replays(&stage);
        assert!(stage.world.work.responder_questions.wanted().all(|(key, _)| {
            stage
                .world
                .work
                .responder_questions
                .peek(key)
                .is_none_or(|question| stage.row(question.authorization).awaits_answer())
        }));
    }
}

#[test]
fn a_fallback_approves_within_its_budget() {
    let budget = |amount: &str, count| Budget { amount: Some(decimal(amount)), count };
    let settings = ResponderSettings {
        ask: Ask { above: Some(decimal("5")), ..Ask::default() },
        on_silence: OnSilence::Rules,
        fallback: Fallback {
            max_amount: Some(decimal("20")),
            per_card: budget("60", Some(3)),
            per_program: budget("45", None),
            ..Fallback::default()
        },
        ..ResponderSettings::default()
    };
    let mut stage = stage(settings, |card| card);
    stage.play(
        "fallback",
        &[
            ("auth small 5", "approved 100-5 acct 100 used 5x1"),
            ("auth a 20", "pending 100-25 acct 100 used 25x2"),
            ("auth b 20", "pending 100-45 acct 100 used 45x3"),
            ("auth c 20", "pending 100-65 acct 100 used 65x4"),
            ("auth d 20.01", "pending 100-85.01 acct 100 used 85.01x5"),
            ("silent d", "declined endpoint_timeout 100-65 acct 100 used 65x4"),
            ("silent a", "approved 100-65 acct 100 used 65x4"),
            ("silent b", "approved 100-65 acct 100 used 65x4"),
            ("silent c", "declined endpoint_timeout 100-45 acct 100 used 45x3"),
            ("auth e 5.01", "pending 100-50.01 acct 100 used 50.01x4"),
            ("silent e", "declined endpoint_timeout 100-45 acct 100 used 45x3"),
        ],
    );
    replays(&stage);
    let key = |step| stage.row(stage.id_of(step)).decided[0].facts.ruling.clone().expect("a ruling");
    assert_eq!(key("d").reason.as_deref(), Some("fallback.maxAmount"));
    assert_eq!(key("c").reason.as_deref(), Some("fallback.perProgram.amount"));
    // The next hour has a budget of its own.
    stage.world.wall = stage.world.wall.plus_seconds(3600);
    stage.play(
        "an hour later",
        &[("auth f 10", "pending 100-55 acct 100 used 55x4"), ("silent f", "approved 100-55 acct 100 used 55x4")],
    );
}

#[test]
fn a_card_is_locked_and_ended_by_what_was_approved() {
    let mut locked = stage(ResponderSettings::default(), |card| CreateCard { merchant_lock: true, ..card });
    assert_eq!(locked.step("auth a 10"), Ok("pending".to_owned()));
    locked.merchant = "M2";
    assert_eq!(locked.step("auth b 10"), Ok("pending".to_owned()));
    assert_eq!(locked.step("yes b"), Ok("approved".to_owned()));
    assert_eq!(locked.step("yes a"), Ok("declined merchant_not_allowed".to_owned()));
    replays(&locked);
    let mut twice = stage(ResponderSettings::default(), |card| CreateCard { cancel_after: Some(2), ..card });
    for (step, status) in [
        ("auth a 10", "pending"),
        ("auth b 10", "pending"),
        ("auth c 10", "declined single_use_card_used"),
        ("yes a", "approved"),
        ("yes b", "approved"),
    ] {
        assert_eq!(twice.step(step), Ok(status.to_owned()), "{step}");
    }
    replays(&twice);
}
