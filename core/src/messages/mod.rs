//! Messages of the card network as the core sees them, whoever speaks them: the simulator, or a gateway for ISO 8583.

mod message;
mod record;
mod terminal;

pub use message::{
    AuthorizationType, Channel, Links, Match, Merchant, NetworkRequest, Presented, RequestedAmount, ThreeDs, Trace,
};
pub use record::{NetworkReference, ReferenceKind};
pub use terminal::TerminalView;
