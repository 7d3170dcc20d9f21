//! The catalogue of events: for each type a description, the JSON Schema of its data, and a sample.
//!
//! It is the only list of the members of each type. Tests check every emitted event against it.

mod access;
mod accounts;
mod authorizations;
mod card_holders;
mod cards;
mod programs;
mod responders;
mod transfers;
mod webhooks;

use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};
use serde_json::{Value, json};
use utoipa::ToSchema;
use utoipa::openapi::{RefOr, Schema};

use crate::access::ApiKeyView;
use crate::accounts::{AccountView, BalanceView};
use crate::authorizations::AuthorizationView;
use crate::card_holders::CardHolderNotice;
use crate::cards::{CardView, MovementView, RevealView};
use crate::events::{Event, EventPart, EventType, Owner, Part, body, data_of};
use crate::ids::{AccountId, ApiKeyId, CardHolderId, CardId, ClientId, EventId, Id, ProgramId, ResponderId, WebhookId};
use crate::programs::ProgramView;
use crate::responders::{CallView, QuestionView, ResponderView};
use crate::time::Instant;
use crate::transactions::{DeclineView, RefundView, TransactionView};
use crate::transfers::TransferView;
use crate::webhooks::{TestMessage, WebhookView};

/// A view that appears in events. Its sample is built from the type, so it cannot lack a field.
pub trait Sampled: EventPart + ToSchema {
    /// A plausible value for an event of this type.
    fn sample(kind: EventType) -> Self;
}

/// A member of an event's data.
pub(crate) struct Member {
    pub(crate) name: &'static str,
    shape: fn(EventType) -> Shape,
}

struct Shape {
    schema: Value,
    named: Vec<(String, RefOr<Schema>)>,
    sample: Box<RawValue>,
}

const fn member<T: Sampled>() -> Member {
    Member { name: T::NAME, shape: shape::<T> }
}

fn shape<T: Sampled>(kind: EventType) -> Shape {
    let mut named = Vec::new();
    T::schemas(&mut named);
    let sample = to_raw_value(&T::sample(kind)).expect("samples are plain JSON");
    Shape { schema: json!(T::schema()), named, sample }
}

/// The members of an event of this type, without those that name its owner.
pub(crate) const fn members(kind: EventType) -> &'static [Member] {
    match kind {
        EventType::AccountCreated | EventType::AccountUpdated | EventType::AccountClosed => {
            const { &[member::<AccountView>()] }
        }
        EventType::AccountBalanceUpdated => const { &[member::<BalanceView>()] },
        EventType::TransferCreated | EventType::TransferReversed => const { &[member::<TransferView>()] },
        EventType::CardHolderCreated
        | EventType::CardHolderUpdated
        | EventType::CardHolderVerified
        | EventType::CardHolderRejected
        | EventType::CardHolderErased => const { &[member::<CardHolderNotice>()] },
        EventType::CardCreated | EventType::CardUpdated | EventType::CardReplaced | EventType::CardTerminated => {
            const { &[member::<CardView>()] }
        }
        EventType::CardFunded | EventType::CardWithdrawn => const { &[member::<MovementView>()] },
        EventType::CardRevealed => const { &[member::<RevealView>()] },
        EventType::TransactionCreated => const { &[member::<TransactionView>()] },
        EventType::TransactionRefund => const { &[member::<TransactionView>(), member::<RefundView>()] },
        EventType::AuthorizationDeclined => const { &[member::<TransactionView>(), member::<DeclineView>()] },
        EventType::AuthorizationApproved
        | EventType::AuthorizationUpdated
        | EventType::AuthorizationReversed
        | EventType::AuthorizationExpired => const { &[member::<AuthorizationView>()] },
        EventType::WebhookDisabled => const { &[member::<WebhookView>()] },
        EventType::WebhookTest => const { &[member::<TestMessage>()] },
        EventType::ResponderQuestion => const { &[member::<QuestionView>()] },
        EventType::ResponderAnsweredLate => const { &[member::<CallView>()] },
        EventType::ResponderDegraded | EventType::ResponderRecovered => const { &[member::<ResponderView>()] },
        EventType::ApiKeyCreated | EventType::ApiKeyRevoked => const { &[member::<ApiKeyView>()] },
        EventType::ProgramCreated | EventType::ProgramUpdated | EventType::ProgramArchived => {
            const { &[member::<ProgramView>()] }
        }
    }
}

/// The owner of a type's sample.
fn owner(kind: EventType) -> Owner {
    match kind {
        EventType::AccountCreated
        | EventType::AccountUpdated
        | EventType::AccountClosed
        | EventType::AccountBalanceUpdated
        | EventType::TransferCreated
        | EventType::TransferReversed => Owner::Account(AccountId(sample_id(3))),
        EventType::CardHolderCreated
        | EventType::CardHolderUpdated
        | EventType::CardHolderVerified
        | EventType::CardHolderRejected
        | EventType::CardHolderErased => Owner::CardHolder(CardHolderId(sample_id(2))),
        EventType::WebhookDisabled | EventType::WebhookTest => Owner::Webhook(WebhookId(sample_id(7))),
        EventType::ResponderQuestion
        | EventType::ResponderAnsweredLate
        | EventType::ResponderDegraded
        | EventType::ResponderRecovered => Owner::Responder(ResponderId(sample_id(8))),
        EventType::ApiKeyCreated | EventType::ApiKeyRevoked => Owner::ApiKey(ApiKeyId(sample_id(5))),
        EventType::ProgramCreated | EventType::ProgramUpdated | EventType::ProgramArchived => {
            Owner::Program(ProgramId(sample_id(12)))
        }
        EventType::CardCreated
        | EventType::CardUpdated
        | EventType::CardFunded
        | EventType::CardWithdrawn
        | EventType::CardReplaced
        | EventType::CardRevealed
        | EventType::CardTerminated
        | EventType::TransactionCreated
        | EventType::TransactionRefund
        | EventType::AuthorizationApproved
        | EventType::AuthorizationDeclined
        | EventType::AuthorizationUpdated
        | EventType::AuthorizationReversed
        | EventType::AuthorizationExpired => Owner::Card {
            id: CardId(sample_id(1)),
            holder: CardHolderId(sample_id(2)),
            account: AccountId(sample_id(3)),
        },
    }
}

fn description(kind: EventType) -> &'static str {
    match kind {
        EventType::AccountCreated => "An account was created.",
        EventType::AccountUpdated => "Settings of an account changed.",
        EventType::AccountClosed => "An account was closed.",
        EventType::AccountBalanceUpdated => "The ledger balance of an account changed.",
        EventType::TransferCreated => {
            "Money moved between two accounts. The event belongs to the debited account; the credited account gets account.balance.updated."
        }
        EventType::TransferReversed => "A transfer was reversed, fully or partially.",
        EventType::CardHolderCreated => "A card holder was created. Events of card holders contain no personal data.",
        EventType::CardHolderUpdated => "A card holder's data, documents or status changed.",
        EventType::CardHolderVerified => "Identity document and proof of address of a card holder are verified.",
        EventType::CardHolderRejected => "A document of a card holder was rejected.",
        EventType::CardHolderErased => "A card holder's personal data was erased.",
        EventType::CardCreated => "A card was issued.",
        EventType::CardUpdated => "Settings or status of a card changed.",
        EventType::CardFunded => "Money was moved to a card.",
        EventType::CardWithdrawn => "Money was moved from a card to an account.",
        EventType::CardReplaced => "A card was replaced by the card in `replacedBy`.",
        EventType::CardRevealed => "A card's number was revealed.",
        EventType::CardTerminated => "A card was canceled, which is final.",
        EventType::TransactionCreated => {
            "A payment was posted. `amount` is negative for spending and excludes fee and VAT."
        }
        EventType::TransactionRefund => "A payment was refunded. `amount` is positive.",
        EventType::AuthorizationApproved => "An authorization was approved, fully or partially; its amount is held.",
        EventType::AuthorizationDeclined => {
            "An authorization was declined. `decline.reason` names the rule, `decline.narration` what would make it pass."
        }
        EventType::AuthorizationUpdated => "An open authorization was incremented or partially cleared.",
        EventType::AuthorizationReversed => {
            "An authorization was reversed, fully or partially, before it was cleared, or its hold was released manually."
        }
        EventType::AuthorizationExpired => "The hold of an authorization expired; the amount is available again.",
        EventType::WebhookDisabled => {
            "A webhook endpoint was disabled: on request, because it answered 410, or after five days without a success."
        }
        EventType::WebhookTest => "A test of a webhook endpoint, sent only to that endpoint.",
        EventType::ResponderQuestion => {
            "A responder without a URL is asked. `question.request` is what a URL would be sent; answer it with `POST /responders/{responderId}/answers` before `question.deadlineAt`."
        }
        EventType::ResponderAnsweredLate => {
            "A responder answered after its authorization was decided without it. `call` has the answer, which changes nothing."
        }
        EventType::ResponderDegraded => {
            "A server stopped asking a responder that failed repeatedly; its fallback decides until it answers again."
        }
        EventType::ResponderRecovered => "A responder that was degraded answers again and is asked again.",
        EventType::ApiKeyCreated => "An API key was created.",
        EventType::ApiKeyRevoked => "An API key stopped working.",
        EventType::ProgramCreated => "A card program was created.",
        EventType::ProgramUpdated => "Settings of a card program changed.",
        EventType::ProgramArchived => "A card program was archived: it issues no further cards.",
    }
}

/// A type of event, explained.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = EventCatalogEntry)]
pub struct CatalogueEntry {
    /// The type.
    #[serde(rename = "type")]
    pub kind: EventType,
    /// What happened.
    pub description: &'static str,
    /// JSON Schema (draft 2020-12) of `data`.
    #[schema(value_type = crate::view::Free)]
    pub schema: Value,
    /// A complete body as sent to webhook endpoints: `event`, `data`, `client`, `createdAt`.
    #[schema(value_type = crate::view::Free)]
    pub sample: Box<RawValue>,
}

/// All types of events.
pub fn catalogue() -> Vec<CatalogueEntry> {
    EventType::ALL.iter().copied().map(entry).collect()
}

fn entry(kind: EventType) -> CatalogueEntry {
    CatalogueEntry { kind, description: description(kind), schema: schema(kind), sample: sample(kind) }
}

/// The JSON Schema of an event's data, self-contained.
fn schema(kind: EventType) -> Value {
    let (mut schema, named) = data_schema(kind);
    schema["$schema"] = json!("https://json-schema.org/draft/2020-12/schema");
    schema["$defs"] = named.into_iter().map(|(name, named)| (name, json!(named))).collect();
    refer_within(&mut schema);
    schema
}

/// The schema of a webhook body for the OpenAPI document, and the schemas it refers to.
pub fn body_schema(kind: EventType) -> (Value, Vec<(String, RefOr<Schema>)>) {
    let (data, named) = data_schema(kind);
    let schema = json!({
        "type": "object",
        "properties": {
            "event": {"type": "string", "enum": [kind.as_str()]},
            "data": data,
            "client": id("The client."),
            "createdAt": {"type": "string", "format": "date-time"},
        },
        "required": ["event", "data", "client", "createdAt"],
    });
    (schema, named)
}

fn id(what: &str) -> Value {
    json!({"type": "string", "pattern": "^[0-9a-f]{24}$", "description": what})
}

/// The schema of an event's data, and the schemas it refers to.
fn data_schema(kind: EventType) -> (Value, Vec<(String, RefOr<Schema>)>) {
    let mut properties = serde_json::Map::new();
    let mut definitions = Vec::new();
    properties.insert("eventType".to_owned(), json!({"type": "string", "enum": [kind.as_str()]}));
    for name in owner(kind).names() {
        properties.insert((*name).to_owned(), id("The object the event belongs to, or one that belongs to it."));
    }
    for member in members(kind) {
        let shape = (member.shape)(kind);
        properties.insert(member.name.to_owned(), shape.schema);
        definitions.extend(shape.named);
    }
    properties.insert(
        "context".to_owned(),
        json!({
            "type": "object",
            "description": "Where the event comes from.",
            "properties": {
                "eventId": id("The event."),
                "environment": {"type": "string", "enum": ["sandbox", "production"]},
                "business": id("The client."),
                "createdAt": {"type": "integer", "description": "When, in unix seconds."},
            },
            "required": ["eventId", "environment", "business", "createdAt"],
        }),
    );
    let required: Vec<String> = properties.keys().cloned().collect();
    let schema = json!({
        "title": kind.as_str(),
        "description": description(kind),
        "type": "object",
        "properties": properties,
        "required": required,
    });
    (schema, definitions)
}

/// Makes references point into the schema's own definitions.
fn refer_within(schema: &mut Value) {
    match schema {
        Value::Object(members) => {
            if let Some(Value::String(reference)) = members.get_mut("$ref") {
                *reference = reference.replace("#/components/schemas/", "#/$defs/");
            }
            members.values_mut().for_each(refer_within);
        }
        Value::Array(items) => items.iter_mut().for_each(refer_within),
        _ => {}
    }
}

/// A sample body, with the values of the published samples where those exist.
fn sample(kind: EventType) -> Box<RawValue> {
    let samples: Vec<_> = members(kind).iter().map(|member| (member.name, (member.shape)(kind).sample)).collect();
    let parts: Vec<Part<'_>> = samples.iter().map(|(name, sample)| (*name, &**sample)).collect();
    let owner = owner(kind);
    let event = Event {
        client: ClientId(sample_id(0)),
        id: EventId(sample_id(4)),
        kind: kind.as_str().to_owned(),
        object_type: owner.object_type().to_owned(),
        object_id: owner.id(),
        sequence: 1,
        position: Some(1),
        data: data_of(kind, owner, &parts),
        request_id: String::new(),
        created_at: Instant::from_micros(SAMPLE_TIME + 1_000_000),
    };
    RawValue::from_string(body(&event, "production")).expect("a body is JSON")
}

/// 2026-04-23T10:00:00Z, the time of the published samples, in microseconds.
pub(crate) const SAMPLE_TIME: i64 = 1_776_938_400_000_000;

/// The ids of samples: 665f1c4f4a4f4a4f4a4f4a40 and following.
fn sample_id(number: u8) -> Id {
    Id::from_bytes([0x66, 0x5f, 0x1c, 0x4f, 0x4a, 0x4f, 0x4a, 0x4f, 0x4a, 0x4f, 0x4a, 0x40 + number])
}

/// A sample id as text.
pub(crate) fn sample_text(number: u8) -> String {
    sample_id(number).to_string()
}

#[cfg(test)]
mod tests {
    use super::{catalogue, members};
    use crate::events::EventType;

    fn sample(kind: EventType) -> String {
        let entry = catalogue().into_iter().find(|entry| entry.kind == kind).expect("an entry");
        entry.sample.get().to_owned()
    }

    #[test]
    fn every_reference_of_a_schema_leads_somewhere() {
        for entry in catalogue() {
            let text = entry.schema.to_string();
            for (_, rest) in text.match_indices("\"$ref\":\"").map(|(at, found)| text.split_at(at + found.len())) {
                let name = rest.split('"').next().and_then(|path| path.strip_prefix("#/$defs/"));
                assert!(name.is_some_and(|name| entry.schema["$defs"].get(name).is_some()), "{}: {name:?}", entry.kind);
            }
            assert!(!members(entry.kind).is_empty());
        }
    }

    #[test]
    fn the_published_samples_are_as_published() {
        let created = sample(EventType::TransactionCreated);
        let merchant = r#""merchant":{"category":"5812","merchantId":"MID123456","name":"ACME CAFE","city":"Lagos","state":"LA","country":"NG","postalCode":"101001"}"#;
        let terminal = r#""terminal":{"rrn":"123456789012","stan":"123456","terminalId":"TERM1234","terminalOperatingEnvironment":"card_present","terminalAttendance":"attended","terminalType":"pos","panEntryMode":"chip","pinEntryMode":"pin","cardHolderPresence":true,"cardPresence":true}"#;
        let amounts = r#""amount":-25.5,"fee":0.25,"vat":0,"currency":"USD","type":"capture","merchantAmount":-25.5,"merchantCurrency":"USD""#;
        let how = r#""transactionMetadata":{"channel":"pos","type":"purchase","reference":"txn-ref-1001"},"metadata":{"eventType":"transaction.created","environment":"production","business":"665f1c4f4a4f4a4f4a4f4a40","reference":"txn-ref-1001"},"createdAt":"2026-04-23T10:00:00.000Z","updatedAt":"2026-04-23T10:00:00.000Z""#;
        for piece in [merchant, terminal, amounts, how] {
            assert!(created.contains(piece), "{piece}\nis not in\n{created}");
        }
        let begins = r#"{"event":"transaction.created","data":{"eventType":"transaction.created","cardId":"#;
        let ends =
            r#""createdAt":1776938401}},"client":"665f1c4f4a4f4a4f4a4f4a40","createdAt":"2026-04-23T10:00:01.000Z"}"#;
        assert!(created.starts_with(begins) && created.ends_with(ends), "{created}");
        let declined = sample(EventType::AuthorizationDeclined);
        let decline = r#""decline":{"status":"declined","approved":false,"authorizationMethod":"online","reason":"insufficient_funds","narration":"#;
        assert!(declined.contains(decline) && declined.contains(r#""amount":-42.75,"#), "{declined}");
        let refund = sample(EventType::TransactionRefund);
        let block = r#""refund":{"authorization":"665f1c4f4a4f4a4f4a4f4a46","feeDetails":[{"name":"fee","amount":0.25}],"reference":"refund-ref-1003"}"#;
        assert!(refund.contains(block) && refund.contains(r#""amount":12.5,"#), "{refund}");
    }
}
