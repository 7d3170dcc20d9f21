//! Wall time, and business time as this node knows it.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use paygen_core::time::Instant;

/// Wall time now, in whole milliseconds: what is stored is what is shown, so a time that was read finds its row again.
pub fn wall() -> Instant {
    let micros = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_micros());
    Instant::from_micros(i64::try_from(micros).unwrap_or(i64::MAX)).to_millis()
}

/// How far business time is ahead, as last read from the store. It only grows.
#[derive(Clone, Debug, Default)]
pub struct BusinessClock {
    offset: Arc<AtomicI64>,
}

impl BusinessClock {
    /// Takes in what the store says.
    pub fn learn(&self, offset: i64) {
        self.offset.fetch_max(offset, Ordering::Relaxed);
    }

    /// Microseconds ahead of wall time.
    pub fn offset(&self) -> i64 {
        self.offset.load(Ordering::Relaxed)
    }

    /// Business time now.
    pub fn now(&self) -> Instant {
        wall().plus_micros(self.offset())
    }
}
