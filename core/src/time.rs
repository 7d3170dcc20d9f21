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

    /// The first instant of a month, in UTC; `None` beyond the year 9999.
    pub fn first_of_month(year: i64, month: i64) -> Option<Instant> {
        let (year, month) = (i16::try_from(year).ok()?, i8::try_from(month).ok()?);
        jiff::civil::Date::new(year, month, 1).ok().map(first_of)
    }

    /// The first instant of a day that is counted since 1970-01-01, in UTC.
    pub const fn first_of_day(day: i64) -> Instant {
        Instant(day.saturating_mul(DAY))
    }

    /// The date in UTC; `None` for instants that the library of calendars does not cover.
    pub(crate) fn date(self) -> Option<jiff::civil::Date> {
        self.datetime().map(jiff::civil::DateTime::date)
    }

    fn datetime(self) -> Option<jiff::civil::DateTime> {
        jiff::Timestamp::from_microsecond(self.0).ok().map(|at| jiff::tz::Offset::UTC.to_datetime(at))
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
    Instant::first_of_day(date.duration_since(epoch).as_secs() / 86_400)
}

/// ISO 8601, UTC, milliseconds.
fn digits_of(at: jiff::civil::DateTime) -> [u8; 24] {
    let mut text = *b"0000-00-00T00:00:00.000Z";
    let mut write = |at: usize, width: usize, number: i32| {
        let mut rest = number.unsigned_abs();
        for slot in text[at..at + width].iter_mut().rev() {
            *slot = b'0' + (rest % 10) as u8;
            rest /= 10;
        }
    };
    write(0, 4, at.year().into());
    write(5, 2, at.month().into());
    write(8, 2, at.day().into());
    write(11, 2, at.hour().into());
    write(14, 2, at.minute().into());
    write(17, 2, at.second().into());
    write(20, 3, at.subsec_nanosecond() / 1_000_000);
    text
}

impl fmt::Display for Instant {
    /// ISO 8601, UTC, milliseconds: `2026-04-23T10:00:00.000Z`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.datetime() {
            Some(at) if at.year() >= 0 => return f.write_str(std::str::from_utf8(&digits_of(at)).unwrap_or_default()),
            Some(_) => {
                let timestamp = jiff::Timestamp::from_microsecond(self.0).unwrap_or_default();
                return write!(f, "{timestamp:.3}");
            }
            None => {}
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
    fn instants_are_shown_as_the_library_of_calendars_shows_them() {
        let around = (-800_000..800_000).step_by(13).map(|hours: i64| hours * 3_600_000_000 + hours * 777);
        for micros in around.chain([0, -1, -999, -1_000, 999, 1_000, -62_135_596_800_000_000, -62_167_219_200_000_001])
        {
            let timestamp = jiff::Timestamp::from_microsecond(micros).expect("a timestamp");
            assert_eq!(Instant::from_micros(micros).to_string(), format!("{timestamp:.3}"), "{micros}");
        }
    }

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
