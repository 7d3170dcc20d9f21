//! `/simulator`: simulated money and the test clock; the sandbox only.

mod authorizations;
mod bodies;
mod clock;
mod faults;
mod fund;
mod network_bodies;
mod postings;

pub use authorizations::*;
pub use bodies::*;
pub use clock::*;
pub use faults::*;
pub use fund::*;
pub use postings::*;
