//! `/programs`: what cards have in common, their limits together, and what a change would mean.

mod bodies;
mod impact;
mod limits;
mod read;
mod write;

pub use impact::*;
pub use limits::*;
pub use read::*;
pub use write::*;
