//! `GET /programs` and `GET /programs/{programId}`.

use axum::extract::State;
use axum::response::Response;
use paygen_core::Refusal;
use paygen_core::ids::ProgramId;
use paygen_core::programs::{Program, ProgramView};
use paygen_core::record::Key;
use paygen_store::lists::programs as columns;

use crate::Api;
use crate::gate::{Caller, PROGRAMS_READ, Unbound};
use crate::lists::{self, ListParams, ListSpec};
use crate::path::PathId;
use crate::problem::Problem;
use crate::query::{NoParams, Query};
use crate::reply::{self, Envelope, ListEnvelope};

const SPEC: ListSpec = ListSpec::of::<ProgramView>(columns::FIELDS);

/// List programs
///
/// The client's card programs. The first one was made of the server's settings.
#[utoipa::path(get, path = "/programs", tag = "Programs", operation_id = "listPrograms",
    params(ListParams),
    responses((status = 200, description = "The programs.", body = ListEnvelope<ProgramView>)),
    security(("apiKey" = ["programs:read"]), ("bearer" = ["programs:read"])))]
pub async fn list_programs(
    State(app): State<Api>,
    Unbound(caller): Unbound<PROGRAMS_READ>,
    Query(params): Query,
) -> Result<Response, Problem> {
    lists::answer::<columns::List, _>(&app, &caller, params, &SPEC, Vec::new(), ProgramView::of).await
}

/// Retrieve a program
///
/// The program's settings.
#[utoipa::path(get, path = "/programs/{programId}", tag = "Programs", operation_id = "getProgram",
    params(("programId" = String, Path, description = "The program.", pattern = "^[0-9a-f]{24}$")),
    responses((status = 200, description = "The program.", body = Envelope<ProgramView>)),
    security(("apiKey" = ["programs:read"]), ("bearer" = ["programs:read"])))]
pub async fn get_program(
    State(app): State<Api>,
    Unbound(caller): Unbound<PROGRAMS_READ>,
    PathId(id): PathId<ProgramId>,
    _: NoParams,
) -> Result<Response, Problem> {
    let program = existing(&app, &caller, id).await?;
    Ok(reply::versioned("Program fetched successfully.", program.version, &ProgramView::of(&program)))
}

/// The program, unless the client has none with this id.
pub(super) async fn existing(app: &Api, caller: &Caller, id: ProgramId) -> Result<Program, Problem> {
    let found = app.reader.get::<Program>(Key::of(caller.client, id.0)).await?;
    found.ok_or_else(|| Problem::from(&Refusal::ProgramNotFound { id, field: None }))
}
