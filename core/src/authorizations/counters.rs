//! How much was spent in each window: one row a card, one a card holder, changed in the commit of the decision.

use serde::{Deserialize, Serialize};

use crate::authorizations::windows;
use crate::cards::{Interval, SpendingLimit};
use crate::ids::{AuthorizationId, ClientId, Id};
use crate::record::{Key, Kind, Record};
use crate::time::Instant;

/// How many messages of a card are remembered, so that a repeat is answered as the first was.
pub const REMEMBERED_MESSAGES: usize = 16;

/// What tells windows apart: a limit is (interval, categories, time zone, currency).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WindowKey {
    /// The interval.
    pub interval: Interval,
    /// The categories it is about; all when empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
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

    /// Whether it counts payments of a category.
    pub fn covers(&self, category: &str) -> bool {
        covers(&self.categories, category)
    }
}

/// Whether a merchant category is among categories; all are when there are none.
pub fn covers(categories: &[String], category: &str) -> bool {
    categories.is_empty() || categories.iter().any(|known| crate::cards::categories::covers(known, category))
}

/// What was spent in the window that began at `start`: with the window's midnight, or with its limit where that came
/// later. So a limit that was taken away and set again counts from nothing, as it says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Window {
    /// Which window.
    pub key: WindowKey,
    /// When it began, in microseconds.
    pub start: i64,
    /// How much, in minor units.
    pub amount: i64,
    /// How many authorizations.
    pub count: i64,
}

/// What an authorization took from a window: given back there, if that window is still the current one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Taken {
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

/// A message that was answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answered {
    /// What makes two messages the same one, as hex.
    pub message: String,
    /// The authorization it is about, as hex.
    pub authorization: String,
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
    /// How many authorizations were approved and not given back whole.
    pub payments: i64,
    /// The last messages, oldest first.
    pub answered: Vec<Answered>,
}

impl Record for Counters {
    const KIND: Kind = Kind::Counters;

    fn key(&self) -> Key {
        Key::of(self.client, self.owner)
    }
}

/// The windows every card and card holder has whatever its limits are.
const KEPT: [Interval; 5] = [Interval::Daily, Interval::Weekly, Interval::Monthly, Interval::Yearly, Interval::AllTime];

impl Counters {
    /// Nothing spent yet.
    pub fn new(client: ClientId, owner: Id) -> Counters {
        Counters { client, owner, windows: Vec::new(), payments: 0, answered: Vec::new() }
    }

    /// What was spent in the current window of a limit on amounts of a currency.
    pub fn used(&self, limit: &SpendingLimit, currency: &str, now: Instant) -> (i64, i64) {
        let (key, start) = window_of(limit, currency, now);
        let current = self.windows.iter().find(|window| window.key == key && window.start == start);
        current.map_or((0, 0), |window| (window.amount, window.count))
    }

    /// Adds to every window that counts payments of a category; tells which.
    pub fn take(
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
    pub fn give_back(&mut self, key: &WindowKey, start: i64, (amount, count): (i64, i64), now: Instant) {
        if !is_current(key, start, now) {
            return;
        }
        if let Some(window) = self.windows.iter_mut().find(|window| window.key == *key && window.start == start) {
            window.amount = window.amount.saturating_sub(amount).max(0);
            window.count = window.count.saturating_sub(count).max(0);
        }
    }

    /// Gives an amount back to the current windows, as a refund does.
    pub fn give_to_current(&mut self, currency: &str, category: &str, amount: i64, now: Instant) {
        for window in &mut self.windows {
            let current = is_current(&window.key, window.start, now);
            if current && window.key.currency == currency && window.key.covers(category) {
                window.amount = window.amount.saturating_sub(amount).max(0);
            }
        }
    }

    /// The authorization that a message was answered with before.
    pub fn answer_to(&self, message: &str) -> Option<AuthorizationId> {
        let known = self.answered.iter().find(|known| known.message == message)?;
        Id::parse(&known.authorization).map(AuthorizationId)
    }

    /// Remembers the answer to a message.
    pub fn remember(&mut self, message: String, authorization: AuthorizationId) {
        self.answered.push(Answered { message, authorization: authorization.to_string() });
        let surplus = self.answered.len().saturating_sub(REMEMBERED_MESSAGES);
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
    let mut counted: Vec<(WindowKey, i64)> = KEPT.into_iter().map(plain).collect();
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
pub(super) fn add_taken(before: &mut Vec<Taken>, more: Vec<Taken>) {
    for part in more {
        let same =
            |known: &&mut Taken| (known.of_holder, &known.key, known.start) == (part.of_holder, &part.key, part.start);
        match before.iter_mut().find(same) {
            Some(known) => {
                known.amount = known.amount.saturating_add(part.amount);
                known.count += part.count;
            }
            None => before.push(part),
        }
    }
}
