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

/// The subscriptions that a list of words stands for.
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
    /// Makes a webhook endpoint.
    pub struct CreateWebhookBody {
        /// Where events are sent: https, or in the sandbox http; a public address unless the server allows others.
        required url: TargetUrl = "url", example "https://api.example.com/paygen/events";
        /// The types of events to send; `*` stands for all.
        required events: EventWords = "events", example ["transaction.created", "authorization.declined"];
        /// Sent along as `Authorization: Bearer` and `X-Paygen-Webhook-Token`, and the key of `X-Paygen-Signature`;
        /// 8 to 255 visible ASCII characters.
        nullable token: Token = "token", example "a-long-random-token";
        /// What the endpoint is for.
        nullable description: Text<0, 500> = "description", example "Ledger service";
        /// Whether anything is sent; true unless said.
        optional enabled: bool = "enabled";
    }
}

crate::body! {
    /// Changes a webhook endpoint.
    pub struct UpdateWebhookBody echoing WebhookView {
        /// Where events are sent.
        optional url: TargetUrl = "url", example "https://api.example.com/paygen/events";
        /// The types of events to send; `*` stands for all.
        optional events: EventWords = "events", example ["*"];
        /// The token; null takes it away.
        change token: Token = "token";
        /// What the endpoint is for; null clears it.
        change description: Text<0, 500> = "description", example "Ledger service";
        /// Whether anything is sent. Enabled again, an endpoint gets what happens from then on.
        optional enabled: bool = "enabled", example true;
    }
}

crate::body! {
    /// Replaces the signing secret.
    pub struct RotateSecretBody {
        /// How many seconds the old secret signs too; a day unless said, 0 ends it at once.
        optional overlap_seconds: Whole<0, 2_592_000> = "overlapSeconds", example 86400;
    }
}

crate::body! {
    /// Delivers again what an endpoint missed.
    pub struct RecoverBody {
        /// From when on: what failed since then, or was never attempted.
        required since: Instant = "since", example "2026-04-23T10:00:00.000Z";
    }
}

crate::body! {
    /// Delivers an event again.
    pub struct ResendBody {
        /// To this endpoint only; to every enabled one that is subscribed to its type unless said.
        nullable webhook_id: WebhookId = "webhookId";
    }
}
