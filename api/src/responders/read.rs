//! `GET /responders` and `GET /responders/{responderId}`.

use axum::extract::State;
use axum::response::Response;
use paygen_core::Refusal;
use paygen_core::ids::ResponderId;
use paygen_core::record::Key;
use paygen_core::responders::{Responder, ResponderView};
use paygen_store::lists::responders as columns;

use crate::Api;
use crate::gate::{Caller, RESPONDERS_READ, Unbound};
use crate::lists::{self, ListParams, ListSpec};
use crate::path::PathId;
use crate::problem::Problem;
use crate::query::{NoParams, Query};
use crate::reply::{self, Envelope, ListEnvelope};

const SPEC: ListSpec = ListSpec::of::<ResponderView>(columns::FIELDS);

/// List responders
///
/// The client's responders, without their secrets.
#[utoipa::path(get, path = "/responders", tag = "Responders", operation_id = "listResponders",
    params(ListParams),
    responses((status = 200, description = "The responders.", body = ListEnvelope<ResponderView>)),
    security(("apiKey" = ["responders:read"]), ("bearer" = ["responders:read"])))]
pub async fn list_responders(
    State(app): State<Api>,
    Unbound(caller): Unbound<RESPONDERS_READ>,
    Query(params): Query,
) -> Result<Response, Problem> {
    lists::answer::<columns::List, _>(&app, &caller, params, &SPEC, Vec::new(), ResponderView::of).await
}

/// Retrieve a responder
///
/// One responder, without its secret.
#[utoipa::path(get, path = "/responders/{responderId}", tag = "Responders", operation_id = "getResponder",
    params(("responderId" = String, Path, description = "The responder.", pattern = "^[0-9a-f]{24}$")),
    responses((status = 200, description = "The responder.", body = Envelope<ResponderView>)),
    security(("apiKey" = ["responders:read"]), ("bearer" = ["responders:read"])))]
pub async fn get_responder(
    State(app): State<Api>,
    Unbound(caller): Unbound<RESPONDERS_READ>,
    PathId(id): PathId<ResponderId>,
    _: NoParams,
) -> Result<Response, Problem> {
    let found = found(&app, &caller, id).await?;
    Ok(reply::versioned("Responder fetched successfully.", found.version, &ResponderView::of(&found)))
}

pub(super) async fn found(app: &Api, caller: &Caller, id: ResponderId) -> Result<Responder, Problem> {
    let found = app.reader.get::<Responder>(Key::of(caller.client, id.0)).await?;
    Ok(found.ok_or(Refusal::ResponderNotFound)?)
}
