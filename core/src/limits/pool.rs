//! Limits that many cards share: those of an account and of a program.
//!
//! One row that every payment of a program changes would make all its cards wait for each other. So such an owner has
//! several rows, its *shards*, and a payment counts on the shard of its account or card holder. A shard may use a part of
//! what a limit allows, its *quota*; the quotas of all shards together never exceed the limit. A payment that fits into
//! the rest of its shard's quota reads and writes only that row. One that does not fit holds all shards: it is decided on
//! the exact total, and what is left is divided anew. So the limit holds exactly under any interleaving, and payments of
//! different shards wait for each other only while a limit is nearly used up.
//!
//! These windows are counted only while there is a limit, from the moment it was set.

use crate::ids::Id;
use crate::limits::find::counters;
use crate::limits::quota::Quota;
use crate::limits::record::Counters;
use crate::limits::usage::LimitUsage;
use crate::limits::window::WindowKey;
use crate::limits::windows::Starts;
use crate::limits::{Interval, LimitLevel, SpendingLimit, covers};
use crate::money::Currency;
use crate::refusal::Stop;
use crate::work::Work;

/// The number of shards of an owner.
pub const SHARDS: usize = 16;

const SHARES: i64 = SHARDS as i64;

/// A quota into which no payment fits.
const NOTHING: i64 = i64::MIN / 4;

/// The id that the counters of a shard have as their owner.
pub fn shard_owner(owner: Id, shard: usize) -> Id {
    let text = format!("shard\n{owner}\n{shard}");
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, text.as_bytes());
    Id::from_slice(&digest.as_ref()[..12]).expect("twelve bytes are an id")
}

/// The shard on which payments of an account or card holder count.
pub fn shard_of(payer: Id) -> usize {
    let sum = payer.bytes().iter().fold(0_usize, |sum, byte| sum.wrapping_mul(31).wrapping_add(usize::from(*byte)));
    sum % SHARDS
}

/// The limits of an owner, and the counters that a payment of one of its cards changes.
pub(crate) struct Pool {
    pub(crate) level: LimitLevel,
    owner: Id,
    /// Those of the card's currency.
    pub(crate) limits: Vec<SpendingLimit>,
    currency: Currency,
    shard: usize,
    own: Counters,
    /// The other shards, if they are held.
    others: Option<Vec<Counters>>,
}

impl Pool {
    /// Fetches the shard that payments of `payer` count on; `None` if the owner has no limits of this currency.
    pub(crate) fn find(
        work: &mut Work,
        level: LimitLevel,
        owner: Id,
        limits: &[SpendingLimit],
        currency: Currency,
        payer: Id,
    ) -> Result<Option<Pool>, Stop> {
        if limits.is_empty() {
            return Ok(None);
        }
        let limits: Vec<SpendingLimit> =
            limits.iter().filter(|limit| limit.is_of_currency(currency)).cloned().collect();
        if limits.is_empty() {
            return Ok(None);
        }
        work.hints.note_pool(work.client(), owner);
        let shard = shard_of(payer);
        let own = counters(work, shard_owner(owner, shard))?;
        Ok(Some(Pool { level, owner, limits, currency, shard, own, others: None }))
    }

    /// Holds all shards if a payment does not fit into its shard's quotas.
    pub(crate) fn make_room(
        &mut self,
        work: &mut Work,
        category: &str,
        (amount, count): (i64, i64),
        starts: &Starts,
    ) -> Result<(), Stop> {
        let fits = |limit: &SpendingLimit| {
            let (amount_left, count_left) = left_of(&self.own, limit, self.currency, starts);
            amount_left.is_none_or(|left| amount <= left) && count_left.is_none_or(|left| count <= left)
        };
        let counts = |limit: &&SpendingLimit| is_counted(limit) && covers(&limit.categories, category);
        if self.others.is_none() && !self.limits.iter().filter(counts).all(fits) {
            self.others = Some(others(work, self.owner, self.shard)?);
        }
        Ok(())
    }

    /// Whether all shards are held, so that the usage is exact.
    pub(crate) fn is_exact(&self) -> bool {
        self.others.is_some()
    }

    /// What a payment has to be compared with: the exact usage if all shards are held, otherwise what leaves the rest of
    /// the shard's quota, which is at least as much.
    pub(crate) fn used(&self, limit: &SpendingLimit, starts: &Starts) -> (i64, i64) {
        if let Some(others) = &self.others {
            return used_in_total(std::iter::once(&self.own).chain(others), limit, self.currency, starts);
        }
        let (amount_left, count_left) = left_of(&self.own, limit, self.currency, starts);
        let used = |most: Option<i64>, left: Option<i64>| most.zip(left).map_or(0, |(most, left)| most - left).max(0);
        (used(limit.amount, amount_left), used(limit.max_count, count_left))
    }

    /// Counts a payment, and adds the windows it used to `usage`.
    pub(crate) fn consume(
        &mut self,
        usage: &mut LimitUsage,
        category: &str,
        (amount, count): (i64, i64),
        starts: &Starts,
    ) {
        let windows: Vec<(WindowKey, i64)> = self
            .limits
            .iter()
            .filter(|limit| is_counted(limit))
            .map(|limit| window_of(limit, self.currency, starts))
            .collect();
        self.own.drop_windows_but(&windows, self.currency, starts);
        for (key, start) in windows.into_iter().filter(|(key, _)| key.covers(category)) {
            self.own.windows.add(key.clone(), start, (amount, count));
            usage.note_shared(self.level, key, start, (amount, count));
        }
        if let Some(others) = &mut self.others {
            divide(&mut self.own, others, &self.limits, self.currency, starts);
        }
    }

    /// Credits what is taken back of a payment, as far as the windows are current.
    pub(crate) fn release(&mut self, usage: &mut LimitUsage, (amount, count): (i64, i64), starts: &Starts) {
        usage.release_shared(self.level, &mut self.own, (amount, count), starts);
    }

    /// Debits again what a refund had credited. The quotas do not cover that, so what is left is divided anew.
    pub(crate) fn consume_again(&mut self, work: &mut Work, given: &LimitUsage, starts: &Starts) -> Result<(), Stop> {
        let others = match &mut self.others {
            Some(others) => others,
            none => none.insert(others(work, self.owner, self.shard)?),
        };
        given.consume_shared_again(self.level, &mut self.own, starts);
        divide(&mut self.own, others, &self.limits, self.currency, starts);
        Ok(())
    }

    /// Stores the counters that are held.
    pub(crate) fn keep(self, work: &mut Work) {
        work.counters.put(self.own);
        for shard in self.others.into_iter().flatten() {
            work.counters.put(shard);
        }
    }
}

/// Divides anew what new limits leave, when the limits of an owner change. `currency` is that of limits that name none.
pub(crate) fn divide_anew(
    work: &mut Work,
    owner: Id,
    limits: &[SpendingLimit],
    currency: Option<Currency>,
) -> Result<(), Stop> {
    if limits.is_empty() {
        return Ok(());
    }
    let starts = Starts::at(work.now());
    let mut own = counters(work, shard_owner(owner, 0))?;
    let mut others = others(work, owner, 0)?;
    let mut currencies: Vec<Currency> = Vec::new();
    let currency_of = |limit: &SpendingLimit| limit.currency.as_deref().map_or(currency, Currency::from_code);
    for currency in limits.iter().filter_map(currency_of) {
        if !currencies.contains(&currency) {
            currencies.push(currency);
        }
    }
    for currency in currencies {
        let of_currency: Vec<SpendingLimit> =
            limits.iter().filter(|limit| limit.is_of_currency(currency)).cloned().collect();
        divide(&mut own, &mut others, &of_currency, currency, &starts);
    }
    // All of them are written, those without usage too: their quotas change, and a payment on a shard that has no row yet
    // must not go unnoticed.
    for shard in std::iter::once(own).chain(others) {
        work.counters.put(shard);
    }
    Ok(())
}

/// The exact usage of a limit: amount and count over all shards; not negative.
pub fn used_in_total<'a>(
    shards: impl Iterator<Item = &'a Counters>,
    limit: &SpendingLimit,
    currency: Currency,
    starts: &Starts,
) -> (i64, i64) {
    let (key, start) = window_of(limit, currency, starts);
    let all = shards.map(|shard| shard.raw(&key, start));
    let (amount, count) = all.fold((0_i64, 0_i64), |sum, one| (sum.0.saturating_add(one.0), sum.1 + one.1));
    (amount.max(0), count.max(0))
}

/// What payments that their shards decide may bring the usage of a limit to.
#[cfg(any(test, feature = "testing"))]
pub(crate) fn reach(shards: &[&Counters], limit: &SpendingLimit, currency: Currency, starts: &Starts) -> i64 {
    let (key, start) = window_of(limit, currency, starts);
    let absent = Counters::new(crate::ids::ClientId::default(), Id::from_bytes([0; 12]));
    let absent = std::iter::repeat_n(&absent, SHARDS - shards.len());
    let most = |shard: &Counters| {
        let (used, _) = shard.raw(&key, start);
        match left_of(shard, limit, currency, starts).0.unwrap_or(0) {
            left @ 1.. => used.max(0).saturating_add(left),
            _ => used,
        }
    };
    shards.iter().copied().chain(absent).map(most).fold(0, i64::saturating_add)
}

fn others(work: &mut Work, owner: Id, but: usize) -> Result<Vec<Counters>, Stop> {
    // All rows are asked for before the first one is missed.
    let owners: Vec<Id> = (0..SHARDS).filter(|shard| *shard != but).map(|shard| shard_owner(owner, shard)).collect();
    let client = work.client();
    for owner in &owners {
        work.counters.prefetch(crate::record::Key::of(client, *owner), crate::table::Access::Exclusive);
    }
    owners.into_iter().map(|owner| counters(work, owner)).collect()
}

fn is_counted(limit: &SpendingLimit) -> bool {
    limit.interval != Interval::PerAuthorization
}

/// The current window of a limit. It begins when the limit was set, if that was in it.
pub(super) fn window_of(limit: &SpendingLimit, currency: Currency, starts: &Starts) -> (WindowKey, i64) {
    let start = starts.in_zone(limit.interval, &limit.time_zone).micros().max(limit.since);
    (WindowKey::of(limit, currency), start)
}

/// What is left of a shard's quotas for a limit.
fn left_of(shard: &Counters, limit: &SpendingLimit, currency: Currency, starts: &Starts) -> (Option<i64>, Option<i64>) {
    let (key, start) = window_of(limit, currency, starts);
    let (amount, count) = shard.raw(&key, start);
    let quota = shard.quotas.iter().find(|quota| quota.start == start && quota.window == key);
    let (most_amount, most_count) = match quota {
        Some(quota) => (quota.amount, quota.count),
        None => (limit.amount.map(|most| most / SHARES), limit.max_count.map(|most| most / SHARES)),
    };
    // What refunds credited beyond payments raises no limit at once; see `Counters::used`.
    let left = |most: Option<i64>, used: i64| most.map(|most| most.saturating_sub(used.max(0)));
    (left(most_amount, amount), left(most_count, count))
}

/// Gives every shard what it has used and an equal part of what is left of each limit.
fn divide(own: &mut Counters, others: &mut [Counters], limits: &[SpendingLimit], currency: Currency, starts: &Starts) {
    for limit in limits.iter().filter(|limit| is_counted(limit)) {
        let (key, start) = window_of(limit, currency, starts);
        let (amount, count) = used_in_total(std::iter::once(&*own).chain(&*others), limit, currency, starts);
        // Beyond the limit no shard may decide by itself: what is credited to one does not make room for all.
        let part = |most: Option<i64>, used: i64| {
            let left = most?.saturating_sub(used);
            Some(if left < 0 { NOTHING } else { left / SHARES })
        };
        let (amount_part, count_part) = (part(limit.amount, amount), part(limit.max_count, count));
        for shard in std::iter::once(&mut *own).chain(&mut *others) {
            let (amount, count) = shard.raw(&key, start);
            shard.quotas.retain(|quota| quota.window != key);
            shard.quotas.push(Quota {
                window: key.clone(),
                start,
                amount: amount_part.map(|part| part.saturating_add(amount)),
                count: count_part.map(|part| part.saturating_add(count)),
            });
        }
    }
}
