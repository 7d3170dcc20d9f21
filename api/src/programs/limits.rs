//! `GET /programs/{programId}/limits`.

use axum::extract::State;
use axum::response::Response;
use paygen_core::ids::ProgramId;
use paygen_core::limits::LimitLevel;

use super::read::existing;
use crate::Api;
use crate::gate::{PROGRAMS_READ, Unbound};
use crate::limit_use::{LimitUse, of_shared, shown};
use crate::path::PathId;
use crate::problem::Problem;
use crate::query::NoParams;
use crate::reply::{self, Envelope};

/// Retrieve a program's limits
///
/// Each limit of all its cards together with its usage and remainder, when it resets, and which one binds.
#[utoipa::path(get, path = "/programs/{programId}/limits", tag = "Programs", operation_id = "getProgramLimits",
    params(("programId" = String, Path, description = "The program.", pattern = "^[0-9a-f]{24}$")),
    responses((status = 200, description = "The limits.", body = Envelope<Vec<LimitUse>>)),
    security(("apiKey" = ["programs:read"]), ("bearer" = ["programs:read"])))]
pub async fn get_program_limits(
    State(app): State<Api>,
    Unbound(caller): Unbound<PROGRAMS_READ>,
    PathId(id): PathId<ProgramId>,
    _: NoParams,
) -> Result<Response, Problem> {
    let program = existing(&app, &caller, id).await?;
    let limits = &program.settings.limits;
    let uses = of_shared(&app, caller.client, LimitLevel::Program, program.id.0, limits, None).await?;
    Ok(reply::ok("Program limits fetched successfully.", &shown(uses)))
}
