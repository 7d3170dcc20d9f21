//! `/authorizations`: payments asked for, how they were decided, and what became of them.

mod read;
mod release;

pub use read::*;
pub use release::*;
