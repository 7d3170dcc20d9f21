//! The decision: pure, and without texts. The reason is the first failing check in the order of [`Reason`], which puts
//! identity and card secrets before money, so that someone testing stolen cards learns nothing about funds.

use crate::authorizations::checks::Ctx;
use crate::authorizations::{Decision, DecisionOutcome, Facts, LimitFact, Reason, Request};

pub fn decide(facts: &Facts, request: &Request) -> Decision {
    let requested = request.amount.unwrap_or(0);
    let amount = approvable(facts, request);
    let ctx = Ctx { facts, request, amount };
    let reason = Reason::ALL.iter().copied().find(|reason| ctx.check(*reason).fails());
    let approved = if reason.is_some() { 0 } else { amount };
    let outcome = match reason {
        Some(_) => DecisionOutcome::Declined,
        None if approved < requested => DecisionOutcome::PartiallyApproved,
        None => DecisionOutcome::Approved,
    };
    Decision { outcome, reason, approved, fee: ctx.fee(approved) }
}

/// Whether a check fails, also if an earlier one does.
pub(super) fn fails(facts: &Facts, request: &Request, reason: Reason) -> bool {
    Ctx { facts, request, amount: approvable(facts, request) }.check(reason).fails()
}

/// The amount that is approved if no check fails.
pub(super) fn approvable(facts: &Facts, request: &Request) -> i64 {
    let requested = request.amount.unwrap_or(0);
    let amount = if request.partial_allowed { most(facts, request, requested) } else { requested };
    let ruled = facts.ruling.as_ref().filter(|_| request.partial_allowed).and_then(|ruling| ruling.most);
    ruled.map_or(amount, |most| amount.min(most))
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
