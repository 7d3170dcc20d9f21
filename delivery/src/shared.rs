//! What every endpoint's task uses.

use std::sync::Arc;
use std::time::Duration;

use paygen_engine::Engine;
use paygen_engine::clock::BusinessClock;
use paygen_engine::tail::Tail;
use paygen_store::Reader;
use paygen_vault::Vault;

use crate::retry::RetrySchedule;
use crate::sender::Sender;

/// How deliveries are made.
#[derive(Clone, Debug)]
pub struct DeliverySettings {
    /// How long a request may take.
    pub timeout: Duration,
    /// Requests in flight to one endpoint at the most.
    pub max_in_flight: usize,
    /// When failed deliveries are tried again.
    pub retry: RetrySchedule,
}

/// What every endpoint's task uses.
pub(crate) struct Shared {
    pub engine: Engine,
    pub reader: Reader,
    pub vault: Arc<Vault>,
    pub clock: BusinessClock,
    pub sender: Sender,
    pub settings: DeliverySettings,
    pub environment: String,
    pub tail: Tail,
}
