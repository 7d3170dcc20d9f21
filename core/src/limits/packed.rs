//! How the windows of an owner are stored: as a JSON array, in their order.
//!
//! The five plain windows of a currency that contain one day are one element: code, day since 1970-01-01, then amount
//! and count of each window, shortest first. Pairs at the end that repeat the one before are left out:
//! `["USD",20783,3500,1,12500,5]`. Any other window is `["daily USD Africa/Lagos",start,amount,count]`; earlier versions
//! stored every window in this form.

use std::ops::{Deref, DerefMut};

use serde::de::{Error, SeqAccess, Visitor};
use serde::ser::SerializeSeq;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::limits::window::{PLAIN_INTERVALS, Window, WindowKey};
use crate::limits::windows::Starts;
use crate::money::Currency;
use crate::time::Instant;

/// The windows of an owner. Plain ones come first, by currency and interval.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Windows(Vec<Window>);

impl Deref for Windows {
    type Target = [Window];

    fn deref(&self) -> &[Window] {
        &self.0
    }
}

impl DerefMut for Windows {
    fn deref_mut(&mut self) -> &mut [Window] {
        &mut self.0
    }
}

impl Windows {
    pub(super) fn retain(&mut self, keep: impl FnMut(&Window) -> bool) {
        self.0.retain(keep);
    }

    /// Adds to a window; a new one if it is not counted yet.
    pub(super) fn add(&mut self, key: WindowKey, start: i64, (amount, count): (i64, i64)) {
        match self.iter_mut().find(|window| window.start == start && window.key == key) {
            Some(window) => {
                window.amount = window.amount.saturating_add(amount);
                window.count = window.count.saturating_add(count);
            }
            None => {
                self.0.push(Window { key, start, amount, count });
                let plain = |key: &WindowKey| key.is_plain().then_some((key.currency, key.interval));
                self.0.sort_by_key(|window| (!window.key.is_plain(), plain(&window.key)));
            }
        }
    }
}

/// The first windows of a list, if they are the plain ones of a currency on one day. Returns the day.
fn plain_day(windows: &[Window]) -> Option<(i64, &[Window; 5])> {
    let (plain, _) = windows.split_first_chunk()?;
    let day = Instant::from_micros(plain[0].start).day();
    let starts = Starts::at(Instant::first_of_day(day));
    let are_of = |(window, interval): (&Window, _)| {
        window.key == WindowKey::plain(interval, plain[0].key.currency) && window.start == starts.of(interval).micros()
    };
    plain.iter().zip(PLAIN_INTERVALS).all(are_of).then_some((day, plain))
}

struct Plain<'a>(i64, &'a [Window; 5]);

impl Serialize for Plain<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Plain(day, windows) = self;
        let used = |window: &Window| (window.amount, window.count);
        let repeated = windows.iter().rev().take_while(|window| used(window) == used(&windows[4])).count();
        let mut seq = serializer.serialize_seq(None)?;
        seq.serialize_element(&windows[0].key.currency)?;
        seq.serialize_element(day)?;
        for window in &windows[..=windows.len() - repeated] {
            seq.serialize_element(&window.amount)?;
            seq.serialize_element(&window.count)?;
        }
        seq.end()
    }
}

impl Serialize for Windows {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut seq = serializer.serialize_seq(None)?;
        let mut rest = self.0.as_slice();
        while let [window, others @ ..] = rest {
            rest = match plain_day(rest) {
                Some((day, plain)) => {
                    seq.serialize_element(&Plain(day, plain))?;
                    &rest[plain.len()..]
                }
                None => {
                    seq.serialize_element(&(&window.key, window.start, window.amount, window.count))?;
                    others
                }
            };
        }
        seq.end()
    }
}

/// The windows of one element.
struct Element(Vec<Window>);

impl<'de> Deserialize<'de> for Element {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Element, D::Error> {
        struct Elements;

        impl<'de> Visitor<'de> for Elements {
            type Value = Element;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a window, or the plain windows of a day")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Element, A::Error> {
                let wrong = || A::Error::custom("not a window");
                let name = seq.next_element::<std::borrow::Cow<'de, str>>()?.ok_or_else(wrong)?;
                let number = |seq: &mut A| seq.next_element::<i64>();
                let first = number(&mut seq)?.ok_or_else(wrong)?;
                let mut pairs = Vec::with_capacity(PLAIN_INTERVALS.len());
                while let Some(amount) = number(&mut seq)? {
                    pairs.push((amount, number(&mut seq)?.ok_or_else(wrong)?));
                }
                let last = *pairs.last().ok_or_else(wrong)?;
                if name.contains(' ') {
                    let (key, (amount, count)) = (WindowKey::parse(&name).ok_or_else(wrong)?, last);
                    return Ok(Element(vec![Window { key, start: first, amount, count }]));
                }
                let currency = Currency::of_stored(&name).ok_or_else(wrong)?;
                let starts = Starts::at(Instant::first_of_day(first));
                let pairs = pairs.into_iter().chain(std::iter::repeat(last));
                let window = |(interval, (amount, count))| Window {
                    key: WindowKey::plain(interval, currency),
                    start: starts.of(interval).micros(),
                    amount,
                    count,
                };
                Ok(Element(PLAIN_INTERVALS.into_iter().zip(pairs).map(window).collect()))
            }
        }
        deserializer.deserialize_seq(Elements)
    }
}

impl<'de> Deserialize<'de> for Windows {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Windows, D::Error> {
        let elements = Vec::<Element>::deserialize(deserializer)?;
        Ok(Windows(elements.into_iter().flat_map(|element| element.0).collect()))
    }
}

#[cfg(test)]
mod tests {
    use super::Windows;

    #[test]
    fn windows_are_read_in_every_form_and_stored_in_the_shortest() {
        let day = 1_795_824_000_000_000_i64;
        let old = |amounts: [(i64, i64); 5]| {
            let starts = [day, 1_795_392_000_000_000, 1_793_491_200_000_000, 1_767_225_600_000_000, i64::MIN];
            let intervals = ["daily", "weekly", "monthly", "yearly", "all_time"];
            let parts = intervals.iter().zip(starts).zip(amounts);
            let parts: Vec<String> = parts
                .map(|((interval, start), (amount, count))| format!(r#"["{interval} USD",{start},{amount},{count}]"#))
                .collect();
            parts.join(",")
        };
        let (lagos, daily) =
            (r#"["daily USD Africa/Lagos 5411,5812",1795820400000000,-5,1]"#, r#"["daily EUR",1795824000000000,7,1]"#);
        let usual = [(3_500, 1), (12_500, 5), (32_500, 26), (382_500, 260), (1_382_500, 960)];
        let cases = [
            ("[]".to_owned(), "[]".to_owned()),
            (format!("[{}]", old([(1_250, 1); 5])), r#"[["USD",20785,1250,1]]"#.to_owned()),
            (
                format!("[{}]", old(usual)),
                r#"[["USD",20785,3500,1,12500,5,32500,26,382500,260,1382500,960]]"#.to_owned(),
            ),
            (
                format!("[{daily},{},{lagos}]", old([(1, 1), (2, 1), (1, 1), (1, 1), (1, 1)])),
                format!(r#"[{daily},["USD",20785,1,1,2,1,1,1],{lagos}]"#),
            ),
            (
                format!("[{lagos},{}]", old([(0, 0); 5]).replace("-9223372036854775808", "1")),
                format!("[{lagos},{}]", old([(0, 0); 5]).replace("-9223372036854775808", "1")),
            ),
        ];
        for (before, now) in cases {
            let read: Windows = serde_json::from_str(&before).expect(&before);
            let stored = serde_json::to_string(&read).expect("json");
            assert_eq!(stored, now);
            assert!(stored.len() <= 80 || before.contains("Lagos"), "{stored}");
            assert_eq!(serde_json::from_str::<Windows>(&stored).expect("it is read again"), read);
        }
        for wrong in [r#"["USD"]"#, r#"[["USD"]]"#, r#"[["USD",1]]"#, r#"[["USD",1,2]]"#, r#"[["often USD",1,2,3]]"#] {
            assert!(serde_json::from_str::<Windows>(wrong).is_err(), "{wrong}");
        }
    }
}
