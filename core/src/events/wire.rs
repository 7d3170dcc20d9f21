//! An event as it is sent: the stored data, and a context that all events have.
//!
//! The context repeats columns of the event. It is added when the event is sent, so that it is not stored twice.

use serde_json::value::RawValue;

use super::Event;

/// The event's data with its `context`. The result is the same bytes every time.
pub fn wire_data(event: &Event, environment: &str) -> Box<RawValue> {
    let stored = event.data.strip_suffix('}').unwrap_or("{");
    let comma = if stored.ends_with('{') { "" } else { "," };
    let text = format!(
        r#"{stored}{comma}"context":{{"eventId":"{}","environment":"{environment}","business":"{}","createdAt":{}}}}}"#,
        event.id,
        event.client,
        event.created_at.micros().div_euclid(1_000_000),
    );
    RawValue::from_string(text).expect("event data is a JSON object")
}

/// The body sent to webhook endpoints: `{"event", "data", "client", "createdAt"}`.
pub fn body(event: &Event, environment: &str) -> String {
    format!(
        r#"{{"event":"{}","data":{},"client":"{}","createdAt":"{}"}}"#,
        event.kind,
        wire_data(event, environment).get(),
        event.client,
        event.created_at
    )
}

#[cfg(test)]
mod tests {
    use super::super::Event;
    use super::{body, wire_data};
    use crate::ids::{ClientId, EventId, Id};
    use crate::time::Instant;

    fn event(data: &str) -> Event {
        Event {
            client: ClientId(Id::parse("665f1c4f4a4f4a4f4a4f4a01").expect("an id")),
            id: EventId(Id::parse("665f1c4f4a4f4a4f4a4f4a02").expect("an id")),
            kind: "card.created".to_owned(),
            object_type: "card".to_owned(),
            object_id: Id::parse("665f1c4f4a4f4a4f4a4f4a03").expect("an id"),
            sequence: 1,
            position: Some(1),
            data: data.to_owned(),
            request_id: "r".to_owned(),
            created_at: Instant::from_micros(1_713_878_400_250_000),
        }
    }

    #[test]
    fn the_context_comes_last() {
        let context = r#""context":{"eventId":"665f1c4f4a4f4a4f4a4f4a02","environment":"sandbox","business":"665f1c4f4a4f4a4f4a4f4a01","createdAt":1713878400}"#;
        assert_eq!(wire_data(&event(r#"{"a":1}"#), "sandbox").get(), format!(r#"{{"a":1,{context}}}"#));
        assert_eq!(wire_data(&event("{}"), "sandbox").get(), format!("{{{context}}}"));
        let expected = format!(
            r#"{{"event":"card.created","data":{{"a":1,{context}}},"client":"665f1c4f4a4f4a4f4a4f4a01","createdAt":"2024-04-23T13:20:00.250Z"}}"#
        );
        assert_eq!(body(&event(r#"{"a":1}"#), "sandbox"), expected);
    }
}
