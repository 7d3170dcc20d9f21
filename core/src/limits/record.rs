//! How much was spent in each window: one row a card, one a card holder, changed in the commit of the decision.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::ids::{AuthorizationId, ClientId, Id};
use crate::limits::{Interval, SpendingLimit, categories, windows};
use crate::record::{Key, Kind, Record};
use crate::time::Instant;

/// How many messages of a card are remembered, so that a repeat is answered as the first was.
pub const MAX_REMEMBERED_MESSAGES: usize = 16;

/// What makes two messages of the network the same one: a digest of what identifies them.
pub type MessageDigest = [u8; 16];

/// What tells windows apart: a limit is (interval, categories, time zone, currency).
///
/// It is kept as text, because every authorization keeps ten of them: `daily USD` for a plain window in UTC, else
/// `daily USD Africa/Lagos 5411,5812`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WindowKey {
    /// The interval.
    pub interval: Interval,
    /// The categories it is about; all when empty.
    pub categories: Vec<String>,
    /// The zone whose midnight begins it.
    pub time_zone: String,
    /// The currency whose amounts it adds up.
    pub currency: String,
}

impl WindowKey {
    /// Of a limit on amounts of a currency.
    pub fn of(limit: &SpendingLimit, currency: &str) -> WindowKey {
        WindowKey {
            interval: limit.interval,
            categories: limit.categories.clone(),
            time_zone: limit.time_zone.clone(),
            currency: currency.to_owned(),
        }
    }

    fn parse(text: &str) -> Option<WindowKey> {
        let mut parts = text.split(' ');
        let interval = Interval::parse(parts.next()?)?;
        let currency = parts.next()?.to_owned();
        let time_zone = parts.next().unwrap_or("UTC").to_owned();
        let categories = parts.next().map(|all| all.split(',').map(str::to_owned).collect()).unwrap_or_default();
        parts.next().is_none().then_some(WindowKey { interval, categories, time_zone, currency })
    }

    /// Whether it counts payments of a category.
    pub fn covers(&self, category: &str) -> bool {
        covers(&self.categories, category)
    }
}

/// Whether a merchant category is among categories; all are when there are none.
pub fn covers(categories: &[String], category: &str) -> bool {
    categories.is_empty() || categories.iter().any(|known| categories::covers(known, category))
}

impl fmt::Display for WindowKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.interval, self.currency)?;
        match (self.time_zone.as_str(), self.categories.as_slice()) {
            ("UTC", []) => Ok(()),
            (zone, []) => write!(f, " {zone}"),
            (zone, categories) => write!(f, " {zone} {}", categories.join(",")),
        }
    }
}

impl Serialize for WindowKey {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for WindowKey {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<WindowKey, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        WindowKey::parse(&text).ok_or_else(|| de::Error::custom("not a window"))
    }
}

/// What was spent in the window that began at `start`: with the window's midnight, or with its limit where that came
/// later. So a limit that was taken away and set again counts from nothing, as it says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Window {
    /// Which window.
    pub key: WindowKey,
    /// When it began, in microseconds.
    pub start: i64,
    /// How much, in minor units: what was spent less what was given back and refunded. It may be below zero.
    pub amount: i64,
    /// How many payments.
    pub count: i64,
}

impl Serialize for Window {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        (&self.key, self.start, self.amount, self.count).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Window {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Window, D::Error> {
        let (key, start, amount, count) = Deserialize::deserialize(deserializer)?;
        Ok(Window { key, start, amount, count })
    }
}

/// What an authorization took from a window: given back there, if that window is still the current one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LimitUsage {
    /// Whether of the card holder; of the card otherwise.
    pub of_holder: bool,
    /// Which window.
    pub key: WindowKey,
    /// When that window began, in microseconds.
    pub start: i64,
    /// How much of it is still taken, in minor units.
    pub amount: i64,
    /// Whether it still counts there as a payment: 1 or 0.
    pub count: i64,
}

impl Serialize for LimitUsage {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        (self.of_holder, &self.key, self.start, self.amount, self.count).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for LimitUsage {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<LimitUsage, D::Error> {
        let (of_holder, key, start, amount, count) = Deserialize::deserialize(deserializer)?;
        Ok(LimitUsage { of_holder, key, start, amount, count })
    }
}

/// A message that was answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Answered {
    /// Which.
    pub message: MessageDigest,
    /// The authorization it is about.
    pub authorization: AuthorizationId,
}

impl Answered {
    /// Messages one after another, as they are kept.
    pub fn pack(all: &[Answered]) -> Vec<u8> {
        all.iter().flat_map(|one| one.message.iter().chain(one.authorization.0.bytes())).copied().collect()
    }

    /// The messages that were packed.
    pub fn unpack(packed: &[u8]) -> Option<Vec<Answered>> {
        let one = |bytes: &[u8]| {
            let (message, id) = bytes.split_first_chunk()?;
            Some(Answered { message: *message, authorization: AuthorizationId(Id::from_slice(id)?) })
        };
        packed.chunks(size_of::<MessageDigest>() + size_of::<Id>()).map(one).collect()
    }
}

/// The counters of a card or card holder.
#[derive(Clone, Debug, PartialEq)]
pub struct Counters {
    /// Whose.
    pub client: ClientId,
    /// The card or card holder.
    pub owner: Id,
    /// What was spent.
    pub windows: Vec<Window>,
    /// How many payments were approved and not given back whole, or posted without an authorization.
    pub payments: i64,
    /// The last messages, oldest first.
    pub answered: Vec<Answered>,
}

impl Record for Counters {
    const KIND: Kind = Kind::Counters;
    const HEAP_BYTES: usize = 400;

    fn key(&self) -> Key {
        Key::of(self.client, self.owner)
    }
}

/// The windows every card and card holder has whatever its limits are.
const PLAIN_INTERVALS: [Interval; 5] =
    [Interval::Daily, Interval::Weekly, Interval::Monthly, Interval::Yearly, Interval::AllTime];

impl Counters {
    /// Nothing spent yet.
    pub fn new(client: ClientId, owner: Id) -> Counters {
        Counters { client, owner, windows: Vec::new(), payments: 0, answered: Vec::new() }
    }

    /// What was spent in the current window of a limit on amounts of a currency, at least nothing.
    pub fn used(&self, limit: &SpendingLimit, currency: &str, now: Instant) -> (i64, i64) {
        let (key, start) = window_of(limit, currency, now);
        let current = self.windows.iter().find(|window| window.key == key && window.start == start);
        current.map_or((0, 0), |window| (window.amount.max(0), window.count.max(0)))
    }

    /// Adds to every window that counts payments of a category; tells which.
    pub fn consume(
        &mut self,
        limits: &[SpendingLimit],
        currency: &str,
        category: &str,
        (amount, count): (i64, i64),
        now: Instant,
    ) -> Vec<(WindowKey, i64)> {
        let counted = counted(limits, currency, now);
        // A window that has passed and a limit that was taken away leave nothing behind.
        self.windows.retain(|window| {
            let known = counted.iter().any(|(key, start)| window.key == *key && window.start == *start);
            is_current(&window.key, window.start, now) && (window.key.currency != currency || known)
        });
        let mut taken = Vec::new();
        for (key, start) in counted.into_iter().filter(|(key, _)| key.covers(category)) {
            match self.windows.iter_mut().find(|window| window.key == key && window.start == start) {
                Some(window) => {
                    window.amount = window.amount.saturating_add(amount);
                    window.count = window.count.saturating_add(count);
                }
                None => self.windows.push(Window { key: key.clone(), start, amount, count }),
            }
            taken.push((key, start));
        }
        taken
    }

    /// Gives back to the window that began at `start`, if it is still the current one.
    pub fn credit_current_window(&mut self, key: &WindowKey, start: i64, (amount, count): (i64, i64), now: Instant) {
        if !is_current(key, start, now) {
            return;
        }
        if let Some(window) = self.windows.iter_mut().find(|window| window.key == *key && window.start == start) {
            window.amount = window.amount.saturating_sub(amount);
            window.count = window.count.saturating_sub(count);
        }
    }

    /// The authorization that a message was answered with before.
    pub fn answer_to(&self, message: &MessageDigest) -> Option<AuthorizationId> {
        self.answered.iter().find(|known| known.message == *message).map(|known| known.authorization)
    }

    /// Remembers the answer to a message.
    pub fn remember(&mut self, message: MessageDigest, authorization: AuthorizationId) {
        self.answered.push(Answered { message, authorization });
        let surplus = self.answered.len().saturating_sub(MAX_REMEMBERED_MESSAGES);
        self.answered.drain(..surplus);
    }
}

/// Whether a window that began then is not over.
fn is_current(key: &WindowKey, start: i64, now: Instant) -> bool {
    let begin = |at| windows::start(key.interval, &key.time_zone, at);
    begin(Instant::from_micros(start)) == begin(now)
}

/// The current window of a limit, and when it began.
fn window_of(limit: &SpendingLimit, currency: &str, now: Instant) -> (WindowKey, i64) {
    let start = windows::start(limit.interval, &limit.time_zone, now).micros();
    // What plain limits count is counted whether there is one or not.
    let since = if limit.is_plain() { i64::MIN } else { limit.since };
    (WindowKey::of(limit, currency), start.max(since))
}

/// The windows that are counted: the plain ones in UTC always, and one for each other limit of this currency.
fn counted(limits: &[SpendingLimit], currency: &str, now: Instant) -> Vec<(WindowKey, i64)> {
    let plain = |interval| {
        let key =
            WindowKey { interval, categories: Vec::new(), time_zone: "UTC".to_owned(), currency: currency.to_owned() };
        let start = windows::start(interval, "UTC", now).micros();
        (key, start)
    };
    let mut counted: Vec<(WindowKey, i64)> = PLAIN_INTERVALS.into_iter().map(plain).collect();
    for limit in limits {
        let of_currency = limit.currency.as_deref().is_none_or(|wanted| wanted == currency);
        let window = window_of(limit, currency, now);
        if limit.interval != Interval::PerAuthorization && of_currency && !counted.contains(&window) {
            counted.push(window);
        }
    }
    counted
}

/// Adds what was taken to what was taken before; more from the same window is one part with it.
pub fn add_usage(before: &mut Vec<LimitUsage>, more: Vec<LimitUsage>) {
    for part in more {
        let same = |known: &&mut LimitUsage| {
            (known.of_holder, &known.key, known.start) == (part.of_holder, &part.key, part.start)
        };
        match before.iter_mut().find(same) {
            Some(known) => {
                known.amount = known.amount.saturating_add(part.amount);
                known.count += part.count;
            }
            None => before.push(part),
        }
    }
}
