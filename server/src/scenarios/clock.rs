//! Advances of the test clock in scenarios: by a span, or to the next time of day in a time zone.

use jiff::civil::Time;
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp, ToSpan};

use super::model::Moment;

/// The instant of a moment, seen from now.
pub fn instant(moment: &Moment, now: Timestamp) -> Result<Timestamp, String> {
    let zone = match &moment.time_zone {
        Some(name) => TimeZone::get(name).map_err(|error| format!("timeZone {name}: {error}"))?,
        None => TimeZone::UTC,
    };
    let now = jiff::ZonedDateTime::new(now, zone);
    let wrong = |error: jiff::Error| error.to_string();
    let then = match (&moment.by, &moment.to) {
        (Some(by), None) => {
            let span: Span = by.parse().map_err(|error| format!("by {by}: {error}"))?;
            now.checked_add(span).map_err(wrong)?
        }
        (None, Some(to)) => {
            let time: Time = to.parse().map_err(|error| format!("to {to}: {error}"))?;
            let today = now.with().time(time).build().map_err(wrong)?;
            if today > now { today } else { today.checked_add(1.day()).map_err(wrong)? }
        }
        _ => return Err("the clock moves either by a span or to a time".to_owned()),
    };
    Ok(then.timestamp())
}

#[cfg(test)]
mod tests {
    use super::{Moment, instant};

    #[test]
    fn moments() {
        let now = "2027-01-31T22:30:00Z".parse().expect("an instant");
        for (by, to, zone, expected) in [
            (Some("3d 12h"), None, None, Some("2027-02-04T10:30:00Z")),
            (Some("1mo"), None, None, Some("2027-02-28T22:30:00Z")),
            (None, Some("23:30"), None, Some("2027-01-31T23:30:00Z")),
            (None, Some("23:30"), Some("Africa/Lagos"), Some("2027-02-01T22:30:00Z")),
            (None, Some("23:45"), Some("Africa/Lagos"), Some("2027-01-31T22:45:00Z")),
            (Some("soon"), None, None, None),
            (None, None, None, None),
            (Some("1d"), None, Some("Mars"), None),
        ] {
            let text = |text: Option<&str>| text.map(str::to_owned);
            let moment = Moment { by: text(by), to: text(to), time_zone: text(zone) };
            let got = instant(&moment, now).ok().map(|instant| instant.to_string());
            assert_eq!(got.as_deref(), expected, "{moment:?}");
        }
    }
}
