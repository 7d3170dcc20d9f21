//! `GET /audit-log`: who changed what.

use axum::extract::State;
use axum::response::Response;
use paygen_core::access::AuditEntry;
use paygen_core::view::Free;
use paygen_store::lists::audit_log as columns;
use serde::Serialize;

use crate::Api;
use crate::gate::{AUDIT_READ, Allowed};
use crate::lists::{self, ListParams, ListSpec};
use crate::problem::Problem;
use crate::query::Query;
use crate::reply::ListEnvelope;

/// An entry of the audit log.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = AuditEntry)]
pub struct AuditView {
    /// Id of the object: 24 lowercase hex characters.
    #[serde(rename = "_id")]
    id: String,
    /// The credential.
    actor: ActorView,
    /// The action.
    #[schema(example = "account.update")]
    action: String,
    /// Type of the changed object.
    #[schema(example = "account")]
    object_type: String,
    /// Id of the changed object.
    object_id: String,
    /// Each changed field with its value before and after; secret and personal fields without their values.
    changes: Free,
    /// Id of the request.
    request_id: String,
    /// The caller's network address.
    #[schema(required = true)]
    address: Option<String>,
    /// Time.
    #[schema(value_type = String, format = DateTime)]
    created_at: String,
}

/// The credential of a change.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
#[schema(as = Actor)]
pub struct ActorView {
    /// Type: api_key, token, user, reveal_token, operator or system.
    #[serde(rename = "type")]
    kind: &'static str,
    /// Id of the credential or user.
    #[schema(required = true)]
    id: Option<String>,
}

impl AuditView {
    fn of(entry: &AuditEntry) -> AuditView {
        AuditView {
            id: entry.id.to_string(),
            actor: ActorView { kind: entry.actor.kind(), id: entry.actor.id().map(|id| id.to_string()) },
            action: entry.action.clone(),
            object_type: entry.object_type.clone(),
            object_id: entry.object_id.clone(),
            changes: Free::object(Some(&entry.changes)),
            request_id: entry.request_id.clone(),
            address: entry.address.clone(),
            created_at: entry.created_at.to_string(),
        }
    }
}

const SPEC: ListSpec = ListSpec::of::<AuditView>(columns::FIELDS);

/// List the audit log
///
/// Who changed what, when and from where. Entries are written in the transaction of the change.
#[utoipa::path(get, path = "/audit-log", tag = "Access", operation_id = "listAuditLog",
    params(ListParams),
    responses((status = 200, description = "The entries.", body = ListEnvelope<AuditView>)),
    security(("apiKey" = ["audit:read"]), ("bearer" = ["audit:read"])))]
pub async fn list_audit_log(
    State(app): State<Api>,
    Allowed(caller): Allowed<AUDIT_READ>,
    Query(params): Query,
) -> Result<Response, Problem> {
    lists::answer::<columns::List, _>(&app, &caller, params, &SPEC, Vec::new(), AuditView::of).await
}
