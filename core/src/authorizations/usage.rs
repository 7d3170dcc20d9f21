//! Counting payments towards the limits of a card, its card holder, its account and its program.

use std::sync::Arc;

use crate::accounts::Account;
use crate::card_holders::CardHolder;
use crate::cards::{self, Card};
use crate::ids::{ClientId, Id};
use crate::limits::windows::Starts;
use crate::limits::{Counted, Counters, LimitLevel, LimitUsage, Pool, SpendingLimit, counters, shard_of, shard_owner};
use crate::messages::Links;
use crate::programs::{self, Program, inherited};
use crate::record::Key;
use crate::refusal::Stop;
use crate::table::Access::Exclusive;
use crate::work::Work;

/// The card whose counters apply: those of a replaced card have moved to its replacement.
fn counted_on(work: &mut Work, card: &Arc<Card>) -> Result<Arc<Card>, Stop> {
    let mut owner = card.clone();
    while let Some(next) = owner.replaced_by {
        owner = cards::find(work, next)?;
    }
    Ok(owner)
}

/// Whose shard payments count on, at the level of the account: payments of cards that spend from the account change its
/// balance anyway, so all of them count on one.
fn payer_of_account(links: &Links) -> Id {
    if links.funds == links.account.into() { links.account.0 } else { links.card_holder.0 }
}

/// The owner of shared limits, and whose shard payments count on.
fn sharing(level: LimitLevel, links: &Links) -> Option<(Id, Id)> {
    match level {
        LimitLevel::Account => Some((links.account.0, payer_of_account(links))),
        LimitLevel::Program => Some((links.program.0, links.account.0)),
        LimitLevel::Card | LimitLevel::CardHolder => None,
    }
}

const SHARED: [LimitLevel; 2] = [LimitLevel::Account, LimitLevel::Program];

/// Prefetches the counters of accounts and programs that are known to have limits.
pub(super) fn prefetch_pools(work: &mut Work, client: ClientId, links: &Links) {
    for (owner, payer) in SHARED.into_iter().filter_map(|level| sharing(level, links)) {
        if work.hints.has_limits(client, owner) {
            work.counters.prefetch(Key::of(client, shard_owner(owner, shard_of(payer))), Exclusive);
        }
    }
}

/// What a card's payments count towards.
pub(crate) struct CountedRows<'a> {
    pub(crate) card: &'a Arc<Card>,
    pub(crate) holder: &'a Arc<CardHolder>,
    pub(crate) account: &'a Account,
    pub(crate) program: &'a Program,
}

/// The counters that a payment of a card changes, owned until [`CardCounters::keep`].
pub(crate) struct CardCounters {
    /// The presented card, or its last replacement.
    card: Arc<Card>,
    /// Limits of the card that come from its program.
    pub(super) inherited: Vec<SpendingLimit>,
    holder: Arc<CardHolder>,
    pub(super) of_card: Counters,
    pub(super) of_holder: Counters,
    /// Limits that cards share, with their counters.
    pub(super) pools: Vec<Pool>,
    /// The windows of the command's business time.
    pub(super) starts: Starts,
}

impl CardCounters {
    /// Fetches the counters that apply to a card.
    pub(crate) fn find(work: &mut Work, card: &Arc<Card>) -> Result<CardCounters, Stop> {
        let owner = counted_on(work, card)?;
        let client = work.client();
        let holder = work.card_holders.get(Key::of(client, card.card_holder.0))?.expect("a card has a card holder");
        let account = work.accounts.get(Key::of(client, card.debit_account.0))?.expect("a card has an account");
        let program = programs::of_card(work, &owner)?;
        CardCounters::of(work, &CountedRows { card: &owner, holder: &holder, account: &account, program: &program })
    }

    /// The counters of exactly this card, and of what it belongs to.
    pub(super) fn of(work: &mut Work, rows: &CountedRows<'_>) -> Result<CardCounters, Stop> {
        let (card, holder) = (rows.card.clone(), rows.holder.clone());
        let (of_card, of_holder) = (counters(work, card.id.0)?, counters(work, card.card_holder.0)?);
        let inherited = inherited(&rows.program.settings, &card.controls, card.currency).limits.into_owned();
        let links = links(&card);
        let mut pools = Vec::new();
        for (level, limits) in SHARED.into_iter().zip([&rows.account.limits, &rows.program.settings.limits]) {
            if let Some((owner, payer)) = sharing(level, &links) {
                pools.extend(Pool::find(work, level, owner, limits, card.currency, payer)?);
            }
        }
        Ok(CardCounters { card, inherited, holder, of_card, of_holder, pools, starts: Starts::at(work.now()) })
    }

    /// Holds what a payment needs to be decided against limits that cards share.
    pub(crate) fn make_room(&mut self, work: &mut Work, category: &str, amount: i64, count: i64) -> Result<(), Stop> {
        let starts = &self.starts;
        self.pools.iter_mut().try_for_each(|pool| pool.make_room(work, category, (amount, count), starts))
    }

    /// Counts a payment and adds the windows it uses to `usage`. `count` is 0 for increments.
    pub(crate) fn consume(&mut self, usage: &mut LimitUsage, category: &str, amount: i64, count: i64) {
        let (own, inherited) = (&self.card.controls.spending_limits, &self.inherited);
        let all: Vec<SpendingLimit>;
        let of_card = if inherited.is_empty() {
            own
        } else {
            all = own.iter().chain(inherited).cloned().collect();
            &all
        };
        let counted: Counted<'_> = [(&mut self.of_card, of_card), (&mut self.of_holder, &self.holder.limits)];
        usage.consume(counted, self.card.currency, category, (amount, count), &self.starts);
        for pool in &mut self.pools {
            pool.consume(usage, category, (amount, count), &self.starts);
        }
    }

    /// Stores all counters.
    pub(crate) fn keep(self, work: &mut Work) {
        work.counters.put(self.of_card);
        work.counters.put(self.of_holder);
        self.pools.into_iter().for_each(|pool| pool.keep(work));
    }
}

fn links(card: &Card) -> Links {
    let (card_holder, account, funds, program) = (card.card_holder, card.debit_account, card.funds, card.program);
    Links { card_holder, account, funds, program }
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
    counters.make_room(work, category, amount, count)?;
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
    let starts = Starts::at(work.now());
    if SHARED.into_iter().any(|level| usage.uses(level)) {
        for mut pool in CardCounters::find(work, card)?.pools {
            pool.release(usage, (amount, count), &starts);
            pool.keep(work);
        }
    }
    change(work, card, |counters| usage.release(counters, card.currency, (amount, count), &starts))
}

/// Debits again what a refund had credited to windows, as far as they are current.
pub(crate) fn consume_again(work: &mut Work, card: &Arc<Card>, given: &LimitUsage) -> Result<(), Stop> {
    let starts = Starts::at(work.now());
    if SHARED.into_iter().any(|level| given.uses(level)) {
        for mut pool in CardCounters::find(work, card)?.pools.into_iter().filter(|pool| given.uses(pool.level)) {
            pool.consume_again(work, given, &starts)?;
            pool.keep(work);
        }
    }
    change(work, card, |counters| given.consume_again(counters, card.currency, &starts))
}

/// Changes the counters of a card and its card holder.
fn change(work: &mut Work, card: &Arc<Card>, act: impl FnOnce([&mut Counters; 2])) -> Result<(), Stop> {
    let owner = counted_on(work, card)?;
    let (mut of_card, mut of_holder) = (counters(work, owner.id.0)?, counters(work, card.card_holder.0)?);
    act([&mut of_card, &mut of_holder]);
    work.counters.put(of_card);
    work.counters.put(of_holder);
    Ok(())
}
