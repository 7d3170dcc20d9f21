//! The decision: pure, and with an explanation. Every check runs. The reason is the first failing check in the order of
//! [`Reason`], which puts identity and card secrets before money, so that someone testing stolen cards learns nothing
//! about funds.

use crate::authorizations::checks::{CHECKS, Ctx, Verdict};
use crate::authorizations::{Check, CheckOutcome, Decision, DecisionOutcome, Facts, LimitFact, Reason, Request};

pub fn decide(facts: &Facts, request: &Request) -> Decision {
    let requested = request.amount.unwrap_or(0);
    let amount = if request.partial_allowed { most(facts, request, requested) } else { requested };
    let ctx = Ctx { facts, request, amount };
    let checks: Vec<Check> = CHECKS.iter().map(|(reason, check)| shown(*reason, check(&ctx))).collect();
    let reason = checks.iter().find(|check| check.outcome == CheckOutcome::Fail).map(|check| check.check);
    let approved = if reason.is_some() { 0 } else { amount };
    let outcome = match reason {
        Some(_) => DecisionOutcome::Declined,
        None if approved < requested => DecisionOutcome::PartiallyApproved,
        None => DecisionOutcome::Approved,
    };
    Decision { outcome, reason, approved, fee: ctx.fee(approved), checks }
}

fn shown(check: Reason, verdict: Verdict) -> Check {
    let (figures, verdict) = match verdict {
        Verdict::With(figures, verdict) => (Some(figures), *verdict),
        verdict => (None, verdict),
    };
    let (outcome, observed, threshold, would_pass_if) = match verdict {
        Verdict::Pass(observed, threshold) => (CheckOutcome::Pass, observed, threshold, None),
        Verdict::Fail(observed, threshold, fix) => (CheckOutcome::Fail, observed, threshold, Some(fix)),
        Verdict::NotGiven => (CheckOutcome::NotGiven, None, None, None),
        Verdict::NotApplicable | Verdict::With(..) => (CheckOutcome::NotApplicable, None, None, None),
    };
    Check { check, outcome, observed, threshold, would_pass_if, figures }
}

/// The largest amount that limits and funds allow; the requested amount if that would be zero.
fn most(facts: &Facts, request: &Request, requested: i64) -> i64 {
    let Some(card) = &facts.card else { return requested };
    if !(Ctx { facts, request, amount: requested }).spends() {
        return requested;
    }
    let left = |limit: &LimitFact| Some(limit.amount?.saturating_sub(limit.used_amount));
    let within_limits = card.limits.iter().filter_map(left).fold(requested, i64::min);
    let affordable = |amount: i64| {
        let ctx = Ctx { facts, request, amount };
        amount.saturating_add(ctx.fee(amount).total()) <= card.available
    };
    let (mut low, mut high) = (0, within_limits.max(0));
    // Fees grow with the amount, so bisection finds the largest affordable amount.
    while low < high {
        let middle = low + (high - low + 1) / 2;
        if affordable(middle) {
            low = middle;
        } else {
            high = middle - 1;
        }
    }
    if low == 0 { requested } else { low }
}
