//! Limits that cards share: their shards count what authorizations and transactions say they used, and the quotas of all
//! shards together stay within the limit.

use super::Simulation;
use crate::ids::Id;
use crate::limits::windows::Starts;
use crate::limits::{
    Counters, Interval, LimitLevel, LimitUsage, SHARDS, SpendingLimit, WindowKey, reach, shard_owner, used_in_total,
};
use crate::money::Currency;
use crate::record::Key;
use crate::transactions::TransactionType;

/// Checks every account, and the program.
pub(super) fn check(of: &Simulation) {
    let client = of.world.client;
    let accounts = of.world.work.accounts.wanted().filter_map(|(key, _)| of.world.work.accounts.peek(key));
    for account in accounts.filter(|account| !account.limits.is_empty()) {
        for limit in &account.limits {
            check_limit(of, LimitLevel::Account, account.id.0, limit, account.currency);
        }
    }
    let Some(program) = of.world.work.programs.peek(Key::of(client, client.0)) else { return };
    for limit in &program.settings.limits {
        let currency = limit.currency.as_deref().and_then(Currency::from_code).expect("a currency");
        check_limit(of, LimitLevel::Program, program.id.0, limit, currency);
    }
}

fn check_limit(of: &Simulation, level: LimitLevel, owner: Id, limit: &SpendingLimit, currency: Currency) {
    if limit.interval == Interval::PerAuthorization {
        return;
    }
    let shards = (0..SHARDS).filter_map(|shard| {
        let key = Key::of(of.world.client, shard_owner(owner, shard));
        of.world.work.counters.peek(key)
    });
    let shards: Vec<&Counters> = shards.collect();
    let starts = Starts::at(of.now());
    let start = starts.in_zone(limit.interval, &limit.time_zone).micros().max(limit.since);
    let key = WindowKey::of(limit, currency);
    let sum = |usage: &LimitUsage| {
        let parts = usage.shared().iter().filter(|part| part.level == level && part.start == start && part.key == key);
        parts.fold((0, 0), |sum: (i64, i64), part| (sum.0 + part.amount, sum.1 + part.count))
    };
    let mut expected = (0, 0);
    let mut add = |(amount, count): (i64, i64), sign: i64| {
        expected = (expected.0 + sign * amount, expected.1 + sign * count);
    };
    for row in of.made().filter(|row| level == LimitLevel::Program || row.account.is_some_and(|id| id.0 == owner)) {
        add(sum(&row.limit_usage), 1);
    }
    for row in of.posted().filter(|row| level == LimitLevel::Program || row.account.0 == owner) {
        match row.kind {
            TransactionType::RefundReversal => {
                let refund = of.posting_row(row.original.expect("a refund"));
                add(sum(&refund.limit_usage), -1);
            }
            _ => add(sum(&row.limit_usage), 1),
        }
    }
    let used = used_in_total(shards.iter().copied(), limit, currency, &starts);
    assert_eq!(used, (expected.0.max(0), expected.1.max(0)), "{level} {owner}: {limit:?}");
    if let Some(most) = limit.amount {
        let reach = reach(&shards, limit, currency, &starts);
        assert!(reach <= most.max(used.0), "{level} {owner}: payments may reach {reach} of {limit:?}");
    }
}
