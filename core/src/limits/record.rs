//! Counters: spending in each window. A card and a card holder have one row each, written in the commit of the
//! decision; accounts and programs have several (see `pool.rs`).

use crate::ids::{AuthorizationId, ClientId, Id};
use crate::limits::packed::Windows;
use crate::limits::quota::Quota;
use crate::limits::window::{PLAIN_INTERVALS, Window, WindowKey};
use crate::limits::windows::{self, Starts};
use crate::limits::{Interval, SpendingLimit};
use crate::money::Currency;
use crate::record::{Key, Kind, Record};
use crate::time::Instant;

/// How many messages of a card are remembered, so that a repeated message gets the first answer.
pub const MAX_REMEMBERED_MESSAGES: usize = 16;

/// Identifies a message of the network: a digest of its kind, numbers and amount.
pub type MessageDigest = [u8; 16];

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
    /// A card, a card holder, or a shard of an account or program.
    pub owner: Id,
    pub windows: Windows,
    /// Payments that were approved and not reversed in full, or posted without an authorization.
    pub payments: i64,
    /// The last messages, oldest first.
    pub answered: Vec<Answered>,
    /// Of a shard of shared limits; see [`crate::limits::Pool`].
    pub quotas: Vec<Quota>,
}

impl Record for Counters {
    const KIND: Kind = Kind::Counters;
    const HEAP_BYTES: usize = 400;

    fn key(&self) -> Key {
        Key::of(self.client, self.owner)
    }
}

impl Counters {
    pub fn new(client: ClientId, owner: Id) -> Counters {
        Counters { client, owner, windows: Windows::default(), payments: 0, answered: Vec::new(), quotas: Vec::new() }
    }

    /// Amount and count of the current window of a limit, for amounts of a currency; not negative.
    pub fn used(&self, limit: &SpendingLimit, currency: Currency, starts: &Starts) -> (i64, i64) {
        let start = start_of(limit, starts);
        let current = self.windows.iter().find(|window| window.start == start && window.key.is_of(limit, currency));
        current.map_or((0, 0), |window| (window.amount.max(0), window.count.max(0)))
    }

    /// Adds to every window that covers the merchant category. `used` is told the windows that are not plain, with
    /// their starts; the plain ones are always counted.
    pub fn consume(
        &mut self,
        limits: &[SpendingLimit],
        currency: Currency,
        category: &str,
        (amount, count): (i64, i64),
        starts: &Starts,
        mut used: impl FnMut(WindowKey, i64),
    ) {
        let other = other_windows(limits, currency, starts);
        // Windows that are over, and windows of limits that were removed, are dropped.
        self.windows.retain(|window| {
            let Window { key, start, .. } = window;
            let known = || match key.is_plain() {
                true => *start == starts.of(key.interval).micros() && PLAIN_INTERVALS.contains(&key.interval),
                false => other.iter().any(|(known, begins)| key == known && start == begins),
            };
            is_current(key, *start, starts) && (key.currency != currency || known())
        });
        for interval in PLAIN_INTERVALS {
            let key = WindowKey::plain(interval, currency);
            self.windows.add(key, starts.of(interval).micros(), (amount, count));
        }
        for (key, start) in other.into_iter().filter(|(key, _)| key.covers(category)) {
            self.windows.add(key.clone(), start, (amount, count));
            used(key, start);
        }
    }

    /// Takes an amount off the window that began at `start`, if that window is still the current one.
    pub fn credit_current_window(&mut self, key: &WindowKey, start: i64, (amount, count): (i64, i64), starts: &Starts) {
        if !is_current(key, start, starts) {
            return;
        }
        if let Some(window) = self.windows.iter_mut().find(|window| window.start == start && window.key == *key) {
            window.amount = window.amount.saturating_sub(amount);
            window.count = window.count.saturating_sub(count);
        }
    }

    /// Amount and count of a window; below zero if more was credited.
    pub(super) fn raw(&self, key: &WindowKey, start: i64) -> (i64, i64) {
        let window = self.windows.iter().find(|window| window.start == start && window.key == *key);
        window.map_or((0, 0), |window| (window.amount, window.count))
    }

    /// Drops windows that are over, those of this currency that are not among `known`, and their quotas.
    pub(super) fn drop_windows_but(&mut self, known: &[(WindowKey, i64)], currency: Currency, starts: &Starts) {
        let stays = |key: &WindowKey, start: i64| {
            let is_known = || known.iter().any(|(known, begins)| key == known && start == *begins);
            is_current(key, start, starts) && (key.currency != currency || is_known())
        };
        self.windows.retain(|window| stays(&window.key, window.start));
        self.quotas.retain(|quota| stays(&quota.window, quota.start));
    }

    /// The authorization that the message was answered with before.
    pub fn answer_to(&self, message: &MessageDigest) -> Option<AuthorizationId> {
        self.answered.iter().find(|known| known.message == *message).map(|known| known.authorization)
    }

    /// Remembers the answer to a message; the oldest one is dropped.
    pub fn remember(&mut self, message: MessageDigest, authorization: AuthorizationId) {
        let surplus = (self.answered.len() + 1).saturating_sub(MAX_REMEMBERED_MESSAGES);
        self.answered.drain(..surplus);
        self.answered.push(Answered { message, authorization });
    }
}

/// Whether the window that began at `start` is not over.
fn is_current(key: &WindowKey, start: i64, starts: &Starts) -> bool {
    let now = match &key.scope {
        None => starts.of(key.interval),
        Some(scope) => starts.in_zone(key.interval, &scope.time_zone),
    };
    let start = Instant::from_micros(start);
    start == now || windows::start(key.interval, key.time_zone(), start) == now
}

/// The start of the current window of a limit.
fn start_of(limit: &SpendingLimit, starts: &Starts) -> i64 {
    let start = starts.in_zone(limit.interval, &limit.time_zone).micros();
    // Windows of plain limits are counted whether there is a limit or not.
    if limit.is_plain() { start } else { start.max(limit.since) }
}

/// The current windows of the limits of this currency that are not plain, each once.
fn other_windows(limits: &[SpendingLimit], currency: Currency, starts: &Starts) -> Vec<(WindowKey, i64)> {
    let mut windows = Vec::new();
    for limit in limits {
        let of_currency = limit.currency.as_deref().is_none_or(|wanted| wanted == currency.code());
        if limit.interval == Interval::PerAuthorization || !of_currency || limit.is_plain() {
            continue;
        }
        let window = (WindowKey::of(limit, currency), start_of(limit, starts));
        if !windows.contains(&window) {
            windows.push(window);
        }
    }
    windows
}
