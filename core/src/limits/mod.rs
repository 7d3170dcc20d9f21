//! Spending controls, and the counters that spending limits are checked against.
//!
//! Counters belong to an owner that is only known by its id. This room knows neither cards nor authorizations.

pub mod categories;
mod controls;
mod find;
mod level;
mod packed;
mod pool;
#[cfg(test)]
mod pool_tests;
mod quota;
mod record;
#[cfg(test)]
mod tests;
mod usage;
mod window;
pub mod windows;

pub use controls::{
    Channels, Interval, MAX_LIMITS, NewControls, NewLimit, SpendingControls, SpendingLimit, start_limits,
};
pub(crate) use find::counters;
pub use level::LimitLevel;
pub use packed::Windows;
#[cfg(any(test, feature = "testing"))]
pub(crate) use pool::reach;
pub(crate) use pool::{Pool, divide_anew};
pub use pool::{SHARDS, shard_of, shard_owner, used_in_total};
pub use quota::Quota;
pub use record::{Answered, Counters, MAX_REMEMBERED_MESSAGES, MessageDigest};
pub(crate) use usage::Counted;
pub use usage::{LimitUsage, WindowUsage};
pub use window::{Window, WindowKey, WindowScope, covers};
