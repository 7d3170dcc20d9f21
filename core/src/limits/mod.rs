//! Spending controls, and the counters that spending limits are checked against.
//!
//! Counters belong to an owner that is only known by its id. This room knows neither cards nor authorizations.

pub mod categories;
mod controls;
mod find;
mod record;
pub mod windows;

pub use controls::{
    Channels, Interval, MAX_LIMITS, NewControls, NewLimit, SpendingControls, SpendingLimit, start_limits,
};
pub(crate) use find::counters;
pub(crate) use record::add_usage;
pub use record::{Answered, Counters, LimitUsage, MAX_REMEMBERED_MESSAGES, MessageDigest, Window, WindowKey, covers};
