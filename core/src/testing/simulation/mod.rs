//! A seeded simulation: random commands of all kinds, with invariants checked after each step.
//!
//! The simulation does not run the commands. Its driver does, in memory or on a real store, one at a time or
//! concurrently, and reports what was committed. The generator and the checks are therefore the same in every setting.

mod checks;
mod commands;
mod committed;
mod dice;
mod effects;
mod questions;
mod shared;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::sync::Arc;

use crate::ids::{AccountId, AuthorizationId, CardHolderId, CardId, ClientId, Id, TransactionId, TransferId};
use crate::limits::{Counters, WindowKey};
use crate::messages::Trace;
use crate::money::Currency;
use crate::programs::{FeeRule, FeeTerms, ProgramTerms, RateRule, Terms};
use crate::record::Record;
use crate::table::Change;
use crate::testing::{World, decimal, usd};
use crate::time::Instant;
use crate::work::{Changes, KeySet, Work};
use crate::{Command, Outcome};

pub use dice::Dice;
use effects::Effects;

/// Wall time stands still; business time only moves with the test clock.
pub const WALL: Instant = Instant::from_micros(1_767_225_600_000_000);

/// The commands of one client.
pub struct Simulation {
    /// The client's rows as committed.
    world: World,
    dice: Dice,
    terms: Arc<Terms>,
    /// Whether the responder's creation was drawn.
    has_responder: bool,
    accounts: Vec<AccountId>,
    /// The account that is being emptied in order to be closed.
    doomed: Option<AccountId>,
    holders: Vec<CardHolderId>,
    cards: Vec<CardId>,
    transfers: Vec<TransferId>,
    authorizations: Vec<AuthorizationId>,
    captures: Vec<TransactionId>,
    refunds: Vec<TransactionId>,
    sent: Vec<Command>,
    /// The last network transaction id used.
    number: u64,
    /// The numbers of messages that posted money.
    numbers: Vec<(Trace, String)>,
    /// Authorizations in other currencies that are cleared in parts.
    parts: Vec<AuthorizationId>,
    /// What messages stated, to be compared with their effects.
    effects: Effects,
    fresh: Fresh,
}

/// What happened since the last check.
#[derive(Default)]
struct Fresh {
    commands: Vec<Command>,
    /// Previous values of the counters that changed.
    counters: HashMap<Id, Option<Counters>>,
    moved: Vec<Moved>,
    transactions: Vec<TransactionId>,
    lines: usize,
}

/// Usage of a window by an authorization since the last check; negative if credited.
struct Moved {
    authorization: AuthorizationId,
    card: CardId,
    holder: Option<CardHolderId>,
    key: WindowKey,
    start: i64,
    amount: i64,
    count: i64,
}

impl Simulation {
    pub fn new(seed: u64, client: ClientId) -> Simulation {
        let terms = FeeTerms { fixed: 10, basis_points: 150, vat_basis_points: 750 };
        let fees = vec![FeeRule { currency: usd(), kinds: vec![], international: Some(true), terms }];
        let rate = |from, to, rate| RateRule { from: currency(from), to: currency(to), rate: decimal(rate) };
        let rates = vec![rate("EUR", "USD", "1.0837"), rate("USD", "NGN", "1.5"), rate("JPY", "USD", "0.0065")];
        let program = ProgramTerms { fees, rates, refund_fees: seed.is_multiple_of(2), ..ProgramTerms::default() };
        let terms = Terms { program, ..Terms::default() };
        let [.., a, b, c, d] = seed.to_be_bytes();
        let mut world = World::of(client, [4, a, b, c, d]);
        world.work.begin_batch(WALL);
        Simulation {
            world,
            dice: Dice(seed),
            terms: Arc::new(terms),
            has_responder: false,
            accounts: Vec::new(),
            doomed: None,
            holders: Vec::new(),
            cards: Vec::new(),
            transfers: Vec::new(),
            authorizations: Vec::new(),
            captures: Vec::new(),
            refunds: Vec::new(),
            sent: Vec::new(),
            number: 0,
            numbers: Vec::new(),
            parts: Vec::new(),
            effects: Effects::default(),
            fresh: Fresh::default(),
        }
    }

    pub fn client(&self) -> ClientId {
        self.world.client
    }

    pub fn now(&self) -> Instant {
        self.world.work.now()
    }

    /// The keys of all rows that exist or existed.
    pub fn keys(&self) -> KeySet {
        self.world.keys()
    }

    /// Compares all rows with those read from the store.
    pub fn assert_stored(&self, stored: &Work) {
        self.world.assert_stored(stored);
    }

    /// Learns what was committed.
    pub fn learn(&mut self, committed: &Changes) {
        let own = self.world.client;
        for change in &committed.authorizations {
            let (Change::Insert(row) | Change::Update(row)) = change else { continue };
            let (true, Some(card)) = (row.client == own, row.card) else { continue };
            let before = self.world.work.authorizations.peek(row.key());
            let before = before.map_or_else(Vec::new, |row| row.limit_usage.by_window(row.currency));
            let before = before.into_iter().map(|taken| (taken, -1));
            for (taken, sign) in
                row.limit_usage.by_window(row.currency).into_iter().map(|taken| (taken, 1)).chain(before)
            {
                let holder = row.card_holder.filter(|_| taken.of_holder);
                let (amount, count) = (sign * taken.amount, sign * taken.count);
                let known = self.fresh.moved.iter_mut().find(|moved| {
                    let same = moved.authorization == row.id && moved.holder == holder;
                    same && moved.key == taken.key && moved.start == taken.start
                });
                match known {
                    Some(moved) => {
                        moved.amount += amount;
                        moved.count += count;
                    }
                    None => {
                        let (key, start) = (taken.key.clone(), taken.start);
                        let authorization = row.id;
                        self.fresh.moved.push(Moved { authorization, card, holder, key, start, amount, count });
                    }
                }
            }
        }
        for change in &committed.counters {
            let (Change::Insert(row) | Change::Update(row)) = change else { continue };
            if row.client == own {
                let before = self.world.work.counters.peek(row.key());
                self.fresh.counters.entry(row.owner).or_insert_with(|| before.cloned());
            }
        }
        for change in &committed.transactions {
            if let Change::Insert(row) = change
                && row.client == own
            {
                self.fresh.transactions.push(row.id);
            }
        }
        self.world.learn(committed);
    }

    /// Records the outcome of a command; `None` if it was refused or its answer was lost.
    pub fn note(&mut self, command: Command, outcome: Option<&Outcome>) {
        fn add<T: PartialEq>(list: &mut Vec<T>, id: Option<T>) {
            let id = id.expect("an id");
            if !list.contains(&id) {
                list.push(id);
            }
        }
        match outcome {
            Some(Outcome::Account(view)) => {
                let id = AccountId::parse(&view.id);
                if view.status == crate::accounts::AccountStatus::Closed {
                    self.accounts.retain(|known| Some(*known) != id);
                } else {
                    add(&mut self.accounts, id);
                }
            }
            Some(Outcome::CardHolder(holder)) => add(&mut self.holders, Some(holder.id)),
            Some(Outcome::Card(view)) => add(&mut self.cards, CardId::parse(&view.id)),
            Some(Outcome::Transfer(view)) => add(&mut self.transfers, TransferId::parse(&view.id)),
            Some(Outcome::Authorization(view)) => {
                let id = AuthorizationId::parse(&view.id);
                let is_new = id.is_some_and(|id| !self.authorizations.contains(&id));
                let open = view.status == crate::authorizations::AuthorizationStatus::Approved;
                if is_new && open && view.merchant_currency != view.currency && self.dice.one_in(2) {
                    self.parts.extend(id);
                }
                add(&mut self.authorizations, id);
            }
            Some(Outcome::MaybeTransaction(view)) => {
                if let Some(view) = &**view {
                    let list = if view.kind == "refund" { &mut self.refunds } else { &mut self.captures };
                    add(list, TransactionId::parse(&view.id));
                }
            }
            _ => {}
        }
        self.effects.note(&self.world, &command, outcome);
        // An id is drawn once.
        if !matches!(command, Command::CreateResponder(_)) {
            self.sent.push(command.clone());
        }
        self.fresh.commands.push(command);
    }
}

fn currency(code: &str) -> Currency {
    Currency::from_code(code).expect("a currency")
}
