//! The record of a responder. Its signing secrets are sealed by the vault.

use super::ResponderSettings;
use crate::ids::{ClientId, ResponderId};
use crate::record::{Key, Kind, Record};
use crate::time::Instant;

crate::string_enum! {
    /// What a responder decides.
    pub enum ResponderKind {
        Authorization = "authorization",
    }
}

crate::string_enum! {
    /// What the client set.
    pub enum ResponderSwitch {
        Active = "active",
        /// It is not asked: its fallback decides.
        Paused = "paused",
        /// It is not asked: the built-in checks alone decide.
        Disabled = "disabled",
    }
}

crate::string_enum! {
    pub enum ResponderStatus {
        /// It has not answered a test call yet, so it is not asked.
        Pending = "pending",
        Active = "active",
        Paused = "paused",
        Disabled = "disabled",
    }
}

#[derive(Clone, Debug, PartialEq)]
pub struct Responder {
    pub client: ClientId,
    pub id: ResponderId,
    pub kind: ResponderKind,
    /// `None`: it is asked through the stream of events.
    pub url: Option<String>,
    pub description: Option<String>,
    pub switch: ResponderSwitch,
    /// When the present URL last answered a test call as it should.
    pub verified_at: Option<Instant>,
    /// Signing secret and previous signing secret, sealed together.
    pub credentials: Vec<u8>,
    /// Until when the previous signing secret also signs.
    pub previous_until: Option<Instant>,
    pub timeout_ms: i64,
    pub settings: ResponderSettings,
    /// The sequence of the responder's last event.
    pub event_seq: i64,
    pub version: i64,
    pub created_at: Instant,
    pub updated_at: Instant,
}

impl Responder {
    pub fn status(&self) -> ResponderStatus {
        match self.switch {
            ResponderSwitch::Disabled => ResponderStatus::Disabled,
            _ if self.verified_at.is_none() => ResponderStatus::Pending,
            ResponderSwitch::Paused => ResponderStatus::Paused,
            ResponderSwitch::Active => ResponderStatus::Active,
        }
    }
}

impl Record for Responder {
    const KIND: Kind = Kind::Responder;

    fn key(&self) -> Key {
        Key::of(self.client, self.id.0)
    }
}
