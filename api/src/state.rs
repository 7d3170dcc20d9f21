//! What the API's handlers share: what every way in shares, and what only HTTP has.

use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use ipnet::IpNet;
use paygen_app::App;
use paygen_app::callers::Caller;
use paygen_core::Command;
use paygen_delivery::Deliveries;
use paygen_edge::budget::Budget;
use paygen_engine::measures::Sampled;
use paygen_vault::ZonePinKey;

use crate::open_streams::Streams;
use crate::problem::Problem;
use crate::rate_limit::{RateLimits, Tries};
use crate::request_id::current_request_id;

/// The settings that only the API reads.
pub struct Settings {
    /// Scheme and host that links in answers begin with, when it is not the request that says them.
    pub public_url: Option<Arc<str>>,
    /// Whether health and metrics are on a port of their own.
    pub operations_apart: bool,
    /// Whether people see a line of each request.
    pub request_lines: bool,
    /// Whether logs are written for people.
    pub logs_for_people: bool,
    /// Origins whose pages may call from a browser.
    pub cors_origins: Vec<String>,
    /// Proxies whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<IpNet>,
    /// How long a request may take.
    pub request_timeout: Duration,
    /// How long a list may take, in milliseconds.
    pub list_timeout_ms: u32,
    /// How long answers are kept for repeats.
    pub idempotency_retention_seconds: i64,
    /// Whether one of several clients of a sandbox may move its clock.
    pub shared_clock: bool,
    /// Whether a card holder must be verified to be issued a card.
    pub verified_to_issue: bool,
    /// The key that clients encrypt PIN blocks under.
    pub zone_pin_key: Option<ZonePinKey>,
    /// For how many days a card holder's data is kept after their last card ended.
    pub retention_days: u32,
    /// For how many days events are kept; 0 keeps them for good.
    pub event_retention_days: u32,
    /// For how many days attempts to deliver are kept; 0 keeps them for good.
    pub attempt_retention_days: u32,
    /// Streams a client may have open at a time.
    pub streams: usize,
    /// Streams that all clients together may have open.
    pub max_streams: usize,
    /// How long a stream is silent before it says that it is still there.
    pub heartbeat: Duration,
}

/// What all handlers share. Each layer of each request clones it: that is one more reference.
#[derive(Clone)]
pub struct Api(Arc<Shared>);

impl From<Shared> for Api {
    fn from(shared: Shared) -> Api {
        Api(Arc::new(shared))
    }
}

impl Deref for Api {
    type Target = Shared;

    fn deref(&self) -> &Shared {
        &self.0
    }
}

/// The parts of an [`Api`], beside those of the [`App`] it is a way into.
pub struct Shared {
    /// What every way in shares.
    pub app: App,
    /// How often keys and clients may call.
    pub rate_limits: RateLimits,
    /// How often addresses may try reveal tokens.
    pub reveal_tries: Tries,
    /// How often addresses may send credentials that nobody has, when that is limited.
    pub credential_tries: Option<Tries>,
    /// Deliveries to webhook endpoints.
    pub deliveries: Deliveries,
    /// What requests may have in memory.
    pub request_bytes: Budget,
    /// What answers may have in memory.
    pub answer_bytes: Budget,
    /// Open streams of events.
    pub streams: Streams,
    /// One advance of the test clock at a time.
    pub advancing: tokio::sync::Mutex<()>,
    /// Settings.
    pub settings: Settings,
    /// When figures for the metrics were last read from the store.
    pub sampled: Sampled,
    /// Renders the metrics in Prometheus' text format.
    pub metrics: Box<dyn Fn() -> String + Send + Sync>,
}

impl Deref for Shared {
    type Target = App;

    fn deref(&self) -> &App {
        &self.app
    }
}

impl Api {
    /// Whether a caller's command would be carried out now; nothing is stored.
    pub async fn would_do(&self, caller: &Caller, command: Command) -> Result<(), Problem> {
        Ok(self.app.try_out(caller.context(&current_request_id()), command).await?)
    }
}
