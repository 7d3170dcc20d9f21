//! `/simulator/responders/{responderId}/faults`: how payments are decided when a responder fails.

use std::time::Duration;

use axum::extract::State;
use axum::response::Response;
use paygen_core::Refusal;
use paygen_core::ids::ResponderId;
use paygen_core::record::Key;
use paygen_core::responders::Responder;
use paygen_delivery::asking::Faults;
use serde::Serialize;

use crate::Api;
use crate::body::Body;
use crate::fields::Whole;
use crate::gate::{SIMULATOR_WRITE, Unbound};
use crate::path::PathId;
use crate::problem::Problem;
use crate::query::NoParams;
use crate::reply::{self, Envelope};

crate::body! {
    /// Faults of a responder's answers. An empty object removes them.
    pub struct ResponderFaultsBody {
        /// Answers come so much later, in milliseconds.
        nullable delay_ms: Whole<0, 10_000> = "delayMs", example 2000;
        /// They have this HTTP status.
        nullable status: Whole<100, 599> = "status", example 503;
        /// They have a body that is no answer.
        nullable garbage: bool = "garbage", example false;
        /// They are lost.
        nullable drop: bool = "drop", example false;
        /// Of a hundred answers, so many have these faults. Defaults to all.
        nullable percent: Whole<1, 100> = "percent", example 100;
    }
}

/// The faults that are set.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = CurrentResponderFaults)]
pub struct FaultsView {
    /// Answers come so much later, in milliseconds.
    delay_ms: i64,
    /// They have this HTTP status; null if they keep theirs.
    #[schema(required = true)]
    status: Option<i64>,
    /// They have a body that is no answer.
    garbage: bool,
    /// They are lost.
    drop: bool,
    /// Of a hundred answers, so many have these faults.
    percent: i64,
}

/// Set a responder's faults
///
/// From now on its answers are delayed, replaced or lost on their way, as far as this server asks it (without a URL: as far
/// as this server gets the answers): to see how payments are decided then. The faults end with the server.
#[utoipa::path(post, path = "/simulator/responders/{responderId}/faults", tag = "Simulator",
    operation_id = "setResponderFaults", request_body = ResponderFaultsBody,
    params(("responderId" = String, Path, description = "The responder.", pattern = "^[0-9a-f]{24}$")),
    responses((status = 200, description = "The faults that are set.", body = Envelope<FaultsView>)),
    security(("apiKey" = ["simulator:write"]), ("bearer" = ["simulator:write"])))]
pub async fn set_responder_faults(
    State(app): State<Api>,
    Unbound(caller): Unbound<SIMULATOR_WRITE>,
    PathId(id): PathId<ResponderId>,
    _: NoParams,
    body: Body<ResponderFaultsBody>,
) -> Result<Response, Problem> {
    let found = app.reader.get::<Responder>(Key::of(caller.client, id.0)).await?;
    found.ok_or(Refusal::ResponderNotFound)?;
    let given = body.value;
    let view = FaultsView {
        delay_ms: given.delay_ms.map_or(0, |delay| delay.0),
        status: given.status.map(|status| status.0),
        garbage: given.garbage.unwrap_or(false),
        drop: given.drop.unwrap_or(false),
        percent: given.percent.map_or(100, |percent| percent.0),
    };
    let faults = Faults {
        delay: Duration::from_millis(u64::try_from(view.delay_ms).unwrap_or(0)),
        status: view.status.and_then(|status| u16::try_from(status).ok()),
        garbage: view.garbage,
        drop: view.drop,
        percent: u8::try_from(view.percent).unwrap_or(100),
    };
    let none = Faults { percent: faults.percent, ..Faults::default() };
    app.responders.set_faults(id, Some(faults).filter(|faults| *faults != none));
    Ok(reply::ok("Responder faults set successfully.", &view))
}
