//! The state of the API's handlers: the services every interface shares, and those of HTTP alone.

use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use ipnet::IpNet;
use paygen_app::App;
use paygen_app::callers::Caller;
use paygen_core::Command;
use paygen_delivery::{Deliveries, Responders};
use paygen_edge::budget::Budget;
use paygen_engine::measures::Sampled;
use paygen_vault::ZonePinKey;

use crate::open_streams::Streams;
use crate::problem::Problem;
use crate::rate_limit::{RateLimits, Tries};
use crate::request_id::current_request_id;
use crate::request_measures::RequestMeasures;

/// The settings of the API.
pub struct Settings {
    /// Scheme and host for links in responses; taken from the request by default.
    pub public_url: Option<Arc<str>>,
    /// Whether the docs site is served, so that errors can link to it.
    pub docs: bool,
    /// Whether health and metrics have a port of their own.
    pub operations_apart: bool,
    /// Whether a line is logged for each request.
    pub request_lines: bool,
    /// Whether the log is human-readable.
    pub logs_for_people: bool,
    /// Origins whose pages may call the API from a browser.
    pub cors_origins: Vec<String>,
    /// Proxies whose `X-Forwarded-For` is trusted.
    pub trusted_proxies: Vec<IpNet>,
    /// Timeout of a request.
    pub request_timeout: Duration,
    /// Timeout of a list query.
    pub list_timeout_ms: u32,
    /// How long answers are kept for replays.
    pub idempotency_retention_seconds: i64,
    /// Whether a client may advance the clock of a sandbox that has several clients.
    pub shared_clock: bool,
    /// Whether a card holder must be verified to be issued a card.
    pub verified_to_issue: bool,
    /// The key under which clients encrypt PIN blocks.
    pub zone_pin_key: Option<ZonePinKey>,
    /// How many days a card holder's data is kept after their last card ended.
    pub retention_days: u32,
    /// Retention of events in days; 0 keeps them for good.
    pub event_retention_days: u32,
    /// Retention of delivery attempts in days; 0 keeps them for good.
    pub attempt_retention_days: u32,
    /// Open streams of one client.
    pub streams: usize,
    /// Open streams of all clients together.
    pub max_streams: usize,
    /// How long a stream is silent before a heartbeat is sent.
    pub heartbeat: Duration,
}

/// The shared state. Each layer of each request clones it, which is one more reference.
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

/// The parts of an [`Api`], besides those of its [`App`].
pub struct Shared {
    pub app: App,
    /// Rate limits of keys and clients.
    pub rate_limits: RateLimits,
    /// Rate limit of reveal tokens by address.
    pub reveal_tries: Tries,
    /// Rate limit of failed authentications by address, when there is one.
    pub credential_tries: Option<Tries>,
    pub deliveries: Deliveries,
    pub responders: Responders,
    /// The memory budget of requests.
    pub request_bytes: Budget,
    /// The memory budget of responses.
    pub answer_bytes: Budget,
    pub streams: Streams,
    /// Wakes whoever makes approved calls.
    pub approved: tokio::sync::Notify,
    /// Held while the test clock is advanced, so that advances run one at a time.
    pub advancing: tokio::sync::Mutex<()>,
    pub settings: Settings,
    /// When the metrics' gauges were last read from the store.
    pub sampled: Sampled,
    pub request_measures: RequestMeasures,
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
    /// Checks a caller's command against every rule; nothing is stored.
    pub async fn check_rules(&self, caller: &Caller, command: Command) -> Result<(), Problem> {
        Ok(self.app.check_rules(caller.context(current_request_id()), command).await?)
    }
}
