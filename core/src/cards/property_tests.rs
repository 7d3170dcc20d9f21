//! Cards against a model so simple that it can be read: random commands, and after each one everything that must hold.
//! A failing case prints its operations and is shrunk; the seed is in the report.

use proptest::prelude::*;

use super::{
    CardStatus, CreateCard, FundCard, FundingMode, ReplaceReason, TerminateCard, UpdateCard, WithdrawFromCard,
};
use crate::Command;
use crate::accounts::{AccountStatus, CloseAccount, UpdateAccount};
use crate::ids::{AccountId, CardHolderId, CardId};
use crate::ledger::System;
use crate::money::Decimal;
use crate::testing::{World, replacement};
use crate::transfers::CreateTransfer;

const ACCOUNTS: usize = 3;
const HOLDERS: usize = 2;

/// A card is named by a number that is taken modulo how many there are.
#[derive(Clone, Debug)]
enum Operation {
    Create { account: usize, holder: usize, amount: Option<i64>, on_demand: bool },
    Fund { card: usize, account: usize, amount: i64 },
    Withdraw { card: usize, account: Option<usize>, amount: i64 },
    Terminate { card: usize },
    Cancel { card: usize, receiver: usize },
    Replace { card: usize, reason: ReplaceReason },
    Transfer { from: usize, to: usize, amount: i64 },
    Impose { card: usize, amount: i64 },
    Hold { card: usize, amount: i64 },
    Release { card: usize },
    Suspend { account: usize, suspended: bool },
    Close { account: usize },
}

fn operation() -> impl Strategy<Value = Operation> {
    use ReplaceReason::{Damaged, Expired, Lost, Stolen};
    let (account, card) = (0..ACCOUNTS, 0..8usize);
    let amount = prop_oneof![4 => 1..3_000i64, 1 => Just(0), 1 => Just(20_000)];
    prop_oneof![
        3 => (account.clone(), 0..HOLDERS, prop::option::of(amount.clone()), prop::bool::weighted(0.2))
            .prop_map(|(account, holder, amount, on_demand)| Operation::Create { account, holder, amount, on_demand }),
        3 => (card.clone(), account.clone(), amount.clone())
            .prop_map(|(card, account, amount)| Operation::Fund { card, account, amount }),
        3 => (card.clone(), prop::option::of(account.clone()), amount.clone())
            .prop_map(|(card, account, amount)| Operation::Withdraw { card, account, amount }),
        1 => card.clone().prop_map(|card| Operation::Terminate { card }),
        1 => (card.clone(), account.clone()).prop_map(|(card, receiver)| Operation::Cancel { card, receiver }),
        2 => (card.clone(), prop::sample::select(vec![Lost, Stolen, Damaged, Expired]))
            .prop_map(|(card, reason)| Operation::Replace { card, reason }),
        2 => (account.clone(), account.clone(), amount)
            .prop_map(|(from, to, amount)| Operation::Transfer { from, to, amount }),
        1 => (card.clone(), 1..3_000i64).prop_map(|(card, amount)| Operation::Impose { card, amount }),
        2 => (card.clone(), 1..1_000i64).prop_map(|(card, amount)| Operation::Hold { card, amount }),
        1 => card.prop_map(|card| Operation::Release { card }),
        1 => (account.clone(), any::<bool>())
            .prop_map(|(account, suspended)| Operation::Suspend { account, suspended }),
        1 => account.prop_map(|account| Operation::Close { account }),
    ]
}

#[derive(Clone, Debug)]
struct ModelledCard {
    id: CardId,
    account: usize,
    holder: usize,
    on_demand: bool,
    live: bool,
    posted: i64,
    held: i64,
}

impl ModelledCard {
    fn available(&self) -> i64 {
        self.posted - self.held
    }
}

#[derive(Clone, Debug)]
struct ModelledAccount {
    id: AccountId,
    status: AccountStatus,
    posted: i64,
}

type Expected = Result<(), &'static str>;

struct Simulation {
    world: World,
    accounts: Vec<ModelledAccount>,
    holders: Vec<CardHolderId>,
    cards: Vec<ModelledCard>,
}

impl Simulation {
    fn new() -> Simulation {
        let mut world = World::new();
        let status = AccountStatus::Active;
        let accounts = (0..ACCOUNTS).map(|_| ModelledAccount { id: world.account(100), status, posted: 10_000 });
        let accounts = accounts.collect();
        let holders = (0..HOLDERS).map(|_| world.holder()).collect();
        Simulation { world, accounts, holders, cards: Vec::new() }
    }

    /// Runs the command of an operation, and does the same to the model.
    fn apply(&mut self, operation: &Operation) {
        let before = (self.accounts.clone(), self.cards.clone());
        let (command, expected) = match *operation {
            Operation::Create { account, holder, amount, on_demand } => self.create(account, holder, amount, on_demand),
            Operation::Transfer { from, to, amount } => self.transfer(from, to, amount),
            Operation::Suspend { account, suspended } => self.suspend(account, suspended),
            Operation::Close { account } => self.close(account),
            _ if self.cards.is_empty() => return,
            Operation::Fund { card, account, amount } => self.fund(card, account, amount),
            Operation::Withdraw { card, account, amount } => self.withdraw(card, account, amount),
            Operation::Terminate { card } => self.terminate(card),
            Operation::Cancel { card, receiver } => self.cancel(card, receiver),
            Operation::Replace { card, reason } => self.replace(card, reason),
            Operation::Impose { card, amount } => return self.impose(card, -amount, 0),
            Operation::Hold { card, amount } => return self.impose(card, 0, amount),
            Operation::Release { card } => {
                let at = card % self.cards.len();
                return self.impose(card, 0, -self.cards[at].held);
            }
        };
        let done = self.world.run(command).map(|_| ());
        assert_eq!(done, expected, "{operation:?}");
        if done.is_err() {
            (self.accounts, self.cards) = before;
        }
    }

    fn create(&mut self, account: usize, holder: usize, amount: Option<i64>, on_demand: bool) -> (Command, Expected) {
        let funding_mode = if on_demand { FundingMode::OnDemand } else { FundingMode::Prefunded };
        let plain = self.world.a_new_card(self.accounts[account].id, self.holders[holder]);
        let command = CreateCard { amount: amount.map(money), funding_mode, ..plain };
        let card = ModelledCard { id: command.id, account, holder, on_demand, live: true, posted: 0, held: 0 };
        let expected = self.check_account(account).and_then(|()| match amount {
            None => Ok(()),
            Some(_) if on_demand => Err("funding_mode_mismatch"),
            Some(0) => Err("amount_not_positive"),
            Some(amount) if amount < 100 => Err("minimum"),
            Some(amount) => self.take(account, amount),
        });
        self.cards.push(ModelledCard { posted: amount.unwrap_or(0), ..card });
        (Command::CreateCard(Box::new(command)), expected)
    }

    fn fund(&mut self, card: usize, account: usize, amount: i64) -> (Command, Expected) {
        let at = card % self.cards.len();
        let (id, debit_account) = (self.cards[at].id, self.accounts[account].id);
        // A canceled card can be funded up to what it owes.
        let owed = -self.cards[at].available().min(0);
        let owes = !self.cards[at].live && owed > 0;
        let enough = if owes && amount > owed { Err("more_than_owed") } else { Ok(()) };
        let expected = if owes { Ok(()) } else { self.check_card(at) }
            .and_then(|()| self.check_account(account))
            .and_then(|()| positive(amount))
            .and(enough)
            .and_then(|()| self.take(account, amount));
        self.cards[at].posted += amount;
        let command = FundCard { id, debit_account, amount: money(amount), payment_reference: None, narration: None };
        (Command::FundCard(command), expected)
    }

    fn withdraw(&mut self, card: usize, account: Option<usize>, amount: i64) -> (Command, Expected) {
        let at = card % self.cards.len();
        let to = account.unwrap_or(self.cards[at].account);
        let enough = if self.cards[at].available() < amount { Err("insufficient_funds") } else { Ok(()) };
        let expected =
            self.check_card(at).and_then(|()| self.check_account(to)).and_then(|()| positive(amount)).and(enough);
        self.cards[at].posted -= amount;
        self.accounts[to].posted += amount;
        let credit_account = account.map(|account| self.accounts[account].id);
        let (id, amount) = (self.cards[at].id, money(amount));
        let command = WithdrawFromCard { id, credit_account, amount, payment_reference: None, narration: None };
        (Command::WithdrawFromCard(command), expected)
    }

    fn terminate(&mut self, card: usize) -> (Command, Expected) {
        let at = card % self.cards.len();
        if self.cards[at].live {
            self.end(at, self.cards[at].account);
        }
        (Command::TerminateCard(TerminateCard { id: self.cards[at].id, if_match: None }), Ok(()))
    }

    fn cancel(&mut self, card: usize, receiver: usize) -> (Command, Expected) {
        let at = card % self.cards.len();
        let (id, credit_account) = (self.cards[at].id, Some(self.accounts[receiver].id));
        let status = Some(CardStatus::Canceled);
        let command = Command::UpdateCard(Box::new(UpdateCard { id, status, credit_account, ..UpdateCard::default() }));
        if !self.cards[at].live {
            // A repeat changes nothing.
            let again = self.world.card_row(id).credit_account == credit_account;
            return (command, if again { Ok(()) } else { Err("card_canceled") });
        }
        let own = receiver == self.cards[at].account;
        let expected = if own { Ok(()) } else { self.check_account(receiver) };
        self.end(at, receiver);
        (command, expected)
    }

    fn end(&mut self, at: usize, receiver: usize) {
        let returned = self.cards[at].available().max(0);
        self.cards[at].posted -= returned;
        self.accounts[receiver].posted += returned;
        let account = &mut self.accounts[self.cards[at].account];
        let paid = (-self.cards[at].available()).clamp(0, account.posted.max(0));
        account.posted -= paid;
        self.cards[at].posted += paid;
        self.cards[at].live = false;
    }

    fn replace(&mut self, card: usize, reason: ReplaceReason) -> (Command, Expected) {
        let at = card % self.cards.len();
        let command = replacement(&mut self.world, self.cards[at].id, reason);
        let expected = if self.cards[at].live { Ok(()) } else { Err("card_canceled") };
        let moved = self.cards[at].available();
        let new = ModelledCard { id: command.new_id, posted: moved, held: 0, ..self.cards[at].clone() };
        self.cards[at].live = false;
        self.cards[at].posted -= moved;
        self.cards.push(new);
        (Command::ReplaceCard(Box::new(command)), expected)
    }

    fn transfer(&mut self, from: usize, to: usize, amount: i64) -> (Command, Expected) {
        let same = if from == to { Err("same_account") } else { Ok(()) };
        let expected = same
            .and_then(|()| self.check_account(from))
            .and_then(|()| self.check_account(to))
            .and_then(|()| positive(amount))
            .and_then(|()| self.take(from, amount));
        self.accounts[to].posted += amount;
        let (from, to) = (self.accounts[from].id, self.accounts[to].id);
        let amount = money(amount);
        let command = CreateTransfer { from, to, amount, reference: None, narration: None, metadata: None };
        (Command::CreateTransfer(command), expected)
    }

    fn suspend(&mut self, account: usize, suspended: bool) -> (Command, Expected) {
        let status = if suspended { AccountStatus::Suspended } else { AccountStatus::Active };
        let closed = self.accounts[account].status == AccountStatus::Closed;
        self.accounts[account].status = status;
        let id = self.accounts[account].id;
        let command = UpdateAccount { id, status: Some(status), ..UpdateAccount::default() };
        (Command::UpdateAccount(Box::new(command)), if closed { Err("account_closed") } else { Ok(()) })
    }

    fn close(&mut self, account: usize) -> (Command, Expected) {
        let live = self.cards.iter().any(|card| card.live && card.account == account);
        let closed = self.accounts[account].status == AccountStatus::Closed;
        let unsettled =
            |card: &ModelledCard| !card.live && card.account == account && (card.posted, card.held) != (0, 0);
        let unsettled = self.cards.iter().any(unsettled);
        let in_use = !closed && (live || unsettled || self.accounts[account].posted != 0);
        self.accounts[account].status = AccountStatus::Closed;
        let id = self.accounts[account].id;
        let expected = if in_use { Err("account_in_use") } else { Ok(()) };
        (Command::CloseAccount(CloseAccount { id, if_match: None }), expected)
    }

    fn impose(&mut self, card: usize, delta: i64, held: i64) {
        let at = card % self.cards.len();
        // An on-demand card has no balance of its own; money for a canceled card goes to its successor.
        if self.cards[at].on_demand || !self.cards[at].live {
            return;
        }
        self.world.impose(self.cards[at].id, delta, held);
        self.cards[at].posted += delta;
        self.cards[at].held += held;
    }

    fn check_card(&self, at: usize) -> Expected {
        match &self.cards[at] {
            card if !card.live => Err("card_canceled"),
            card if card.on_demand => Err("funding_mode_mismatch"),
            _ => Ok(()),
        }
    }

    fn check_account(&self, account: usize) -> Expected {
        if self.accounts[account].status == AccountStatus::Active { Ok(()) } else { Err("account_inactive") }
    }

    fn take(&mut self, account: usize, amount: i64) -> Expected {
        if self.accounts[account].posted < amount {
            return Err("insufficient_funds");
        }
        self.accounts[account].posted -= amount;
        Ok(())
    }

    fn check(&self) {
        self.world.check();
        let mut total = 0;
        for (number, account) in self.accounts.iter().enumerate() {
            assert_eq!(self.world.amounts(account.id), (account.posted, 0, account.posted));
            assert!(account.posted >= 0, "below the floor");
            let live = self.cards.iter().filter(|card| card.live && card.account == number).count();
            assert_eq!(self.world.account_row(account.id).live_cards, i64::try_from(live).expect("few"));
            total += account.posted;
        }
        for (number, holder) in self.holders.iter().enumerate() {
            let live = self.cards.iter().filter(|card| card.live && card.holder == number).count();
            assert_eq!(self.world.holder_row(*holder).live_cards, i64::try_from(live).expect("few"));
        }
        for card in &self.cards {
            assert_eq!(self.world.amounts(card.id), (card.posted, card.held, card.available()));
            assert_eq!(self.world.card_row(card.id).status != CardStatus::Canceled, card.live);
            total += card.posted;
        }
        let system = self.world.appended.system_lines.iter();
        let outside: i64 =
            system.inspect(|line| assert_ne!(line.system, System::Suspense)).map(|line| line.delta).sum();
        assert_eq!(total + outside, 0, "money that came in is on an account or a card, or went out");
        self.check_ended_cards();
    }

    /// What comes later to a card that ended can be followed: to its replacement, or to the account that took its money.
    fn check_ended_cards(&self) {
        for card in self.cards.iter().filter(|card| !card.live) {
            let row = self.world.card_row(card.id);
            assert_ne!(row.replaced_by.is_some(), row.credit_account.is_some(), "one of the two");
        }
    }
}

fn positive(amount: i64) -> Expected {
    if amount > 0 { Ok(()) } else { Err("amount_not_positive") }
}

fn money(minor: i64) -> Decimal {
    Decimal::new(minor, 2)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, max_shrink_iters: 2000, ..ProptestConfig::default() })]

    #[test]
    fn whatever_is_done_with_cards_no_money_is_lost(operations in prop::collection::vec(operation(), 1..50)) {
        let mut simulation = Simulation::new();
        for operation in &operations {
            simulation.apply(operation);
            simulation.check();
        }
    }
}
