//! The double-entry ledger: append-only, every entry balanced, every ledger account a hash chain.
//!
//! An account or card has a ledger account with the same id, whose head is a [`Balance`]. System accounts have no head,
//! sequence or chain, so that unrelated accounts share no row: their lines are covered by the entry's digest, which is
//! part of the chain of the customer lines.

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
