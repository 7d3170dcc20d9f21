//! Samples of responders.

use crate::catalogue::{SAMPLE_TIME, Sampled, sample_text};
use crate::events::EventType;
use crate::ids::{AuthorizationId, CallId, ClientId, ResponderId};
use crate::money::{Currency, Decimal};
use crate::responders::{
    Answer, AnswerWord, Ask, Budget, CallOutcome, CallView, CalledAbout, DecidedBy, Fallback, OnSilence, QuestionView,
    Responder, ResponderCall, ResponderKind, ResponderSettings, ResponderSwitch, ResponderView, StreamedQuestion,
};
use crate::time::Instant;

fn at(seconds: i64) -> Instant {
    Instant::from_micros(SAMPLE_TIME + seconds * 1_000_000)
}

impl Sampled for ResponderView {
    fn sample(_: EventType) -> ResponderView {
        ResponderView::of(&Responder {
            client: ClientId(super::sample_id(0)),
            id: ResponderId(super::sample_id(8)),
            kind: ResponderKind::Authorization,
            url: Some("https://api.example.com/paygen/decide".to_owned()),
            description: Some("Budget service".to_owned()),
            switch: ResponderSwitch::Active,
            verified_at: Some(at(-86_400)),
            credentials: Vec::new(),
            previous_until: None,
            timeout_ms: 1500,
            settings: ResponderSettings {
                ask: Ask { above: Some(Decimal::new(10, 0)), ..Ask::default() },
                on_silence: OnSilence::Rules,
                fallback: Fallback {
                    max_amount: Some(Decimal::new(50, 0)),
                    per_card: Budget { amount: Some(Decimal::new(100, 0)), count: Some(3) },
                    ..Fallback::default()
                },
                ..ResponderSettings::default()
            },
            event_seq: 0,
            version: 2,
            created_at: at(-30 * 86_400),
            updated_at: at(-86_400),
        })
    }
}

impl Sampled for CallView {
    fn sample(_: EventType) -> CallView {
        let answer = Answer {
            decision: AnswerWord::Approve,
            approved_amount: None,
            reason: None,
            metadata: [("project".to_owned(), "alpha".to_owned())].into(),
        };
        CallView::of(&ResponderCall {
            client: ClientId(super::sample_id(0)),
            id: CallId(super::sample_id(9)),
            responder: ResponderId(super::sample_id(8)),
            about: CalledAbout::Authorization,
            authorization: Some(AuthorizationId(super::sample_id(6))),
            outcome: CallOutcome::Timeout,
            decided_by: Some(DecidedBy::Fallback),
            status: Some(200),
            latency_ms: 2140,
            late: true,
            answer: Some(answer),
            currency: Currency::us_dollar(),
            request: Some(format!(r#"{{"id":"{}","type":"authorization"}}"#, sample_text(9))),
            excerpt: None,
            error: None,
            created_at: at(0),
        })
    }
}

impl Sampled for QuestionView {
    fn sample(_: EventType) -> QuestionView {
        let (id, deadline) = (sample_text(9), at(1).to_string());
        let request = format!(r#"{{"id":"{id}","type":"authorization","deadlineAt":"{deadline}","attempt":1}}"#);
        QuestionView::of(&StreamedQuestion {
            client: ClientId(super::sample_id(0)),
            id: CallId(super::sample_id(9)),
            responder: ResponderId(super::sample_id(8)),
            about: CalledAbout::Authorization,
            authorization: Some(AuthorizationId(super::sample_id(6))),
            currency: Currency::us_dollar(),
            approvable: 4250,
            partial_allowed: false,
            asked_at: at(0),
            deadline: at(1),
            request,
            result: None,
        })
    }
}
