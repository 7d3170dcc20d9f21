//! Counting payments towards the limits of a card and its card holder.

use std::sync::Arc;

use crate::card_holders::CardHolder;
use crate::cards::{self, Card};
use crate::limits::windows::Starts;
use crate::limits::{Counted, Counters, LimitUsage, counters};
use crate::record::Key;
use crate::refusal::Stop;
use crate::work::Work;

/// The card whose counters apply: those of a replaced card have moved to its replacement.
fn counted_on(work: &mut Work, card: &Arc<Card>) -> Result<Arc<Card>, Stop> {
    let mut owner = card.clone();
    while let Some(next) = owner.replaced_by {
        owner = cards::find(work, next)?;
    }
    Ok(owner)
}

/// The counters that a payment of a card changes, owned until [`CardCounters::keep`].
pub(crate) struct CardCounters {
    /// The presented card, or its last replacement.
    card: Arc<Card>,
    holder: Arc<CardHolder>,
    pub(super) of_card: Counters,
    pub(super) of_holder: Counters,
    /// The windows of the command's business time.
    pub(super) starts: Starts,
}

impl CardCounters {
    /// Fetches the counters that apply to a card.
    pub(crate) fn find(work: &mut Work, card: &Arc<Card>) -> Result<CardCounters, Stop> {
        let owner = counted_on(work, card)?;
        let key = Key::of(work.client(), card.card_holder.0);
        let holder = work.card_holders.get(key)?.expect("a card has a card holder");
        CardCounters::of(work, owner, holder)
    }

    /// The counters of exactly this card, and of its card holder.
    pub(super) fn of(work: &mut Work, card: Arc<Card>, holder: Arc<CardHolder>) -> Result<CardCounters, Stop> {
        let (of_card, of_holder) = (counters(work, card.id.0)?, counters(work, card.card_holder.0)?);
        Ok(CardCounters { card, holder, of_card, of_holder, starts: Starts::at(work.now()) })
    }

    /// Counts a payment and adds the windows it uses to `usage`. `count` is 0 for increments.
    pub(crate) fn consume(&mut self, usage: &mut LimitUsage, category: &str, amount: i64, count: i64) {
        let counted: Counted<'_> =
            [(&mut self.of_card, &self.card.controls.spending_limits), (&mut self.of_holder, &self.holder.limits)];
        usage.consume(counted, self.card.currency, category, (amount, count), &self.starts);
    }

    /// Stores both counters.
    pub(crate) fn keep(self, work: &mut Work) {
        work.counters.put(self.of_card);
        work.counters.put(self.of_holder);
    }
}

/// Counts a payment, and adds the windows it used to `usage`. `count` is 0 for increments.
pub(crate) fn consume(
    work: &mut Work,
    card: &Arc<Card>,
    usage: &mut LimitUsage,
    category: &str,
    (amount, count): (i64, i64),
) -> Result<(), Stop> {
    let mut counters = CardCounters::find(work, card)?;
    counters.consume(usage, category, amount, count);
    counters.keep(work);
    Ok(())
}

/// Credits an amount to the windows that a payment used, as far as they are current, most recent usage first. `count`
/// is 1 if the whole payment is taken back.
pub(crate) fn release_usage(
    work: &mut Work,
    card: &Arc<Card>,
    usage: &mut LimitUsage,
    amount: i64,
    count: i64,
) -> Result<(), Stop> {
    change(work, card, |counters, starts| usage.release(counters, card.currency, (amount, count), starts))
}

/// Debits again what a refund had credited to windows, as far as they are current.
pub(crate) fn consume_again(work: &mut Work, card: &Arc<Card>, given: &LimitUsage) -> Result<(), Stop> {
    change(work, card, |counters, starts| given.consume_again(counters, card.currency, starts))
}

/// Changes the counters of a card and its card holder.
fn change(work: &mut Work, card: &Arc<Card>, act: impl FnOnce([&mut Counters; 2], &Starts)) -> Result<(), Stop> {
    let owner = counted_on(work, card)?;
    let (mut of_card, mut of_holder) = (counters(work, owner.id.0)?, counters(work, card.card_holder.0)?);
    act([&mut of_card, &mut of_holder], &Starts::at(work.now()));
    work.counters.put(of_card);
    work.counters.put(of_holder);
    Ok(())
}
