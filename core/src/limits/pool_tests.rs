//! Limits that cards share decide as one counter would, whichever shards payments count on.

use std::collections::{HashMap, HashSet};

use proptest::prelude::*;

use crate::ids::{ClientId, Id, IdGenerator};
use crate::limits::pool::{Pool, divide_anew, window_of};
use crate::limits::windows::Starts;
use crate::limits::{Interval, LimitLevel, LimitUsage, SHARDS, SpendingLimit, covers, shard_of};
use crate::money::Currency;
use crate::refusal::Stop;
use crate::time::Instant;
use crate::work::{Context, Work};

#[derive(Clone, Debug)]
enum Op {
    Pay {
        payer: u8,
        amount: i64,
        fuel: bool,
    },
    /// Takes part of an earlier payment back, or the whole.
    Release {
        which: usize,
        amount: i64,
        whole: bool,
    },
    /// Imposed by the network: no limit stops it.
    Impose {
        payer: u8,
        amount: i64,
    },
    /// A refund, and its reversal right after the next payment.
    Refund {
        payer: u8,
        amount: i64,
    },
    ReverseRefund,
    /// Seconds.
    Wait(i64),
    /// Sets other limits.
    Limit(usize),
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        12 => (0u8..40, 1i64..400, any::<bool>()).prop_map(|(payer, amount, fuel)| Op::Pay { payer, amount, fuel }),
        2 => (any::<usize>(), 1i64..400, any::<bool>()).prop_map(|(which, amount, whole)| Op::Release { which, amount, whole }),
        1 => (0u8..40, 1i64..800).prop_map(|(payer, amount)| Op::Impose { payer, amount }),
        1 => (0u8..40, 1i64..800).prop_map(|(payer, amount)| Op::Refund { payer, amount }),
        1 => Just(Op::ReverseRefund),
        1 => prop_oneof![60i64..7_200, 20_000i64..200_000].prop_map(Op::Wait),
        1 => (0usize..5).prop_map(Op::Limit),
    ]
}

fn limits(choice: usize, now: Instant, before: &[SpendingLimit]) -> Vec<SpendingLimit> {
    let limit = |amount: Option<i64>, max_count, interval, categories: &[&str]| SpendingLimit {
        amount,
        max_count,
        interval,
        categories: categories.iter().map(|text| (*text).to_owned()).collect(),
        time_zone: "Africa/Lagos".to_owned(),
        currency: Some("USD".to_owned()),
        since: now.micros(),
    };
    let daily = |amount| limit(Some(amount), None, Interval::Daily, &[]);
    let mut new = match choice {
        0 => vec![daily(4_000)],
        1 => vec![daily(1_500)],
        2 => vec![daily(9_000), limit(Some(2_000), Some(9), Interval::Weekly, &["fuel"])],
        3 => vec![limit(None, Some(20), Interval::AllTime, &[]), daily(3_000)],
        _ => vec![limit(Some(300), None, Interval::PerAuthorization, &[]), daily(2_500)],
    };
    for limit in &mut new {
        if let Some(known) = before.iter().find(|known| known.identity() == limit.identity()) {
            limit.since = known.since;
        }
    }
    new
}

fn usd() -> Currency {
    Currency::us_dollar()
}

fn payer_id(payer: u8) -> Id {
    let mut bytes = [0; 12];
    bytes[11] = payer;
    Id::from_bytes(bytes)
}

#[test]
fn payers_are_spread_over_the_shards() {
    let shards: HashSet<usize> = (0..40).map(|payer| shard_of(payer_id(payer))).collect();
    assert_eq!(shards.len(), SHARDS);
}

struct Stage {
    work: Work,
    now: Instant,
    limits: Vec<SpendingLimit>,
    /// Amount and count of each window, in one counter.
    model: HashMap<(String, i64), (i64, i64)>,
    paid: Vec<(u8, LimitUsage, i64)>,
    refunded: Vec<(u8, LimitUsage, i64)>,
}

impl Stage {
    fn new() -> Stage {
        let now = Instant::parse("2026-03-01T10:00:00Z").expect("an instant");
        let work = Work::new(IdGenerator::new([1; 5], 0));
        Stage { work, now, limits: limits(0, now, &[]), model: HashMap::new(), paid: Vec::new(), refunded: Vec::new() }
    }

    fn starts(&self) -> Starts {
        Starts::at(self.now)
    }

    /// Runs a command until its rows are there, as the engine does.
    fn run<T>(&mut self, act: impl Fn(&mut Work) -> Result<T, Stop>) -> T {
        for _ in 0..8 {
            self.work.begin_batch(self.now);
            self.work.enter(Context::system(ClientId(Id::from_bytes([7; 12])), "test"));
            match act(&mut self.work) {
                Ok(done) => {
                    self.work.keep();
                    return done;
                }
                Err(_) => {
                    self.work.roll_back();
                    self.work.lock_missing();
                }
            }
        }
        panic!("a command keeps asking for rows");
    }

    fn find(work: &mut Work, limits: &[SpendingLimit], payer: u8) -> Result<Pool, Stop> {
        let (owner, payer) = (Id::from_bytes([9; 12]), payer_id(payer));
        let found = Pool::find(work, LimitLevel::Program, owner, limits, usd(), payer)?;
        Ok(found.expect("there are limits"))
    }

    fn counted(&self, category: &str) -> Vec<(SpendingLimit, (String, i64))> {
        let starts = self.starts();
        let covering = self.limits.iter().filter(|limit| covers(&limit.categories, category));
        let counted = covering.filter(|limit| limit.interval != Interval::PerAuthorization);
        counted
            .map(|limit| {
                let (key, start) = window_of(limit, usd(), &starts);
                (limit.clone(), (key.to_string(), start))
            })
            .collect()
    }

    fn add(&mut self, category: &str, amount: i64, count: i64) {
        for (_, window) in self.counted(category) {
            let used = self.model.entry(window).or_default();
            *used = (used.0 + amount, used.1 + count);
        }
    }

    fn pay(&mut self, payer: u8, amount: i64, category: &'static str) {
        let (starts, limits) = (self.starts(), self.limits.clone());
        let fits = |used: (i64, i64), limit: &SpendingLimit| {
            limit.amount.is_none_or(|most| used.0 + amount <= most) && limit.max_count.is_none_or(|most| used.1 < most)
        };
        let expected = self.counted(category).iter().all(|(limit, window)| {
            let used = self.model.get(window).copied().unwrap_or_default();
            fits((used.0.max(0), used.1.max(0)), limit)
        });
        let usage = self.run(|work| {
            let mut pool = Stage::find(work, &limits, payer)?;
            pool.make_room(work, category, (amount, 1), &starts)?;
            let counts = |limit: &&SpendingLimit| {
                limit.interval != Interval::PerAuthorization && covers(&limit.categories, category)
            };
            if !pool.limits.iter().filter(counts).all(|limit| fits(pool.used(limit, &starts), limit)) {
                return Ok(None);
            }
            let mut usage = LimitUsage::default();
            pool.consume(&mut usage, category, (amount, 1), &starts);
            pool.keep(work);
            Ok(Some(usage))
        });
        assert_eq!(usage.is_some(), expected, "{amount} at {}", self.now);
        if let Some(usage) = usage {
            self.add(category, amount, 1);
            self.paid.push((payer, usage, amount));
        }
    }

    /// What the network imposes is counted, whatever the limits are.
    fn impose(&mut self, payer: u8, amount: i64) -> LimitUsage {
        let (starts, limits) = (self.starts(), self.limits.clone());
        let count = i64::from(amount > 0);
        self.add("5812", amount, count);
        self.run(|work| {
            let mut pool = Stage::find(work, &limits, payer)?;
            pool.make_room(work, "5812", (amount, count), &starts)?;
            let mut usage = LimitUsage::default();
            pool.consume(&mut usage, "5812", (amount, count), &starts);
            pool.keep(work);
            Ok(usage)
        })
    }

    /// Moves the model's current windows by what a usage changed.
    fn follow(&mut self, before: &LimitUsage, after: &LimitUsage) {
        for (was, is) in before.shared().iter().zip(after.shared()) {
            let window = (was.key.to_string(), was.start);
            let current = self.limits.iter().any(|limit| {
                let (key, start) = window_of(limit, usd(), &self.starts());
                (key.to_string(), start) == window
            });
            if let Some(used) = self.model.get_mut(&window).filter(|_| current) {
                *used = (used.0 - (was.amount - is.amount), used.1 - (was.count - is.count));
            }
        }
    }

    fn release(&mut self, which: usize, amount: i64, whole: bool) {
        if self.paid.is_empty() {
            return;
        }
        let (payer, before, paid) = self.paid.swap_remove(which % self.paid.len());
        let (amount, count) = if whole { (paid, 1) } else { (amount.min(paid), 0) };
        let (starts, limits) = (self.starts(), self.limits.clone());
        let after = self.run(|work| {
            let mut pool = Stage::find(work, &limits, payer)?;
            let mut after = before.clone();
            pool.release(&mut after, (amount, count), &starts);
            pool.keep(work);
            Ok(after)
        });
        self.follow(&before, &after);
    }

    fn reverse_refund(&mut self) {
        let Some((payer, given, amount)) = self.refunded.pop() else { return };
        let (starts, limits) = (self.starts(), self.limits.clone());
        self.run(|work| {
            let mut pool = Stage::find(work, &limits, payer)?;
            pool.consume_again(work, &given, &starts)?;
            pool.keep(work);
            Ok(())
        });
        // The reversal counts as much as the refund had credited.
        let windows = given.shared().iter().map(|part| (part.key.to_string(), part.start)).collect::<Vec<_>>();
        let current = self.counted("5812").into_iter().map(|(_, window)| window);
        for window in current.filter(|window| windows.contains(window)).collect::<Vec<_>>() {
            self.model.entry(window).or_default().0 += amount;
        }
    }

    fn set(&mut self, choice: usize) {
        // A limit that was removed and is set again begins to count anew, which takes another moment to tell.
        self.now = self.now.plus_seconds(1);
        self.limits = limits(choice, self.now, &self.limits);
        let limits = self.limits.clone();
        self.run(|work| divide_anew(work, Id::from_bytes([9; 12]), &limits, None));
        // Windows of limits that are gone are not counted further, and begin anew when they are set again.
        let starts = self.starts();
        let known: Vec<(String, i64)> = self
            .limits
            .iter()
            .map(|limit| {
                let (key, start) = window_of(limit, usd(), &starts);
                (key.to_string(), start)
            })
            .collect();
        self.model.retain(|window, _| known.contains(window));
    }

    fn act(&mut self, op: &Op) {
        match op {
            Op::Pay { payer, amount, fuel } => self.pay(*payer, *amount, if *fuel { "5541" } else { "5812" }),
            Op::Release { which, amount, whole } => self.release(*which, *amount, *whole),
            Op::Impose { payer, amount } => {
                self.impose(*payer, *amount);
            }
            Op::Refund { payer, amount } => {
                let given = self.impose(*payer, -*amount);
                self.refunded.push((*payer, given, *amount));
            }
            Op::ReverseRefund => self.reverse_refund(),
            Op::Wait(seconds) => self.now = self.now.plus_seconds(*seconds),
            Op::Limit(choice) => self.set(*choice),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn shards_decide_as_one_counter_would(ops in prop::collection::vec(op(), 1..120)) {
        let mut stage = Stage::new();
        for op in &ops {
            stage.act(op);
        }
    }
}
