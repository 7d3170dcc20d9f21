//! Events: what happened, stored in the same transaction as the change.
//!
//! An event belongs to one object and carries that object's next `sequence`. Its `position` in the client's stream is
//! assigned by the store, without gaps: by SQLite in the commit, by PostgreSQL's sequencer afterwards.

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
