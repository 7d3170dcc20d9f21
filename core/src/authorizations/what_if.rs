//! What decisions would have come to under other settings of their program: each is made again from its facts, with the
//! proposed settings in their place.
//!
//! Usage of a limit that each card had already is taken from the facts. Other limits count what is approved here, from the
//! first decision on. Amounts that were converted at the program's rate are converted at the proposed one.

use std::collections::HashMap;

use crate::authorizations::{Authorization, Decision, LimitFact, decide};
use crate::cards::Card;
use crate::ids::CardId;
use crate::limits::windows::Starts;
use crate::limits::{Interval, LimitLevel, SpendingLimit, covers};
use crate::money::Currency;
use crate::programs::{ProgramSettings, ProgramTerms, converted, inherited, share};
use crate::time::Instant;

/// Proposed settings, and what decisions under them used of new limits.
pub struct WhatIf {
    /// The terms as they are.
    terms: ProgramTerms,
    settings: ProgramSettings,
    /// Amount and count by limit, window and card; without a card for limits that cards share.
    used: HashMap<(usize, i64, Option<CardId>), (i64, i64)>,
}

impl WhatIf {
    pub fn new(current: &ProgramSettings, proposed: ProgramSettings) -> WhatIf {
        WhatIf { terms: current.terms.clone(), settings: proposed, used: HashMap::new() }
    }

    /// The first request's amount at the proposed rates; `None` if none is known. A message's own billing amount or rate
    /// counts before the program's. Which of them was used is not stored, so a rate is taken for the program's if the
    /// program has the same now.
    fn amount(&self, of: &Authorization, amount: Option<i64>, card: Currency) -> Option<i64> {
        let from = of.merchant_currency;
        let is_ours = amount.is_none() || (of.rate.is_some() && of.rate == self.terms.rate(from, card));
        if from == card || !is_ours {
            return amount;
        }
        // Increments have raised the merchant's amount.
        let first =
            amount.filter(|_| of.requested > 0).and_then(|amount| share(of.merchant_amount, amount, of.requested));
        converted(first.unwrap_or(of.merchant_amount), from, self.settings.terms.rate(from, card)?, card)
    }

    /// Makes the first decision of an authorization again. Decisions have to come in the order in which they were made.
    /// `None` without facts of its card.
    pub fn decide(&mut self, of: &Authorization, card: &Card) -> Option<Decision> {
        let decided = of.decided.first()?;
        let (mut facts, mut request) = (decided.facts.clone(), decided.request.clone());
        request.amount = self.amount(of, request.amount, card.currency);
        let request = &request;
        let now = Instant::from_micros(facts.now);
        let before = facts.card.as_mut()?;
        let terms = &self.settings.terms;
        let from_program = inherited(&self.settings, &card.controls, card.currency);
        before.inherited = from_program.controls.map(std::borrow::Cow::into_owned);
        before.fee = terms.fee(card.currency, request.kind, &request.merchant.country);
        before.pin_tries = terms.pin_tries;
        before.code_tries = before.code_tries.map(|_| terms.code_tries);
        let known: Vec<LimitFact> = before
            .limits
            .extract_if(.., |limit| limit.inherited || limit.shared == Some(LimitLevel::Program))
            .collect();
        let own = from_program.limits.iter().map(|limit| (limit.clone(), true));
        let shared = self.settings.limits.iter().filter(|limit| limit.is_of_currency(card.currency));
        let all: Vec<(SpendingLimit, bool)> = own.chain(shared.map(|limit| (limit.clone(), false))).collect();
        let category = &request.merchant.category;
        let mut windows = Vec::new();
        for (at, (limit, by_card)) in
            all.iter().enumerate().filter(|(_, (limit, _))| covers(&limit.categories, category))
        {
            let start = Starts::at(now).in_zone(limit.interval, &limit.time_zone).micros();
            let window = (at, start, by_card.then_some(card.id));
            let fact = known.iter().find(|fact| *by_card && fact.inherited && is_same(fact, limit));
            let used = fact.map(|fact| (fact.used_amount, fact.used_count));
            let used = used.unwrap_or_else(|| self.used.get(&window).copied().unwrap_or_default());
            let used = if limit.interval == Interval::PerAuthorization { (0, 0) } else { used };
            windows.push(window);
            before.limits.push(LimitFact {
                of_holder: false,
                shared: (!by_card).then_some(LimitLevel::Program),
                inherited: *by_card,
                interval: limit.interval,
                categories: limit.categories.clone(),
                amount: limit.amount,
                max_count: limit.max_count,
                used_amount: used.0,
                used_count: used.1,
                at_most: false,
            });
        }
        facts.risk_threshold = terms.risk_threshold;
        let decision = decide(&facts, request);
        for window in windows.into_iter().filter(|_| decision.reason.is_none()) {
            let used = self.used.entry(window).or_default();
            *used = (used.0.saturating_add(decision.approved), used.1 + 1);
        }
        Some(decision)
    }
}

fn is_same(fact: &LimitFact, limit: &SpendingLimit) -> bool {
    (fact.interval, &fact.categories) == (limit.interval, &limit.categories)
}

/// Whether a card's controls or limits from its program would be others.
pub fn inherits_otherwise(before: &ProgramSettings, after: &ProgramSettings, card: &Card) -> bool {
    let seen = |settings: &ProgramSettings, currency: Currency| {
        let found = inherited(settings, &card.controls, currency);
        (found.controls.map(std::borrow::Cow::into_owned), found.limits.into_owned())
    };
    seen(before, card.currency) != seen(after, card.currency)
}
