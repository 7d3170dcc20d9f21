//! What is kept of endpoints and deliveries. Tokens and signing secrets are sealed by the vault before they come here.

use crate::events::{Event, EventType};
use crate::ids::{AttemptId, ClientId, EventId, Id, WebhookId};
use crate::record::{AuditValue, Key, KeyBytes, Kind, Record};
use crate::time::Instant;

/// An endpoint at which nothing succeeded for so long is disabled: five days.
pub const FAILING_SECONDS: i64 = 5 * 86_400;

crate::string_enum! {
    /// Why an endpoint is disabled.
    pub enum DisabledReason {
        /// Its owner said so.
        Requested = "requested",
        /// It answered 410 Gone.
        Gone = "gone",
        /// Nothing succeeded there for five days.
        Failing = "failing",
    }
}

crate::string_enum! {
    /// Where a delivery that did not succeed at once stands.
    pub enum DeliveryStatus {
        /// It is to be tried.
        Pending = "pending",
        /// It was given up.
        Failed = "failed",
    }
}

crate::string_enum! {
    /// What an attempt came to.
    pub enum AttemptOutcome {
        /// The endpoint answered 2xx.
        Succeeded = "succeeded",
        /// It did not.
        Failed = "failed",
    }
}

/// The types of events that an endpoint is told of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Subscriptions {
    /// All of them, those of later versions too.
    All,
    /// These.
    Some(Vec<EventType>),
}

impl Subscriptions {
    /// From the words, each a type or `*`; the first unknown one otherwise.
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

    /// As it is kept: words with spaces between.
    pub fn parse(text: &str) -> Option<Subscriptions> {
        Subscriptions::from_words(text.split_whitespace()).ok()
    }

    /// The words.
    pub fn words(&self) -> Vec<&'static str> {
        match self {
            Subscriptions::All => vec!["*"],
            Subscriptions::Some(types) => types.iter().map(|kind| kind.as_str()).collect(),
        }
    }

    /// Whether events of a type are told.
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

/// An endpoint.
#[derive(Clone, Debug, PartialEq)]
pub struct Webhook {
    /// Whose.
    pub client: ClientId,
    /// Its id.
    pub id: WebhookId,
    /// Where events are sent.
    pub url: String,
    /// Which.
    pub events: Subscriptions,
    /// What it is for.
    pub description: Option<String>,
    /// Whether anything is sent.
    pub enabled: bool,
    /// Why not.
    pub disabled_reason: Option<DisabledReason>,
    /// Its token, its signing secret and the one before that, sealed together.
    pub credentials: Vec<u8>,
    /// Whether a token is among them.
    pub has_token: bool,
    /// Until when the secret before the present one signs too.
    pub previous_until: Option<Instant>,
    /// The number of the last event of the endpoint.
    pub event_seq: i64,
    /// Counts changes.
    pub version: i64,
    /// When it was made.
    pub created_at: Instant,
    /// When it last changed.
    pub updated_at: Instant,
}

impl Webhook {
    /// Whether an event is for this endpoint. A test is for the endpoint it tests alone.
    pub fn wants(&self, event: &Event) -> bool {
        if event.kind == EventType::WebhookTest.as_str() {
            return event.object_id == self.id.0;
        }
        self.events.include(&event.kind)
    }
}

impl Record for Webhook {
    const KIND: Kind = Kind::Webhook;
    const AUDITED: Option<&'static str> = Some("webhook");

    fn key(&self) -> Key {
        Key::of(self.client, self.id.0)
    }

    fn audit_fields(&self) -> Vec<(&'static str, AuditValue)> {
        vec![
            // A URL may carry a credential of its owner's.
            ("url", AuditValue::Hidden(self.url.clone().into_bytes())),
            ("events", self.events.to_string().into()),
            ("description", self.description.clone().into()),
            ("enabled", self.enabled.into()),
            ("disabledReason", self.disabled_reason.map(|reason| reason.as_str()).into()),
            ("credentials", AuditValue::Hidden(self.credentials.clone())),
            ("hasToken", self.has_token.into()),
            ("previousSecretExpiresAt", self.previous_until.map(|at| at.to_string()).into()),
        ]
    }
}

/// How far an endpoint is. Apart from its settings, because it changes with every delivery.
#[derive(Clone, Debug, PartialEq)]
pub struct WebhookProgress {
    /// Whose.
    pub client: ClientId,
    /// Which endpoint.
    pub id: WebhookId,
    /// The position up to which nothing is left to be handed over; none before the first look.
    pub cursor: Option<i64>,
    /// Events from before this are not for the endpoint: when it was made, or enabled again.
    pub since: Instant,
    /// Since when nothing succeeded.
    pub failing_since: Option<Instant>,
    /// What is being recovered: from after this position …
    pub recover_from: Option<i64>,
    /// … to this one.
    pub recover_to: Option<i64>,
}

impl Record for WebhookProgress {
    const KIND: Kind = Kind::WebhookProgress;

    fn key(&self) -> Key {
        Key::of(self.client, self.id.0)
    }
}

/// A delivery that did not succeed at once.
#[derive(Clone, Debug, PartialEq)]
pub struct Delivery {
    /// Whose.
    pub client: ClientId,
    /// To which endpoint.
    pub webhook: WebhookId,
    /// Of which event.
    pub event: EventId,
    /// The event's object: its deliveries come in order.
    pub object_id: Id,
    /// The event's position.
    pub position: i64,
    /// Where it stands.
    pub status: DeliveryStatus,
    /// How often it was tried.
    pub attempts: i64,
    /// When it is tried next; none while an earlier event of its object is to be delivered first.
    pub next_attempt_at: Option<Instant>,
    /// When it was made.
    pub created_at: Instant,
}

impl Delivery {
    /// The key of the delivery of an event to an endpoint.
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

/// One attempt to deliver an event, as it is logged.
#[derive(Clone, Debug, PartialEq)]
pub struct Attempt {
    /// Whose.
    pub client: ClientId,
    /// Its id.
    pub id: AttemptId,
    /// To which endpoint.
    pub webhook: WebhookId,
    /// Of which event.
    pub event: EventId,
    /// The event's type.
    pub kind: String,
    /// Its number, from 1.
    pub attempt: i64,
    /// What it came to.
    pub outcome: AttemptOutcome,
    /// The status of the answer, if there was one.
    pub status: Option<i64>,
    /// How long it took, in milliseconds.
    pub latency_ms: i64,
    /// How the answer's body begins.
    pub excerpt: Option<String>,
    /// Why there was no answer.
    pub error: Option<String>,
    /// When it is tried again.
    pub next_attempt_at: Option<Instant>,
    /// When, in business time.
    pub created_at: Instant,
}
