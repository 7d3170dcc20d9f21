//! Windows in which spending is counted, and what identifies them.

use std::fmt;
use std::sync::Arc;

use crate::limits::{Interval, SpendingLimit, categories};
use crate::money::Currency;

/// The intervals that are counted for every owner, with or without a limit.
pub(crate) const PLAIN_INTERVALS: [Interval; 5] =
    [Interval::Daily, Interval::Weekly, Interval::Monthly, Interval::Yearly, Interval::AllTime];

/// Identifies a window: interval, currency, merchant categories and time zone.
///
/// It is stored as text: `daily USD` for a plain window, otherwise `daily USD Africa/Lagos 5411,5812`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WindowKey {
    pub interval: Interval,
    pub currency: Currency,
    /// `None` for a plain window: of all categories, in UTC.
    pub scope: Option<Arc<WindowScope>>,
}

/// What a window covers that is not a plain one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WindowScope {
    /// All categories if empty.
    pub categories: Vec<String>,
    pub time_zone: String,
}

impl WindowKey {
    /// The key of a plain window.
    pub const fn plain(interval: Interval, currency: Currency) -> WindowKey {
        WindowKey { interval, currency, scope: None }
    }

    /// The key of a limit's window for amounts of a currency.
    pub fn of(limit: &SpendingLimit, currency: Currency) -> WindowKey {
        let scope = || WindowScope { categories: limit.categories.clone(), time_zone: limit.time_zone.clone() };
        let scope = (!limit.is_plain()).then(|| Arc::new(scope()));
        WindowKey { interval: limit.interval, currency, scope }
    }

    pub(super) fn parse(text: &str) -> Option<WindowKey> {
        let mut parts = text.split(' ');
        let interval = Interval::parse(parts.next()?)?;
        let currency = Currency::of_stored(parts.next()?)?;
        let time_zone = parts.next().unwrap_or("UTC").to_owned();
        let categories: Vec<String> =
            parts.next().map(|all| all.split(',').map(str::to_owned).collect()).unwrap_or_default();
        let plain = time_zone == "UTC" && categories.is_empty();
        let scope = (!plain).then(|| Arc::new(WindowScope { categories, time_zone }));
        parts.next().is_none().then_some(WindowKey { interval, currency, scope })
    }

    pub fn categories(&self) -> &[String] {
        self.scope.as_ref().map_or(&[], |scope| &scope.categories)
    }

    pub fn time_zone(&self) -> &str {
        self.scope.as_ref().map_or("UTC", |scope| &scope.time_zone)
    }

    pub fn is_plain(&self) -> bool {
        self.scope.is_none()
    }

    /// Whether it is the key of this limit's window.
    pub(super) fn is_of(&self, limit: &SpendingLimit, currency: Currency) -> bool {
        self.interval == limit.interval
            && self.currency == currency
            && self.categories() == limit.categories
            && self.time_zone() == limit.time_zone
    }

    /// Whether it counts payments of a merchant category.
    pub fn covers(&self, category: &str) -> bool {
        covers(self.categories(), category)
    }
}

/// Whether a list of categories covers a merchant category; an empty list covers all.
pub fn covers(categories: &[String], category: &str) -> bool {
    categories.is_empty() || categories.iter().any(|known| categories::covers(known, category))
}

impl fmt::Display for WindowKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.interval, self.currency)?;
        match &self.scope {
            None => Ok(()),
            Some(scope) if scope.categories.is_empty() => write!(f, " {}", scope.time_zone),
            Some(scope) => write!(f, " {} {}", scope.time_zone, scope.categories.join(",")),
        }
    }
}

crate::stored_as_text!(WindowKey => WindowKey::parse);

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
