//! `GET /events/deliveries` and `GET /events/{eventId}/deliveries`: every attempt to deliver.

use axum::extract::State;
use axum::response::Response;
use paygen_core::events::EventType;
use paygen_core::ids::EventId;
use paygen_core::webhooks::{AttemptOutcome, AttemptView};
use paygen_store::lists::attempts as columns;
use paygen_store::query::Filter;

use crate::Api;
use crate::events::event_not_found;
use crate::filter::FieldKind;
use crate::gate::{Allowed, Caller, EVENTS_READ};
use crate::lists::{self, ListField, ListParams, ListSpec, field, fixed};
use crate::path::PathId;
use crate::problem::Problem;
use crate::query::{Params, Query};
use crate::reply::ListEnvelope;

const FIELDS: &[ListField] = &[
    field("_id", columns::ID, FieldKind::Id),
    field("webhookId", columns::WEBHOOK, FieldKind::Id),
    field("eventId", columns::EVENT, FieldKind::Id),
    field("eventType", columns::TYPE, FieldKind::Choice(EventType::WORDS)),
    field("attempt", columns::ATTEMPT, FieldKind::Integer),
    field("outcome", columns::OUTCOME, FieldKind::Choice(AttemptOutcome::WORDS)),
    field("status", columns::STATUS, FieldKind::Integer),
    field("latencyMs", columns::LATENCY, FieldKind::Integer),
    field("nextAttemptAt", columns::NEXT_ATTEMPT_AT, FieldKind::Time),
    field("createdAt", columns::CREATED_AT, FieldKind::Time),
];

const SPEC: ListSpec = ListSpec {
    fields: FIELDS,
    returned: &[
        "_id",
        "webhookId",
        "eventId",
        "eventType",
        "attempt",
        "outcome",
        "status",
        "latencyMs",
        "responseExcerpt",
        "error",
        "nextAttemptAt",
        "createdAt",
    ],
    aliases: &[],
    populate: &[],
    default_sort: "-createdAt",
};

/// List delivery attempts
///
/// Every attempt to deliver an event to an endpoint. A filter such as `outcome=failed` finds what went wrong; attempts
/// that failed for good have no `nextAttemptAt`.
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
    Allowed(caller): Allowed<EVENTS_READ>,
    PathId(id): PathId<EventId>,
    Query(params): Query,
) -> Result<Response, Problem> {
    app.reader.event(caller.client, id).await?.ok_or_else(event_not_found)?;
    list(&app, &caller, params, vec![fixed(columns::EVENT, id.0)]).await
}

async fn list(app: &Api, caller: &Caller, params: Params, only: Vec<Filter>) -> Result<Response, Problem> {
    caller.unbound()?;
    let list = lists::read(&SPEC, params, caller.client, only, app.settings.list_timeout_ms)?;
    let page = app.reader.list::<columns::List>(&list.query).await?;
    list.reply(page, AttemptView::of)
}
