//! Whom to ask, and what changes of a responder do: one row per case.

use super::{
    Ask, AskThroughStream, CallOutcome, CallResult, CalledAbout, ChangedSettings, CloseQuestion, CreateResponder,
    DeleteResponder, NoteResponder, OnSilence, Payment, Responder, ResponderCall, ResponderKind, ResponderScope,
    ResponderSettings, ResponderStatus, ResponderSwitch, StreamedQuestion, UpdateResponder, VerifyResponder,
    responder_for,
};
use crate::authorizations::AnswerQuestion;
use crate::fields::Echo;
use crate::ids::{AccountId, CallId, CardId, ClientId, Id, ProgramId, ResponderId};
use crate::messages::AuthorizationType;
use crate::money::Currency;
use crate::record::Key;
use crate::testing::{World, decimal};
use crate::time::Instant;
use crate::{Command, Outcome};

fn id(byte: u8) -> Id {
    Id::from_bytes([byte; 12])
}

fn responder(number: u8, scope: ResponderScope, ask: Ask) -> Responder {
    let now = Instant::default();
    Responder {
        client: ClientId(id(1)),
        id: ResponderId(id(number)),
        kind: ResponderKind::Authorization,
        url: None,
        description: None,
        switch: ResponderSwitch::Active,
        verified_at: Some(now),
        credentials: Vec::new(),
        previous_until: None,
        timeout_ms: 1500,
        settings: ResponderSettings { scope, ask, ..ResponderSettings::default() },
        event_seq: 0,
        version: 1,
        created_at: now,
        updated_at: now,
    }
}

fn cards(cards: &[u8]) -> ResponderScope {
    ResponderScope { card_ids: cards.iter().map(|card| CardId(id(*card))).collect(), ..ResponderScope::default() }
}

fn programs(programs: &[u8]) -> ResponderScope {
    let program_ids = programs.iter().map(|one| ProgramId(id(*one))).collect();
    ResponderScope { program_ids, ..ResponderScope::default() }
}

fn accounts(accounts: &[u8]) -> ResponderScope {
    ResponderScope {
        account_ids: accounts.iter().map(|one| AccountId(id(*one))).collect(),
        ..ResponderScope::default()
    }
}

#[test]
fn the_most_specific_scope_is_asked_then_the_oldest() {
    let all = ResponderScope::default();
    let above = |amount: &str| Ask { above: Some(decimal(amount)), ..Ask::default() };
    let fuel = Ask { categories: vec!["fuel".to_owned()], ..Ask::default() };
    let cash = Ask { types: vec![AuthorizationType::CashWithdrawal], ..Ask::default() };
    let plain = Ask::default;
    let off = Responder { switch: ResponderSwitch::Disabled, ..responder(1, cards(&[10]), plain()) };
    let new = Responder { verified_at: None, ..responder(1, cards(&[10]), plain()) };
    let paused = Responder { switch: ResponderSwitch::Paused, ..responder(1, cards(&[10]), plain()) };
    for (case, responders, expected) in [
        ("none", vec![], None),
        ("all", vec![responder(1, all.clone(), plain())], Some(1)),
        ("the oldest", vec![responder(1, all.clone(), plain()), responder(2, all.clone(), plain())], Some(1)),
        ("another card", vec![responder(1, cards(&[11]), plain())], None),
        ("account", vec![responder(1, all.clone(), plain()), responder(2, accounts(&[20]), plain())], Some(2)),
        ("card", vec![responder(1, accounts(&[20]), plain()), responder(2, cards(&[9, 10]), plain())], Some(2)),
        ("program", vec![responder(1, all.clone(), plain()), responder(2, programs(&[30]), plain())], Some(2)),
        (
            "account before program",
            vec![responder(1, programs(&[30]), plain()), responder(2, accounts(&[20]), plain())],
            Some(2),
        ),
        ("another program", vec![responder(1, programs(&[31]), plain())], None),
        ("disabled", vec![off, responder(2, all.clone(), plain())], Some(2)),
        ("not verified", vec![new, responder(2, all.clone(), plain())], Some(2)),
        ("paused: its fallback decides", vec![paused, responder(2, all.clone(), plain())], Some(1)),
        ("above", vec![responder(1, all.clone(), above("9.99"))], Some(1)),
        ("not above", vec![responder(1, all.clone(), above("10"))], None),
        (
            "a card is exempt from what is asked of all",
            vec![responder(1, all.clone(), plain()), responder(2, cards(&[10]), above("10"))],
            None,
        ),
        ("category", vec![responder(1, all.clone(), fuel)], None),
        ("type", vec![responder(1, all, cash)], None),
    ] {
        let payment = Payment {
            card: CardId(id(10)),
            account: AccountId(id(20)),
            program: ProgramId(id(30)),
            kind: AuthorizationType::Purchase,
            category: "5812",
            amount: 1000,
            currency: Currency::us_dollar(),
        };
        let found = responder_for(&responders, &payment).map(|found| found.id.0.bytes()[0]);
        assert_eq!(found, expected, "{case}");
    }
}

fn create(settings: ResponderSettings) -> Command {
    Command::CreateResponder(Box::new(CreateResponder {
        id: ResponderId(id(9)),
        kind: ResponderKind::Authorization,
        url: Some("https://example.com/".to_owned()),
        description: None,
        timeout_ms: 1500,
        settings,
        credentials: b"sealed".to_vec(),
    }))
}

fn update(change: impl Fn(UpdateResponder) -> UpdateResponder) -> Command {
    let settings = ChangedSettings::default();
    let (url, description, switch, timeout_ms, echo, if_match) = (None, None, None, None, Echo::default(), None);
    let id = ResponderId(id(9));
    let command = UpdateResponder { id, url, description, switch, timeout_ms, settings, echo, if_match };
    Command::UpdateResponder(Box::new(change(command)))
}

fn tested(number: u8, url: &str, outcome: CallOutcome) -> Command {
    let call = ResponderCall {
        client: ClientId(Id::from_bytes([7; 12])),
        id: CallId(id(number)),
        responder: ResponderId(id(9)),
        about: CalledAbout::Test,
        authorization: None,
        outcome,
        decided_by: None,
        status: Some(200),
        latency_ms: 3,
        late: false,
        answer: None,
        currency: Currency::us_dollar(),
        request: None,
        excerpt: None,
        error: None,
        created_at: Instant::default(),
    };
    Command::VerifyResponder(Box::new(VerifyResponder { id: ResponderId(id(9)), url: Some(url.to_owned()), call }))
}

fn status(world: &World) -> (ResponderStatus, i64) {
    let row = world.work.responders.peek(Key::of(world.client, id(9))).expect("a responder");
    (row.status(), row.version)
}

#[test]
fn a_responder_is_verified_switched_and_deleted() {
    let mut world = World::new();
    let rules = ResponderSettings { on_silence: OnSilence::Rules, ..ResponderSettings::default() };
    assert_eq!(world.run(create(rules)).err(), Some("fallback_required"));
    world.run(create(ResponderSettings::default())).expect("a responder");
    let url = "https://example.com/";
    let switch = |switch| update(move |command| UpdateResponder { switch: Some(switch), ..command });
    let moved = update(|command| UpdateResponder { url: Some(Some("https://example.org/".to_owned())), ..command });
    let without = update(|command| UpdateResponder { url: Some(None), ..command });
    let rules = update(|command| UpdateResponder {
        settings: ChangedSettings { on_silence: Some(OnSilence::Rules), ..ChangedSettings::default() },
        ..command
    });
    for (case, command, expected) in [
        ("no answer", tested(40, url, CallOutcome::Timeout), Ok((ResponderStatus::Pending, 1))),
        ("another URL", tested(41, "https://example.org/", CallOutcome::Approved), Ok((ResponderStatus::Pending, 1))),
        ("answered", tested(42, url, CallOutcome::Declined), Ok((ResponderStatus::Active, 2))),
        ("again", tested(43, url, CallOutcome::Approved), Ok((ResponderStatus::Active, 2))),
        ("paused", switch(ResponderSwitch::Paused), Ok((ResponderStatus::Paused, 3))),
        ("the same", switch(ResponderSwitch::Paused), Ok((ResponderStatus::Paused, 3))),
        ("disabled", switch(ResponderSwitch::Disabled), Ok((ResponderStatus::Disabled, 4))),
        ("active", switch(ResponderSwitch::Active), Ok((ResponderStatus::Active, 5))),
        ("moved", moved, Ok((ResponderStatus::Pending, 6))),
        ("verified again", tested(44, "https://example.org/", CallOutcome::Approved), Ok((ResponderStatus::Active, 7))),
        ("without a URL", without, Ok((ResponderStatus::Pending, 8))),
        ("rules without a rule", rules, Err("fallback_required")),
        ("stale", update(|command| UpdateResponder { if_match: Some(1), ..command }), Err("version_mismatch")),
        (
            "told",
            Command::NoteResponder(NoteResponder { id: ResponderId(id(9)), degraded: true }),
            Ok((ResponderStatus::Pending, 8)),
        ),
    ] {
        let done = world.run(command).map(|_| ());
        assert_eq!(done.map(|()| status(&world)), expected, "{case}");
    }
    let gone = || Command::DeleteResponder(DeleteResponder { id: ResponderId(id(9)), if_match: Some(8) });
    assert!(matches!(world.run(gone()), Ok(Outcome::Responder(_))));
    assert_eq!(world.run(gone()).err(), Some("responder_not_found"));
}

#[test]
fn a_question_of_the_stream_is_answered_once_and_in_time() {
    let mut world = World::new();
    world.run(create(ResponderSettings::default())).expect("a responder");
    world.run(update(|command| UpdateResponder { url: Some(None), ..command })).expect("no URL");
    let deadline = world.wall.plus_seconds(3);
    let result = |outcome| CallResult {
        outcome,
        status: None,
        latency_ms: 5,
        answer: None,
        request: None,
        excerpt: None,
        error: None,
    };
    let ask = |number: u8| {
        let question = StreamedQuestion {
            client: ClientId(Id::from_bytes([7; 12])),
            id: CallId(id(number)),
            responder: ResponderId(id(9)),
            about: CalledAbout::Test,
            authorization: None,
            currency: Currency::us_dollar(),
            approvable: 0,
            partial_allowed: false,
            asked_at: deadline.plus_seconds(-3),
            deadline,
            request: "{}".to_owned(),
            result: None,
        };
        Command::AskThroughStream(Box::new(AskThroughStream { question }))
    };
    let answer = |number: u8, responder: u8, at: Instant| {
        Command::AnswerQuestion(Box::new(AnswerQuestion {
            responder: ResponderId(id(responder)),
            call: CallId(id(number)),
            authorization: None,
            at,
            result: result(CallOutcome::Approved),
            terms: std::sync::Arc::default(),
        }))
    };
    let close = |number: u8| {
        let result = result(CallOutcome::Timeout);
        Command::CloseQuestion(Box::new(CloseQuestion { call: CallId(id(number)), result }))
    };
    let late = deadline.plus_micros(1);
    for (case, command, refusal) in [
        ("not asked", answer(52, 9, deadline), Some("question_not_found")),
        ("asked", ask(50), None),
        ("of another responder", answer(50, 8, deadline), Some("responder_not_found")),
        ("too late", answer(50, 9, late), Some("question_closed")),
        ("answered", answer(50, 9, deadline), None),
        ("again", answer(50, 9, deadline), Some("question_answered")),
        ("closed", close(50), None),
        ("and again", answer(50, 9, deadline), Some("question_answered")),
        ("asked", ask(51), None),
        ("closed", close(51), None),
        ("after that", answer(51, 9, deadline), Some("question_closed")),
    ] {
        assert_eq!(world.run(command).err(), refusal, "{case}");
    }
    let row = |number| world.work.streamed_questions.peek(Key::of(world.client, id(number))).expect("a question");
    assert_eq!(row(50).result.as_ref().map(|result| result.outcome), Some(CallOutcome::Approved));
}
