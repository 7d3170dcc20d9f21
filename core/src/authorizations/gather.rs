//! Gathering the facts of a decision.

use std::sync::Arc;

use crate::accounts::Account;
use crate::authorizations::{CardFacts, Facts, LimitFact, Request};
use crate::card_holders::CardHolder;
use crate::cards::{Card, CardSecret, Expiry};
use crate::ledger::Balance;
use crate::limits::{Counters, Interval, SpendingLimit, counters, covers};
use crate::messages::{Match, NetworkRequest};
use crate::programs::Terms;
use crate::record::Key;
use crate::refusal::Stop;
use crate::time::Instant;
use crate::work::Work;

/// The rows that a decision reads.
pub(super) struct CardContext {
    pub(super) card: Arc<Card>,
    pub(super) holder: Arc<CardHolder>,
    pub(super) account: Arc<Account>,
    pub(super) balance: Arc<Balance>,
    pub(super) secret: Option<Arc<CardSecret>>,
    pub(super) card_counters: Counters,
    pub(super) holder_counters: Counters,
}

/// Fetches every row a decision reads; locks the counters and the balance.
pub(super) fn card_context(work: &mut Work, card: &Arc<Card>) -> Result<CardContext, Stop> {
    let client = work.client();
    let holder = work.card_holders.get(Key::of(client, card.card_holder.0))?.expect("a card has a card holder");
    let account = work.accounts.get(Key::of(client, card.debit_account.0))?.expect("a card has an account");
    let balance = work.balances.get_for_update(Key::of(client, card.funds.0))?.expect("a card spends from a balance");
    let secret = work.card_secrets.get(Key::of(client, card.id.0))?;
    Ok(CardContext {
        card: card.clone(),
        holder,
        account,
        balance,
        secret,
        card_counters: counters(work, card.id.0)?,
        holder_counters: counters(work, card.card_holder.0)?,
    })
}

/// The request in the form that is decided and stored.
pub(super) fn request(message: &NetworkRequest, amount: Option<i64>, pin: Match) -> Request {
    Request {
        kind: message.kind,
        channel: message.channel,
        amount,
        merchant_currency: message.requested.currency.code().to_owned(),
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
    let mut controls = card.controls.clone().trimmed();
    controls.spending_limits.clear();
    CardFacts {
        status: card.status,
        valid_from: card.valid_from.map(|at| at.micros()),
        ends: ends.micros(),
        currency: card.currency.code().to_owned(),
        exponent: card.currency.exponent(),
        controls,
        enable_2fa: card.enable_2fa,
        most_payments: once.into_iter().chain(card.cancel_after).min(),
        payments: context.card_counters.payments,
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
        limits: limits(context, &message.merchant.category, already, now),
    }
}

fn limits(context: &CardContext, category: &str, already: Option<i64>, now: Instant) -> Vec<LimitFact> {
    let currency = context.card.currency.code();
    let levels = [
        (false, &context.card.controls.spending_limits, &context.card_counters),
        (true, &context.holder.limits, &context.holder_counters),
    ];
    let mut facts = Vec::new();
    for (of_holder, limits, counters) in levels {
        let counts = |limit: &&SpendingLimit| {
            covers(&limit.categories, category) && limit.currency.as_deref().is_none_or(|wanted| wanted == currency)
        };
        for limit in limits.iter().filter(counts) {
            let (used_amount, used_count) = match limit.interval {
                Interval::PerAuthorization => (already.unwrap_or(0), 0),
                _ => counters.used(limit, currency, now),
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
