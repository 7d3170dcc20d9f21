//! Gathering the facts of a decision.

use std::sync::Arc;

use crate::accounts::Account;
use crate::authorizations::usage::CardCounters;
use crate::authorizations::{CardFacts, Facts, LimitFact, Request};
use crate::card_holders::CardHolder;
use crate::cards::{Card, CardSecret, Expiry};
use crate::ledger::Balance;
use crate::limits::{Interval, SpendingLimit, covers};
use crate::messages::{Match, NetworkRequest};
use crate::programs::Terms;
use crate::record::Key;
use crate::refusal::Stop;
use crate::time::Instant;
use crate::work::Work;

/// The rows that a decision reads, each fetched once. What the command changes is owned, and put back once.
pub(super) struct CardContext {
    pub(super) card: Arc<Card>,
    holder: Arc<CardHolder>,
    account: Arc<Account>,
    balance: Arc<Balance>,
    pub(super) secret: Option<Arc<CardSecret>>,
    /// Those of exactly this card, even if it was replaced.
    pub(super) counters: CardCounters,
}

/// Fetches every row a decision reads; locks the counters and the balance.
pub(super) fn card_context(work: &mut Work, card: &Arc<Card>) -> Result<CardContext, Stop> {
    let client = work.client();
    let holder = work.card_holders.get(Key::of(client, card.card_holder.0))?.expect("a card has a card holder");
    let account = work.accounts.get(Key::of(client, card.debit_account.0))?.expect("a card has an account");
    let balance = work.balances.get_for_update(Key::of(client, card.funds.0))?.expect("a card spends from a balance");
    let secret = work.card_secrets.get(Key::of(client, card.id.0))?;
    let counters = CardCounters::of(work, card.clone(), holder.clone())?;
    Ok(CardContext { card: card.clone(), holder, account, balance, secret, counters })
}

/// The request in the form that is decided and stored.
pub(super) fn request(message: &NetworkRequest, amount: Option<i64>, pin: Match) -> Request {
    Request {
        kind: message.kind,
        channel: message.channel,
        amount,
        merchant_currency: message.requested.currency,
        merchant: message.merchant.clone(),
        three_ds: message.three_ds,
        partial_allowed: message.partial_allowed,
        risk_score: message.risk_score,
        expiry: message.presented.expiry,
        cvv: message.presented.cvv,
        pin,
    }
}

/// `already` is given for increments.
pub(super) fn facts(
    work: &Work,
    context: Option<&CardContext>,
    message: &NetworkRequest,
    terms: &Terms,
    duplicate_of: Option<String>,
    already: Option<PriorAmounts>,
) -> Facts {
    let now = work.now();
    let card = context.map(|context| card_facts(context, message, terms, already.map(|already| already.spent), now));
    Facts {
        now: now.micros(),
        card,
        duplicate_of,
        risk_threshold: terms.risk_threshold,
        incremental: already.is_some(),
        approved_before: already.map(|already| already.approved),
        ruling: None,
    }
}

/// The amounts of an authorization before an increment.
#[derive(Clone, Copy)]
pub(super) struct PriorAmounts {
    /// Outstanding plus cleared: the usage of limits per authorization.
    pub(super) spent: i64,
    /// What was approved. The fee on it is held already.
    pub(super) approved: i64,
}

fn card_facts(
    context: &CardContext,
    message: &NetworkRequest,
    terms: &Terms,
    already: Option<i64>,
    now: Instant,
) -> CardFacts {
    let (card, holder, account) = (&context.card, &context.holder, &context.account);
    let month = Expiry { year: card.expiry_year, month: card.expiry_month }.ends();
    let ends = card.valid_until.map_or(month, |until| until.min(month));
    let once = card.disposable.then_some(1);
    let on_demand = card.funds == card.debit_account.into();
    // Ids that were stored before they were trimmed are compared like others.
    let controls = card.controls.without_limits().trimmed();
    CardFacts {
        status: card.status,
        valid_from: card.valid_from.map(|at| at.micros()),
        ends: ends.micros(),
        currency: card.currency,
        exponent: card.currency.exponent(),
        controls,
        enable_2fa: card.enable_2fa,
        most_payments: once.into_iter().chain(card.cancel_after).min(),
        payments: context.counters.of_card.payments,
        locked_merchant: card.locked_merchant.as_ref().filter(|_| card.merchant_lock).map(|id| id.trim().to_owned()),
        pin_failures: context.secret.as_ref().map_or(0, |secret| secret.pin_failures),
        pin_tries: terms.pin_tries,
        wrong_tries: context.secret.as_ref().map_or(0, |secret| secret.wrong_tries(now)),
        code_tries: Some(terms.code_tries),
        holder_status: holder.status,
        holder_verified: holder.is_verified(now),
        verified_only: terms.verified_only,
        account_status: account.status,
        account_can_debit: !on_demand || account.can_debit,
        available: context.balance.available(),
        fee: terms.fee(card.currency, message.kind, &message.merchant.country),
        limits: limits(context, &message.merchant.category, already),
    }
}

fn limits(context: &CardContext, category: &str, already: Option<i64>) -> Vec<LimitFact> {
    let (currency, starts) = (context.card.currency, &context.counters.starts);
    let levels = [
        (false, &context.card.controls.spending_limits, &context.counters.of_card),
        (true, &context.holder.limits, &context.counters.of_holder),
    ];
    let mut facts = Vec::new();
    for (of_holder, limits, counters) in levels {
        let counts = |limit: &&SpendingLimit| {
            covers(&limit.categories, category)
                && limit.currency.as_deref().is_none_or(|wanted| wanted == currency.code())
        };
        for limit in limits.iter().filter(counts) {
            let (used_amount, used_count) = match limit.interval {
                Interval::PerAuthorization => (already.unwrap_or(0), 0),
                _ => counters.used(limit, currency, starts),
            };
            facts.push(LimitFact {
                of_holder,
                interval: limit.interval,
                categories: limit.categories.clone(),
                amount: limit.amount,
                max_count: limit.max_count,
                used_amount,
                used_count,
            });
        }
    }
    facts
}
