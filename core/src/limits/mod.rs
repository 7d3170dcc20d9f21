//! Spending controls and the counters behind spending limits. Counters belong to numbered owners: this room does not
//! know what a card is.

pub mod categories;
mod controls;
mod find;
mod record;
pub mod windows;

pub use controls::{
    Channels, Interval, MOST_LIMITS, NewControls, NewLimit, SpendingControls, SpendingLimit, settle_limits,
};
pub(crate) use find::counters;
pub(crate) use record::add_taken;
pub use record::{Answered, Counters, MessageDigest, REMEMBERED_MESSAGES, Taken, Window, WindowKey, covers};
