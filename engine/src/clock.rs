//! Wall time, and business time as this node last read it.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use paygen_core::time::Instant;

/// Wall time now, truncated to whole milliseconds, the precision of the API: a time that was shown finds its row again.
pub fn wall() -> Instant {
    let micros = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_micros());
    Instant::from_micros(i64::try_from(micros).unwrap_or(i64::MAX)).to_millis()
}

/// The offset of business time from wall time, as last read from the store. It never decreases; clones share it.
#[derive(Clone, Debug, Default)]
pub struct BusinessClock {
    offset: Arc<AtomicI64>,
}

impl BusinessClock {
    /// Applies an offset read from the store, in microseconds.
    pub fn learn(&self, offset: i64) {
        self.offset.fetch_max(offset, Ordering::Relaxed);
    }

    /// The offset in microseconds.
    pub fn offset(&self) -> i64 {
        self.offset.load(Ordering::Relaxed)
    }

    /// Business time now.
    pub fn now(&self) -> Instant {
        wall().plus_micros(self.offset())
    }
}
