//! What leaves by itself: events to webhook endpoints, and questions to responders ([`asking`]).
//!
//! Deliveries: at least once, in order for each object, each endpoint independent of the
//! others.
//!
//! One task for each endpoint this node serves ([`endpoint`]), so that a slow or dead endpoint delays no other.
//! Endpoints are divided into shards by their id; on PostgreSQL each shard is served by the node that holds its
//! session-bound lock.

pub mod asking;
pub mod credentials;
mod deliveries;
mod endpoint;
mod message;
mod order;
mod retry;
mod sender;
mod shared;
pub mod sign;
pub mod targets;

pub use asking::Responders;
pub use deliveries::Deliveries;
pub use retry::RetrySchedule;
pub use sender::{Sender, retry_after};
pub use shared::{DeliverySettings, Shared};
