//! Samples of webhook endpoints.

use crate::catalogue::{SAMPLE_TIME, Sampled, sample_text};
use crate::events::EventType;
use crate::time::Instant;
use crate::webhooks::{DisabledReason, TestMessage, WebhookView};

impl Sampled for WebhookView {
    fn sample(_: EventType) -> WebhookView {
        let at = |seconds: i64| Instant::from_micros(SAMPLE_TIME + seconds * 1_000_000).to_string();
        WebhookView {
            id: sample_text(7),
            url: "https://api.example.com/paygen/events".to_owned(),
            events: vec!["transaction.created", "authorization.declined"],
            description: Some("Ledger service".to_owned()),
            enabled: false,
            disabled_reason: Some(DisabledReason::Failing),
            has_token: true,
            previous_secret_expires_at: None,
            failing_since: Some(at(-5 * 86_400)),
            version: 2,
            created_at: at(-30 * 86_400),
            updated_at: at(0),
        }
    }
}

impl Sampled for TestMessage {
    fn sample(_: EventType) -> TestMessage {
        TestMessage::new()
    }
}
