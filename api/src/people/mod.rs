//! `/users` and `/roles`: the people of a client, what they may do, and their one-time links.

mod bodies;
mod read;
mod write;

pub use read::*;
pub use write::*;
