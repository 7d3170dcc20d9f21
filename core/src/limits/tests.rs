//! Usage in the form of earlier versions, window by window, and in today's give the same counters.

use proptest::prelude::*;

use crate::ids::{ClientId, Id};
use crate::limits::windows::Starts;
use crate::limits::{Counted, Counters, Interval, LimitUsage, SpendingLimit, WindowKey, WindowUsage};
use crate::money::Currency;
use crate::time::Instant;

#[derive(Clone, Debug)]
enum Op {
    Consume {
        amount: i64,
        first: bool,
    },
    Release {
        amount: i64,
        whole: bool,
    },
    /// A refund, and its reversal this much later.
    Refund {
        amount: i64,
        later: i64,
    },
    /// Seconds.
    Wait(i64),
    /// Sets other limits.
    Limit(usize),
    /// Stores the usage and reads it again; older rows are in the older form.
    Store,
}

fn op() -> impl Strategy<Value = Op> {
    let times = prop_oneof![60i64..7_200, 20_000i64..200_000, 600_000i64..3_000_000, -100_000i64..-1];
    prop_oneof![
        4 => (0i64..10_000, any::<bool>()).prop_map(|(amount, first)| Op::Consume { amount, first }),
        3 => (0i64..12_000, any::<bool>()).prop_map(|(amount, whole)| Op::Release { amount, whole }),
        1 => (1i64..5_000, 0i64..200_000).prop_map(|(amount, later)| Op::Refund { amount, later }),
        4 => times.prop_map(Op::Wait),
        1 => (0usize..4).prop_map(Op::Limit),
        2 => Just(Op::Store),
    ]
}

fn usd() -> Currency {
    Currency::us_dollar()
}

/// Some limits of a card and of its card holder.
fn limits(choice: usize) -> [Vec<SpendingLimit>; 2] {
    let limit = |interval, categories: &[&str], zone: &str, currency: Option<&str>| SpendingLimit {
        amount: Some(1_000),
        max_count: Some(5),
        interval,
        categories: categories.iter().map(|text| (*text).to_owned()).collect(),
        time_zone: zone.to_owned(),
        currency: currency.map(str::to_owned),
        since: 1_790_000_000_000_000,
    };
    let plain = limit(Interval::Weekly, &[], "UTC", None);
    let lagos = limit(Interval::Daily, &[], "Africa/Lagos", None);
    let food = limit(Interval::Monthly, &["restaurants"], "UTC", Some("USD"));
    let other = limit(Interval::Daily, &["5411"], "Asia/Tokyo", Some("EUR"));
    match choice {
        0 => [vec![], vec![]],
        1 => [vec![plain.clone(), lagos], vec![food, plain]],
        2 => [vec![food], vec![lagos, other]],
        _ => [vec![lagos.clone(), lagos], vec![]],
    }
}

/// The counters of a card and its card holder.
#[derive(Clone, Debug, PartialEq)]
struct Pair([Counters; 2]);

impl Pair {
    fn new() -> Pair {
        Pair([1, 2].map(|owner| Counters::new(ClientId::INSTALLATION, Id::from_bytes([owner; 12]))))
    }
}

/// Counting as earlier versions did: every window by itself.
#[derive(Default)]
struct Older(Vec<WindowUsage>);

impl Older {
    fn consume(&mut self, pair: &mut Pair, limits: &[Vec<SpendingLimit>; 2], what: (i64, i64), starts: &Starts) {
        let (amount, count) = what;
        for (index, of_holder) in [(0, false), (1, true)] {
            let mut windows: Vec<(WindowKey, i64)> =
                [Interval::Daily, Interval::Weekly, Interval::Monthly, Interval::Yearly, Interval::AllTime]
                    .map(|interval| (WindowKey::plain(interval, usd()), starts.of(interval).micros()))
                    .into();
            let note = |key, start| windows.push((key, start));
            pair.0[index].consume(&limits[index], usd(), "5812", what, starts, note);
            pair.0[index].payments += count;
            for (key, start) in windows {
                let known = self
                    .0
                    .iter_mut()
                    .find(|known| (known.of_holder, &known.key, known.start) == (of_holder, &key, start));
                match known {
                    Some(known) => (known.amount, known.count) = (known.amount + amount, known.count + count),
                    None => self.0.push(WindowUsage { of_holder, key, start, amount, count }),
                }
            }
        }
    }

    fn release(&mut self, pair: &mut Pair, (amount, count): (i64, i64), starts: &Starts) {
        for (counters, of_holder) in pair.0.iter_mut().zip([false, true]) {
            let mut left: Vec<(WindowKey, i64)> = Vec::new();
            for part in self.0.iter_mut().rev().filter(|part| part.of_holder == of_holder) {
                if !left.iter().any(|(key, _)| *key == part.key) {
                    left.push((part.key.clone(), amount));
                }
                let Some((_, left)) = left.iter_mut().find(|(key, _)| *key == part.key) else { continue };
                let (back, counted) = (part.amount.min(*left), part.count.min(count));
                counters.credit_current_window(&part.key, part.start, (back, counted), starts);
                part.amount -= back;
                part.count -= counted;
                *left -= back;
            }
            counters.payments = (counters.payments - count).max(0);
        }
    }

    fn consume_again(&self, pair: &mut Pair, starts: &Starts) {
        for part in &self.0 {
            let counters = &mut pair.0[usize::from(part.of_holder)];
            counters.credit_current_window(&part.key, part.start, (part.amount, part.count), starts);
        }
    }

    /// As it was stored.
    fn json(&self) -> String {
        let one = |part: &WindowUsage| {
            let WindowUsage { of_holder, key, start, amount, count } = part;
            serde_json::json!([of_holder, key, start, amount, count])
        };
        serde_json::Value::from(self.0.iter().map(one).collect::<Vec<_>>()).to_string()
    }
}

fn again<T: serde::Serialize + serde::de::DeserializeOwned + PartialEq + std::fmt::Debug>(what: &T) -> T {
    let text = serde_json::to_string(what).expect("json");
    let read = serde_json::from_str(&text).expect("it is read");
    assert_eq!(read, *what, "{text}");
    read
}

/// The older form is used for the first `older` steps, as if the row had been made before an upgrade.
fn play(ops: &[Op], older: usize) {
    let (mut reference, mut pair) = (Pair::new(), Pair::new());
    let (mut before, mut usage) = (Older::default(), LimitUsage::default());
    let (mut now, mut chosen) = (Instant::from_micros(1_795_900_000_000_000), 0);
    for (step, op) in ops.iter().enumerate() {
        let starts = Starts::at(now);
        let limits_now = limits(chosen);
        let counted = |pair: &'_ mut Pair, act: &mut dyn FnMut(Counted<'_>)| {
            let [card, holder] = &mut pair.0;
            act([(card, &limits_now[0]), (holder, &limits_now[1])]);
        };
        match op {
            Op::Wait(seconds) => now = now.plus_seconds(*seconds),
            Op::Limit(choice) => chosen = *choice,
            Op::Consume { amount, first } => {
                // A payment counts once.
                let count = i64::from(*first && before.0.iter().all(|part| part.count == 0));
                before.consume(&mut reference, &limits_now, (*amount, count), &starts);
                counted(&mut pair, &mut |counted| usage.consume(counted, usd(), "5812", (*amount, count), &starts));
            }
            Op::Release { amount, whole } => {
                before.release(&mut reference, (*amount, i64::from(*whole)), &starts);
                let [card, holder] = &mut pair.0;
                usage.release([card, holder], usd(), (*amount, i64::from(*whole)), &starts);
            }
            Op::Refund { amount, later } => {
                let (mut refund, mut today) = (Older::default(), LimitUsage::default());
                refund.consume(&mut reference, &limits_now, (-amount, 0), &starts);
                counted(&mut pair, &mut |counted| today.consume(counted, usd(), "5812", (-amount, 0), &starts));
                if step < older {
                    today = serde_json::from_str(&refund.json()).expect("the older form is read");
                }
                let starts = Starts::at(now.plus_seconds(*later));
                refund.consume_again(&mut reference, &starts);
                let [card, holder] = &mut pair.0;
                again(&today).consume_again([card, holder], usd(), &starts);
            }
            Op::Store => {
                usage = again(&usage);
                for counters in &mut pair.0 {
                    counters.windows = again(&counters.windows);
                }
            }
        }
        if step < older {
            usage = serde_json::from_str(&before.json()).expect("the older form is read");
        }
        assert_eq!(pair, reference, "after step {step}: {op:?}");
        assert_eq!(usage.counts(), before.0.iter().any(|part| part.count > 0));
        assert_eq!(usage.is_empty(), before.0.is_empty());
        let sorted = |mut all: Vec<WindowUsage>| {
            all.sort_by_key(|part| (part.of_holder, part.key.to_string(), part.start));
            all
        };
        assert_eq!(sorted(usage.by_window(usd())), sorted(before.0.clone()), "after step {step}: {op:?}");
    }
}

proptest! {
    #[test]
    fn both_forms_of_usage_give_the_same_counters(ops in prop::collection::vec(op(), 1..40), older in 0usize..60) {
        play(&ops, older.saturating_sub(20));
    }
}

#[test]
fn usage_is_given_back_in_its_order_if_the_clock_went_back() {
    let consume = |amount| Op::Consume { amount, first: false };
    let release = Op::Release { amount: 1, whole: false };
    // Over midnight, and on again.
    play(&[consume(0), Op::Wait(-76_001), consume(5_530), Op::Wait(60), consume(3_916), release], 0);
}

#[test]
fn a_payment_is_one_element_and_so_is_more_of_it_on_the_same_day() {
    let mut pair = Pair::new();
    let mut usage = LimitUsage::default();
    for (hours, amount, count) in [(0, 1_000, 1), (5, 500, 0), (24, 1, 0)] {
        let starts = Starts::at(Instant::from_micros(1_795_824_000_000_000).plus_seconds(hours * 3_600));
        let [card, holder] = &mut pair.0;
        usage.consume([(card, &[]), (holder, &[])], usd(), "5812", (amount, count), &starts);
    }
    assert_eq!(serde_json::to_string(&usage).expect("json"), "[[20785,1500,1],[20786,1,0]]");
}
