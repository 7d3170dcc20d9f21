//! `/transfers`: transfers between accounts.

mod bodies;
mod read;
mod write;

pub use read::*;
pub use write::*;
