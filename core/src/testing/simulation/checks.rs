//! The invariants of a simulation.

use std::collections::HashMap;

use super::{Fresh, Simulation, effects, questions, shared};
use crate::Command;
use crate::accounts::AccountStatus;
use crate::authorizations::{Authorization, AuthorizationStatus, Decided, decide};
use crate::cards::CardStatus;
use crate::ids::{AuthorizationId, CardId, Id};
use crate::ledger::{EntryKind, Line, System};
use crate::limits::{Counters, Interval, Window, WindowKey, windows};
use crate::messages::AuthorizationType;
use crate::money::Currency;
use crate::record::Key;
use crate::transactions::{Transaction, TransactionType};

impl Simulation {
    /// Checks what happened since the last check.
    pub fn check(&mut self) {
        let lines = self.world.appended.lines.len();
        let fresh = std::mem::replace(&mut self.fresh, Fresh { lines, ..Fresh::default() });
        self.check_floors(&fresh);
        self.check_used(&fresh);
        shared::check(self);
        questions::check(self);
        self.check_held();
    }

    /// The card whose counters apply: the last replacement.
    fn counted(&self, card: CardId) -> Id {
        let mut row = self.world.card_row(card);
        while let Some(next) = row.replaced_by {
            row = self.world.card_row(next);
        }
        row.id.0
    }

    pub(super) fn made(&self) -> impl Iterator<Item = &Authorization> {
        let rows = self.world.work.authorizations.wanted();
        rows.filter_map(|(key, _)| self.world.work.authorizations.peek(key))
    }

    pub(super) fn posted(&self) -> impl Iterator<Item = &Transaction> {
        let rows = self.world.work.transactions.wanted();
        rows.filter_map(|(key, _)| self.world.work.transactions.peek(key))
    }

    /// Transactions add up to what their authorization says was cleared and refunded; holds and suspense are explained;
    /// no account closes while its canceled cards are unsettled.
    fn check_messages(&self) {
        let made: Vec<&Authorization> = self.made().collect();
        let transactions: Vec<&Transaction> = self.posted().collect();
        effects::check_holds(&made);
        self.effects.check(&made, &transactions);
        let mut sums: HashMap<AuthorizationId, (i64, i64)> = HashMap::new();
        for transaction in &transactions {
            let Some(id) = transaction.authorization else { continue };
            let sum = sums.entry(id).or_default();
            match transaction.kind {
                TransactionType::Capture | TransactionType::ForcePost => sum.0 += transaction.amount.abs(),
                TransactionType::Refund | TransactionType::RefundReversal => sum.1 += transaction.amount,
            }
        }
        for of in &made {
            let sum = sums.get(&of.id).copied().unwrap_or_default();
            assert_eq!(sum, (of.cleared, of.refunded), "posted of {of:?}");
        }
        let exceptions = self.world.work.network_exceptions.wanted();
        let exceptions: Vec<_> =
            exceptions.filter_map(|(key, _)| self.world.work.network_exceptions.peek(key)).collect();
        let mut suspended = effects::suspended(&exceptions, &transactions);
        for line in self.world.appended.system_lines.iter().filter(|line| line.system == System::Suspense) {
            *suspended.entry(line.currency).or_default() -= line.delta;
        }
        assert!(suspended.values().all(|rest| *rest == 0), "in suspense without an exception: {suspended:?}");
        self.check_endings();
    }

    fn check_endings(&self) {
        let mut unsettled: HashMap<Id, i64> = HashMap::new();
        let cards = self.world.work.cards.wanted();
        for card in cards.filter_map(|(key, _)| self.world.work.cards.peek(key)) {
            let own = card.status == CardStatus::Canceled && card.funds == card.id.into();
            let (ledger, held, _) = self.world.amounts(card.id);
            if own && (ledger, held) != (0, 0) {
                *unsettled.entry(card.debit_account.0).or_default() += 1;
            }
        }
        let accounts = self.world.work.accounts.wanted();
        for account in accounts.filter_map(|(key, _)| self.world.work.accounts.peek(key)) {
            let unsettled = unsettled.get(&account.id.0).copied().unwrap_or(0);
            assert_eq!(account.unsettled_cards, unsettled, "ended cards of {}", account.id);
            let closed = account.status == AccountStatus::Closed;
            let (ledger, held, _) = self.world.amounts(account.id);
            assert!(!closed || (ledger, held, unsettled) == (0, 0, 0), "{} closed on money", account.id);
        }
    }

    /// No decision and no API write reduces an available amount below zero; only what the network imposes does.
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
                // A card's debt moves to its replacement.
                EntryKind::CardReplacement => true,
                EntryKind::Hold => line.authorization.is_some_and(stand_in),
                _ => false,
            }
    }

    /// Counters are the sum of authorizations and transactions.
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
            let holder = self.world.work.card_holders.peek(Key::of(self.world.client, owner));
            if card.is_none() && holder.is_none() {
                // A shard of limits that cards share; see `shared`.
                continue;
            }
            if card.is_some_and(|card| card.replaced_by.is_some()) {
                // The counters moved to the replacement.
                continue;
            }
            let was = self.counters_before(fresh, owner);
            for window in row.windows.iter().filter(|window| self.is_current(window)) {
                let known = was.and_then(|row| same_window(row, window));
                let (amount, count) = self.flows(fresh, owner, window);
                let (was_amount, was_count) = known.map_or((0, 0), |window| (window.amount, window.count));
                // A window that began between several commands does not contain what came before.
                let began = several && (known.is_none() || limits_changed);
                assert!(
                    began || (window.amount, window.count) == (was_amount + amount, was_count + count),
                    "{owner}: {window:?} was {known:?}, changed by {amount} and {count} after {:?}",
                    fresh.commands
                );
            }
            let plain = |window: &&Window| window.key.interval == Interval::AllTime && window.key.is_plain();
            let counted: i64 = row.windows.iter().filter(plain).map(|window| window.count).sum();
            assert_eq!(counted, row.payments, "{owner} after {:?}", fresh.commands);
        }
    }

    /// An owner's counters before the last commands; those of the replaced card for a new card.
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
        let begin = |at| windows::start(window.key.interval, window.key.time_zone(), at);
        begin(crate::time::Instant::from_micros(window.start)) == begin(self.now())
    }

    /// The expected change of a window, in amount and in payments.
    fn flows(&self, fresh: &Fresh, owner: Id, window: &Window) -> (i64, i64) {
        let (mut amount, mut count) = (0, 0);
        let same = |key: &WindowKey, start: i64| *key == window.key && start == window.start;
        for moved in &fresh.moved {
            let whose = moved.holder.map_or_else(|| self.counted(moved.card), |id| id.0);
            if whose == owner && same(&moved.key, moved.start) {
                amount += moved.amount;
                count += moved.count;
            }
        }
        for id in &fresh.transactions {
            let transaction = self.posting_row(*id);
            // Reversing a refund debits what the refund credited.
            let (sign, of) = match transaction.kind {
                TransactionType::RefundReversal => (-1, self.posting_row(transaction.original.expect("a refund"))),
                _ => (1, transaction),
            };
            for taken in of.limit_usage.by_window(of.currency) {
                let whose = if taken.of_holder { of.card_holder.0 } else { self.counted(of.card) };
                if whose == owner && same(&taken.key, taken.start) {
                    amount += sign * taken.amount;
                    count += sign * taken.count;
                }
            }
        }
        (amount, count)
    }

    /// The held amount of each ledger account is the sum of its open authorizations.
    fn check_held(&self) {
        let mut held: HashMap<Id, i64> = HashMap::new();
        let mut payments: HashMap<Id, i64> = HashMap::new();
        for row in self.made() {
            assert!(
                row.outstanding >= 0 && row.outstanding_fee >= 0 && row.cleared >= 0 && row.reversed >= 0,
                "{row:?}"
            );
            let is_open = row.status == AuthorizationStatus::Approved || row.awaits_answer();
            assert!(row.held() == 0 || is_open, "{row:?}");
            assert_eq!(row.due_at.is_some(), row.status == AuthorizationStatus::Approved, "{row:?}");
            let (Some(card), Some(holder)) = (row.card, row.card_holder) else { continue };
            if row.kind != AuthorizationType::Deposit {
                *held.entry(self.world.card_row(card).funds.0).or_default() += row.held();
            }
            if row.limit_usage.counts() {
                *payments.entry(self.counted(card)).or_default() += 1;
                *payments.entry(holder.0).or_default() += 1;
            }
        }
        for transaction in self.posted().filter(|transaction| transaction.kind == TransactionType::ForcePost) {
            *payments.entry(self.counted(transaction.card)).or_default() += 1;
            *payments.entry(transaction.card_holder.0).or_default() += 1;
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

    /// The ledger, the events, and the replay of every decision.
    pub fn check_all(&self) {
        self.world.check();
        self.check_messages();
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
            let over =
                card.status == CardStatus::Canceled && card.credit_account.is_none() && card.replaced_by.is_none();
            assert!(!over, "nobody follows {}", card.id);
        }
    }
}

fn same_window<'a>(row: &'a Counters, window: &Window) -> Option<&'a Window> {
    row.windows.iter().find(|known| known.key == window.key && known.start == window.start)
}
