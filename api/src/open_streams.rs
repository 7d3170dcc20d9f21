//! The event streams that clients have open: how many, and what one of a client's streams read last, which the others at
//! the same place share.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use axum::http::StatusCode;
use paygen_core::events::Event;
use paygen_core::ids::{ClientId, EventId};
use paygen_store::{Reader, StoreError};
use tokio::sync::Mutex as AsyncMutex;

use crate::problem::Problem;

/// How many events are read at a time.
const PAGE: u32 = 100;

/// The streams that each client has open; clones share it.
#[derive(Clone, Default)]
pub struct Streams {
    open: Arc<Mutex<HashMap<ClientId, Own>>>,
}

/// A client's streams: how many there are, and what one of them read last.
#[derive(Default)]
struct Own {
    count: usize,
    shared: Arc<AsyncMutex<Option<Page>>>,
}

/// Events as they are sent, read after a position.
#[derive(Clone)]
pub struct Page {
    after: i64,
    /// The number of the wake-up before it was read.
    seen: u64,
    pub events: Arc<[Told]>,
}

/// An event as it is sent.
pub struct Told {
    pub position: i64,
    pub id: EventId,
    pub kind: String,
    pub text: String,
}

impl Page {
    /// Whether it is what would be read now. A full page stays what it is; another one may have become longer.
    fn serves(&self, after: i64, seen: u64) -> bool {
        self.after == after && (self.seen >= seen || self.is_full())
    }

    pub fn is_full(&self) -> bool {
        self.events.len() == PAGE as usize
    }
}

impl Streams {
    /// One more stream of a client; of a client at most so many, and at most so many of all.
    pub fn enter(&self, client: ClientId, most: usize, most_of_all: usize) -> Result<Open, Problem> {
        let mut open = self.open.lock().unwrap_or_else(|poison| poison.into_inner());
        if open.values().map(|own| own.count).sum::<usize>() >= most_of_all {
            let message = format!("This server has {most_of_all} streams open, which is as many as it may have.");
            return Err(Problem::new(StatusCode::SERVICE_UNAVAILABLE, "too_many_streams", message).retry_after(15));
        }
        let own = open.entry(client).or_default();
        if own.count >= most {
            let message = format!("This client has {most} streams open, which is as many as it may have. Close one.");
            return Err(Problem::new(StatusCode::TOO_MANY_REQUESTS, "too_many_streams", message).retry_after(15));
        }
        own.count += 1;
        Ok(Open { streams: self.clone(), client, shared: own.shared.clone() })
    }
}

/// One open stream, counted until it goes.
pub struct Open {
    streams: Streams,
    pub client: ClientId,
    shared: Arc<AsyncMutex<Option<Page>>>,
}

impl Open {
    /// The events after a position, with everything that caused the wake-up of this number; read once for all streams of
    /// the client that ask for the same.
    pub async fn page(
        &self,
        reader: &Reader,
        after: i64,
        seen: u64,
        shown: impl Fn(&Event) -> Option<Told>,
    ) -> Result<Page, StoreError> {
        let mut kept = self.shared.lock().await;
        if let Some(page) = kept.as_ref().filter(|page| page.serves(after, seen)) {
            return Ok(page.clone());
        }
        metrics::counter!("paygen_event_reads_total", "reader" => "stream").increment(1);
        let events = reader.events_after(self.client, after, PAGE).await?;
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
