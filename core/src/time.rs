//! Instants, in microseconds since 1970-01-01 UTC. The core never reads a clock; time is an argument.

use std::fmt;

/// A point in time with microsecond precision.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Instant(i64);

pub const SECOND: i64 = 1_000_000;

impl Instant {
    pub const fn from_micros(micros: i64) -> Instant {
        Instant(micros)
    }

    pub const fn micros(self) -> i64 {
        self.0
    }

    /// Whole seconds since 1970-01-01 UTC.
    pub const fn seconds(self) -> i64 {
        self.0.div_euclid(SECOND)
    }

    /// Days since 1970-01-01, in UTC.
    pub const fn day(self) -> i64 {
        self.0.div_euclid(DAY)
    }

    /// The instant `seconds` later; saturates.
    pub const fn plus_seconds(self, seconds: i64) -> Instant {
        Instant(self.0.saturating_add(seconds.saturating_mul(SECOND)))
    }

    /// The instant `micros` later; saturates.
    pub const fn plus_micros(self, micros: i64) -> Instant {
        Instant(self.0.saturating_add(micros))
    }

    /// Rounded down to milliseconds, the precision of answers.
    pub const fn to_millis(self) -> Instant {
        Instant(self.0 - self.0.rem_euclid(1000))
    }

    /// Parses ISO 8601 with an offset (`2026-04-23T10:00:00.000Z`), to the millisecond, or a date, as its first instant
    /// in UTC.
    pub fn parse(text: &str) -> Option<Instant> {
        if let Ok(timestamp) = text.parse::<jiff::Timestamp>() {
            return Some(Instant(timestamp.as_microsecond()).to_millis());
        }
        Instant::parse_last(text).or_else(|| Instant::parse_date(text))
    }

    /// Parses an instant in the last two days of the year 9999, which the library's timestamps do not cover.
    fn parse_last(text: &str) -> Option<Instant> {
        let last = text.starts_with("9999-12-3").then(|| jiff::fmt::temporal::Pieces::parse(text).ok()).flatten()?;
        let time = last.time()?;
        let offset = i64::from(last.to_numeric_offset()?.seconds());
        let of_day = i64::from(time.hour()) * 3600 + i64::from(time.minute()) * 60 + i64::from(time.second());
        let millis = i64::from(time.millisecond()) * 1000;
        Some(first_of(last.date()).plus_seconds(of_day - offset).plus_micros(millis)).filter(|at| *at <= LAST)
    }

    /// Parses a date (`2026-04-23`) as its first instant in UTC.
    pub fn parse_date(text: &str) -> Option<Instant> {
        if text.len() != 10 {
            return None;
        }
        text.parse::<jiff::civil::Date>().ok().map(first_of)
    }

    /// The last shown instant of the day that begins with this one.
    pub const fn end_of_day(self) -> Instant {
        self.plus_micros(DAY - 1000)
    }
}

/// Microseconds in a day.
const DAY: i64 = 86_400 * SECOND;

/// The last instant that can be formatted.
const LAST: Instant = Instant(253_402_300_799_999_999);

/// The first instant of a day, in UTC.
fn first_of(date: jiff::civil::Date) -> Instant {
    let epoch = jiff::civil::date(1970, 1, 1);
    let days = (date - epoch).get_days();
    Instant(i64::from(days) * DAY)
}

impl fmt::Display for Instant {
    /// ISO 8601, UTC, milliseconds: `2026-04-23T10:00:00.000Z`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Ok(timestamp) = jiff::Timestamp::from_microsecond(self.0) {
            return write!(f, "{timestamp:.3}");
        }
        let days = jiff::Span::new().try_days(self.0.div_euclid(DAY));
        match days.and_then(|days| jiff::civil::date(1970, 1, 1).checked_add(days)) {
            Ok(date) => {
                let of_day = self.0.rem_euclid(DAY);
                let (seconds, millis) = (of_day / SECOND, of_day % SECOND / 1000);
                let (hour, minute, second) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
                write!(f, "{date}T{hour:02}:{minute:02}:{second:02}.{millis:03}Z")
            }
            Err(_) => write!(f, "{}us", self.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Instant;

    #[test]
    fn the_last_days_there_are_can_be_read_and_shown() {
        let cases = [
            ("9999-12-31", "9999-12-31T00:00:00.000Z"),
            ("9999-12-31T23:59:59.999Z", "9999-12-31T23:59:59.999Z"),
            ("9999-12-31T23:59:59.999999Z", "9999-12-31T23:59:59.999Z"),
            ("9999-12-31T12:00:00+02:00", "9999-12-31T10:00:00.000Z"),
            ("9999-12-30", "9999-12-30T00:00:00.000Z"),
            ("9999-12-30T22:00:01Z", "9999-12-30T22:00:01.000Z"),
            ("2026-04-23", "2026-04-23T00:00:00.000Z"),
            ("1969-12-31", "1969-12-31T00:00:00.000Z"),
            ("0001-01-01", "0001-01-01T00:00:00.000Z"),
            ("2024-02-29T10:00:00.5-05:30", "2024-02-29T15:30:00.500Z"),
        ];
        for (text, shown) in cases {
            let instant = Instant::parse(text).unwrap_or_else(|| panic!("{text}"));
            assert_eq!(instant.to_string(), shown);
            assert_eq!(Instant::parse(shown), Some(instant));
        }
        let others =
            ["9999-12-32", "9999-12-31T24:00:00Z", "9999-12-31T23:59:59", "9999-12-31T23:59:59-01:00", "10000-01-01"];
        for text in others {
            assert_eq!(Instant::parse(text), None, "{text}");
        }
        assert_eq!(
            Instant::parse("9999-12-31").map(Instant::end_of_day).map(|end| end.to_string()).as_deref(),
            Some("9999-12-31T23:59:59.999Z")
        );
    }
}
