//! The double-entry ledger: append-only, every entry balanced, every ledger account a hash chain.
//!
//! An account or card has a ledger account of the same id, whose head is a [`Balance`]. System accounts have
//! no head, sequence or chain, so that no row is shared by unrelated accounts: their lines are anchored by the
//! entry's digest in the customer line beside them.

mod balance;
mod entry;
mod hash;
mod heads;
mod post;
mod verify;

pub use balance::Balance;
pub use entry::{Entry, EntryKind, GENESIS, Hash, Line, System, SystemLine};
pub use hash::{entry_digest, line_hash};
pub use heads::{Head, Heads};
pub use post::{Leg, Posting, post};
pub use verify::{Report, Verifier};

#[cfg(test)]
mod property_tests;
