//! `/webhooks`: endpoints, and the log of deliveries.

mod attempts;
pub(crate) mod bodies;
mod read;
mod resend;
mod write;

pub use attempts::*;
pub use read::*;
pub use resend::*;
pub use write::*;
