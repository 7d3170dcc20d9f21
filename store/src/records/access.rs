//! Columns of clients, credentials, stored responses and the audit log.

use paygen_core::access::{
    Actor, ApiKey, ApiKeyHash, ApiKeyStatus, AuditEntry, Client, ClientStatus, Idempotency, Scopes, Token,
};

use super::{Keyed, stored};

stored!(Client, "clients", key 2, {
    "client" Bytes = |c| c.id.0,
    "id" Bytes = |c| c.id.0,
    "name" Text = |c| &c.name,
    "status" Text = |c| c.status.as_str(),
    "created_at" Integer = |c| c.created_at,
    "updated_at" Integer = |c| c.updated_at,
}, |row| Client {
    id: { row.skip()?; row.id()? },
    name: row.text()?,
    status: row.word(ClientStatus::parse)?,
    created_at: row.time()?,
    updated_at: row.time()?,
});
impl Keyed for Client {}

stored!(ApiKey, "api_keys", key 2, {
    "client" Bytes = |k| k.client.0,
    "id" Bytes = |k| k.id.0,
    "name" Text = |k| &k.name,
    "hint" Text = |k| &k.hint,
    "hash" Bytes = |k| &k.hash,
    "scopes" Text = |k| k.scopes.to_string(),
    "status" Text = |k| k.status.as_str(),
    "expires_at" Integer = |k| k.expires_at,
    "allowed_ips" Text = |k| k.allowed_ips.iter().map(ToString::to_string).collect::<Vec<_>>().join(" "),
    "last_used_at" Integer = |k| k.last_used_at,
    "replaced_by" Bytes = |k| k.replaced_by.map(|id| id.0),
    "due_at" Integer = |k| k.due_at,
    "event_seq" Integer = |k| k.event_seq,
    "version" Integer = |k| k.version,
    "created_at" Integer = |k| k.created_at,
    "updated_at" Integer = |k| k.updated_at,
}, |row| ApiKey {
    client: row.id()?,
    id: row.id()?,
    name: row.text()?,
    hint: row.text()?,
    hash: row.hash()?,
    scopes: Scopes::parse(&row.text()?),
    status: row.word(ApiKeyStatus::parse)?,
    expires_at: row.optional_time()?,
    allowed_ips: row.word(|text| text.split_whitespace().map(|ip| ip.parse().ok()).collect())?,
    last_used_at: row.optional_time()?,
    replaced_by: row.optional_id()?,
    due_at: row.optional_time()?,
    event_seq: row.integer()?,
    version: row.integer()?,
    created_at: row.time()?,
    updated_at: row.time()?,
});
impl Keyed for ApiKey {}

stored!(ApiKeyHash, "api_key_hashes", key 1, {
    "hash" Bytes = |h| &h.hash,
    "client" Bytes = |h| h.client.0,
    "api_key" Bytes = |h| h.api_key.0,
}, |row| ApiKeyHash { hash: row.hash()?, client: row.id()?, api_key: row.id()? });
impl Keyed for ApiKeyHash {}

stored!(Token, "tokens", key 2, {
    "client" Bytes = |t| t.client.0,
    "id" Bytes = |t| t.id.0,
    "api_key" Bytes = |t| t.api_key.0,
    "scopes" Text = |t| t.scopes.to_string(),
    "card_holder" Bytes = |t| t.card_holder.map(|id| id.0),
    "card" Bytes = |t| t.card.map(|id| id.0),
    "expires_at" Integer = |t| t.expires_at,
    "revoked_at" Integer = |t| t.revoked_at,
    "created_at" Integer = |t| t.created_at,
}, |row| Token {
    client: row.id()?,
    id: row.id()?,
    api_key: row.id()?,
    scopes: Scopes::parse(&row.text()?),
    card_holder: row.optional_id()?,
    card: row.optional_id()?,
    expires_at: row.time()?,
    revoked_at: row.optional_time()?,
    created_at: row.time()?,
});
impl Keyed for Token {}

stored!(Idempotency, "idempotency", key 2, {
    "client" Bytes = |i| i.client.0,
    "key_hash" Bytes = |i| &i.key_hash,
    "fingerprint" Bytes = |i| &i.fingerprint,
    "status" Integer = |i| i.status,
    "body" Bytes = |i| &i.body,
    "subject" Bytes = |i| i.subject.map(|id| id.0),
    "etag" Integer = |i| i.etag,
    "created_at" Integer = |i| i.created_at,
    "expires_at" Integer = |i| i.expires_at,
}, |row| Idempotency {
    client: row.id()?,
    key_hash: row.hash()?,
    fingerprint: row.hash()?,
    status: row.integer()?,
    body: row.bytes()?,
    subject: row.optional_id()?,
    etag: row.optional_integer()?,
    created_at: row.time()?,
    expires_at: row.time()?,
});
impl Keyed for Idempotency {}

stored!(AuditEntry, "audit_log", key 2, {
    "client" Bytes = |a| a.client.0,
    "id" Bytes = |a| a.id.0,
    "actor_kind" Text = |a| a.actor.kind(),
    "actor_id" Bytes = |a| a.actor.id(),
    "action" Text = |a| &a.action,
    "object_type" Text = |a| &a.object_type,
    "object_id" Text = |a| &a.object_id,
    "changes" Text = |a| &a.changes,
    "request_id" Text = |a| &a.request_id,
    "address" Text = |a| &a.address,
    "created_at" Integer = |a| a.created_at,
}, |row| AuditEntry {
    client: row.id()?,
    id: row.id()?,
    actor: { let kind = row.text()?; Actor::from_parts(&kind, row.optional_id()?) },
    action: row.text()?,
    object_type: row.text()?,
    object_id: row.text()?,
    changes: row.text()?,
    request_id: row.text()?,
    address: row.optional_text()?,
    created_at: row.time()?,
});
