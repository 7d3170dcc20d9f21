//! `/simulator`: simulated money and the test clock; the sandbox only.

mod bodies;
mod clock;
mod fund;

pub use bodies::*;
pub use clock::*;
pub use fund::*;
