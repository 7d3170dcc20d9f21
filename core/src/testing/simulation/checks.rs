//! What must hold whatever happened.

use std::collections::HashMap;

use super::{Fresh, Simulation};
use crate::Command;
use crate::authorizations::{
    Authorization, AuthorizationStatus, AuthorizationType, Counters, Decided, PostingType, Window, decide, windows,
};
use crate::cards::{CardStatus, Interval};
use crate::ids::{AuthorizationId, CardId, Id};
use crate::ledger::{EntryKind, Line};
use crate::money::Currency;
use crate::record::Key;

/// What came to a window and what left it.
#[derive(Clone, Copy, Debug, Default)]
struct Flow {
    taken: i64,
    given: i64,
    /// What may have been taken by payments that gave back more among the same commands, when nothing was left to be given.
    hidden: i64,
}

impl Flow {
    fn add(&mut self, change: i64, left: i64) {
        if change > 0 {
            self.taken += change;
        } else {
            self.given -= change;
            self.hidden += left;
        }
    }

    /// Whether a window may have come from `was` to `now`, whatever came first: what is given back never takes it below
    /// zero. When everything was there to be given back, there is only one sum.
    fn explains(self, was: i64, now: i64) -> bool {
        let least = (was + self.taken - self.given).max(0);
        let most = (was - self.given).max(0) + self.taken + self.hidden;
        (least..=most).contains(&now)
    }
}

impl Simulation {
    /// Checks what happened since the last check.
    pub fn check(&mut self) {
        let lines = self.world.appended.lines.len();
        let fresh = std::mem::replace(&mut self.fresh, Fresh { lines, ..Fresh::default() });
        self.check_floors(&fresh);
        self.check_used(&fresh);
        self.check_held();
    }

    /// The card that counts for a card: the last of its replacements.
    fn counted(&self, card: CardId) -> Id {
        let mut row = self.world.card_row(card);
        while let Some(next) = row.replaced_by {
            row = self.world.card_row(next);
        }
        row.id.0
    }

    /// Every authorization that was made.
    fn made(&self) -> impl Iterator<Item = &Authorization> {
        let rows = self.world.work.authorizations.wanted();
        rows.filter_map(|(key, _)| self.world.work.authorizations.peek(key))
    }

    /// No decision and no API write takes what is available below zero; only what the network imposes does.
    fn check_floors(&self, fresh: &Fresh) {
        for line in &self.world.appended.lines[fresh.lines..] {
            let after = line.ledger_after - line.held_after + line.credit_limit;
            let lowered = line.delta < line.held_delta;
            assert!(
                after >= 0 || !lowered || self.may_force(line),
                "{line:?} is below the floor after {:?}",
                fresh.commands
            );
        }
    }

    fn may_force(&self, line: &Line) -> bool {
        let stand_in = |id: AuthorizationId| self.row(id).stand_in;
        line.forced
            && match line.kind {
                EntryKind::Clearing | EntryKind::ForcePost | EntryKind::RefundReversal => true,
                // What a card lacks moves to its replacement.
                EntryKind::CardReplacement => true,
                EntryKind::Hold => line.authorization.is_some_and(stand_in),
                _ => false,
            }
    }

    /// Counters are what authorizations and transactions add up to.
    fn check_used(&self, fresh: &Fresh) {
        let mut owners: Vec<Id> = fresh.counters.keys().copied().collect();
        owners.extend(fresh.moved.iter().map(|moved| moved.holder.map_or(self.counted(moved.card), |id| id.0)));
        let several = fresh.commands.len() > 1;
        let limits_changed = fresh.commands.iter().any(|command| match command {
            Command::UpdateCard(update) => update.controls.is_some(),
            Command::UpdateCardHolder(update) => update.limits.is_some(),
            _ => false,
        });
        for owner in owners {
            let Some(row) = self.world.work.counters.peek(Key::of(self.world.client, owner)) else { continue };
            let card = self.world.work.cards.peek(Key::of(self.world.client, owner));
            if card.is_some_and(|card| card.replaced_by.is_some()) {
                // What it used moved along.
                continue;
            }
            let was = self.counters_before(fresh, owner);
            for window in row.windows.iter().filter(|window| self.is_current(window)) {
                let known = was.and_then(|row| same_window(row, window));
                let (amount, count) = self.flows(fresh, owner, window);
                let (was_amount, was_count) = known.map_or((0, 0), |window| (window.amount, window.count));
                // A window that began among several commands, perhaps again, does not have what came before it.
                let began = several && (known.is_none() || limits_changed);
                let explained = amount.explains(was_amount, window.amount) || began && window.amount <= amount.taken;
                let counted = count.explains(was_count, window.count) || began && window.count <= count.taken;
                assert!(
                    explained && counted,
                    "{owner}: {window:?} was {known:?}, changed by {amount:?} and {count:?} after {:?}",
                    fresh.commands
                );
            }
            let plain = |window: &&Window| {
                let key = &window.key;
                key.interval == Interval::AllTime && key.categories.is_empty() && key.time_zone == "UTC"
            };
            let counted: i64 = row.windows.iter().filter(plain).map(|window| window.count).sum();
            assert_eq!(counted, row.payments, "{owner} after {:?}", fresh.commands);
        }
    }

    /// The counters of an owner before the last commands; those of the card it replaces, when it is new.
    fn counters_before<'a>(&'a self, fresh: &'a Fresh, owner: Id) -> Option<&'a Counters> {
        let mut owner = owner;
        loop {
            match fresh.counters.get(&owner) {
                Some(Some(row)) => return Some(row),
                None => return self.world.work.counters.peek(Key::of(self.world.client, owner)),
                Some(None) => {}
            }
            owner = self.world.work.cards.peek(Key::of(self.world.client, owner))?.replacement_for?.0;
        }
    }

    fn is_current(&self, window: &Window) -> bool {
        let begin = |at| windows::start(window.key.interval, &window.key.time_zone, at);
        begin(crate::time::Instant::from_micros(window.start)) == begin(self.now())
    }

    /// What came to a window and left it, in amounts and in payments.
    fn flows(&self, fresh: &Fresh, owner: Id, window: &Window) -> (Flow, Flow) {
        let (mut amount, mut count) = (Flow::default(), Flow::default());
        for moved in &fresh.moved {
            let whose = moved.holder.map_or_else(|| self.counted(moved.card), |id| id.0);
            if whose == owner && moved.key == window.key && moved.start == window.start {
                let left = if fresh.commands.len() > 1 { moved.left } else { (0, 0) };
                amount.add(moved.amount, left.0);
                count.add(moved.count, left.1);
            }
        }
        for id in &fresh.postings {
            let posting = self.world.work.postings.peek(Key::of(self.world.client, id.0)).expect("a posting");
            let own = owner == posting.card_holder.0 || owner == self.counted(posting.card);
            let covered = window.key.covers(&posting.merchant.category);
            if own && covered && window.key.currency == posting.currency.code() && posting.kind != PostingType::Capture
            {
                amount.add(-posting.amount, 0);
            }
        }
        (amount, count)
    }

    /// What is held on each ledger account is what its open authorizations hold.
    fn check_held(&self) {
        let mut held: HashMap<Id, i64> = HashMap::new();
        let mut payments: HashMap<Id, i64> = HashMap::new();
        for row in self.made() {
            assert!(row.open >= 0 && row.open_fee >= 0 && row.cleared >= 0 && row.reversed >= 0, "{row:?}");
            assert!(row.held() == 0 || row.status == AuthorizationStatus::Approved, "{row:?}");
            assert_eq!(row.due_at.is_some(), row.status == AuthorizationStatus::Approved, "{row:?}");
            let (Some(card), Some(holder)) = (row.card, row.card_holder) else { continue };
            if row.kind != AuthorizationType::Deposit {
                *held.entry(self.world.card_row(card).funds.0).or_default() += row.held();
            }
            if row.taken.iter().any(|taken| taken.count > 0) {
                *payments.entry(self.counted(card)).or_default() += 1;
                *payments.entry(holder.0).or_default() += 1;
            }
        }
        let balances = self.world.work.balances.wanted();
        for balance in balances.filter_map(|(key, _)| self.world.work.balances.peek(key)) {
            assert_eq!(balance.held, held.get(&balance.id.0).copied().unwrap_or(0), "held on {}", balance.id);
        }
        for (owner, payments) in payments {
            let counters = self.world.work.counters.peek(Key::of(self.world.client, owner)).expect("counters");
            assert_eq!(counters.payments, payments, "payments of {owner}");
        }
    }

    /// The books, the events, and every decision made again from what was kept.
    pub fn check_all(&self) {
        self.world.check();
        let mut sums: HashMap<Currency, i64> = HashMap::new();
        for line in &self.world.appended.system_lines {
            *sums.entry(line.currency).or_default() += line.delta;
        }
        let balances = self.world.work.balances.wanted();
        for balance in balances.filter_map(|(key, _)| self.world.work.balances.peek(key)) {
            *sums.entry(balance.currency).or_default() += balance.ledger;
        }
        assert!(sums.values().all(|sum| *sum == 0), "money came from nowhere: {sums:?}");
        for kept in self.made().flat_map(|row| &row.decided) {
            let text = serde_json::to_string(&(&kept.facts, &kept.request)).expect("facts are kept");
            let (facts, request) = serde_json::from_str(&text).expect("facts are read");
            let again = decide(&facts, &request);
            assert_eq!(Decided::of(facts, request, &again), *kept, "decided otherwise");
        }
        for card in self.cards.iter().map(|id| self.world.card_row(*id)) {
            let over = card.status == CardStatus::Canceled && card.heir.is_none() && card.replaced_by.is_none();
            assert!(!over, "nobody follows {}", card.id);
        }
    }
}

fn same_window<'a>(row: &'a Counters, window: &Window) -> Option<&'a Window> {
    row.windows.iter().find(|known| known.key == window.key && known.start == window.start)
}
