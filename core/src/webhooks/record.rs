//! The records of endpoints, deliveries and attempts. Tokens and signing secrets are sealed by the vault.

use crate::events::{Event, EventType};
use crate::ids::{AttemptId, ClientId, EventId, Id, WebhookId};
use crate::record::{Key, KeyBytes, Kind, Record};
use crate::time::Instant;

/// An endpoint without a success for this long (five days) is disabled.
pub const FAILING_SECONDS: i64 = 5 * 86_400;

crate::string_enum! {
    pub enum DisabledReason {
        Requested = "requested",
        /// 410 Gone.
        Gone = "gone",
        /// No success for five days.
        Failing = "failing",
    }
}

crate::string_enum! {
    pub enum DeliveryStatus {
        Pending = "pending",
        Failed = "failed",
    }
}

crate::string_enum! {
    pub enum AttemptOutcome {
        /// 2xx.
        Succeeded = "succeeded",
        Failed = "failed",
    }
}

/// The event types that an endpoint subscribes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Subscriptions {
    /// All types, including those of later versions.
    All,
    Some(Vec<EventType>),
}

impl Subscriptions {
    /// Parses event types or `*`. The error is the first unknown string.
    pub fn from_words<'a>(words: impl IntoIterator<Item = &'a str>) -> Result<Subscriptions, &'a str> {
        let (mut all, mut types) = (false, Vec::new());
        for word in words {
            match EventType::parse(word) {
                Some(kind) => types.push(kind),
                None if word == "*" => all = true,
                None => return Err(word),
            }
        }
        types.sort_unstable();
        types.dedup();
        Ok(if all { Subscriptions::All } else { Subscriptions::Some(types) })
    }

    /// Parses the stored text: strings separated by blanks.
    pub fn parse(text: &str) -> Option<Subscriptions> {
        Subscriptions::from_words(text.split_whitespace()).ok()
    }

    pub fn words(&self) -> Vec<&'static str> {
        match self {
            Subscriptions::All => vec!["*"],
            Subscriptions::Some(types) => types.iter().map(|kind| kind.as_str()).collect(),
        }
    }

    /// Whether events of a type are included.
    pub fn include(&self, kind: &str) -> bool {
        match self {
            Subscriptions::All => true,
            Subscriptions::Some(types) => types.iter().any(|known| known.as_str() == kind),
        }
    }
}

impl std::fmt::Display for Subscriptions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.words().join(" "))
    }
}

#[derive(Clone, Debug, PartialEq)]
pub struct Webhook {
    pub client: ClientId,
    pub id: WebhookId,
    pub url: String,
    pub events: Subscriptions,
    pub description: Option<String>,
    pub enabled: bool,
    pub disabled_reason: Option<DisabledReason>,
    /// Token, signing secret and previous signing secret, sealed together.
    pub credentials: Vec<u8>,
    pub has_token: bool,
    /// Until when the previous signing secret also signs.
    pub previous_until: Option<Instant>,
    /// The sequence of the endpoint's last event.
    pub event_seq: i64,
    pub version: i64,
    pub created_at: Instant,
    pub updated_at: Instant,
}

impl Webhook {
    /// Whether an event is for this endpoint. A test event is only for the tested endpoint.
    pub fn wants(&self, event: &Event) -> bool {
        if event.kind == EventType::WebhookTest.as_str() {
            return event.object_id == self.id.0;
        }
        self.events.include(&event.kind)
    }
}

impl Record for Webhook {
    const KIND: Kind = Kind::Webhook;

    fn key(&self) -> Key {
        Key::of(self.client, self.id.0)
    }
}

/// The progress of an endpoint. It is a row of its own because every delivery changes it.
#[derive(Clone, Debug, PartialEq)]
pub struct WebhookProgress {
    pub client: ClientId,
    pub id: WebhookId,
    /// All events up to this position are handled; `None` before the first search.
    pub cursor: Option<i64>,
    /// Older events are not for the endpoint: it was created or enabled then.
    pub since: Instant,
    /// Since when no delivery has succeeded.
    pub failing_since: Option<Instant>,
    /// The range of the current recovery: from after this position …
    pub recover_from: Option<i64>,
    pub recover_to: Option<i64>,
}

impl Record for WebhookProgress {
    const KIND: Kind = Kind::WebhookProgress;

    fn key(&self) -> Key {
        Key::of(self.client, self.id.0)
    }
}

/// A delivery that did not succeed at the first attempt.
#[derive(Clone, Debug, PartialEq)]
pub struct Delivery {
    pub client: ClientId,
    pub webhook: WebhookId,
    pub event: EventId,
    /// Deliveries of one object are made in order.
    pub object_id: Id,
    pub position: i64,
    pub status: DeliveryStatus,
    pub attempts: i64,
    /// `None` while an earlier event of the object has to be delivered first.
    pub next_attempt_at: Option<Instant>,
    pub created_at: Instant,
}

impl Delivery {
    pub fn key_of(client: ClientId, webhook: WebhookId, event: EventId) -> Key {
        let mut id = [0; 24];
        id[..12].copy_from_slice(webhook.0.bytes());
        id[12..].copy_from_slice(event.0.bytes());
        Key { client, id: KeyBytes::new(&id) }
    }
}

impl Record for Delivery {
    const KIND: Kind = Kind::Delivery;

    fn key(&self) -> Key {
        Delivery::key_of(self.client, self.webhook, self.event)
    }
}

/// A logged attempt.
#[derive(Clone, Debug, PartialEq)]
pub struct Attempt {
    pub client: ClientId,
    pub id: AttemptId,
    pub webhook: WebhookId,
    pub event: EventId,
    pub kind: String,
    /// From 1.
    pub attempt: i64,
    pub outcome: AttemptOutcome,
    pub status: Option<i64>,
    /// In milliseconds.
    pub latency_ms: i64,
    pub excerpt: Option<String>,
    pub error: Option<String>,
    pub next_attempt_at: Option<Instant>,
    /// Business time.
    pub created_at: Instant,
}
