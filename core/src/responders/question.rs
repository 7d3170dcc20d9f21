//! The row of a question that is open: by it, any server finds the pending authorizations whose deadline has passed.

use crate::ids::{AuthorizationId, CallId, ClientId, ResponderId};
use crate::record::{Key, Kind, Record};
use crate::time::Instant;

/// A question about a pending authorization.
#[derive(Clone, Debug, PartialEq)]
pub struct Question {
    pub client: ClientId,
    pub authorization: AuthorizationId,
    pub responder: ResponderId,
    pub call: CallId,
    /// Wall time: a responder's clock is not the test clock.
    pub asked_at: Instant,
    /// Wall time.
    pub deadline: Instant,
}

impl Record for Question {
    const KIND: Kind = Kind::ResponderQuestion;
    const TRANSIENT: bool = true;

    fn key(&self) -> Key {
        Key::of(self.client, self.authorization.0)
    }
}
