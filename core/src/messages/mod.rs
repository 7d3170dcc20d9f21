//! Messages of the card network as the core sees them, independent of their source, and the references that identify
//! them.

mod message;
mod record;
mod terminal;

pub use message::{
    AuthorizationType, Channel, Links, Match, Merchant, NetworkRequest, Presented, RequestedAmount, ThreeDs, Trace,
};
pub use record::{NetworkReference, ReferenceHash, ReferenceKind};
pub use terminal::TerminalView;
