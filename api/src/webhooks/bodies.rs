//! Bodies of calls on webhook endpoints.

use paygen_core::events::EventType;
use paygen_core::ids::WebhookId;
use paygen_core::time::Instant;
use paygen_core::webhooks::{Subscriptions, WebhookView};
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{ObjectBuilder, Schema, Type};

use crate::body::{Faults, Field};
use crate::fields::{List, Secret, Text, Whole};
use crate::problem::FieldProblem;
use paygen_delivery::targets::{MAX_URL_BYTES, Targets};
use paygen_edge::json::Json;
use paygen_edge::nearest::hint;

/// A type of event, or `*` for all of them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct EventWord(&'static str);

impl Field for EventWord {
    fn read(json: &Json, at: &str, faults: &mut Faults) -> Option<EventWord> {
        let Json::Text(text) = json else {
            faults.push(FieldProblem::new(at, "type", format!("must be a string, not {}", json.kind())));
            return None;
        };
        if text == "*" {
            return Some(EventWord("*"));
        }
        if let Some(kind) = EventType::parse(text) {
            return Some(EventWord(kind.as_str()));
        }
        let shown: String = text.chars().take(64).collect();
        let hint = hint(&shown, EventType::WORDS.iter().copied());
        let message = format!("must be a type of event (GET /events/catalog lists them) or * for all.{hint}");
        faults.push(FieldProblem::new(at, "choice", message));
        None
    }

    fn schema() -> RefOr<Schema> {
        let words = std::iter::once("*").chain(EventType::WORDS.iter().copied());
        ObjectBuilder::new().schema_type(Type::String).enum_values(Some(words)).into()
    }
}

/// The URL of an endpoint, validated by its text alone. Whether this server may call it is checked separately.
#[derive(Clone, Debug, PartialEq)]
pub struct TargetUrl(String);

impl TargetUrl {
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Field for TargetUrl {
    fn read(json: &Json, at: &str, faults: &mut Faults) -> Option<TargetUrl> {
        let text = Text::<1, MAX_URL_BYTES>::read(json, at, faults)?;
        match Targets::anywhere().check(text.as_str()) {
            Ok(_) => Some(TargetUrl(text.into())),
            Err(why) => {
                faults.push(FieldProblem::new(at, "invalid", why));
                None
            }
        }
    }

    fn schema() -> RefOr<Schema> {
        Text::<1, MAX_URL_BYTES>::schema()
    }
}

pub type EventWords = List<EventWord, 1, 64>;

/// Parses a list of event types or `*`.
pub fn subscriptions(words: &EventWords) -> Subscriptions {
    Subscriptions::from_words(words.0.iter().map(|word| word.0)).unwrap_or(Subscriptions::All)
}

/// A token by which the endpoint recognizes Paygen, sent in a header.
#[derive(Debug)]
pub struct Token(Secret<8, 255>);

impl Token {
    /// The text, for where it is used.
    pub fn expose(&self) -> &str {
        self.0.expose()
    }
}

impl Field for Token {
    fn read(json: &Json, at: &str, faults: &mut Faults) -> Option<Token> {
        let text = Secret::<8, 255>::read(json, at, faults)?;
        if text.expose().bytes().all(|byte| byte.is_ascii_graphic()) {
            return Some(Token(text));
        }
        let message = "must be visible ASCII characters: it is sent in a header";
        faults.push(FieldProblem::new(at, "invalid", message));
        None
    }

    fn schema() -> RefOr<Schema> {
        Secret::<8, 255>::schema()
    }
}

crate::body! {
    /// Creates a webhook endpoint.
    pub struct CreateWebhookBody {
        /// URL that events are sent to: https, in the sandbox also http; a public address unless the server allows
        /// others.
        required url: TargetUrl = "url", example "https://api.example.com/paygen/events";
        /// Event types to subscribe to; `*` means all.
        required events: EventWords = "events", example ["transaction.created", "authorization.declined"];
        /// Sent as `Authorization: Bearer` and `X-Paygen-Webhook-Token`, and used as the key of `X-Paygen-Signature`; 8
        /// to 255 visible ASCII characters.
        nullable token: Token = "token", example "a-long-random-token";
        /// Description.
        nullable description: Text<0, 500> = "description", example "Ledger service";
        /// Whether events are sent. Defaults to true.
        optional enabled: bool = "enabled";
    }
}

crate::body! {
    /// Updates a webhook endpoint. Omitted fields keep their values.
    pub struct UpdateWebhookBody echoing WebhookView {
        /// URL that events are sent to.
        optional url: TargetUrl = "url", example "https://api.example.com/paygen/events";
        /// Event types to subscribe to; `*` means all.
        optional events: EventWords = "events", example ["*"];
        /// The token; null removes it.
        change token: Token = "token";
        /// Description; null removes it.
        change description: Text<0, 500> = "description", example "Ledger service";
        /// Whether events are sent. An endpoint that is enabled again gets later events only.
        optional enabled: bool = "enabled", example true;
    }
}

crate::body! {
    /// Rotates the signing secret.
    pub struct RotateSecretBody {
        /// Seconds for which the old secret also signs. Defaults to one day; 0 ends it at once.
        optional overlap_seconds: Whole<0, 2_592_000> = "overlapSeconds", example 86400;
    }
}

crate::body! {
    /// Redelivers the events that an endpoint missed.
    pub struct RecoverBody {
        /// Events that failed or were never attempted since this time are redelivered.
        required since: Instant = "since", example "2026-04-23T10:00:00.000Z";
    }
}

crate::body! {
    /// Redelivers an event.
    pub struct ResendBody {
        /// Only to this endpoint. Defaults to every enabled endpoint that is subscribed to the event's type.
        nullable webhook_id: WebhookId = "webhookId";
    }
}
