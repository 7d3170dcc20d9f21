//! Gathering the facts of a decision.

use std::borrow::Cow;
use std::sync::Arc;

use crate::accounts::Account;
use crate::authorizations::usage::{CardCounters, CountedRows};
use crate::authorizations::{CardFacts, Facts, LimitFact, Request};
use crate::card_holders::CardHolder;
use crate::cards::{Card, CardSecret, Expiry};
use crate::ledger::Balance;
use crate::limits::{Interval, SpendingControls, SpendingLimit, covers};
use crate::messages::{Match, NetworkRequest};
use crate::programs::{Program, ProgramTerms, inherited};
use crate::record::Key;
use crate::refusal::Stop;
use crate::time::Instant;
use crate::work::Work;

/// The rows that a decision reads, each fetched once. What the command changes is owned, and put back once.
pub(super) struct CardContext {
    pub(super) card: Arc<Card>,
    program: Arc<Program>,
    holder: Arc<CardHolder>,
    account: Arc<Account>,
    balance: Arc<Balance>,
    pub(super) secret: Option<Arc<CardSecret>>,
    /// Those of exactly this card, even if it was replaced.
    pub(super) counters: CardCounters,
}

/// Fetches every row a decision reads; locks the counters and the balance.
pub(super) fn card_context(work: &mut Work, card: &Arc<Card>, program: &Arc<Program>) -> Result<CardContext, Stop> {
    let client = work.client();
    let holder = work.card_holders.get(Key::of(client, card.card_holder.0))?.expect("a card has a card holder");
    let account = work.accounts.get(Key::of(client, card.debit_account.0))?.expect("a card has an account");
    let balance = work.balances.get_for_update(Key::of(client, card.funds.0))?.expect("a card spends from a balance");
    let secret = work.card_secrets.get(Key::of(client, card.id.0))?;
    let rows = CountedRows { card, holder: &holder, account: &account, program };
    let counters = CardCounters::of(work, &rows)?;
    Ok(CardContext { card: card.clone(), program: program.clone(), holder, account, balance, secret, counters })
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

/// What a decision is made under.
#[derive(Clone, Copy)]
pub(super) struct Under<'a> {
    pub(super) terms: &'a ProgramTerms,
    /// Whether only verified card holders may spend.
    pub(super) verified_only: bool,
}

/// `already` is given for increments.
pub(super) fn facts(
    work: &Work,
    context: Option<&CardContext>,
    message: &NetworkRequest,
    under: Under<'_>,
    duplicate_of: Option<String>,
    already: Option<PriorAmounts>,
) -> Facts {
    let now = work.now();
    let card = context.map(|context| card_facts(context, message, under, already.map(|already| already.spent), now));
    Facts {
        now: now.micros(),
        card,
        duplicate_of,
        risk_threshold: under.terms.risk_threshold,
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
    under: Under<'_>,
    already: Option<i64>,
    now: Instant,
) -> CardFacts {
    let terms = under.terms;
    let (card, holder, account) = (&context.card, &context.holder, &context.account);
    let month = Expiry { year: card.expiry_year, month: card.expiry_month }.ends();
    let ends = card.valid_until.map_or(month, |until| until.min(month));
    let once = card.disposable.then_some(1);
    let on_demand = card.funds == card.debit_account.into();
    // Ids that were stored before they were trimmed are compared like others.
    let controls = SpendingControls { opened: None, ..card.controls.without_limits().trimmed() };
    let inherited = inherited(&context.program.settings, &card.controls, card.currency);
    CardFacts {
        status: card.status,
        valid_from: card.valid_from.map(|at| at.micros()),
        ends: ends.micros(),
        currency: card.currency,
        exponent: card.currency.exponent(),
        controls,
        inherited: inherited.controls.map(Cow::into_owned),
        program_version: Some(context.program.version).filter(|version| *version > 1),
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
        verified_only: under.verified_only,
        account_status: account.status,
        account_can_debit: !on_demand || account.can_debit,
        available: context.balance.available(),
        fee: terms.fee(card.currency, message.kind, &message.merchant.country),
        limits: limits(context, &message.merchant.category, already),
    }
}

fn limits(context: &CardContext, category: &str, already: Option<i64>) -> Vec<LimitFact> {
    let (currency, counters) = (context.card.currency, &context.counters);
    let counts = |limit: &&SpendingLimit| covers(&limit.categories, category) && limit.is_of_currency(currency);
    let fact = |limit: &SpendingLimit, used: &dyn Fn() -> (i64, i64)| {
        let (used_amount, used_count) = match limit.interval {
            Interval::PerAuthorization => (already.unwrap_or(0), 0),
            _ => used(),
        };
        LimitFact {
            of_holder: false,
            shared: None,
            inherited: false,
            interval: limit.interval,
            categories: limit.categories.clone(),
            amount: limit.amount,
            max_count: limit.max_count,
            used_amount,
            used_count,
            at_most: false,
        }
    };
    let of_card = |limit: &SpendingLimit| fact(limit, &|| counters.of_card.used(limit, currency, &counters.starts));
    let of_holder = |limit: &SpendingLimit| LimitFact {
        of_holder: true,
        ..fact(limit, &|| counters.of_holder.used(limit, currency, &counters.starts))
    };
    let mut facts: Vec<LimitFact> = context.card.controls.spending_limits.iter().filter(counts).map(of_card).collect();
    let inherited = counters.inherited.iter().filter(counts);
    facts.extend(inherited.map(|limit| LimitFact { inherited: true, ..of_card(limit) }));
    facts.extend(context.holder.limits.iter().filter(counts).map(of_holder));
    for pool in &counters.pools {
        let shared = |limit: &SpendingLimit| LimitFact {
            shared: Some(pool.level),
            at_most: !pool.is_exact() && limit.interval != Interval::PerAuthorization,
            ..fact(limit, &|| pool.used(limit, &counters.starts))
        };
        facts.extend(pool.limits.iter().filter(counts).map(shared));
    }
    facts
}
