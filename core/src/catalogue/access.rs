//! Samples of API keys.

use crate::access::{ApiKeyStatus, ApiKeyView, Scope};
use crate::catalogue::{SAMPLE_TIME, Sampled, sample_text};
use crate::events::EventType;
use crate::time::Instant;

impl Sampled for ApiKeyView {
    fn sample(kind: EventType) -> ApiKeyView {
        let revoked = kind == EventType::ApiKeyRevoked;
        let at = Instant::from_micros(SAMPLE_TIME).to_string();
        ApiKeyView {
            id: sample_text(5),
            name: "Back office".to_owned(),
            hint: "pgk_test_Zk3v…9QdA".to_owned(),
            scopes: vec![Scope::AccountsRead, Scope::EventsRead],
            status: if revoked { ApiKeyStatus::Revoked } else { ApiKeyStatus::Active },
            expires_at: None,
            allowed_ips: Vec::new(),
            last_used_at: None,
            replaced_by: None,
            ends_at: None,
            version: if revoked { 2 } else { 1 },
            created_at: at.clone(),
            updated_at: at,
        }
    }
}
