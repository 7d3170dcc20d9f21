//! Faults of the sandbox: what a responder answers is delayed, replaced or lost before it is read, so that a client can see
//! what happens then. They are kept in memory, by the server that was told.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use paygen_core::ids::ResponderId;

use crate::sender::Asked;

/// What happens to a share of the answers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Faults {
    pub delay: Duration,
    /// The status instead of the responder's.
    pub status: Option<u16>,
    /// A body that is no answer.
    pub garbage: bool,
    /// No answer at all.
    pub drop: bool,
    /// Of a hundred answers.
    pub percent: u8,
}

#[derive(Debug, Default)]
pub(super) struct AllFaults(Mutex<HashMap<ResponderId, Faults>>);

impl AllFaults {
    /// Sets a responder's faults; none removes them.
    pub(super) fn set(&self, id: ResponderId, faults: Option<Faults>) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match faults {
            Some(faults) => drop(all.insert(id, faults)),
            None => drop(all.remove(&id)),
        }
    }

    /// The faults that the next answer has, if it is among those that have any.
    pub(super) fn draw(&self, id: ResponderId) -> Option<Faults> {
        let found = self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&id).copied()?;
        let drawn: [u8; 2] = paygen_vault::random_bytes();
        (u16::from_be_bytes(drawn) % 100 < u16::from(found.percent)).then_some(found)
    }
}

impl Faults {
    /// Applies the faults to an answer.
    pub(super) async fn apply(self, sent: Result<Asked, String>) -> Result<Asked, String> {
        tokio::time::sleep(self.delay).await;
        if self.drop {
            return Err("the answer was lost (a fault of the sandbox)".to_owned());
        }
        let mut asked = sent?;
        if let Some(status) = self.status {
            asked.status = status;
        }
        if self.garbage {
            asked.body = b"\xf0garbage".to_vec();
        }
        Ok(asked)
    }
}
