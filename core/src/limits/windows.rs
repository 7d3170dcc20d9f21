//! Windows of spending limits. They begin at midnight in the limit's time zone, with or without daylight saving time.

use jiff::civil::Weekday;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan, ZonedDateTime};

use crate::limits::Interval;
use crate::time::Instant;

/// The start of an interval without windows.
const ALWAYS: Instant = Instant::from_micros(i64::MIN);

/// The start of the window that contains an instant; the minimum instant for intervals without windows.
pub fn start(interval: Interval, zone: &str, at: Instant) -> Instant {
    if zone == "UTC" { Starts::at(at).of(interval) } else { start_in(interval, zone, at) }
}

fn start_in(interval: Interval, zone: &str, at: Instant) -> Instant {
    first_day(interval, zone, at).map_or(ALWAYS, |zoned| instant(&zoned))
}

/// The starts of all windows in UTC that contain one instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Starts {
    at: Instant,
    day: Instant,
    week: Instant,
    month: Instant,
    year: Instant,
}

impl Starts {
    pub fn at(at: Instant) -> Starts {
        let Some(date) = at.date() else {
            return Starts { at, day: ALWAYS, week: ALWAYS, month: ALWAYS, year: ALWAYS };
        };
        let earlier = |days: i64| Instant::first_of_day(at.day() - days);
        Starts {
            at,
            day: earlier(0),
            week: earlier(i64::from(date.weekday().since(Weekday::Monday))),
            month: earlier(i64::from(date.day()) - 1),
            year: earlier(i64::from(date.day_of_year()) - 1),
        }
    }

    /// The instant whose windows these are.
    pub fn instant(&self) -> Instant {
        self.at
    }

    /// The start of the window of an interval; the minimum instant for intervals without windows.
    pub fn of(&self, interval: Interval) -> Instant {
        match interval {
            Interval::Daily => self.day,
            Interval::Weekly => self.week,
            Interval::Monthly => self.month,
            Interval::Yearly => self.year,
            Interval::PerAuthorization | Interval::AllTime => ALWAYS,
        }
    }

    /// As [`Starts::of`], in a time zone.
    pub fn in_zone(&self, interval: Interval, zone: &str) -> Instant {
        if zone == "UTC" { self.of(interval) } else { start_in(interval, zone, self.at) }
    }
}

/// The start of the next window; `None` for intervals without windows.
pub fn end(interval: Interval, zone: &str, at: Instant) -> Option<Instant> {
    let first = first_day(interval, zone, at)?;
    let span = match interval {
        Interval::Daily => 1.day(),
        Interval::Weekly => 7.days(),
        Interval::Monthly => 1.month(),
        Interval::Yearly => 1.year(),
        Interval::PerAuthorization | Interval::AllTime => return None,
    };
    // If midnight does not exist on that day, the window begins with the day's first instant.
    let next = first.date().checked_add(span).ok()?.to_zoned_datetime(first.time_zone().clone()).ok()?;
    Some(instant(&next.start_of_day().ok()?))
}

fn first_day(interval: Interval, zone: &str, at: Instant) -> Option<ZonedDateTime> {
    // Nearly every window is in UTC, and looking up the time zone by name is the expensive part.
    let zone = if zone == "UTC" { TimeZone::UTC } else { TimeZone::get(zone).unwrap_or(TimeZone::UTC) };
    let zoned = Timestamp::from_microsecond(at.micros()).ok()?.to_zoned_datetime(zone);
    let date = zoned.date();
    let first = match interval {
        Interval::Daily => date,
        Interval::Weekly => {
            let days = i64::from(date.weekday().since(Weekday::Monday));
            date.checked_sub(days.days()).ok()?
        }
        Interval::Monthly => date.first_of_month(),
        Interval::Yearly => date.first_of_year(),
        Interval::PerAuthorization | Interval::AllTime => return None,
    };
    first.to_zoned_datetime(zoned.time_zone().clone()).ok()?.start_of_day().ok()
}

fn instant(zoned: &ZonedDateTime) -> Instant {
    Instant::from_micros(zoned.timestamp().as_microsecond())
}

#[cfg(test)]
mod tests {
    use super::{Starts, end, start, start_in};
    use crate::limits::Interval;
    use crate::time::Instant;

    #[test]
    fn the_starts_of_an_instant_are_those_of_its_windows() {
        let intervals = [Interval::Daily, Interval::Weekly, Interval::Monthly, Interval::Yearly, Interval::AllTime];
        let days = (-1_000_000..2_000_000).step_by(37).map(|day| Instant::from_micros(0).plus_seconds(day * 86_400));
        let instants = days.flat_map(|day| [day, day.plus_seconds(40_000), day.plus_micros(-1)]);
        for at in instants.chain([i64::MIN, i64::MAX].map(Instant::from_micros)) {
            let starts = Starts::at(at);
            assert_eq!(starts.instant(), at);
            for interval in intervals {
                assert_eq!(starts.of(interval), start_in(interval, "UTC", at), "{interval} {at}");
            }
        }
    }

    #[test]
    fn windows_begin_at_midnight_in_their_zone() {
        let at = |text: &str| Instant::parse(text).expect("an instant");
        let cases = [
            (Interval::Daily, "UTC", "2026-11-24T23:59:59Z", "2026-11-24T00:00:00Z", Some("2026-11-25T00:00:00Z")),
            (
                Interval::Daily,
                "Africa/Lagos",
                "2026-11-24T23:30:00Z",
                "2026-11-24T23:00:00Z",
                Some("2026-11-25T23:00:00Z"),
            ),
            (Interval::Weekly, "UTC", "2026-11-24T12:00:00Z", "2026-11-23T00:00:00Z", Some("2026-11-30T00:00:00Z")),
            (Interval::Weekly, "UTC", "2026-11-23T00:00:00Z", "2026-11-23T00:00:00Z", Some("2026-11-30T00:00:00Z")),
            (Interval::Monthly, "UTC", "2026-02-28T12:00:00Z", "2026-02-01T00:00:00Z", Some("2026-03-01T00:00:00Z")),
            (Interval::Yearly, "UTC", "2026-02-28T12:00:00Z", "2026-01-01T00:00:00Z", Some("2027-01-01T00:00:00Z")),
            // Clocks go forward: this day has 23 hours.
            (
                Interval::Daily,
                "America/New_York",
                "2026-03-08T12:00:00Z",
                "2026-03-08T05:00:00Z",
                Some("2026-03-09T04:00:00Z"),
            ),
            // A zone whose clocks go forward at midnight: the day begins at one o'clock.
            (
                Interval::Daily,
                "America/Asuncion",
                "2024-10-06T12:00:00Z",
                "2024-10-06T04:00:00Z",
                Some("2024-10-07T03:00:00Z"),
            ),
        ];
        for (interval, zone, now, begins, ends) in cases {
            assert_eq!(start(interval, zone, at(now)), at(begins), "{interval:?} {zone} {now}");
            assert_eq!(end(interval, zone, at(now)), ends.map(at), "{interval:?} {zone} {now}");
        }
        assert_eq!(end(Interval::AllTime, "UTC", at("2026-01-01")), None);
    }
}
