//! Columns of approvals and of the policy that asks for them.

use paygen_core::access::{Actor, Scopes};
use paygen_core::approvals::{Approval, ApprovalAction, ApprovalPolicy, ApprovalStatus};

use super::{Keyed, json, stored};

stored!(Approval, "approvals", key 2, {
    "client" Bytes = |a| a.client.0,
    "id" Bytes = |a| a.id.0,
    "action" Text = |a| a.action.as_str(),
    "status" Text = |a| a.status.as_str(),
    "requester_kind" Text = |a| a.requester.kind(),
    "requester_id" Bytes = |a| a.requester.id(),
    "key_maker" Bytes = |a| a.key_maker.map(|id| id.0),
    "method" Text = |a| &a.method,
    "path" Text = |a| &a.path,
    "body" Text = |a| &a.body,
    "if_match" Integer = |a| a.if_match,
    "preview" Text = |a| &a.preview,
    "needed" Integer = |a| a.needed,
    "scopes" Text = |a| a.scopes.to_string(),
    "decisions" Text = |a| json(&a.decisions),
    "result_status" Integer = |a| a.result_status,
    "result_message" Text = |a| &a.result_message,
    "expires_at" Integer = |a| a.expires_at,
    "version" Integer = |a| a.version,
    "created_at" Integer = |a| a.created_at,
    "updated_at" Integer = |a| a.updated_at,
}, |row| Approval {
    client: row.id()?,
    id: row.id()?,
    action: row.word(ApprovalAction::parse)?,
    status: row.word(ApprovalStatus::parse)?,
    requester: { let kind = row.text()?; Actor::from_parts(&kind, row.optional_id()?) },
    key_maker: row.optional_id()?,
    method: row.text()?,
    path: row.text()?,
    body: row.text()?,
    if_match: row.optional_integer()?,
    preview: row.text()?,
    needed: row.integer()?,
    scopes: Scopes::parse(&row.text()?),
    decisions: row.json()?,
    result_status: row.optional_integer()?,
    result_message: row.optional_text()?,
    expires_at: row.time()?,
    version: row.integer()?,
    created_at: row.time()?,
    updated_at: row.time()?,
});
impl Keyed for Approval {}

stored!(ApprovalPolicy, "approval_policies", key 2, {
    "client" Bytes = |p| p.client.0,
    "id" Bytes = |p| p.client.0,
    "rules" Text = |p| json(&p.rules),
    "version" Integer = |p| p.version,
    "updated_at" Integer = |p| p.updated_at,
}, |row| ApprovalPolicy {
    client: { row.skip()?; row.id()? },
    rules: row.json()?,
    version: row.integer()?,
    updated_at: row.time()?,
});
impl Keyed for ApprovalPolicy {}
