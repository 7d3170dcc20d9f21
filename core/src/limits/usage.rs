//! What a payment or refund used of the windows of a card and its card holder. It can be credited back while those
//! windows are the current ones.
//!
//! The plain windows of both always move by the same amount, so one element `[day, amount, count]` stands for all ten:
//! their starts follow from the day. Other windows are stored one by one, as `[of_holder, key, start, amount, count]`;
//! earlier versions stored plain ones in this form too. Both forms may stand in one row, and give the same counters. What
//! was used of limits that cards share is stored as `["program", key, start, amount, count]`.

use serde::de::{Error, SeqAccess, Visitor};
use serde::ser::SerializeSeq;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::limits::record::Counters;
use crate::limits::window::{PLAIN_INTERVALS, WindowKey};
use crate::limits::windows::{self, Starts};
use crate::limits::{Interval, LimitLevel, SpendingLimit};
use crate::money::Currency;
use crate::time::Instant;

/// The counters of an owner and its limits, the card first, then the card holder.
pub(crate) type Counted<'a> = [(&'a mut Counters, &'a [SpendingLimit]); 2];

/// What was used of each window.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LimitUsage {
    /// Plain windows among them were used before those in `plain`.
    windows: Vec<WindowUsage>,
    /// Oldest first.
    plain: Vec<PlainUsage>,
    /// Windows of limits that cards share, oldest first.
    shared: Vec<SharedUsage>,
}

/// What was used of a window of an account or program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SharedUsage {
    pub level: LimitLevel,
    pub key: WindowKey,
    /// In microseconds.
    pub start: i64,
    pub amount: i64,
    pub count: i64,
}

/// What was used of one window.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WindowUsage {
    /// Whether the window is the card holder's or the card's.
    pub of_holder: bool,
    pub key: WindowKey,
    /// In microseconds.
    pub start: i64,
    /// The amount still used, in minor units; negative for refunds.
    pub amount: i64,
    /// 1 while the payment counts in the window, otherwise 0.
    pub count: i64,
}

/// What was used of every plain window that contains a day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct PlainUsage {
    /// Since 1970-01-01, in UTC.
    day: i64,
    amount: i64,
    count: i64,
}

impl PlainUsage {
    fn starts(self) -> Starts {
        Starts::at(Instant::first_of_day(self.day))
    }

    /// The same, window by window.
    fn windows(self, currency: Currency) -> impl Iterator<Item = WindowUsage> {
        let PlainUsage { amount, count, .. } = self;
        let starts = self.starts();
        [false, true].into_iter().flat_map(move |of_holder| {
            PLAIN_INTERVALS.into_iter().map(move |interval| WindowUsage {
                of_holder,
                key: WindowKey::plain(interval, currency),
                start: starts.of(interval).micros(),
                amount,
                count,
            })
        })
    }
}

impl LimitUsage {
    pub fn is_empty(&self) -> bool {
        self.windows.is_empty() && self.plain.is_empty() && self.shared.is_empty()
    }

    /// Whether the payment counts as one.
    pub fn counts(&self) -> bool {
        self.windows.iter().any(|part| part.count > 0) || self.plain.iter().any(|part| part.count > 0)
    }

    /// What was used, window by window. `currency` is that of the card.
    pub fn by_window(&self, currency: Currency) -> Vec<WindowUsage> {
        let mut all = self.windows.clone();
        self.plain.iter().flat_map(|part| part.windows(currency)).for_each(|part| add(&mut all, part));
        all
    }

    /// What was used of windows of accounts and programs.
    pub fn shared(&self) -> &[SharedUsage] {
        &self.shared
    }

    /// Whether windows of a level were used.
    pub(crate) fn uses(&self, level: LimitLevel) -> bool {
        self.shared.iter().any(|part| part.level == level)
    }

    /// Adds what was used of a window of an account or program.
    pub(crate) fn note_shared(&mut self, level: LimitLevel, key: WindowKey, start: i64, (amount, count): (i64, i64)) {
        let same = |known: &&mut SharedUsage| known.level == level && known.start == start && known.key == key;
        match self.shared.iter_mut().find(same) {
            Some(known) => {
                known.amount = known.amount.saturating_add(amount);
                known.count += count;
            }
            None => self.shared.push(SharedUsage { level, key, start, amount, count }),
        }
    }

    /// As [`LimitUsage::release`], of the windows of one level.
    pub(crate) fn release_shared(
        &mut self,
        level: LimitLevel,
        counters: &mut Counters,
        (amount, count): (i64, i64),
        starts: &Starts,
    ) {
        let mut left: Vec<(WindowKey, i64)> = Vec::new();
        for part in self.shared.iter_mut().rev().filter(|part| part.level == level) {
            let at = left.iter().position(|(key, _)| *key == part.key).unwrap_or_else(|| {
                left.push((part.key.clone(), amount));
                left.len() - 1
            });
            let (back, back_count) = (part.amount.min(left[at].1), part.count.min(count));
            counters.credit_current_window(&part.key, part.start, (back, back_count), starts);
            part.amount -= back;
            part.count -= back_count;
            left[at].1 -= back;
        }
    }

    /// As [`LimitUsage::consume_again`], of the windows of one level.
    pub(crate) fn consume_shared_again(&self, level: LimitLevel, counters: &mut Counters, starts: &Starts) {
        for part in self.shared.iter().filter(|part| part.level == level) {
            counters.credit_current_window(&part.key, part.start, (part.amount, part.count), starts);
        }
    }

    /// Counts a payment in all windows that cover the merchant category. `count` is 0 for increments.
    pub(crate) fn consume(
        &mut self,
        counted: Counted<'_>,
        currency: Currency,
        category: &str,
        (amount, count): (i64, i64),
        starts: &Starts,
    ) {
        for ((counters, limits), of_holder) in counted.into_iter().zip([false, true]) {
            let note = |key, start| add(&mut self.windows, WindowUsage { of_holder, key, start, amount, count });
            counters.consume(limits, currency, category, (amount, count), starts, note);
            counters.payments += count;
        }
        self.add_plain(PlainUsage { day: starts.instant().day(), amount, count }, currency, starts);
    }

    fn add_plain(&mut self, part: PlainUsage, currency: Currency, starts: &Starts) {
        let in_order = self.is_in_order(starts);
        match self.plain.last_mut() {
            // If the clock went back, there is no one order for all windows: they are kept one by one.
            last if !in_order || last.as_ref().is_some_and(|last| last.day > part.day) => {
                self.windows = self.by_window(currency);
                self.plain.clear();
                part.windows(currency).for_each(|part| add(&mut self.windows, part));
            }
            Some(last) if last.day == part.day => {
                last.amount = last.amount.saturating_add(part.amount);
                last.count += part.count;
            }
            _ => self.plain.push(part),
        }
    }

    /// Whether the plain windows that are kept one by one were used oldest first, and none after these.
    fn is_in_order(&self, starts: &Starts) -> bool {
        let windows = &self.windows;
        windows.iter().enumerate().filter(|(_, part)| part.key.is_plain()).all(|(at, part)| {
            let same = |next: &&WindowUsage| next.of_holder == part.of_holder && next.key == part.key;
            part.start <= starts.of(part.key.interval).micros()
                && windows[at + 1..].iter().filter(same).all(|next| next.start > part.start)
        })
    }

    /// Credits an amount to the windows that were used, as far as they are current, most recent usage first. `count` is
    /// 1 if the whole payment is taken back.
    pub(crate) fn release(
        &mut self,
        mut counted: [&mut Counters; 2],
        currency: Currency,
        (amount, count): (i64, i64),
        starts: &Starts,
    ) {
        let mut plain_left = amount;
        for part in self.plain.iter_mut().rev() {
            let (back, back_count) = (part.amount.min(plain_left), part.count.min(count));
            for counters in &mut counted {
                credit_plain(counters, *part, currency, (back, back_count), starts);
            }
            part.amount -= back;
            part.count -= back_count;
            plain_left -= back;
        }
        for (counters, of_holder) in counted.into_iter().zip([false, true]) {
            let mut left = Vec::new();
            for part in self.windows.iter_mut().rev().filter(|part| part.of_holder == of_holder) {
                let whole = if part.key.is_plain() { plain_left } else { amount };
                let back = part.amount.min(left_for(&mut left, part, whole));
                let back_count = part.count.min(count);
                counters.credit_current_window(&part.key, part.start, (back, back_count), starts);
                part.amount -= back;
                part.count -= back_count;
                note_taken(&mut left, &part.key, back);
            }
            counters.payments = (counters.payments - count).max(0);
        }
    }

    /// Debits again what a refund had credited to windows, as far as they are current.
    pub(crate) fn consume_again(&self, counted: [&mut Counters; 2], currency: Currency, starts: &Starts) {
        for (counters, of_holder) in counted.into_iter().zip([false, true]) {
            for part in self.windows.iter().filter(|part| part.of_holder == of_holder) {
                counters.credit_current_window(&part.key, part.start, (part.amount, part.count), starts);
            }
            for part in &self.plain {
                credit_plain(counters, *part, currency, (part.amount, part.count), starts);
            }
        }
    }
}

/// What is left of an amount that is given back to windows of one key, most recent period first. Windows of one period
/// lie side by side, because limits of the card and of its program were set at different moments: each gets all of it.
struct Left {
    key: WindowKey,
    period: Instant,
    /// When the period began.
    before: i64,
    /// The most that a window of the period got.
    taken: i64,
}

fn left_for(all: &mut Vec<Left>, part: &WindowUsage, whole: i64) -> i64 {
    let begun = Instant::from_micros(part.start);
    let period = windows::start(part.key.interval, part.key.time_zone(), begun);
    match all.iter_mut().find(|left| left.key == part.key) {
        Some(left) => {
            if left.period != period {
                (left.before, left.taken, left.period) = (left.before - left.taken, 0, period);
            }
            left.before
        }
        None => {
            all.push(Left { key: part.key.clone(), period, before: whole, taken: 0 });
            whole
        }
    }
}

fn note_taken(all: &mut [Left], key: &WindowKey, amount: i64) {
    if let Some(left) = all.iter_mut().find(|left| left.key == *key) {
        left.taken = left.taken.max(amount);
    }
}

fn credit_plain(
    counters: &mut Counters,
    part: PlainUsage,
    currency: Currency,
    (amount, count): (i64, i64),
    starts: &Starts,
) {
    let began = part.starts();
    let credit = |interval: Interval| {
        let key = WindowKey::plain(interval, currency);
        counters.credit_current_window(&key, began.of(interval).micros(), (amount, count), starts);
    };
    PLAIN_INTERVALS.into_iter().for_each(credit);
}

/// Adds usage to that of the same window.
fn add(windows: &mut Vec<WindowUsage>, part: WindowUsage) {
    let same = |known: &&mut WindowUsage| {
        (known.of_holder, known.start) == (part.of_holder, part.start) && known.key == part.key
    };
    match windows.iter_mut().find(same) {
        Some(known) => {
            known.amount = known.amount.saturating_add(part.amount);
            known.count += part.count;
        }
        None => windows.push(part),
    }
}

impl Serialize for LimitUsage {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut seq = serializer.serialize_seq(Some(self.windows.len() + self.plain.len() + self.shared.len()))?;
        for WindowUsage { of_holder, key, start, amount, count } in &self.windows {
            seq.serialize_element(&(of_holder, key, start, amount, count))?;
        }
        for PlainUsage { day, amount, count } in &self.plain {
            seq.serialize_element(&(day, amount, count))?;
        }
        for SharedUsage { level, key, start, amount, count } in &self.shared {
            seq.serialize_element(&(level, key, start, amount, count))?;
        }
        seq.end()
    }
}

/// The first member of an element, which tells its form.
enum First {
    OfHolder(bool),
    Day(i64),
    Level(LimitLevel),
}

impl<'de> Deserialize<'de> for First {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<First, D::Error> {
        struct Firsts;

        impl Visitor<'_> for Firsts {
            type Value = First;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("true, false, a day, or a level")
            }

            fn visit_bool<E: Error>(self, of_holder: bool) -> Result<First, E> {
                Ok(First::OfHolder(of_holder))
            }

            fn visit_str<E: Error>(self, level: &str) -> Result<First, E> {
                LimitLevel::parse(level).map(First::Level).ok_or_else(|| E::custom("not a level"))
            }

            fn visit_i64<E: Error>(self, day: i64) -> Result<First, E> {
                Ok(First::Day(day))
            }

            fn visit_u64<E: Error>(self, day: u64) -> Result<First, E> {
                i64::try_from(day).map(First::Day).map_err(E::custom)
            }
        }
        deserializer.deserialize_any(Firsts)
    }
}

enum Element {
    Window(WindowUsage),
    Plain(PlainUsage),
    Shared(SharedUsage),
}

impl<'de> Deserialize<'de> for Element {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Element, D::Error> {
        struct Elements;

        impl<'de> Visitor<'de> for Elements {
            type Value = Element;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("the usage of a window, or of the plain windows of a day")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Element, A::Error> {
                let wrong = || A::Error::custom("not the usage of a window");
                let number = |seq: &mut A| seq.next_element::<i64>()?.ok_or_else(wrong);
                Ok(match seq.next_element()?.ok_or_else(wrong)? {
                    First::Day(day) => {
                        let (amount, count) = (number(&mut seq)?, number(&mut seq)?);
                        Element::Plain(PlainUsage { day, amount, count })
                    }
                    First::Level(level) => {
                        let key = seq.next_element()?.ok_or_else(wrong)?;
                        let (start, amount, count) = (number(&mut seq)?, number(&mut seq)?, number(&mut seq)?);
                        Element::Shared(SharedUsage { level, key, start, amount, count })
                    }
                    First::OfHolder(of_holder) => {
                        let key = seq.next_element()?.ok_or_else(wrong)?;
                        let (start, amount, count) = (number(&mut seq)?, number(&mut seq)?, number(&mut seq)?);
                        Element::Window(WindowUsage { of_holder, key, start, amount, count })
                    }
                })
            }
        }
        deserializer.deserialize_seq(Elements)
    }
}

impl<'de> Deserialize<'de> for LimitUsage {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<LimitUsage, D::Error> {
        let mut usage = LimitUsage::default();
        for element in Vec::<Element>::deserialize(deserializer)? {
            match element {
                Element::Window(part) => usage.windows.push(part),
                Element::Plain(part) => usage.plain.push(part),
                Element::Shared(part) => usage.shared.push(part),
            }
        }
        Ok(usage)
    }
}
