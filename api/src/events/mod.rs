//! `/events`: events, in order.

mod catalog;
mod stream;

use axum::extract::State;
use axum::response::Response;
use paygen_core::events::{Event, wire_data};
use paygen_core::ids::EventId;
use paygen_core::view::Free;
use paygen_store::lists::events as columns;
use paygen_store::query::{Filter, Order, Paging, Test};
use paygen_store::value::Value;
use serde::Serialize;
use serde_json::value::RawValue;

use crate::Api;
use crate::cursor;
use crate::gate::{Allowed, EVENTS_READ};
use crate::lists::{self, ListParams, ListSpec};
use crate::path::PathId;
use crate::problem::Problem;
use crate::query::{NoParams, Query};
use crate::reply::{self, Envelope, ListEnvelope};

pub use catalog::*;
pub use stream::*;

/// An event.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Event)]
pub struct EventView {
    /// Id of the object: 24 lowercase hex characters.
    #[serde(rename = "_id")]
    id: String,
    /// Event type.
    #[serde(rename = "type")]
    #[schema(example = "account.created")]
    kind: String,
    /// Position in the client's stream, from 1 without gaps.
    #[schema(required = true)]
    position: Option<i64>,
    /// Type of the object.
    #[schema(example = "account")]
    object_type: String,
    /// Id of the object.
    object_id: String,
    /// Number among the object's events, from 1 without gaps.
    sequence: i64,
    /// Content of the event, with its `context`.
    #[schema(value_type = Free)]
    data: Box<RawValue>,
    /// Id of the request that caused the event.
    request_id: String,
    /// Time.
    #[schema(value_type = String, format = DateTime)]
    created_at: String,
}

impl EventView {
    fn of(event: &Event, environment: &str) -> EventView {
        EventView {
            id: event.id.to_string(),
            kind: event.kind.clone(),
            position: event.position,
            object_type: event.object_type.clone(),
            object_id: event.object_id.to_string(),
            sequence: event.sequence,
            data: wire_data(event, environment),
            request_id: event.request_id.clone(),
            created_at: event.created_at.to_string(),
        }
    }
}

const SPEC: ListSpec = ListSpec::of::<EventView>(columns::FIELDS);

/// List events
///
/// The client's events. With a cursor they are ordered by position, oldest first, and none is ever missed: store
/// `meta.nextCursor` and use it to read later events.
#[utoipa::path(get, path = "/events", tag = "Events", operation_id = "listEvents",
    params(ListParams),
    responses((status = 200, description = "The events.", body = ListEnvelope<EventView>)),
    security(("apiKey" = ["events:read"]), ("bearer" = ["events:read"])))]
pub async fn list_events(
    State(app): State<Api>,
    Allowed(caller): Allowed<EVENTS_READ>,
    Query(params): Query,
) -> Result<Response, Problem> {
    // An event is listed once it has a position; until then it could still get one before an event already listed.
    let placed = vec![Filter { column: columns::POSITION, test: Test::Exists(true) }];
    let mut list = lists::read(&SPEC, params, caller.client, placed, app.settings.list_timeout_ms)?;
    let environment = &app.terms.environment;
    let Paging::After(after) = &list.query.paging else {
        let page = app.reader.list::<columns::List>(&list.query).await?;
        return list.reply(page, |event| EventView::of(event, environment));
    };
    let after = match after.as_deref() {
        Some([Value::Integer(position)]) => *position,
        _ => 0,
    };
    list.query.order = vec![Order { column: columns::POSITION, descending: false }];
    list.query.filters.push(Filter {
        column: columns::POSITION,
        test: Test::Gt(paygen_store::query::Operand::Value(Value::Integer(after))),
    });
    list.query.paging = Paging::After(None);
    let page = app.reader.list::<columns::List>(&list.query).await?;
    let last = page.rows.iter().rev().find_map(|event| event.position).unwrap_or(after);
    let next = cursor::write(&[Value::Integer(last)], list.fingerprint());
    list.reply_with(page.rows.iter().map(|event| EventView::of(event, environment)), None, Some(next))
}

/// Retrieve an event
///
/// One event.
#[utoipa::path(get, path = "/events/{eventId}", tag = "Events", operation_id = "getEvent",
    params(("eventId" = String, Path, description = "The event.", pattern = "^[0-9a-f]{24}$")),
    responses((status = 200, description = "The event.", body = Envelope<EventView>)),
    security(("apiKey" = ["events:read"]), ("bearer" = ["events:read"])))]
pub async fn get_event(
    State(app): State<Api>,
    Allowed(caller): Allowed<EVENTS_READ>,
    PathId(id): PathId<EventId>,
    _: NoParams,
) -> Result<Response, Problem> {
    let event = app.reader.event(caller.client, id).await?.ok_or_else(event_not_found)?;
    Ok(reply::ok("Event fetched successfully.", &EventView::of(&event, &app.terms.environment)))
}

/// The error when an event does not exist.
pub fn event_not_found() -> Problem {
    Problem::new(axum::http::StatusCode::NOT_FOUND, "event_not_found", "There is no such event for this client.")
}
