//! What a shard may use of a limit that cards share.

use serde::{Deserialize, Serialize};

use crate::limits::window::WindowKey;

/// What a shard may use of a window, after the limit was divided anew. Until then it is an equal part.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quota {
    pub window: WindowKey,
    /// In microseconds.
    pub start: i64,
    /// In minor units; `None` without a limit on amounts.
    pub amount: Option<i64>,
    pub count: Option<i64>,
}
