//! Columns of events.

use paygen_core::events::Event;

use super::stored;

stored!(Event, "events" read "positioned_events" without "position", key 2, {
    "client" Bytes = |e| e.client.0,
    "id" Bytes = |e| e.id.0,
    "kind" Text = |e| &e.kind,
    "object_type" Text = |e| &e.object_type,
    "object_id" Bytes = |e| e.object_id,
    "sequence" Integer = |e| e.sequence,
    "position" Integer = |e| e.position,
    "data" Text = |e| &e.data,
    "request_id" Text = |e| &e.request_id,
    "created_at" Integer = |e| e.created_at,
}, |row| Event {
    client: row.id()?,
    id: row.id()?,
    kind: row.text()?,
    object_type: row.text()?,
    object_id: row.id()?,
    sequence: row.integer()?,
    position: row.optional_integer()?,
    data: row.text()?,
    request_id: row.text()?,
    created_at: row.time()?,
});
