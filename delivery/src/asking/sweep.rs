//! Settles questions whose task is gone: their server was killed, or could not write when they were due. On PostgreSQL
//! any server does this for all.

use std::time::Duration;

use paygen_core::responders::{CallOutcome, CallResult};
use paygen_engine::clock::wall;

use super::Responders;

/// How long after the deadline a question is left to the task that asked it.
const GRACE_MICROS: i64 = 250_000;

const SWEEP_INTERVAL: Duration = Duration::from_millis(250);

/// Questions settled in a step.
const QUESTIONS_PER_STEP: u32 = 200;

pub(super) async fn run(responders: &Responders, mut stop: tokio::sync::watch::Receiver<bool>) {
    loop {
        if let Err(error) = step(responders).await {
            tracing::warn!(error = %error, "overdue questions to responders wait");
        }
        tokio::select! {
            () = tokio::time::sleep(SWEEP_INTERVAL) => {}
            () = paygen_engine::stopped(&mut stop) => return,
        }
    }
}

async fn step(responders: &Responders) -> Result<(), super::Unsettled> {
    let until = wall().plus_micros(-GRACE_MICROS);
    for question in responders.0.parts.reader.overdue_questions(until, QUESTIONS_PER_STEP).await? {
        let result = CallResult {
            outcome: CallOutcome::Timeout,
            status: None,
            latency_ms: (wall().micros() - question.asked_at.micros()).max(0) / 1000,
            answer: None,
            request: None,
            excerpt: None,
            error: Some("the server that asked stopped before an answer came".to_owned()),
        };
        responders.settle(&question, None, result).await?;
    }
    Ok(())
}
