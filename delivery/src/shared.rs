//! The state shared by the tasks of all endpoints.

use std::sync::Arc;
use std::time::Duration;

use paygen_engine::Engine;
use paygen_engine::clock::BusinessClock;
use paygen_engine::tail::Tail;
use paygen_store::Reader;
use paygen_vault::Vault;

use crate::retry::RetrySchedule;
use crate::sender::Sender;

/// Settings of deliveries.
#[derive(Clone, Debug)]
pub struct DeliverySettings {
    /// Timeout of a request.
    pub timeout: Duration,
    /// Upper bound on the requests in flight to one endpoint.
    pub max_in_flight: usize,
    pub retry: RetrySchedule,
}

/// The state shared by the tasks of all endpoints.
pub struct Shared {
    pub engine: Engine,
    pub reader: Reader,
    pub vault: Arc<Vault>,
    pub clock: BusinessClock,
    pub sender: Sender,
    pub settings: DeliverySettings,
    /// The environment named in the payload of events.
    pub environment: String,
    /// Wakes endpoints when events were placed.
    pub tail: Tail,
}
