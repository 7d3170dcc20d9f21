//! The fallback while a responder is silent, and what it has approved in the present hour.

use super::{Budget, Fallback, OnSilence, Responder};
use crate::ids::{CardId, ClientId, Id, ProgramId, ResponderId};
use crate::limits::covers;
use crate::messages::Channel;
use crate::money::{Currency, Decimal};
use crate::record::{Key, KeyBytes, Kind, Record};
use crate::refusal::Stop;
use crate::time::Instant;
use crate::work::Work;

const HOUR: i64 = 3600;

/// What a responder's fallback approved for a card, or for a program, in one hour and currency.
#[derive(Clone, Debug, PartialEq)]
pub struct BudgetUse {
    pub client: ClientId,
    pub responder: ResponderId,
    /// The card or program.
    pub owner: Id,
    pub currency: Currency,
    /// The hour since the epoch, in business time.
    pub hour: i64,
    /// In minor units.
    pub amount: i64,
    pub count: i64,
}

impl BudgetUse {
    pub fn key_of(client: ClientId, responder: ResponderId, owner: Id, currency: Currency) -> Key {
        let code = currency.code().as_bytes();
        let mut id = [0; 32];
        id[..12].copy_from_slice(responder.0.bytes());
        id[12..24].copy_from_slice(owner.bytes());
        // Codes have at most eight characters.
        id[24..24 + code.len()].copy_from_slice(code);
        Key { client, id: KeyBytes::new(&id) }
    }

    /// The hour of a time.
    pub fn hour_of(now: Instant) -> i64 {
        now.seconds().div_euclid(HOUR)
    }

    /// Amount and count in an hour.
    pub fn used(&self, hour: i64) -> (i64, i64) {
        if self.hour == hour { (self.amount, self.count) } else { (0, 0) }
    }
}

impl Record for BudgetUse {
    const KIND: Kind = Kind::ResponderBudget;

    fn key(&self) -> Key {
        BudgetUse::key_of(self.client, self.responder, self.owner, self.currency)
    }
}

/// A payment that the fallback decides.
pub(crate) struct FallbackPayment<'a> {
    pub(crate) card: CardId,
    pub(crate) program: ProgramId,
    /// In minor units.
    pub(crate) amount: i64,
    pub(crate) currency: Currency,
    pub(crate) category: &'a str,
    pub(crate) channel: Channel,
}

/// Lets the fallback decide. An approval is counted against the budgets in the same commit, so they hold exactly under
/// any interleaving. The error is the rule that declines.
pub(crate) fn rule_by_fallback(
    work: &mut Work,
    responder: &Responder,
    payment: &FallbackPayment<'_>,
) -> Result<Result<(), String>, Stop> {
    match responder.settings.on_silence {
        OnSilence::Decline => return Ok(Err("onSilence is decline".to_owned())),
        OnSilence::Approve => return Ok(Ok(())),
        OnSilence::Rules => {}
    }
    let fallback = &responder.settings.fallback;
    if let Some(rule) = broken_rule(fallback, payment) {
        return Ok(Err(rule.to_owned()));
    }
    let owners = [
        ("fallback.perCard", payment.card.0, fallback.per_card),
        ("fallback.perProgram", payment.program.0, fallback.per_program),
    ];
    let hour = BudgetUse::hour_of(work.now());
    let mut counted = Vec::new();
    for (name, owner, budget) in owners {
        if budget == Budget::default() {
            continue;
        }
        let key = BudgetUse::key_of(work.client(), responder.id, owner, payment.currency);
        let found = work.responder_budgets.get_for_update(key)?;
        let (amount, count) = found.map_or((0, 0), |found| found.used(hour));
        let (amount, count) = (amount.saturating_add(payment.amount), count + 1);
        if budget.amount.is_some_and(|most| exceeds(amount, most, payment.currency)) {
            return Ok(Err(format!("{name}.amount")));
        }
        if budget.count.is_some_and(|most| count > most) {
            return Ok(Err(format!("{name}.count")));
        }
        let (client, responder, currency) = (work.client(), responder.id, payment.currency);
        counted.push(BudgetUse { client, responder, owner, currency, hour, amount, count });
    }
    counted.into_iter().for_each(|used| work.responder_budgets.put(used));
    Ok(Ok(()))
}

fn exceeds(amount: i64, most: Decimal, currency: Currency) -> bool {
    amount > most.to_minor_rounded(currency.exponent(), false)
}

fn broken_rule(fallback: &Fallback, payment: &FallbackPayment<'_>) -> Option<&'static str> {
    if fallback.max_amount.is_some_and(|most| exceeds(payment.amount, most, payment.currency)) {
        return Some("fallback.maxAmount");
    }
    if !covers(&fallback.categories, payment.category) {
        return Some("fallback.categories");
    }
    let present = fallback.channels.is_empty() || fallback.channels.contains(&payment.channel);
    (!present).then_some("fallback.channels")
}
