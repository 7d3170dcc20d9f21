//! `/events/catalog`: the types of events, with the schema and a sample of each.

use std::sync::OnceLock;

use axum::body::Bytes;
use axum::http::StatusCode;
use axum::response::Response;
use paygen_core::catalogue::{CatalogueEntry, catalogue};

use crate::gate::{Allowed, EVENTS_READ};
use crate::problem::Problem;
use crate::query::Query;
use crate::reply::{self, Envelope};

/// Rendered on the first request.
static ANSWER: OnceLock<Bytes> = OnceLock::new();

/// List event types
///
/// Every event type with the JSON Schema of its `data` and a sample of the complete body sent to webhook endpoints.
#[utoipa::path(get, path = "/events/catalog", tag = "Events", operation_id = "listEventTypes",
    responses((status = 200, description = "The types.", body = Envelope<Vec<CatalogueEntry>>)),
    security(("apiKey" = ["events:read"]), ("bearer" = ["events:read"])))]
pub async fn list_event_types(_: Allowed<EVENTS_READ>, Query(params): Query) -> Result<Response, Problem> {
    params.finish(&[])?;
    let answer = || reply::bytes::<_, ()>(StatusCode::OK, "Event catalog fetched successfully.", &catalogue(), None);
    Ok(reply::shared(ANSWER.get_or_init(|| answer().into()).clone()))
}
