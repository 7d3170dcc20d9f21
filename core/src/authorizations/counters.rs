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

    fn covers(&self, category: &str) -> bool {
        covers(&self.categories, category)
    }
}

/// Whether a merchant category is among categories; all are when there are none.
pub fn covers(categories: &[String], category: &str) -> bool {
    categories.is_empty() || categories.iter().any(|known| crate::cards::categories::covers(known, category))
}

/// What was spent in the window that began at `start`.
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

    /// What was spent in the current window.
    pub fn used(&self, key: &WindowKey, now: Instant) -> (i64, i64) {
        let start = windows::start(key.interval, &key.time_zone, now).micros();
        let current = self.windows.iter().find(|window| window.key == *key && window.start == start);
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
        let keys = counted(limits, currency);
        // A window that has passed and a limit that was taken away leave nothing behind.
        self.windows.retain(|window| {
            let current = windows::start(window.key.interval, &window.key.time_zone, now).micros() == window.start;
            current && (window.key.currency != currency || keys.contains(&window.key))
        });
        let mut taken = Vec::new();
        for key in keys.into_iter().filter(|key| key.covers(category)) {
            let start = windows::start(key.interval, &key.time_zone, now).micros();
            match self.windows.iter_mut().find(|window| window.key == key) {
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
        if windows::start(key.interval, &key.time_zone, now).micros() != start {
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
            let current = windows::start(window.key.interval, &window.key.time_zone, now).micros() == window.start;
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

/// The windows that are counted: the plain ones in UTC always, and one for each other limit of this currency.
fn counted(limits: &[SpendingLimit], currency: &str) -> Vec<WindowKey> {
    let plain = KEPT.into_iter().map(|interval| WindowKey {
        interval,
        categories: Vec::new(),
        time_zone: "UTC".to_owned(),
        currency: currency.to_owned(),
    });
    let mut keys: Vec<WindowKey> = plain.collect();
    for limit in limits {
        let of_currency = limit.currency.as_deref().is_none_or(|wanted| wanted == currency);
        let key = WindowKey::of(limit, currency);
        if limit.interval != Interval::PerAuthorization && of_currency && !keys.contains(&key) {
            keys.push(key);
        }
    }
    keys
}
