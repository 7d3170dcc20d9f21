//! Spending controls: where a card may be used, at which merchants, and up to which amounts.

use serde::{Deserialize, Serialize};

use crate::money::Currency;
use crate::refusal::Refusal;
use crate::time::Instant;

/// The maximum number of limits of a card or card holder.
pub const MAX_LIMITS: usize = 32;

crate::string_enum! {
    /// The window in which a limit counts.
    pub enum Interval {
        PerAuthorization = "per_authorization",
        /// From midnight in the limit's time zone.
        Daily = "daily",
        /// From midnight on Monday.
        Weekly = "weekly",
        /// From midnight on the first of the month.
        Monthly = "monthly",
        /// From midnight on the first of January.
        Yearly = "yearly",
        AllTime = "all_time",
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Channels {
    pub atm: bool,
    pub pos: bool,
    pub web: bool,
    pub mobile: bool,
}

impl Channels {
    pub const NONE: Channels = Channels { atm: false, pos: false, web: false, mobile: false };

    /// The channels that are open in one of both.
    #[must_use]
    pub fn or(self, other: Channels) -> Channels {
        Channels {
            atm: self.atm || other.atm,
            pos: self.pos || other.pos,
            web: self.web || other.web,
            mobile: self.mobile || other.mobile,
        }
    }

    /// Each with its name.
    pub fn named(self) -> [(&'static str, bool); 4] {
        [("atm", self.atm), ("pos", self.pos), ("web", self.web), ("mobile", self.mobile)]
    }
}

impl Default for Channels {
    fn default() -> Channels {
        Channels { atm: true, pos: true, web: true, mobile: true }
    }
}

/// A spending limit: a maximum amount, a maximum count, or both, in a window, for some or all merchant categories.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SpendingLimit {
    /// Maximum spending in a window, in minor units.
    pub amount: Option<i64>,
    /// Maximum number of authorizations in a window.
    pub max_count: Option<i64>,
    pub interval: Interval,
    /// Codes and groups of merchant categories; all if empty.
    pub categories: Vec<String>,
    /// An IANA time zone; its midnight begins a window.
    pub time_zone: String,
    /// The currency of the cards that the limit covers. Limits of cards have none: they are in the card's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub currency: Option<String>,
    /// Since when the limit counts, in microseconds.
    pub since: i64,
}

impl SpendingLimit {
    /// What identifies a limit: everything but its amounts.
    pub fn identity(&self) -> (Interval, &[String], &str, Option<&str>) {
        (self.interval, &self.categories, &self.time_zone, self.currency.as_deref())
    }

    /// Whether its window is counted for every card and card holder, with or without a limit.
    pub fn is_plain(&self) -> bool {
        self.categories.is_empty() && self.time_zone == "UTC"
    }

    /// Whether it is about amounts of a currency.
    pub fn is_of_currency(&self, currency: Currency) -> bool {
        self.currency.as_deref().is_none_or(|wanted| wanted == currency.code())
    }

    pub fn counting_since(&self) -> Instant {
        Instant::from_micros(self.since)
    }
}

/// A limit that a caller asks for.
#[derive(Clone, Debug, PartialEq)]
pub struct NewLimit {
    /// The limit; `since` is ignored.
    pub limit: SpendingLimit,
    /// `countingSince`, if the caller sent it back.
    pub counting_since: Option<Instant>,
}

/// Sets the start of each limit. A limit that existed before keeps its start; a new one starts now, or at `created_at`
/// if its window is counted for every card anyway.
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

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct SpendingControls {
    pub channels: Channels,
    /// Channels that a card opens itself, in place of what its program says. Only where the program permits that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub opened: Option<Channels>,
    /// Only these merchant categories; all if empty.
    pub allowed_categories: Vec<String>,
    pub blocked_categories: Vec<String>,
    /// Only these merchants, by the network's merchant id; all if empty.
    pub allowed_merchants: Vec<String>,
    pub blocked_merchants: Vec<String>,
    /// Only these countries (ISO 3166-1 alpha-2); all if empty.
    pub allowed_countries: Vec<String>,
    pub blocked_countries: Vec<String>,
    pub spending_limits: Vec<SpendingLimit>,
}

impl SpendingControls {
    #[must_use]
    pub(crate) fn without_limits(&self) -> SpendingControls {
        SpendingControls {
            channels: self.channels,
            opened: self.opened,
            allowed_categories: self.allowed_categories.clone(),
            blocked_categories: self.blocked_categories.clone(),
            allowed_merchants: self.allowed_merchants.clone(),
            blocked_merchants: self.blocked_merchants.clone(),
            allowed_countries: self.allowed_countries.clone(),
            blocked_countries: self.blocked_countries.clone(),
            spending_limits: Vec::new(),
        }
    }

    /// Without blanks around merchant ids: networks pad them to a fixed width.
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

/// Spending controls that a caller asks for.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct NewControls {
    pub controls: SpendingControls,
    /// Whether the caller named every channel, as one who sends a card back does.
    pub names_all_channels: bool,
    pub limits: Vec<NewLimit>,
}

impl NewControls {
    /// The controls that replace `before`.
    pub fn replacing(
        &self,
        before: &SpendingControls,
        created_at: Instant,
        now: Instant,
    ) -> Result<SpendingControls, Refusal> {
        let spending_limits = start_limits(&before.spending_limits, &self.limits, created_at, now)?;
        let mut controls = SpendingControls { spending_limits, ..self.controls.clone().trimmed() };
        if self.names_all_channels && controls.channels == before.channels {
            controls.opened = before.opened;
        }
        Ok(controls)
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
