//! Limits as they are shown with their usage, at every level.

use paygen_core::ids::{ClientId, Id};
use paygen_core::limits::windows::{self, Starts};
use paygen_core::limits::{Counters, Interval, LimitLevel, SHARDS, SpendingLimit, shard_owner, used_in_total};
use paygen_core::money::Currency;
use paygen_core::record::Key;
use paygen_core::time::Instant;
use paygen_core::view::Money;
use serde::Serialize;

use crate::Api;
use crate::problem::Problem;

/// A limit, with what its window has.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct LimitUse {
    /// Whose payments it counts: those of a card, of all cards of a card holder, of an account or of a program.
    level: LimitLevel,
    /// Whether the card has it from its program.
    inherited: bool,
    /// Window of the limit.
    interval: Interval,
    /// The categories it is about; all when empty.
    categories: Vec<String>,
    /// Time zone in which windows begin at midnight.
    time_zone: String,
    /// Currency of its amounts, and of the cards it is about.
    #[schema(example = "USD")]
    currency: String,
    /// The most that may be spent.
    #[schema(required = true)]
    amount: Option<Money>,
    /// What was spent in the window.
    used: Money,
    /// What is left.
    #[schema(required = true)]
    remaining: Option<Money>,
    /// The most payments.
    #[schema(required = true)]
    max_count: Option<i64>,
    /// How many there were in the window.
    used_count: i64,
    /// How many are left.
    #[schema(required = true)]
    remaining_count: Option<i64>,
    /// When the next window begins; null when it never does.
    #[schema(value_type = Option<String>, format = DateTime, required = true)]
    resets_at: Option<String>,
    /// Start of the count.
    #[schema(value_type = String, format = DateTime)]
    counting_since: String,
    /// Whether it has the smallest remainder of all listed limits on amounts of its currency.
    binds: bool,
}

/// A limit, and what is left of its amount.
pub struct Use {
    left: Option<i64>,
    currency: Currency,
    shown: LimitUse,
}

impl Use {
    /// Of a limit with the amount and count that its window has.
    pub fn of(
        level: LimitLevel,
        limit: &SpendingLimit,
        currency: Currency,
        (used, used_count): (i64, i64),
        now: Instant,
    ) -> Use {
        let money = |minor| Money::new(minor, currency);
        let left = limit.amount.map(|amount| amount.saturating_sub(used).max(0));
        let shown = LimitUse {
            level,
            inherited: false,
            interval: limit.interval,
            categories: limit.categories.clone(),
            time_zone: limit.time_zone.clone(),
            currency: currency.code().to_owned(),
            amount: limit.amount.map(money),
            used: money(used),
            remaining: left.map(money),
            max_count: limit.max_count,
            used_count,
            remaining_count: limit.max_count.map(|most| most.saturating_sub(used_count).max(0)),
            resets_at: windows::end(limit.interval, &limit.time_zone, now).map(|at| at.to_string()),
            counting_since: limit.counting_since().to_string(),
            binds: false,
        };
        Use { left, currency, shown }
    }

    /// Of a limit that is counted on the counters of a card or card holder.
    pub fn counted(
        level: LimitLevel,
        limit: &SpendingLimit,
        currency: Currency,
        counters: &Counters,
        now: Instant,
    ) -> Use {
        let used = match limit.interval {
            Interval::PerAuthorization => (0, 0),
            _ => counters.used(limit, currency, &Starts::at(now)),
        };
        Use::of(level, limit, currency, used, now)
    }

    /// The same, from the card's program.
    #[must_use]
    pub fn inherited(mut self) -> Use {
        self.shown.inherited = true;
        self
    }
}

/// The limits with those that bind.
pub fn shown(uses: Vec<Use>) -> Vec<LimitUse> {
    let least =
        |currency: Currency| uses.iter().filter(|one| one.currency == currency).filter_map(|one| one.left).min();
    let binds: Vec<bool> = uses.iter().map(|one| one.left.is_some() && one.left == least(one.currency)).collect();
    uses.into_iter().zip(binds).map(|(one, binds)| LimitUse { binds, ..one.shown }).collect()
}

/// The limits that an account or program has for its cards together; those of one currency, if it is given.
pub async fn of_shared(
    app: &Api,
    client: ClientId,
    level: LimitLevel,
    owner: Id,
    limits: &[SpendingLimit],
    of: Option<Currency>,
) -> Result<Vec<Use>, Problem> {
    let currency_of = |limit: &SpendingLimit| limit.currency.as_deref().map_or(of, Currency::from_code);
    let wanted: Vec<(&SpendingLimit, Currency)> = limits
        .iter()
        .filter_map(|limit| Some((limit, currency_of(limit)?)))
        .filter(|(_, currency)| of.is_none_or(|of| of == *currency))
        .collect();
    if wanted.is_empty() {
        return Ok(Vec::new());
    }
    let owners: Vec<Id> = (0..SHARDS).map(|shard| shard_owner(owner, shard)).collect();
    let mut shards: Vec<Counters> = Vec::new();
    for owner in owners {
        shards.extend(app.reader.get::<Counters>(Key::of(client, owner)).await?);
    }
    let now = app.clock.now();
    let starts = Starts::at(now);
    let one = |(limit, currency): (&SpendingLimit, Currency)| {
        let used = match limit.interval {
            Interval::PerAuthorization => (0, 0),
            _ => used_in_total(shards.iter(), limit, currency, &starts),
        };
        Use::of(level, limit, currency, used, now)
    };
    Ok(wanted.into_iter().map(one).collect())
}

/// The counters of a card or card holder; empty ones if nothing was counted yet.
pub async fn counters(app: &Api, client: ClientId, owner: Id) -> Result<Counters, Problem> {
    let found = app.reader.get::<Counters>(Key::of(client, owner)).await?;
    Ok(found.unwrap_or_else(|| Counters::new(client, owner)))
}
