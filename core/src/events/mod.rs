//! What happened, told in the transaction that caused it.
//!
//! An event belongs to one object and carries that object's next `sequence`; its `position` in the client's
//! stream is given by the store when it can be given without gaps.

mod data;
mod emit;
mod purge;
mod record;
mod wire;

pub use data::EventPart;
pub(crate) use data::{Part, data_of, part};
pub use emit::emit;
pub(crate) use emit::emit_with;
pub use purge::PurgeEvents;
pub use record::{Event, EventType, Owner};
pub use wire::{body, wire_data};
