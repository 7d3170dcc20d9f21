//! The edge: connections, bounded in number, bytes and time before anything of theirs is understood.

pub mod budget;
pub mod connections;
pub mod framing;
pub mod refusals;
pub mod slots;
pub mod socket;
