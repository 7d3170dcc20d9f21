//! `GET /cards/{cardId}/limits`: each limit with its used and remaining amounts.

use axum::extract::State;
use axum::response::Response;
use paygen_core::card_holders::CardHolder;
use paygen_core::cards::Card;
use paygen_core::ids::CardId;
use paygen_core::limits::windows::{self, Starts};
use paygen_core::limits::{Counters, Interval, SpendingLimit};
use paygen_core::record::Key;
use paygen_core::time::Instant;
use paygen_core::view::Money;
use serde::Serialize;

use super::seen;
use crate::Api;
use crate::gate::{Allowed, CARDS_READ};
use crate::path::PathId;
use crate::problem::Problem;
use crate::query::NoParams;
use crate::reply::{self, Envelope};

/// A limit, with what its window has.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct LimitUse {
    /// card or card_holder.
    level: &'static str,
    /// Window of the limit.
    interval: Interval,
    /// The categories it is about; all when empty.
    categories: Vec<String>,
    /// Time zone in which windows begin at midnight.
    time_zone: String,
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
    /// Whether it has the smallest remainder of all limits on amounts.
    binds: bool,
}

/// Retrieve a card's limits
///
/// Each limit of the card and its card holder with its usage and remainder, when it resets, and which one binds.
#[utoipa::path(get, path = "/cards/{cardId}/limits", tag = "Cards", operation_id = "getCardLimits",
    params(("cardId" = String, Path, description = "The card.", pattern = "^[0-9a-f]{24}$")),
    responses((status = 200, description = "The limits.", body = Envelope<Vec<LimitUse>>)),
    security(("apiKey" = ["cards:read"]), ("bearer" = ["cards:read"])))]
pub async fn get_card_limits(
    State(app): State<Api>,
    Allowed(caller): Allowed<CARDS_READ>,
    PathId(id): PathId<CardId>,
    _: NoParams,
) -> Result<Response, Problem> {
    let card = seen(&app, &caller, id).await?;
    let key = |id| Key::of(caller.client, id);
    let holder = app.reader.get::<CardHolder>(key(card.card_holder.0)).await?;
    let holder_limits = holder.map(|holder| holder.limits).unwrap_or_default();
    let (of_card, of_holder) = (
        app.reader.get::<Counters>(key(card.id.0)).await?.unwrap_or_else(|| Counters::new(card.client, card.id.0)),
        app.reader
            .get::<Counters>(key(card.card_holder.0))
            .await?
            .unwrap_or_else(|| Counters::new(card.client, card.card_holder.0)),
    );
    let now = app.clock.now();
    let code = card.currency.code().to_owned();
    let of_currency = |limit: &&SpendingLimit| limit.currency.as_deref().is_none_or(|wanted| wanted == code);
    let mut uses: Vec<(Option<i64>, LimitUse)> =
        card.controls.spending_limits.iter().map(|limit| limit_use("card", &card, limit, &of_card, now)).collect();
    let held = holder_limits.iter().filter(of_currency);
    uses.extend(held.map(|limit| limit_use("card_holder", &card, limit, &of_holder, now)));
    let least = uses.iter().filter_map(|(left, _)| *left).min();
    let shown: Vec<LimitUse> =
        uses.into_iter().map(|(left, limit)| LimitUse { binds: left.is_some() && left == least, ..limit }).collect();
    Ok(reply::ok("Card limits fetched successfully.", &shown))
}

fn limit_use(
    level: &'static str,
    card: &Card,
    limit: &SpendingLimit,
    counters: &Counters,
    now: Instant,
) -> (Option<i64>, LimitUse) {
    let money = |minor| Money::new(minor, card.currency);
    let (used, used_count) = match limit.interval {
        Interval::PerAuthorization => (0, 0),
        _ => counters.used(limit, card.currency, &Starts::at(now)),
    };
    let left = limit.amount.map(|amount| amount.saturating_sub(used).max(0));
    let shown = LimitUse {
        level,
        interval: limit.interval,
        categories: limit.categories.clone(),
        time_zone: limit.time_zone.clone(),
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
    (left, shown)
}
