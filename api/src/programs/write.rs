//! Creating, updating and archiving programs.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use paygen_core::ids::ProgramId;
use paygen_core::programs::{ArchiveProgram, CreateProgram, ProgramView, UpdateProgram};
use paygen_core::view::Pictured;
use paygen_core::{Command, Outcome};

use super::bodies::{CreateProgramBody, UpdateProgramBody};
use super::read::existing;
use crate::Api;
use crate::body::{Body, NoBody};
use crate::fields;
use crate::gate::{Caller, PROGRAMS_WRITE, Unbound};
use crate::path::PathId;
use crate::problem::Problem;
use crate::reply::Envelope;
use crate::write::{IfMatch, Success, Write, WriteParams};

fn shown(outcome: &Outcome) -> Option<Pictured<ProgramView>> {
    match outcome {
        Outcome::Program(view) => Some(view.clone()),
        _ => None,
    }
}

/// Create a program
///
/// Creates a card program. Cards are issued under it with its `programId`.
#[utoipa::path(post, path = "/programs", tag = "Programs", operation_id = "createProgram",
    request_body = CreateProgramBody,
    params(WriteParams),
    responses((status = 201, description = "The program.", body = Envelope<ProgramView>)),
    security(("apiKey" = ["programs:write"]), ("bearer" = ["programs:write"])))]
pub async fn create_program(
    State(app): State<Api>,
    Unbound(caller): Unbound<PROGRAMS_WRITE>,
    write: Write,
    body: Body<CreateProgramBody>,
) -> Result<Response, Problem> {
    let name = body.value.name.as_str().to_owned();
    let settings = body.value.settings(&app.ranges)?;
    let command = CreateProgram { name, settings, shared: app.ranges.clone() };
    let success = Success::new(StatusCode::CREATED, "Program created successfully.", shown);
    write.perform(&app, &caller, &body.canonical, Command::CreateProgram(Box::new(command)), success).await
}

/// Update a program
///
/// Omitted fields keep their values; lists are replaced as a whole. The change applies to all its cards, from their next
/// payment on. Payments that were decided before keep their terms.
#[utoipa::path(put, path = "/programs/{programId}", tag = "Programs", operation_id = "updateProgram",
    request_body = UpdateProgramBody,
    params(("programId" = String, Path, description = "The program.", pattern = "^[0-9a-f]{24}$"), WriteParams, IfMatch),
    responses((status = 200, description = "The program.", body = Envelope<ProgramView>)),
    security(("apiKey" = ["programs:write"]), ("bearer" = ["programs:write"])))]
pub async fn update_program(
    State(app): State<Api>,
    Unbound(caller): Unbound<PROGRAMS_WRITE>,
    PathId(id): PathId<ProgramId>,
    write: Write,
    body: Body<UpdateProgramBody>,
) -> Result<Response, Problem> {
    let command = match command(&app, &caller, id, body.value, &write).await {
        Ok(command) => command,
        Err(trouble) => return write.or_replay(&app, &caller, &body.canonical, trouble).await,
    };
    let success = Success::new(StatusCode::OK, "Program updated successfully.", shown);
    write.perform(&app, &caller, &body.canonical, Command::UpdateProgram(Box::new(command)), success).await
}

async fn command(
    app: &Api,
    caller: &Caller,
    id: ProgramId,
    mut body: UpdateProgramBody,
    write: &Write,
) -> Result<UpdateProgram, Problem> {
    let stored = existing(app, caller, id).await?;
    Ok(UpdateProgram {
        id,
        settings: body.settings(stored.settings.currency)?,
        name: body.name.map(Into::into),
        status: body.status,
        shared: app.ranges.clone(),
        echo: fields::echo([], body.echo),
        if_match: write.if_match,
    })
}

/// Archive a program
///
/// It issues no further cards; its cards go on working. The program of cards that are issued without a `programId` cannot
/// be archived. An update with the status `active` activates it again.
#[utoipa::path(delete, path = "/programs/{programId}", tag = "Programs", operation_id = "archiveProgram",
    params(("programId" = String, Path, description = "The program.", pattern = "^[0-9a-f]{24}$"), WriteParams, IfMatch),
    responses((status = 200, description = "The archived program.", body = Envelope<ProgramView>)),
    security(("apiKey" = ["programs:write"]), ("bearer" = ["programs:write"])))]
pub async fn archive_program(
    State(app): State<Api>,
    Unbound(caller): Unbound<PROGRAMS_WRITE>,
    PathId(id): PathId<ProgramId>,
    write: Write,
    _body: NoBody,
) -> Result<Response, Problem> {
    let command = Command::ArchiveProgram(ArchiveProgram { id, if_match: write.if_match });
    let success = Success::new(StatusCode::OK, "Program archived successfully.", shown);
    write.perform(&app, &caller, "", command, success).await
}
