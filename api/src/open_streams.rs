//! The open event streams: their bounds, and a cache of the page that one of a client's streams read last, which its
//! other streams at the same position share.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use axum::http::StatusCode;
use paygen_core::events::Event;
use paygen_core::ids::{ClientId, EventId};
use paygen_store::{Reader, StoreError};
use tokio::sync::Mutex as AsyncMutex;

use crate::problem::Problem;

/// Events of one page.
const EVENTS_PER_PAGE: u32 = 100;

/// The open streams of each client; clones share them.
#[derive(Clone, Default)]
pub struct Streams {
    open: Arc<Mutex<HashMap<ClientId, Own>>>,
}

/// One client's streams: their number, and the page that one of them read last.
#[derive(Default)]
struct Own {
    count: usize,
    shared: Arc<AsyncMutex<Option<Page>>>,
}

/// Rendered events, read after a position.
#[derive(Clone)]
pub struct Page {
    after: i64,
    /// The number of the last wake-up before it was read.
    seen: u64,
    pub events: Arc<[RenderedEvent]>,
}

/// An event as it is sent.
pub struct RenderedEvent {
    pub position: i64,
    pub id: EventId,
    pub kind: String,
    pub text: String,
}

impl Page {
    /// Whether a new read would return the same. A full page stays the same; a shorter one may have grown.
    fn serves(&self, after: i64, seen: u64) -> bool {
        self.after == after && (self.seen >= seen || self.is_full())
    }

    pub fn is_full(&self) -> bool {
        self.events.len() == EVENTS_PER_PAGE as usize
    }
}

impl Streams {
    /// Opens one more stream of a client, within the bounds for one client and for all clients.
    pub fn enter(&self, client: ClientId, max_of_client: usize, max_in_total: usize) -> Result<Open, Problem> {
        let mut open = self.open.lock().unwrap_or_else(|poison| poison.into_inner());
        if open.values().map(|own| own.count).sum::<usize>() >= max_in_total {
            let message = format!("This server has {max_in_total} streams open, which is as many as it may have.");
            return Err(Problem::new(StatusCode::SERVICE_UNAVAILABLE, "too_many_streams", message).retry_after(15));
        }
        let own = open.entry(client).or_default();
        if own.count >= max_of_client {
            let message =
                format!("This client has {max_of_client} streams open, which is as many as it may have. Close one.");
            return Err(Problem::new(StatusCode::TOO_MANY_REQUESTS, "too_many_streams", message).retry_after(15));
        }
        own.count += 1;
        Ok(Open { streams: self.clone(), client, shared: own.shared.clone() })
    }
}

/// One open stream, counted until this is dropped.
pub struct Open {
    streams: Streams,
    pub client: ClientId,
    shared: Arc<AsyncMutex<Option<Page>>>,
}

impl Open {
    /// The events after a position, including everything that caused the wake-up of this number. They are read once for
    /// all streams of the client that request the same page.
    pub async fn page(
        &self,
        reader: &Reader,
        after: i64,
        seen: u64,
        shown: impl Fn(&Event) -> Option<RenderedEvent>,
    ) -> Result<Page, StoreError> {
        let mut kept = self.shared.lock().await;
        if let Some(page) = kept.as_ref().filter(|page| page.serves(after, seen)) {
            return Ok(page.clone());
        }
        metrics::counter!("paygen_event_reads_total", "reader" => "stream").increment(1);
        let events = reader.events_after(self.client, after, EVENTS_PER_PAGE).await?;
        let events = events.iter().filter_map(shown).collect();
        Ok(kept.insert(Page { after, seen, events }).clone())
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        let mut open = self.streams.open.lock().unwrap_or_else(|poison| poison.into_inner());
        if let Some(own) = open.get_mut(&self.client) {
            own.count -= 1;
            if own.count == 0 {
                open.remove(&self.client);
            }
        }
    }
}
