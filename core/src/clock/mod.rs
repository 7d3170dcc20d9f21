//! Business time: wall time plus a stored offset that only moves forward.

mod advance;
mod record;

pub use advance::{AdvanceClock, ClockReading};
pub use record::Clock;
