//! `GET /events/deliveries` and `GET /events/{eventId}/deliveries`: every delivery attempt.

use axum::extract::State;
use axum::response::Response;
use paygen_core::ids::EventId;
use paygen_core::webhooks::AttemptView;
use paygen_store::lists::attempts as columns;
use paygen_store::query::Filter;

use crate::Api;
use crate::events::event_not_found;
use crate::gate::{Allowed, Caller, EVENTS_READ, Unbound};
use crate::lists::{self, ListParams, ListSpec};
use crate::path::PathId;
use crate::problem::Problem;
use crate::query::{Params, Query};
use crate::reply::ListEnvelope;

const SPEC: ListSpec = ListSpec::of::<AttemptView>(columns::FIELDS);

/// List delivery attempts
///
/// Every attempt to deliver an event to an endpoint. `outcome=failed` filters failures; a last attempt that failed has
/// no `nextAttemptAt`.
#[utoipa::path(get, path = "/events/deliveries", tag = "Events", operation_id = "listDeliveries",
    params(ListParams),
    responses((status = 200, description = "The attempts.", body = ListEnvelope<AttemptView>)),
    security(("apiKey" = ["events:read"]), ("bearer" = ["events:read"])))]
pub async fn list_deliveries(
    State(app): State<Api>,
    Allowed(caller): Allowed<EVENTS_READ>,
    Query(params): Query,
) -> Result<Response, Problem> {
    list(&app, &caller, params, Vec::new()).await
}

/// List an event's delivery attempts
///
/// Every attempt to deliver this event.
#[utoipa::path(get, path = "/events/{eventId}/deliveries", tag = "Events", operation_id = "listEventDeliveries",
    params(("eventId" = String, Path, description = "The event.", pattern = "^[0-9a-f]{24}$"), ListParams),
    responses((status = 200, description = "The attempts.", body = ListEnvelope<AttemptView>)),
    security(("apiKey" = ["events:read"]), ("bearer" = ["events:read"])))]
pub async fn list_event_deliveries(
    State(app): State<Api>,
    Unbound(caller): Unbound<EVENTS_READ>,
    PathId(id): PathId<EventId>,
    Query(params): Query,
) -> Result<Response, Problem> {
    app.reader.event(caller.client, id).await?.ok_or_else(event_not_found)?;
    list(&app, &caller, params, vec![Filter::equals(columns::EVENT, id.0)]).await
}

async fn list(app: &Api, caller: &Caller, params: Params, only: Vec<Filter>) -> Result<Response, Problem> {
    lists::answer::<columns::List, _>(app, caller, params, &SPEC, only, AttemptView::of).await
}
