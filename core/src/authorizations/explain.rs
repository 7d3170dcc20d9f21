//! The texts of a decision, made from its facts when somebody looks at it.

use crate::authorizations::checks::{Ctx, Fix, Seen, Verdict};
use crate::authorizations::decide::approvable;
use crate::authorizations::{CardFacts, Check, CheckOutcome, Facts, LimitFact, Reason, Request};
use crate::limits::LimitLevel;
use crate::money::format_padded;
use crate::time::Instant;

/// Every check of a decision, in the order of [`Reason`]; those of responders if one was to be asked.
pub fn explain(facts: &Facts, request: &Request) -> Vec<Check> {
    let ctx = Ctx { facts, request, amount: approvable(facts, request) };
    let asked = |reason: &&Reason| {
        facts.ruling.is_some() || !matches!(reason, Reason::EndpointDeclined | Reason::EndpointTimeout)
    };
    Reason::ALL.iter().filter(asked).map(|reason| shown(&ctx, *reason)).collect()
}

/// One check of a decision.
pub(crate) fn explain_one(facts: &Facts, request: &Request, reason: Reason) -> Check {
    shown(&Ctx { facts, request, amount: approvable(facts, request) }, reason)
}

fn shown(ctx: &Ctx<'_>, check: Reason) -> Check {
    let card = ctx.facts.card.as_ref();
    let (outcome, compared, fix) = match ctx.check(check) {
        Verdict::Pass(compared) => (CheckOutcome::Pass, Some(compared), None),
        Verdict::Fail(compared, fix) => (CheckOutcome::Fail, Some(compared), Some(fix)),
        Verdict::NotGiven => (CheckOutcome::NotGiven, None, None),
        Verdict::NotApplicable => (CheckOutcome::NotApplicable, None, None),
    };
    Check {
        check,
        outcome,
        observed: compared.and_then(|compared| text_of(compared.observed, card)),
        threshold: compared.and_then(|compared| text_of(compared.threshold, card)),
        would_pass_if: fix.map(|fix| text_of_fix(fix, card)),
        figures: compared.and_then(|compared| compared.figures),
        level: compared.and_then(|compared| compared.level),
    }
}

/// An amount with its currency. Only checks of a card see amounts.
fn money(card: Option<&CardFacts>, minor: i64) -> String {
    card.map_or_else(String::new, |card| format!("{} {}", format_padded(minor, card.exponent), card.currency))
}

fn whose(limit: &LimitFact) -> &'static str {
    match limit.level() {
        LimitLevel::Card => "card",
        LimitLevel::CardHolder => "card holder",
        LimitLevel::Account => "account",
        LimitLevel::Program => "program",
    }
}

fn text_of(seen: Seen<'_>, card: Option<&CardFacts>) -> Option<String> {
    Some(match seen {
        Seen::Nothing => return None,
        Seen::Text(text) => text.to_owned(),
        Seen::Number(number) => number.to_string(),
        Seen::Instant(micros) => Instant::from_micros(micros).to_string(),
        Seen::Money(minor) => money(card, minor),
        Seen::List(list) => list.join(", "),
        Seen::Total(total, limit) => {
            let at_most = if limit.at_most { "at most " } else { "" };
            format!("{at_most}{} ({} {})", money(card, total), limit.interval, whose(limit))
        }
        Seen::Count(count, limit) => format!("{count} payments ({} {})", limit.interval, whose(limit)),
        Seen::MostPayments(most) => format!("{most} payments"),
    })
}

fn text_of_fix(fix: Fix, card: Option<&CardFacts>) -> String {
    match fix {
        Fix::Condition(text) => text.to_owned(),
        Fix::ChannelAllowed(channel) => format!("channels.{channel} is true"),
        Fix::NotBlocked(what) => format!("the {what} is not among the blocked ones"),
        Fix::Allowed(what) => format!("the {what} is among the allowed ones"),
        Fix::AtMost(minor) => format!("the amount is at most {}", money(card, minor)),
        Fix::Needed(minor) => format!("{} more is needed.", money(card, minor)),
    }
}
