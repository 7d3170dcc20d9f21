//! `/authorizations`: authorizations, their decisions, and their later life.

mod read;
mod release;

pub use read::*;
pub use release::*;
