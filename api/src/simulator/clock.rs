//! `GET` and `POST /simulator/clock`: business time, advanced with everything that falls due on the way.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use paygen_core::access::ClientStatus;
use paygen_core::clock::AdvanceClock;
use paygen_core::time::{Instant, SECOND};
use paygen_core::{Command, Outcome};
use serde::Serialize;

use super::bodies::AdvanceClockBody;
use crate::Api;
use crate::body::Body;
use crate::gate::{Allowed, Caller, SIMULATOR_READ, SIMULATOR_WRITE};
use crate::problem::Problem;
use crate::query::NoParams;
use crate::reply::{self, Envelope};
use crate::write::{Success, Write, WriteParams};
use paygen_engine::schedule::DueWork;

/// State of the test clock.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Clock {
    /// Business time, ISO 8601 in UTC.
    #[schema(value_type = String, format = DateTime)]
    now: String,
    /// Seconds ahead of wall time.
    offset_seconds: i64,
    /// Number of due tasks that were executed on the way.
    ran: u64,
    /// Due tasks whose last attempt failed; they are retried as usual.
    still_failing: Vec<String>,
}

impl Clock {
    fn at(now: Instant, offset: i64, ran: u64, still_failing: Vec<String>) -> Clock {
        Clock { now: now.to_string(), offset_seconds: offset / SECOND, ran, still_failing }
    }
}

/// Retrieve the test clock
///
/// Business time and how far it is ahead of wall time.
#[utoipa::path(get, path = "/simulator/clock", tag = "Simulator", operation_id = "getClock",
    responses((status = 200, description = "The clock.", body = Envelope<Clock>)),
    security(("apiKey" = ["simulator:read"]), ("bearer" = ["simulator:read"])))]
pub async fn read_clock(
    State(app): State<Api>,
    Allowed(_caller): Allowed<SIMULATOR_READ>,
    _: NoParams,
) -> Result<Response, Problem> {
    app.clock.learn(app.reader.clock().await?.offset);
    let clock = Clock::at(app.clock.now(), app.clock.offset(), 0, Vec::new());
    Ok(reply::ok("Clock fetched successfully.", &clock))
}

/// Advance the test clock
///
/// Moves business time forward, by a number of seconds or to an instant. Everything that falls due on the way is
/// executed in order, each at its own instant, before the answer. A sandbox has one clock: with other active clients it
/// can be advanced only if `shared_clock` allows it.
#[utoipa::path(post, path = "/simulator/clock", tag = "Simulator", operation_id = "advanceClock",
    request_body = AdvanceClockBody,
    params(WriteParams),
    responses((status = 200, description = "The clock.", body = Envelope<Clock>)),
    security(("apiKey" = ["simulator:write"]), ("bearer" = ["simulator:write"])))]
pub async fn advance_clock(
    State(app): State<Api>,
    Allowed(caller): Allowed<SIMULATOR_WRITE>,
    write: Write,
    body: Body<AdvanceClockBody>,
) -> Result<Response, Problem> {
    let _one_at_a_time = app.advancing.lock().await;
    if let Some(answer) = write.replay_if_kept(&app, &caller, &body.canonical).await? {
        return Ok(answer);
    }
    check_alone(&app, &caller).await?;
    app.clock.learn(app.reader.clock().await?.offset);
    let now = app.clock.now();
    let (to, offset) = target(&body.value, now, app.clock.offset())?;
    // A refusal of the final advance must come before the first one.
    app.check_rules(&caller, Command::AdvanceClock(AdvanceClock { to, offset, strict: true })).await?;
    let ran = if write.dry_run { DueWork::default() } else { app.schedule.run_until(to).await? };
    let own = ran.failing.iter().filter(|tried| tried.client == caller.client);
    let failing: Vec<String> =
        own.map(|tried| format!("{} deliveries to webhook {}", tried.failed, tried.webhook)).collect();
    let command = Command::AdvanceClock(AdvanceClock { to, offset, strict: false });
    let success = Success::new(StatusCode::OK, "Clock advanced successfully.", move |outcome| match outcome {
        Outcome::Clock(reading) => Some(Clock::at(reading.now, reading.offset, ran.done, failing.clone())),
        _ => None,
    });
    let answer = write.perform(&app, &caller, &body.canonical, command, success).await;
    app.clock.learn(app.reader.clock().await?.offset);
    answer
}

/// The clock is shared: advancing it expires the keys, cards and holds of other clients too. So it is refused when
/// there are other clients, unless the operator of the sandbox allows it.
async fn check_alone(app: &Api, caller: &Caller) -> Result<(), Problem> {
    if app.settings.shared_clock {
        return Ok(());
    }
    let clients = app.reader.clients().await?;
    let others = clients.iter().filter(|other| other.id != caller.client && other.status == ClientStatus::Active);
    match others.count() {
        0 => Ok(()),
        count => {
            let message = format!(
                "This sandbox has {count} other active clients, and its clock is theirs too: moving it would end their \
                 keys, cards and holds. Start it with PAYGEN_SHARED_CLOCK=true to allow it, or use a sandbox of your own."
            );
            Err(Problem::new(StatusCode::CONFLICT, "clock_shared", message))
        }
    }
}

/// The target instant and, when the clock is advanced by seconds, the exact offset.
fn target(body: &AdvanceClockBody, now: Instant, offset: i64) -> Result<(Instant, Option<i64>), Problem> {
    match (body.advance_seconds, body.set_to) {
        (Some(seconds), None) => Ok((now.plus_seconds(seconds.0), Some(offset + seconds.0 * SECOND))),
        (None, Some(to)) => Ok((to, None)),
        _ => {
            let message = "Send either advanceSeconds or setTo.";
            let problem = Problem::new(StatusCode::BAD_REQUEST, "validation_failed", message);
            Err(problem.field("/advanceSeconds", "one_of", message))
        }
    }
}
