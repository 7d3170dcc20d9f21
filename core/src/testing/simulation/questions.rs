//! Payments that a responder is asked about: opened, settled by any result, late and repeatedly, and overtaken by other
//! messages.

use std::collections::HashSet;
use std::sync::Arc;

use super::Simulation;
use crate::Command;
use crate::authorizations::{Asking, Authorization, SettleAuthorization, Step};
use crate::ids::{AuthorizationId, CallId, Id, ResponderId};
use crate::record::Key;
use crate::responders::{
    Answer, AnswerWord, Budget, BudgetUse, CallOutcome, CallResult, CreateResponder, Fallback, OnSilence, Question,
    Responder, ResponderKind, ResponderSettings,
};
use crate::testing::decimal;
use crate::time::Instant;

const PER_CARD: &str = "120";
const PER_PROGRAM: i64 = 12;

/// The responder of a client, whose own id is its program's.
fn id(client: &Id) -> ResponderId {
    let mut bytes = *client.bytes();
    bytes[0] ^= 0x80;
    ResponderId(Id::from_bytes(bytes))
}

/// The client's only responder.
pub(super) fn create(of: &Simulation) -> Command {
    let fallback = Fallback {
        max_amount: Some(decimal("60")),
        per_card: Budget { amount: Some(decimal(PER_CARD)), count: None },
        per_program: Budget { amount: None, count: Some(PER_PROGRAM) },
        ..Fallback::default()
    };
    Command::CreateResponder(Box::new(CreateResponder {
        id: id(&of.world.client.0),
        kind: ResponderKind::Authorization,
        url: Some("https://example.com/".to_owned()),
        description: None,
        timeout_ms: 1500,
        settings: ResponderSettings { on_silence: OnSilence::Rules, fallback, ..ResponderSettings::default() },
        credentials: b"sealed".to_vec(),
    }))
}

pub(super) fn responder(of: &Simulation) -> Option<Responder> {
    let key = Key::of(of.world.client, id(&of.world.client.0).0);
    of.world.work.responders.peek(key).cloned()
}

/// Whom to ask about a payment: somebody every other time.
pub(super) fn asking(of: &mut Simulation) -> Option<Asking> {
    let responder = responder(of).filter(|_| of.dice.one_in(2))?;
    of.number += 1;
    let mut call = [7; 12];
    call[4..].copy_from_slice(&of.number.to_be_bytes());
    let responders: Arc<[Responder]> = [Responder { verified_at: Some(responder.created_at), ..responder }].into();
    Some(Asking { responders, call: CallId(Id::from_bytes(call)) })
}

fn questions(of: &Simulation) -> Vec<Question> {
    let rows = of.world.work.responder_questions.wanted();
    let mut found: Vec<Question> =
        rows.filter_map(|(key, _)| of.world.work.responder_questions.peek(key)).cloned().collect();
    found.sort_unstable_by_key(|question| question.call);
    found
}

/// The result of an open question, or once more of one that is settled.
pub(super) fn settle(of: &mut Simulation) -> Option<Command> {
    let open: Vec<(AuthorizationId, CallId)> =
        questions(of).iter().map(|question| (question.authorization, question.call)).collect();
    let asked = of.dice.late(&open).filter(|_| !of.dice.one_in(10));
    let (id, call) = match asked {
        Some(asked) => asked,
        None => {
            let id = of.dice.late(&of.authorizations.clone())?;
            (id, of.row(id).responder.as_ref()?.call)
        }
    };
    let answer = |decision, approved_amount| Answer {
        decision,
        approved_amount,
        reason: None,
        metadata: std::collections::BTreeMap::new(),
    };
    let row = of.row(id);
    let (card, part) = (row.card, row.decided.first().filter(|first| first.request.partial_allowed));
    let less = part.map(|_| row.outstanding / 2).filter(|less| *less > 0);
    let (outcome, answer) = match of.dice.below(8) {
        0..=2 => (CallOutcome::Approved, Some(answer(AnswerWord::Approve, None))),
        3 => (CallOutcome::Approved, Some(answer(AnswerWord::Approve, less))),
        4 => (CallOutcome::Declined, Some(answer(AnswerWord::Decline, None))),
        5 => (CallOutcome::Error, None),
        _ => (CallOutcome::Timeout, None),
    };
    let result = CallResult { outcome, status: None, latency_ms: 1, answer, request: None, excerpt: None, error: None };
    let terms = of.terms.clone();
    Some(Command::SettleAuthorization(Box::new(SettleAuthorization { id, card, call, result, terms })))
}

/// Exactly the authorizations that await an answer have a question, each is settled once at most, and the fallback keeps
/// within its budgets.
pub(super) fn check(of: &Simulation) {
    let open: HashSet<AuthorizationId> = questions(of).iter().map(|question| question.authorization).collect();
    let awaiting: HashSet<AuthorizationId> = of.made().filter(|row| row.awaits_answer()).map(|row| row.id).collect();
    assert_eq!(open, awaiting, "questions, and authorizations that await an answer");
    let hour = BudgetUse::hour_of(of.now());
    let by_fallback = |row: &&Authorization| {
        let of_now = |at| BudgetUse::hour_of(Instant::from_micros(at)) == hour;
        let mut steps = row.timeline.iter().filter(|step| step.step == Step::Approved && of_now(step.at));
        steps.any(|step| step.note.as_deref() == Some("decided by the fallback"))
    };
    let budgets = of.world.work.responder_budgets.wanted();
    for used in budgets.filter_map(|(key, _)| of.world.work.responder_budgets.peek(key)) {
        let (amount, count) = used.used(hour);
        let most = decimal(PER_CARD).to_minor_rounded(used.currency.exponent(), false);
        let of_card = of.world.work.cards.peek(Key::of(of.world.client, used.owner)).is_some();
        assert!(if of_card { amount <= most } else { count <= PER_PROGRAM }, "{used:?} is beyond its budget");
        let approved = of.made().filter(|row| !of_card || row.card.is_some_and(|card| card.0 == used.owner));
        let approved = approved.filter(|row| row.currency == used.currency).filter(by_fallback).count();
        assert!(
            i64::try_from(approved).is_ok_and(|approved| approved <= count),
            "the fallback approved {approved}, and counted {used:?}"
        );
    }
    for row in of.made().filter(|row| row.responder.is_some()) {
        let is_outcome = |step: &Step| matches!(step, Step::Approved | Step::Declined);
        let first = row.timeline.first().map(|step| step.step);
        let outcomes = row.timeline.iter().filter(|step| is_outcome(&step.step)).count();
        assert!(first != Some(Step::Asked) || outcomes <= 1, "settled twice: {row:?}");
        assert!(!row.awaits_answer() || outcomes == 0, "settled, and asked still: {row:?}");
    }
}
