//! A world in memory to run commands in: for tables of cases and for simulations.

use crate::access::Scopes;
use crate::accounts::{AccountStatus, AccountType, CategoryWord, CreateAccount, OwnerType};
use crate::ids::{AccountId, ClientId, Id, IdMaker};
use crate::ledger::Balance;
use crate::money::Decimal;
use crate::record::Key;
use crate::time::Instant;
use crate::work::{Appended, Context, Work};
use crate::{Command, Outcome, Request, Stop, execute};

/// Rows in memory, a wall clock that is set by hand, one client.
pub(crate) struct World {
    pub(crate) work: Work,
    pub(crate) wall: Instant,
    pub(crate) client: ClientId,
    /// Everything that was ever appended.
    pub(crate) appended: Appended,
}

impl World {
    pub(crate) fn new() -> World {
        World {
            work: Work::new(IdMaker::new([3; 5], 0)),
            wall: Instant::from_micros(1_767_225_600_000_000),
            client: ClientId(Id::from_bytes([7; 12])),
            appended: Appended::default(),
        }
    }

    /// Runs a command: what it came to, or the refusal's code.
    pub(crate) fn run(&mut self, command: Command) -> Result<Outcome, &'static str> {
        self.work.begin_batch(self.wall, usize::MAX);
        let request = Request::new(Context::system(self.client, ""), command);
        for _ in 0..64 {
            match execute(&mut self.work, &request) {
                Ok(outcome) => {
                    self.work.keep();
                    let new = std::mem::take(&mut self.work.appended);
                    self.appended.entries.extend(new.entries);
                    self.appended.lines.extend(new.lines);
                    self.appended.system_lines.extend(new.system_lines);
                    self.appended.events.extend(new.events);
                    self.appended.audit.extend(new.audit);
                    self.work.settle();
                    return Ok(outcome);
                }
                Err(Stop::Refused(refusal)) => {
                    assert!(!self.work.has_changes(), "a refusal left changes");
                    return Err(refusal.code());
                }
                Err(Stop::Missing) => self.work.assume_absent(),
            }
        }
        panic!("a command keeps asking for rows");
    }

    /// A USD account with this balance.
    pub(crate) fn account(&mut self, balance: i64) -> AccountId {
        self.account_in("USD", CategoryWord::Fiat, balance)
    }

    pub(crate) fn account_in(&mut self, currency: &str, category: CategoryWord, balance: i64) -> AccountId {
        let command = CreateAccount {
            currency: currency.to_owned(),
            category,
            balance: Decimal::new(balance, 0),
            ..a_new_account()
        };
        match self.run(Command::CreateAccount(command)) {
            Ok(Outcome::Account(view)) => AccountId::parse(&view.id).expect("an id"),
            other => panic!("{other:?}"),
        }
    }

    /// Posted, held and available, in minor units.
    pub(crate) fn amounts(&self, account: AccountId) -> (i64, i64, i64) {
        let balance: &Balance = self.work.balances.peek(Key::of(self.client, account.0)).expect("a balance");
        (balance.ledger, balance.held, balance.available())
    }
}

/// A checking account in USD.
pub(crate) fn a_new_account() -> CreateAccount {
    CreateAccount {
        owner_type: OwnerType::Business,
        owner_id: None,
        name: "Account".to_owned(),
        kind: AccountType::Checking,
        category: CategoryWord::Fiat,
        currency: "USD".to_owned(),
        status: AccountStatus::Active,
        network: None,
        balance: Decimal::ZERO,
        credit_limit: Decimal::ZERO,
        can_debit: true,
        can_credit: true,
        metadata: None,
        may_adjust: true,
    }
}

/// A decimal as it would be written.
pub(crate) fn decimal(text: &str) -> Decimal {
    Decimal::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

/// All scopes.
pub(crate) fn everything() -> Scopes {
    Scopes::all()
}
