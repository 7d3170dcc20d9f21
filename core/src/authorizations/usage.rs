//! Counting payments towards the limits of a card and its card holder.

use crate::cards::Card;
use crate::limits::{LimitUsage, WindowKey, counters};
use crate::record::Key;
use crate::refusal::Stop;
use crate::work::Work;

/// The card whose counters apply: those of a replaced card have moved to its replacement.
fn counted_on(work: &mut Work, card: &Card) -> Result<Card, Stop> {
    let mut owner = card.clone();
    while let Some(next) = owner.replaced_by {
        owner = (*crate::cards::find(work, next)?).clone();
    }
    Ok(owner)
}

/// Counts a payment and returns the windows it used. `count` is 0 for increments.
pub(crate) fn consume(
    work: &mut Work,
    card: &Card,
    category: &str,
    (amount, count): (i64, i64),
) -> Result<Vec<LimitUsage>, Stop> {
    let now = work.now();
    let client = work.client();
    let holder = work.card_holders.get(Key::of(client, card.card_holder.0))?.expect("a card has a card holder");
    let card = counted_on(work, card)?;
    let mut of_card = counters(work, card.id.0)?;
    let mut of_holder = counters(work, card.card_holder.0)?;
    let currency = card.currency.code();
    let mut taken = Vec::new();
    for (is_holder, counters, limits) in
        [(false, &mut of_card, &card.controls.spending_limits), (true, &mut of_holder, &holder.limits)]
    {
        let windows = counters.consume(limits, currency, category, (amount, count), now);
        let note = |(key, start)| LimitUsage { of_holder: is_holder, key, start, amount, count };
        taken.extend(windows.into_iter().map(note));
        counters.payments += count;
    }
    work.counters.put(of_card);
    work.counters.put(of_holder);
    Ok(taken)
}

/// Credits an amount to the windows that a payment used, as far as they are current, most recent usage first. `count`
/// is 1 if the whole payment is taken back.
pub(crate) fn release_usage(
    work: &mut Work,
    card: &Card,
    limit_usage: &mut [LimitUsage],
    amount: i64,
    count: i64,
) -> Result<(), Stop> {
    let now = work.now();
    let owner = counted_on(work, card)?;
    for (is_holder, id) in [(false, owner.id.0), (true, card.card_holder.0)] {
        let mut counters = counters(work, id)?;
        let mut left: Vec<(WindowKey, i64)> = Vec::new();
        for part in limit_usage.iter_mut().rev().filter(|part| part.of_holder == is_holder) {
            if !left.iter().any(|(key, _)| *key == part.key) {
                left.push((part.key.clone(), amount));
            }
            let Some((_, left)) = left.iter_mut().find(|(key, _)| *key == part.key) else { continue };
            let back = part.amount.min(*left);
            let counted = part.count.min(count);
            counters.credit_current_window(&part.key, part.start, (back, counted), now);
            part.amount -= back;
            part.count -= counted;
            *left -= back;
        }
        counters.payments = (counters.payments - count).max(0);
        work.counters.put(counters);
    }
    Ok(())
}

/// Debits again what a refund had credited to windows, as far as they are current.
pub(crate) fn consume_again(work: &mut Work, card: &Card, given: &[LimitUsage]) -> Result<(), Stop> {
    let now = work.now();
    let owner = counted_on(work, card)?;
    for (is_holder, id) in [(false, owner.id.0), (true, card.card_holder.0)] {
        let mut counters = counters(work, id)?;
        for part in given.iter().filter(|part| part.of_holder == is_holder) {
            counters.credit_current_window(&part.key, part.start, (part.amount, part.count), now);
        }
        work.counters.put(counters);
    }
    Ok(())
}
