//! Spending controls: what a card may be used for, where and up to how much.

use serde::{Deserialize, Serialize};

use crate::refusal::Refusal;
use crate::time::Instant;

/// At most so many limits on a card or card holder.
pub const MAX_LIMITS: usize = 32;

crate::string_enum! {
    /// The window a limit counts in.
    pub enum Interval {
        /// Each authorization by itself.
        PerAuthorization = "per_authorization",
        /// From midnight.
        Daily = "daily",
        /// From Monday's midnight.
        Weekly = "weekly",
        /// From midnight of the first of the month.
        Monthly = "monthly",
        /// From midnight of the first of January.
        Yearly = "yearly",
        /// Over the card's whole life.
        AllTime = "all_time",
    }
}

/// Where a card may be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Channels {
    /// Cash machines.
    pub atm: bool,
    /// Terminals in shops.
    pub pos: bool,
    /// Web shops.
    pub web: bool,
    /// Wallets and apps.
    pub mobile: bool,
}

impl Default for Channels {
    fn default() -> Channels {
        Channels { atm: true, pos: true, web: true, mobile: true }
    }
}

/// A limit: how much, how often, in which window, on which categories.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SpendingLimit {
    /// The most that may be spent, in minor units.
    pub amount: Option<i64>,
    /// How many authorizations there may be.
    pub max_count: Option<i64>,
    /// The window.
    pub interval: Interval,
    /// The categories it is about; all when empty.
    pub categories: Vec<String>,
    /// The zone whose midnight begins a window, an IANA name.
    pub time_zone: String,
    /// On a card holder: the currency of the cards it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub currency: Option<String>,
    /// Since when it counts, in microseconds.
    pub since: i64,
}

impl SpendingLimit {
    /// What makes a limit the same one when its amount changes.
    pub fn identity(&self) -> (Interval, &[String], &str, Option<&str>) {
        (self.interval, &self.categories, &self.time_zone, self.currency.as_deref())
    }

    /// Whether its window is one of those that are always counted.
    pub fn is_plain(&self) -> bool {
        self.categories.is_empty() && self.time_zone == "UTC"
    }

    /// Since when it counts.
    pub fn counting_since(&self) -> Instant {
        Instant::from_micros(self.since)
    }
}

/// A limit as it is asked for.
#[derive(Clone, Debug, PartialEq)]
pub struct NewLimit {
    /// The limit; its `since` says nothing yet.
    pub limit: SpendingLimit,
    /// `countingSince` as the caller read it, when it was sent back.
    pub counting_since: Option<Instant>,
}

/// Gives each limit its beginning: one that was there before goes on counting, a new one begins now. What plain limits
/// in UTC count is counted for every card and card holder from its beginning, `created_at`.
pub fn start_limits(
    before: &[SpendingLimit],
    requested: &[NewLimit],
    created_at: Instant,
    now: Instant,
) -> Result<Vec<SpendingLimit>, Refusal> {
    let settle = |new: &NewLimit| {
        let known = before.iter().find(|old| old.identity() == new.limit.identity());
        let begins = if new.limit.is_plain() { created_at } else { now };
        let since = known.map_or(begins, SpendingLimit::counting_since);
        let shown = |at: Instant| at.to_string();
        match new.counting_since {
            Some(sent) if shown(sent) != shown(since) => {
                Err(Refusal::ReadOnlyField { field: "/spendingLimits/countingSince" })
            }
            _ => Ok(SpendingLimit { since: since.micros(), ..new.limit.clone() }),
        }
    };
    requested.iter().map(settle).collect()
}

/// What a card may be used for.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct SpendingControls {
    /// Where.
    pub channels: Channels,
    /// Only these merchant categories, when there are any.
    pub allowed_categories: Vec<String>,
    /// Not these.
    pub blocked_categories: Vec<String>,
    /// Only these merchants, by the network's merchant id.
    pub allowed_merchants: Vec<String>,
    /// Not these.
    pub blocked_merchants: Vec<String>,
    /// Only in these countries, ISO 3166-1 alpha-2.
    pub allowed_countries: Vec<String>,
    /// Not in these.
    pub blocked_countries: Vec<String>,
    /// Up to how much.
    pub spending_limits: Vec<SpendingLimit>,
}

impl SpendingControls {
    /// Without the padding of merchant ids, which networks send in fields of a fixed width.
    #[must_use]
    pub fn trimmed(mut self) -> SpendingControls {
        for id in self.allowed_merchants.iter_mut().chain(&mut self.blocked_merchants) {
            if id.trim() != id {
                *id = id.trim().to_owned();
            }
        }
        self
    }
}

/// Spending controls as they are asked for.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct NewControls {
    /// Everything but the limits.
    pub controls: SpendingControls,
    /// The limits.
    pub limits: Vec<NewLimit>,
}

impl NewControls {
    /// The controls that take the place of `before`.
    pub fn replacing(
        &self,
        before: &SpendingControls,
        created_at: Instant,
        now: Instant,
    ) -> Result<SpendingControls, Refusal> {
        let spending_limits = start_limits(&before.spending_limits, &self.limits, created_at, now)?;
        Ok(SpendingControls { spending_limits, ..self.controls.clone().trimmed() })
    }
}

#[cfg(test)]
mod tests {
    use super::{Interval, NewLimit, SpendingLimit, start_limits};
    use crate::time::Instant;

    fn limit(amount: i64, interval: Interval, categories: &[&str], since: i64) -> SpendingLimit {
        SpendingLimit {
            amount: Some(amount),
            max_count: None,
            interval,
            categories: categories.iter().map(|text| (*text).to_owned()).collect(),
            time_zone: "UTC".to_owned(),
            currency: None,
            since,
        }
    }

    #[test]
    fn a_limit_that_stays_goes_on_counting() {
        let before = [limit(100, Interval::Daily, &[], 5), limit(7, Interval::Daily, &["5812"], 6)];
        let requested = [
            limit(200, Interval::Daily, &[], 0),
            limit(7, Interval::Weekly, &[], 0),
            limit(7, Interval::Weekly, &["5812"], 0),
            SpendingLimit { time_zone: "Africa/Lagos".to_owned(), ..limit(7, Interval::Weekly, &[], 0) },
            limit(7, Interval::Daily, &["5812"], 0),
        ];
        let requested = requested.map(|limit| NewLimit { limit, counting_since: None });
        let settled =
            start_limits(&before, &requested, Instant::from_micros(3), Instant::from_micros(99)).expect("limits");
        let since: Vec<i64> = settled.iter().map(|limit| limit.since).collect();
        assert_eq!(since, [5, 3, 99, 99, 6]);
        let sent = NewLimit {
            limit: limit(1, Interval::Daily, &[], 0),
            counting_since: Some(Instant::from_micros(9_000_000)),
        };
        assert!(start_limits(&before, &[sent], Instant::from_micros(3), Instant::from_micros(99)).is_err());
    }
}
