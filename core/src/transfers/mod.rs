//! Transfers between two accounts of one client, and their reversals.

mod create;
mod record;
mod reverse;
mod view;

pub use create::CreateTransfer;
pub use record::{Transfer, TransferStatus};
pub use reverse::ReverseTransfer;
pub use view::TransferView;

#[cfg(test)]
mod tests;
