//! `/events/stream`: server-sent events (WHATWG HTML, 9.2), by position.
//!
//! A page is read from the store when the socket has taken the previous one: a slow reader holds one page in memory,
//! and nothing else is buffered for it. Every event of the client advances the stream, including those that the filter
//! excludes.
//!
//! A stream reads only when its client has new events, and the client's streams at the same position share one page,
//! which is cached in rendered form until one of them reads another.

use std::convert::Infallible;
use std::time::Duration;

use axum::Extension;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::request::Parts;
use axum::http::{HeaderName, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use paygen_core::access::Scope;
use paygen_core::events::{Event, EventType};
use paygen_core::ids::{ClientId, EventId, Id};
use tokio::sync::watch;
use tokio::time::Instant;

use super::EventView;
use crate::Api;
use crate::gate::{Allowed, EVENTS_READ, still_allowed};
use crate::open_streams::{Open, RenderedEvent};
use crate::outgoing::PIECE_BYTES;
use crate::problem::{FieldProblem, Problem};
use crate::query::{Params, Query};
use paygen_edge::budget::{Payer, Uncounted};
use paygen_edge::nearest::hint;
use paygen_engine::stopped;
use paygen_engine::tail::Subscription;

/// How often the caller is authorized again.
const RECHECK_INTERVAL: Duration = Duration::from_secs(2);

/// Pause after the store could not be read.
const RETRY_PAUSE: Duration = Duration::from_millis(500);

/// The id before every event: resuming from it streams all stored events.
const BEGINNING: EventId = EventId(Id::from_bytes([0; 12]));

/// Renders an event.
fn render(event: &Event, environment: &str) -> Option<RenderedEvent> {
    let view = EventView::of(event, environment);
    let json = serde_json::to_string(&view).unwrap_or_default();
    let mut text = format!("id: {}\nevent: {}\n", event.id, event.kind);
    // Free-form JSON is stored as it was sent, possibly on several lines.
    for line in json.split(['\r', '\n']) {
        text.push_str(&format!("data: {line}\n"));
    }
    text.push('\n');
    Some(RenderedEvent { position: event.position?, id: event.id, kind: event.kind.clone(), text })
}

/// Stream events
///
/// Server-sent events in the order of their positions: `id` is the event's id, `event` its type, `data` the same JSON
/// as from GET /events/{eventId}. The stream starts with the next event, or after the event in `Last-Event-ID`, and
/// misses none; `000000000000000000000000` starts with the oldest. The first lines contain an id to resume from if the
/// connection is lost before the first event.
#[utoipa::path(get, path = "/events/stream", tag = "Events", operation_id = "streamEvents",
    params(
        ("Last-Event-ID" = Option<String>, Header, description = "Resume after this event.", pattern = "^[0-9a-f]{24}$"),
        ("lastEventId" = Option<String>, Query, description = "Same as Last-Event-ID, for callers that cannot set headers.", pattern = "^[0-9a-f]{24}$"),
        ("types" = Option<String>, Query, description = "Only these types, separated by commas.", example = "card.created,transaction.created"),
    ),
    responses((status = 200, description = "The events, until either side closes the connection.", body = String, content_type = "text/event-stream")),
    security(("apiKey" = ["events:read"]), ("bearer" = ["events:read"])))]
pub async fn stream_events(
    State(app): State<Api>,
    parts: Parts,
    Allowed(caller): Allowed<EVENTS_READ>,
    Query(mut params): Query,
) -> Result<Response, Problem> {
    let types = wanted_types(&mut params);
    let last = last_event_id(&parts, &mut params);
    params.finish(&["types", "lastEventId"])?;
    // Before the first read, so that an event placed after it wakes the stream.
    let news = app.tail.subscribe(caller.client);
    let open = app.streams.enter(caller.client, app.settings.streams, app.settings.max_streams)?;
    let (after, last) = match last {
        Some(id) => (place(&app, caller.client, id).await?, id),
        None => newest(&app, caller.client).await?,
    };
    let now = Instant::now();
    let stream = Stream {
        stopping: app.stopping.clone(),
        heartbeat: app.settings.heartbeat,
        app,
        parts,
        types,
        news,
        more: true,
        after,
        last,
        last_sent_id: None,
        sent_at: now,
        checked_at: now,
        open,
    };
    let body = futures_util::stream::unfold(stream, |mut stream| async move {
        let chunk = stream.next().await?;
        Some((Ok::<_, Infallible>(chunk), stream))
    });
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream")),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
        // Proxies that buffer responses would delay events.
        (HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no")),
    ];
    Ok((Extension(Uncounted), headers, Body::from_stream(body)).into_response())
}

/// The types of a comma-separated list; all when it is omitted.
fn wanted_types(params: &mut Params) -> Option<Vec<EventType>> {
    let text = params.take("types")?;
    let mut types = Vec::new();
    for word in text.split(',').map(str::trim) {
        match EventType::parse(&word.to_ascii_lowercase()) {
            Some(kind) => types.push(kind),
            None => {
                let shown: String = word.chars().take(64).collect();
                let hint = hint(&shown, EventType::WORDS.iter().copied());
                params.fault("types", "unknown_type", format!("has {shown:?}, which is no type of event.{hint}"));
            }
        }
    }
    Some(types)
}

/// The id to resume after. A browser that reconnects sends both; the header is the newer one.
fn last_event_id(parts: &Parts, params: &mut Params) -> Option<EventId> {
    let in_query = params.take("lastEventId");
    let in_header = parts.headers.get("last-event-id").map(|value| value.to_str().unwrap_or("?").to_owned());
    let text = in_header.or(in_query).filter(|text| !text.is_empty())?;
    let id = EventId::parse(&text);
    if id.is_none() {
        params.fault("lastEventId", "invalid", "must be the id of an event: 24 lowercase hex characters");
    }
    id
}

/// The position of an event.
async fn place(app: &Api, client: ClientId, id: EventId) -> Result<i64, Problem> {
    if id == BEGINNING {
        return Ok(0);
    }
    match app.reader.event(client, id).await? {
        Some(Event { position: Some(position), .. }) => Ok(position),
        // It gets a position after all that have one now; sending it again misses nothing.
        Some(_) => Ok(newest(app, client).await?.0),
        // It may be past its retention: the stream continues with the oldest stored event.
        None if app.settings.event_retention_days > 0 => Ok(0),
        None => {
            let message = "is no event of this client; leave it out to begin with what happens next";
            Err(Problem::invalid(vec![FieldProblem::new("lastEventId", "event_not_found", message)]))
        }
    }
}

/// The newest event's position and id.
async fn newest(app: &Api, client: ClientId) -> Result<(i64, EventId), Problem> {
    let newest = app.reader.newest_event(client).await?;
    Ok(newest.and_then(|event| Some((event.position?, event.id))).unwrap_or((0, BEGINNING)))
}

struct Stream {
    app: Api,
    parts: Parts,
    types: Option<Vec<EventType>>,
    news: Subscription,
    /// Whether there may be unread events.
    more: bool,
    stopping: watch::Receiver<bool>,
    heartbeat: Duration,
    /// The position read last, and its event.
    after: i64,
    last: EventId,
    /// The id from which the reader would resume.
    last_sent_id: Option<EventId>,
    /// When something was sent last.
    sent_at: Instant,
    /// When the caller was authorized last.
    checked_at: Instant,
    open: Open,
}

impl Stream {
    /// The next piece to send; `None` when the stream ends.
    async fn next(&mut self) -> Option<Bytes> {
        loop {
            if *self.stopping.borrow() || !self.may_listen().await {
                return None;
            }
            let mut text = String::new();
            if self.last_sent_id.is_none() || self.sent_at.elapsed() >= self.heartbeat {
                text.push_str(":\n\n");
            }
            let mut room = None;
            if self.more {
                // A page is counted from before it is read until the socket took it; without events it is released at
                // once.
                room = tokio::select! {
                    room = self.app.answer_bytes.wait(Payer::Client(self.open.client), PIECE_BYTES) => Some(room),
                    () = stopped(&mut self.stopping) => return None,
                };
                self.read(&mut text).await;
            }
            if !text.is_empty() {
                // An id without data advances a reader whose filter excluded the events.
                if self.last_sent_id != Some(self.last) {
                    text.push_str(&format!("id: {}\n\n", self.last));
                    self.last_sent_id = Some(self.last);
                }
                self.sent_at = Instant::now();
                let text = Bytes::from(text);
                return Some(match room {
                    Some(room) => room.wrap(text),
                    None => text,
                });
            }
            drop(room);
            if !self.more {
                self.wait().await;
            }
        }
    }

    /// Reads the next page, and appends the selected events to the text.
    async fn read(&mut self, text: &mut String) {
        let seen = self.news.seen();
        let environment = &self.app.terms.environment;
        let shown = |event: &Event| render(event, environment);
        match self.open.page(&self.app.reader, self.after, seen, shown).await {
            Ok(page) => {
                page.events.iter().for_each(|event| self.append(event, text));
                self.more = page.is_full();
            }
            Err(error) => {
                tracing::warn!(error = %error, "a stream of events waits for the store");
                tokio::time::sleep(RETRY_PAUSE).await;
            }
        }
    }

    fn append(&mut self, event: &RenderedEvent, text: &mut String) {
        self.after = event.position;
        self.last = event.id;
        if self.types.as_ref().is_some_and(|types| !types.iter().any(|kind| kind.as_str() == event.kind)) {
            return;
        }
        text.push_str(&event.text);
        self.last_sent_id = Some(event.id);
    }

    /// Waits until there may be something to send.
    async fn wait(&mut self) {
        let until = (self.sent_at + self.heartbeat).min(self.checked_at + RECHECK_INTERVAL);
        tokio::select! {
            _ = self.news.changed() => self.more = true,
            () = stopped(&mut self.stopping) => {}
            () = tokio::time::sleep_until(until) => {}
        }
    }

    /// Whether the caller is still authorized. A store that cannot be read does not end the stream.
    async fn may_listen(&mut self) -> bool {
        if self.checked_at.elapsed() < RECHECK_INTERVAL {
            return true;
        }
        self.checked_at = Instant::now();
        match still_allowed(&self.parts, &self.app, Scope::ALL[usize::from(EVENTS_READ)]).await {
            Ok(()) => true,
            Err(problem) => problem.status().is_server_error(),
        }
    }
}
