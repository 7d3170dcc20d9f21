//! Counters: spending in each window. A card and a card holder have one row each, written in the commit of the
//! decision.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::ids::{AuthorizationId, ClientId, Id};
use crate::limits::{Interval, SpendingLimit, categories, windows};
use crate::record::{Key, Kind, Record};
use crate::time::Instant;

/// How many messages of a card are remembered, so that a repeated message gets the first answer.
pub const MAX_REMEMBERED_MESSAGES: usize = 16;

/// Identifies a message of the network: a digest of its kind, numbers and amount.
pub type MessageDigest = [u8; 16];

/// Identifies a window: interval, merchant categories, time zone and currency.
///
/// It is stored as text, because every authorization stores ten of them: `daily USD` for a plain window in UTC,
/// otherwise `daily USD Africa/Lagos 5411,5812`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WindowKey {
    pub interval: Interval,
    /// All categories if empty.
    pub categories: Vec<String>,
    pub time_zone: String,
    pub currency: String,
}

impl WindowKey {
    /// The key of a limit's window for amounts of a currency.
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

    /// Whether it counts payments of a merchant category.
    pub fn covers(&self, category: &str) -> bool {
        covers(&self.categories, category)
    }
}

/// Whether a list of categories covers a merchant category; an empty list covers all.
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

/// Spending in the window that began at `start`: at the window's midnight, or later, when its limit was set. A limit
/// that is removed and set again therefore starts from zero.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Window {
    pub key: WindowKey,
    /// In microseconds.
    pub start: i64,
    /// Net spending in minor units: payments less reversals and refunds. May be negative.
    pub amount: i64,
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

/// What a payment or refund used of a window. It can be credited back while that window is the current one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LimitUsage {
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

/// A message and the authorization it was answered with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Answered {
    pub message: MessageDigest,
    pub authorization: AuthorizationId,
}

impl Answered {
    /// Packs messages into bytes for storage.
    pub fn pack(all: &[Answered]) -> Vec<u8> {
        all.iter().flat_map(|one| one.message.iter().chain(one.authorization.0.bytes())).copied().collect()
    }

    /// Unpacks what [`Answered::pack`] packed.
    pub fn unpack(packed: &[u8]) -> Option<Vec<Answered>> {
        let one = |bytes: &[u8]| {
            let (message, id) = bytes.split_first_chunk()?;
            Some(Answered { message: *message, authorization: AuthorizationId(Id::from_slice(id)?) })
        };
        packed.chunks(size_of::<MessageDigest>() + size_of::<Id>()).map(one).collect()
    }
}

/// The counters of one owner.
#[derive(Clone, Debug, PartialEq)]
pub struct Counters {
    pub client: ClientId,
    /// A card or card holder.
    pub owner: Id,
    pub windows: Vec<Window>,
    /// Payments that were approved and not reversed in full, or posted without an authorization.
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

/// The intervals that are counted for every owner, with or without a limit.
const PLAIN_INTERVALS: [Interval; 5] =
    [Interval::Daily, Interval::Weekly, Interval::Monthly, Interval::Yearly, Interval::AllTime];

impl Counters {
    pub fn new(client: ClientId, owner: Id) -> Counters {
        Counters { client, owner, windows: Vec::new(), payments: 0, answered: Vec::new() }
    }

    /// Amount and count of the current window of a limit, for amounts of a currency; not negative.
    pub fn used(&self, limit: &SpendingLimit, currency: &str, now: Instant) -> (i64, i64) {
        let (key, start) = window_of(limit, currency, now);
        let current = self.windows.iter().find(|window| window.key == key && window.start == start);
        current.map_or((0, 0), |window| (window.amount.max(0), window.count.max(0)))
    }

    /// Adds to every window that covers the merchant category. Returns the windows with their starts.
    pub fn consume(
        &mut self,
        limits: &[SpendingLimit],
        currency: &str,
        category: &str,
        (amount, count): (i64, i64),
        now: Instant,
    ) -> Vec<(WindowKey, i64)> {
        let counted = counted(limits, currency, now);
        // Windows that are over, and windows of limits that were removed, are dropped.
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

    /// Takes an amount off the window that began at `start`, if that window is still the current one.
    pub fn credit_current_window(&mut self, key: &WindowKey, start: i64, (amount, count): (i64, i64), now: Instant) {
        if !is_current(key, start, now) {
            return;
        }
        if let Some(window) = self.windows.iter_mut().find(|window| window.key == *key && window.start == start) {
            window.amount = window.amount.saturating_sub(amount);
            window.count = window.count.saturating_sub(count);
        }
    }

    /// The authorization that the message was answered with before.
    pub fn answer_to(&self, message: &MessageDigest) -> Option<AuthorizationId> {
        self.answered.iter().find(|known| known.message == *message).map(|known| known.authorization)
    }

    /// Remembers the answer to a message; the oldest one is dropped.
    pub fn remember(&mut self, message: MessageDigest, authorization: AuthorizationId) {
        self.answered.push(Answered { message, authorization });
        let surplus = self.answered.len().saturating_sub(MAX_REMEMBERED_MESSAGES);
        self.answered.drain(..surplus);
    }
}

/// Whether the window that began at `start` is not over.
fn is_current(key: &WindowKey, start: i64, now: Instant) -> bool {
    let begin = |at| windows::start(key.interval, &key.time_zone, at);
    begin(Instant::from_micros(start)) == begin(now)
}

/// The current window of a limit and its start.
fn window_of(limit: &SpendingLimit, currency: &str, now: Instant) -> (WindowKey, i64) {
    let start = windows::start(limit.interval, &limit.time_zone, now).micros();
    // Windows of plain limits are counted whether there is a limit or not.
    let since = if limit.is_plain() { i64::MIN } else { limit.since };
    (WindowKey::of(limit, currency), start.max(since))
}

/// The windows that are counted: the plain ones in UTC, and one for each other limit of this currency.
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

/// Adds usage to the usage recorded before. Usage of the same window is merged.
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
