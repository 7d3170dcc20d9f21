//! Instants, as microseconds since 1970-01-01 UTC. The core never asks for the time: it is handed in.

use std::fmt;

/// A point in time with microsecond precision.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Instant(i64);

/// Microseconds in a second.
pub const SECOND: i64 = 1_000_000;

impl Instant {
    /// From microseconds since 1970-01-01 UTC.
    pub const fn from_micros(micros: i64) -> Instant {
        Instant(micros)
    }

    /// Microseconds since 1970-01-01 UTC.
    pub const fn micros(self) -> i64 {
        self.0
    }

    /// Whole seconds since 1970-01-01 UTC.
    pub const fn seconds(self) -> i64 {
        self.0.div_euclid(SECOND)
    }

    /// The instant `seconds` later, or the last one there is.
    pub const fn plus_seconds(self, seconds: i64) -> Instant {
        Instant(self.0.saturating_add(seconds.saturating_mul(SECOND)))
    }

    /// The instant `micros` later, or the last one there is.
    pub const fn plus_micros(self, micros: i64) -> Instant {
        Instant(self.0.saturating_add(micros))
    }

    /// The millisecond it falls in, as it is shown.
    pub const fn to_millis(self) -> Instant {
        Instant(self.0 - self.0.rem_euclid(1000))
    }

    /// Reads ISO 8601 with an offset (`2026-04-23T10:00:00.000Z`) to the millisecond, or a date alone as its first
    /// instant in UTC.
    pub fn parse(text: &str) -> Option<Instant> {
        if let Ok(timestamp) = text.parse::<jiff::Timestamp>() {
            return Some(Instant(timestamp.as_microsecond()).to_millis());
        }
        Instant::parse_date(text)
    }

    /// Reads a date alone (`2026-04-23`) as its first instant in UTC.
    pub fn parse_date(text: &str) -> Option<Instant> {
        if text.len() != 10 {
            return None;
        }
        let date = text.parse::<jiff::civil::Date>().ok()?;
        let timestamp = jiff::tz::TimeZone::UTC.to_timestamp(date.at(0, 0, 0, 0)).ok()?;
        Some(Instant(timestamp.as_microsecond()))
    }
}

impl fmt::Display for Instant {
    /// ISO 8601, UTC, milliseconds: `2026-04-23T10:00:00.000Z`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::Timestamp::from_microsecond(self.0) {
            Ok(timestamp) => write!(f, "{timestamp:.3}"),
            Err(_) => write!(f, "{}us", self.0),
        }
    }
}
