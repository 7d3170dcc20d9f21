//! Windows of spending limits. They begin at midnight in the limit's time zone, with or without daylight saving time.

use jiff::civil::Weekday;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan, ZonedDateTime};

use crate::limits::Interval;
use crate::time::Instant;

/// The start of the window that contains an instant; the minimum instant for intervals without windows.
pub fn start(interval: Interval, zone: &str, at: Instant) -> Instant {
    first_day(interval, zone, at).map_or(Instant::from_micros(i64::MIN), |zoned| instant(&zoned))
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
    use super::{end, start};
    use crate::limits::Interval;
    use crate::time::Instant;

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
