//! `/responders`: code of the client's that decides payments in real time, and the log of its calls.

mod bodies;
mod calls;
mod read;
mod write;

pub use calls::*;
pub use read::*;
pub use write::*;
