//! Columns of responders, their questions, calls and budgets.

use paygen_core::responders::{
    BudgetUse, CallOutcome, CalledAbout, DecidedBy, Question, Responder, ResponderCall, ResponderKind, ResponderSwitch,
    StreamedQuestion,
};

use super::{Keyed, json, stored};

stored!(Responder, "responders", key 2, {
    "client" Bytes = |r| r.client.0,
    "id" Bytes = |r| r.id.0,
    "kind" Text = |r| r.kind.as_str(),
    // An empty text is no URL: the column was made when every responder had one.
    "url" Text = |r| r.url.as_deref().unwrap_or_default(),
    "description" Text = |r| &r.description,
    "switch" Text = |r| r.switch.as_str(),
    "verified_at" Integer = |r| r.verified_at,
    "credentials" Bytes = |r| &r.credentials,
    "previous_until" Integer = |r| r.previous_until,
    "timeout_ms" Integer = |r| r.timeout_ms,
    "settings" Text = |r| json(&r.settings),
    "event_seq" Integer = |r| r.event_seq,
    "version" Integer = |r| r.version,
    "created_at" Integer = |r| r.created_at,
    "updated_at" Integer = |r| r.updated_at,
}, |row| Responder {
    client: row.id()?,
    id: row.id()?,
    kind: row.word(ResponderKind::parse)?,
    url: Some(row.text()?).filter(|url| !url.is_empty()),
    description: row.optional_text()?,
    switch: row.word(ResponderSwitch::parse)?,
    verified_at: row.optional_time()?,
    credentials: row.bytes()?,
    previous_until: row.optional_time()?,
    timeout_ms: row.integer()?,
    settings: row.json()?,
    event_seq: row.integer()?,
    version: row.integer()?,
    created_at: row.time()?,
    updated_at: row.time()?,
});
impl Keyed for Responder {}

stored!(Question, "responder_questions", key 2, {
    "client" Bytes = |q| q.client.0,
    "authorization_id" Bytes = |q| q.authorization.0,
    "responder" Bytes = |q| q.responder.0,
    "call" Bytes = |q| q.call.0,
    "asked_at" Integer = |q| q.asked_at,
    "deadline" Integer = |q| q.deadline,
}, |row| Question {
    client: row.id()?,
    authorization: row.id()?,
    responder: row.id()?,
    call: row.id()?,
    asked_at: row.time()?,
    deadline: row.time()?,
});
impl Keyed for Question {}

stored!(ResponderCall, "responder_calls", key 2, {
    "client" Bytes = |c| c.client.0,
    "id" Bytes = |c| c.id.0,
    "responder" Bytes = |c| c.responder.0,
    "about" Text = |c| c.about.as_str(),
    "authorization_id" Bytes = |c| c.authorization.map(|id| id.0),
    "outcome" Text = |c| c.outcome.as_str(),
    "decided_by" Text = |c| c.decided_by.map(|by| by.as_str()),
    "status" Integer = |c| c.status,
    "latency_ms" Integer = |c| c.latency_ms,
    "late" Integer = |c| i64::from(c.late),
    "answer" Text = |c| c.answer.as_ref().map(json),
    "currency" Text = |c| c.currency.code(),
    "request" Text = |c| &c.request,
    "excerpt" Text = |c| &c.excerpt,
    "error" Text = |c| &c.error,
    "created_at" Integer = |c| c.created_at,
}, |row| ResponderCall {
    client: row.id()?,
    id: row.id()?,
    responder: row.id()?,
    about: row.word(CalledAbout::parse)?,
    authorization: row.optional_id()?,
    outcome: row.word(CallOutcome::parse)?,
    decided_by: row.optional_word(DecidedBy::parse)?,
    status: row.optional_integer()?,
    latency_ms: row.integer()?,
    late: row.boolean()?,
    answer: row.optional_word(|text| serde_json::from_str(text).ok())?,
    currency: row.currency()?,
    request: row.optional_text()?,
    excerpt: row.optional_text()?,
    error: row.optional_text()?,
    created_at: row.time()?,
});
impl Keyed for ResponderCall {}

stored!(StreamedQuestion, "streamed_questions", key 2, {
    "client" Bytes = |q| q.client.0,
    "id" Bytes = |q| q.id.0,
    "responder" Bytes = |q| q.responder.0,
    "about" Text = |q| q.about.as_str(),
    "authorization_id" Bytes = |q| q.authorization.map(|id| id.0),
    "currency" Text = |q| q.currency.code(),
    "approvable" Integer = |q| q.approvable,
    "partial_allowed" Integer = |q| i64::from(q.partial_allowed),
    "asked_at" Integer = |q| q.asked_at,
    "deadline" Integer = |q| q.deadline,
    "request" Text = |q| &q.request,
    "result" Text = |q| q.result.as_ref().map(json),
}, |row| StreamedQuestion {
    client: row.id()?,
    id: row.id()?,
    responder: row.id()?,
    about: row.word(CalledAbout::parse)?,
    authorization: row.optional_id()?,
    currency: row.currency()?,
    approvable: row.integer()?,
    partial_allowed: row.boolean()?,
    asked_at: row.time()?,
    deadline: row.time()?,
    request: row.text()?,
    result: row.optional_word(|text| serde_json::from_str(text).ok())?,
});
impl Keyed for StreamedQuestion {}

stored!(BudgetUse, "responder_budgets", key 2, {
    "client" Bytes = |b| b.client.0,
    "id" Bytes = |b| paygen_core::record::Record::key(b).id.as_slice().to_vec(),
    "responder" Bytes = |b| b.responder.0,
    "owner" Bytes = |b| b.owner,
    "currency" Text = |b| b.currency.code(),
    "hour" Integer = |b| b.hour,
    "amount" Integer = |b| b.amount,
    "count" Integer = |b| b.count,
}, |row| BudgetUse {
    client: row.id()?,
    responder: { row.skip()?; row.id()? },
    owner: row.id()?,
    currency: row.currency()?,
    hour: row.integer()?,
    amount: row.integer()?,
    count: row.integer()?,
});
impl Keyed for BudgetUse {}
