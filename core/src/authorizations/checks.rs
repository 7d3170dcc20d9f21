//! The checks of a decision, one function each, in the order of [`Reason`].

use crate::accounts::AccountStatus;
use crate::authorizations::{CardFacts, Facts, Figures, LimitFact, LimitLevel, Reason, Request};
use crate::card_holders::CardHolderStatus;
use crate::cards::CardStatus;
use crate::limits::{Interval, covers};
use crate::messages::{AuthorizationType, Channel, Match, ThreeDs};
use crate::money::format_padded;
use crate::programs::Fee;
use crate::time::Instant;

/// The input of a check.
pub(super) struct Ctx<'a> {
    pub(super) facts: &'a Facts,
    pub(super) request: &'a Request,
    /// The amount to be approved, in minor units of the card's currency.
    pub(super) amount: i64,
}

/// The result of a check: the observed value, the threshold, and for a failure the condition under which it would have
/// passed.
pub(super) enum Verdict {
    Pass(Option<String>, Option<String>),
    Fail(Option<String>, Option<String>, String),
    NotGiven,
    NotApplicable,
    /// A result with figures, for checks of amounts and limits.
    With(Figures, Box<Verdict>),
}

type CheckFn = fn(&Ctx<'_>) -> Verdict;

pub(super) const CHECKS: &[(Reason, CheckFn)] = &[
    (Reason::UnknownCard, unknown_card),
    (Reason::Duplicate, duplicate),
    (Reason::CardInactive, |ctx| on_card(ctx, |card| status(card, CardStatus::Inactive, "the card is active"))),
    (Reason::CardCanceled, |ctx| on_card(ctx, |card| status(card, CardStatus::Canceled, "another card is used"))),
    (Reason::CardNotYetValid, not_yet_valid),
    (Reason::CardExpired, expired),
    (Reason::TooManyAttempts, attempts),
    (Reason::InvalidExpiry, |ctx| guessable(ctx, ctx.request.expiry, "the card's expiry is given")),
    (Reason::InvalidCvv, |ctx| guessable(ctx, ctx.request.cvv, "the card's code is given")),
    (Reason::PinTriesExceeded, pin_tries),
    (Reason::InvalidPin, |ctx| secret(ctx.request.pin, "the card's PIN is given")),
    (Reason::CardHolderInactive, holder_inactive),
    (Reason::CardHolderUnverified, holder_unverified),
    (Reason::AccountInactive, account_inactive),
    (Reason::CurrencyNotSupported, currency),
    (Reason::ChannelNotAllowed, channel),
    (Reason::CountryNotAllowed, country),
    (Reason::MerchantNotAllowed, merchant),
    (Reason::CategoryBlocked, blocked),
    (Reason::CategoryNotAllowed, not_allowed),
    (Reason::SingleUseCardUsed, single_use),
    (Reason::SpendingLimitExceeded, limits),
    (Reason::SuspectedFraud, fraud),
    (Reason::StepUpRequired, step_up_required),
    (Reason::StepUpFailed, step_up_failed),
    (Reason::InsufficientFunds, funds),
];

impl Ctx<'_> {
    /// The fee on an amount; for an increment, the difference to the fee on what was approved before.
    pub(super) fn fee(&self, amount: i64) -> Fee {
        let Some(card) = &self.facts.card else { return Fee::default() };
        if self.request.kind == AuthorizationType::Deposit {
            return Fee::default();
        }
        match self.facts.approved_before {
            Some(before) => card.fee.between(before, before.saturating_add(amount)),
            None => card.fee.on(amount, !self.facts.incremental),
        }
    }

    /// Whether the request asks for money.
    pub(super) fn spends(&self) -> bool {
        !matches!(self.request.kind, AuthorizationType::AccountVerification | AuthorizationType::Deposit)
            && self.request.amount.is_some()
    }
}

fn on_card(ctx: &Ctx<'_>, check: impl Fn(&CardFacts) -> Verdict) -> Verdict {
    ctx.facts.card.as_ref().map_or(Verdict::NotApplicable, check)
}

fn seen(text: impl ToString) -> Option<String> {
    Some(text.to_string())
}

fn judge(passes: bool, observed: Option<String>, threshold: Option<String>, fix: impl Into<String>) -> Verdict {
    if passes { Verdict::Pass(observed, threshold) } else { Verdict::Fail(observed, threshold, fix.into()) }
}

fn money(card: &CardFacts, minor: i64) -> String {
    format!("{} {}", format_padded(minor, card.exponent), card.currency)
}

fn unknown_card(ctx: &Ctx<'_>) -> Verdict {
    let known = ctx.facts.card.is_some();
    judge(known, seen(if known { "known" } else { "unknown" }), None, "the number is one that was issued here")
}

fn duplicate(ctx: &Ctx<'_>) -> Verdict {
    let other = ctx.facts.duplicate_of.clone();
    judge(other.is_none(), other, None, "the message has a network transaction id of its own")
}

fn status(card: &CardFacts, refused: CardStatus, fix: &str) -> Verdict {
    judge(card.status != refused, seen(card.status), None, fix)
}

fn instant(micros: i64) -> Option<String> {
    seen(Instant::from_micros(micros))
}

fn not_yet_valid(ctx: &Ctx<'_>) -> Verdict {
    on_card(ctx, |card| match card.valid_from {
        None => Verdict::NotApplicable,
        Some(from) => {
            judge(ctx.facts.now >= from, instant(ctx.facts.now), instant(from), "it is tried once the card is valid")
        }
    })
}

fn expired(ctx: &Ctx<'_>) -> Verdict {
    let fix = "the card is replaced, or its validity is longer";
    on_card(ctx, |card| judge(ctx.facts.now < card.ends, instant(ctx.facts.now), instant(card.ends), fix))
}

fn secret(given: Match, fix: &str) -> Verdict {
    match given {
        Match::NotGiven => Verdict::NotGiven,
        given => judge(given == Match::Match, seen(given), None, fix),
    }
}

/// Whether so many expiries and CVVs were wrong today that no further ones are compared.
fn guessed_too_often(card: &CardFacts) -> bool {
    card.code_tries.is_some_and(|most| card.wrong_tries >= most)
}

fn attempts(ctx: &Ctx<'_>) -> Verdict {
    if ctx.request.expiry == Match::NotGiven && ctx.request.cvv == Match::NotGiven {
        return Verdict::NotGiven;
    }
    on_card(ctx, |card| match card.code_tries {
        None => Verdict::NotApplicable,
        Some(most) => {
            let fix = "the next day has begun, in UTC";
            judge(!guessed_too_often(card), seen(card.wrong_tries), seen(most), fix)
        }
    })
}

/// Beyond that bound the result does not reveal whether expiry and CVV were right.
fn guessable(ctx: &Ctx<'_>, given: Match, fix: &str) -> Verdict {
    if ctx.facts.card.as_ref().is_some_and(guessed_too_often) { Verdict::NotApplicable } else { secret(given, fix) }
}

fn pin_tries(ctx: &Ctx<'_>) -> Verdict {
    if ctx.request.pin == Match::NotGiven {
        return Verdict::NotGiven;
    }
    on_card(ctx, |card| {
        let fix = "the PIN is unblocked or set anew";
        judge(card.pin_failures < card.pin_tries, seen(card.pin_failures), seen(card.pin_tries), fix)
    })
}

fn holder_inactive(ctx: &Ctx<'_>) -> Verdict {
    let fix = "the card holder is active";
    on_card(ctx, |card| judge(card.holder_status == CardHolderStatus::Active, seen(card.holder_status), None, fix))
}

fn holder_unverified(ctx: &Ctx<'_>) -> Verdict {
    on_card(ctx, |card| {
        if !card.verified_only {
            return Verdict::NotApplicable;
        }
        let observed = seen(if card.holder_verified { "verified" } else { "unverified" });
        judge(card.holder_verified, observed, seen("verified"), "the card holder's documents are verified")
    })
}

fn account_inactive(ctx: &Ctx<'_>) -> Verdict {
    on_card(ctx, |card| {
        let active = card.account_status == AccountStatus::Active;
        let observed =
            if active && !card.account_can_debit { seen("debits not allowed") } else { seen(card.account_status) };
        judge(active && card.account_can_debit, observed, None, "the account is active and may be debited")
    })
}

fn currency(ctx: &Ctx<'_>) -> Verdict {
    on_card(ctx, |card| {
        let observed = seen(&ctx.request.merchant_currency);
        judge(
            ctx.request.amount.is_some(),
            observed,
            seen(&card.currency),
            "the message or the configuration has a rate",
        )
    })
}

fn channel(ctx: &Ctx<'_>) -> Verdict {
    on_card(ctx, |card| {
        let channels = card.controls.channels;
        let open = match ctx.request.channel {
            Channel::Atm => channels.atm,
            Channel::Pos => channels.pos,
            Channel::Web => channels.web,
            Channel::Mobile => channels.mobile,
        };
        judge(open, seen(ctx.request.channel), None, format!("channels.{} is true", ctx.request.channel))
    })
}

/// Checks a value against a list of allowed and a list of blocked values.
fn listed(value: &str, allowed: &[String], blocked: &[String], what: &str) -> Verdict {
    if allowed.is_empty() && blocked.is_empty() {
        return Verdict::NotApplicable;
    }
    let observed = seen(if value.is_empty() { "not given" } else { value });
    if blocked.iter().any(|known| known == value) {
        return Verdict::Fail(observed, seen(blocked.join(", ")), format!("the {what} is not among the blocked ones"));
    }
    let passes = allowed.is_empty() || allowed.iter().any(|known| known == value);
    judge(passes, observed, seen(allowed.join(", ")), format!("the {what} is among the allowed ones"))
}

fn country(ctx: &Ctx<'_>) -> Verdict {
    on_card(ctx, |card| {
        let controls = &card.controls;
        listed(&ctx.request.merchant.country, &controls.allowed_countries, &controls.blocked_countries, "country")
    })
}

fn merchant(ctx: &Ctx<'_>) -> Verdict {
    on_card(ctx, |card| {
        let id = &ctx.request.merchant.merchant_id;
        if let Some(locked) = card.locked_merchant.as_ref().filter(|locked| *locked != id) {
            return Verdict::Fail(
                seen(id),
                seen(locked),
                "it is paid at the merchant the card is locked to".to_owned(),
            );
        }
        listed(id, &card.controls.allowed_merchants, &card.controls.blocked_merchants, "merchant")
    })
}

fn blocked(ctx: &Ctx<'_>) -> Verdict {
    on_card(ctx, |card| {
        let list = &card.controls.blocked_categories;
        if list.is_empty() {
            return Verdict::NotApplicable;
        }
        let category = &ctx.request.merchant.category;
        let hit = covers(list, category);
        judge(!hit, seen(category), seen(list.join(", ")), "the category is not among the blocked ones")
    })
}

fn not_allowed(ctx: &Ctx<'_>) -> Verdict {
    on_card(ctx, |card| {
        let list = &card.controls.allowed_categories;
        if list.is_empty() {
            return Verdict::NotApplicable;
        }
        let category = &ctx.request.merchant.category;
        judge(covers(list, category), seen(category), seen(list.join(", ")), "the category is among the allowed ones")
    })
}

fn single_use(ctx: &Ctx<'_>) -> Verdict {
    on_card(ctx, |card| match card.most_payments {
        // An increment is not a further payment.
        Some(most) if !ctx.facts.incremental => {
            judge(card.payments < most, seen(card.payments), seen(most), "the card had payments left")
        }
        _ => Verdict::NotApplicable,
    })
}

fn level(limit: &LimitFact) -> (LimitLevel, Interval) {
    (if limit.of_holder { LimitLevel::CardHolder } else { LimitLevel::Card }, limit.interval)
}

fn limits(ctx: &Ctx<'_>) -> Verdict {
    on_card(ctx, |card| {
        if !ctx.spends() || card.limits.is_empty() {
            return Verdict::NotApplicable;
        }
        let mut tightest: Option<(i64, Verdict)> = None;
        for limit in &card.limits {
            let whose = if limit.of_holder { "card holder" } else { "card" };
            if let Some(most) = limit.amount {
                let total = limit.used_amount.saturating_add(ctx.amount);
                let observed = seen(format!("{} ({} {whose})", money(card, total), limit.interval));
                let figures = Figures { amounts: Some((total, most)), limit: Some(level(limit)) };
                if total > most {
                    let left = most.saturating_sub(limit.used_amount).max(0);
                    let fix = format!("the amount is at most {}", money(card, left));
                    let verdict = Verdict::Fail(observed, seen(money(card, most)), fix);
                    return Verdict::With(figures, Box::new(verdict));
                }
                if tightest.as_ref().is_none_or(|(room, _)| most - total < *room) {
                    let verdict = Verdict::Pass(observed, seen(money(card, most)));
                    tightest = Some((most - total, Verdict::With(figures, Box::new(verdict))));
                }
            }
            if let Some(most) = limit.max_count.filter(|_| !ctx.facts.incremental) {
                let count = limit.used_count.saturating_add(1);
                let observed = seen(format!("{count} payments ({} {whose})", limit.interval));
                if count > most {
                    let threshold = seen(format!("{most} payments"));
                    let verdict = Verdict::Fail(observed, threshold, "the window has payments left".to_owned());
                    let figures = Figures { amounts: None, limit: Some(level(limit)) };
                    return Verdict::With(figures, Box::new(verdict));
                }
            }
        }
        tightest.map_or(Verdict::Pass(None, None), |(_, verdict)| verdict)
    })
}

fn fraud(ctx: &Ctx<'_>) -> Verdict {
    match ctx.request.risk_score {
        None => Verdict::NotGiven,
        Some(score) => {
            let threshold = ctx.facts.risk_threshold;
            judge(score < threshold, seen(score), seen(threshold), "the network's score is lower")
        }
    }
}

fn step_up_required(ctx: &Ctx<'_>) -> Verdict {
    on_card(ctx, |card| match ctx.request.three_ds {
        ThreeDs::None => Verdict::NotGiven,
        three_ds => {
            let passes = !(card.enable_2fa && three_ds == ThreeDs::Offered);
            judge(passes, seen(three_ds), seen("authenticated"), "the cardholder authenticates (3-D Secure)")
        }
    })
}

fn step_up_failed(ctx: &Ctx<'_>) -> Verdict {
    match ctx.request.three_ds {
        ThreeDs::None => Verdict::NotGiven,
        three_ds => {
            judge(three_ds != ThreeDs::Failed, seen(three_ds), None, "the cardholder passes the authentication")
        }
    }
}

fn funds(ctx: &Ctx<'_>) -> Verdict {
    on_card(ctx, |card| {
        if !ctx.spends() {
            return Verdict::NotApplicable;
        }
        let needed = ctx.amount.saturating_add(ctx.fee(ctx.amount).total());
        let fix = format!("{} more is needed.", money(card, needed.saturating_sub(card.available)));
        let (observed, threshold) = (seen(money(card, needed)), seen(money(card, card.available)));
        let figures = Figures { amounts: Some((needed, card.available)), limit: None };
        Verdict::With(figures, Box::new(judge(needed <= card.available, observed, threshold, fix)))
    })
}
