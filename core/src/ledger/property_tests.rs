//! The ledger against a model so simple that it can be read: random postings, and after each one everything that
//! must hold. A failing case prints its operations and is shrunk; the seed is in the report.

use std::collections::HashMap;

use proptest::prelude::*;

use super::{
    Balance, Entry, EntryKind, GENESIS, Leg, Line, Posting, System, SystemLine, entry_digest, line_hash, post,
};
use crate::ids::{AccountId, ClientId, Id, IdGenerator, LedgerAccountId};
use crate::money::{Category, Currency};
use crate::record::Key;
use crate::refusal::{Refusal, Stop};
use crate::time::Instant;
use crate::work::{Context, Work};

const ACCOUNTS: u8 = 4;

#[derive(Clone, Debug)]
enum Operation {
    Transfer { from: u8, to: u8, amount: i64 },
    Fund { to: u8, amount: i64 },
    Hold { on: u8, amount: i64 },
    Release { on: u8, amount: i64 },
    Clear { on: u8, amount: i64, held: i64 },
    Wait { micros: i64 },
}

fn operation() -> impl Strategy<Value = Operation> {
    let account = 0..ACCOUNTS;
    let amount = prop_oneof![1..200i64, Just(i64::MAX / 2), Just(600_000_000_000_000), 1..5i64];
    prop_oneof![
        (account.clone(), account.clone(), amount.clone()).prop_map(|(from, to, amount)| Operation::Transfer {
            from,
            to,
            amount
        }),
        (account.clone(), amount.clone()).prop_map(|(to, amount)| Operation::Fund { to, amount }),
        (account.clone(), 1..100i64).prop_map(|(on, amount)| Operation::Hold { on, amount }),
        (account.clone(), 1..100i64).prop_map(|(on, amount)| Operation::Release { on, amount }),
        (account, 1..300i64, 0..100i64).prop_map(|(on, amount, held)| Operation::Clear { on, amount, held }),
        (-5_000_000..5_000_000i64).prop_map(|micros| Operation::Wait { micros }),
    ]
}

#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Modelled {
    ledger: i128,
    held: i128,
    credit_limit: i128,
}

impl Modelled {
    fn available(self) -> i128 {
        self.ledger - self.held + self.credit_limit
    }

    /// Beyond what can be shown exactly, and further than it was.
    fn grows_too_large(self, before: Modelled) -> bool {
        let beyond = |before: i128, after: i128| {
            after.abs() > i128::from(crate::money::MAX_MINOR_UNITS) && after.abs() > before.abs()
        };
        beyond(before.ledger, self.ledger)
            || beyond(before.held, self.held)
            || beyond(before.available(), self.available())
    }

    fn fits(self) -> bool {
        [self.ledger, self.held, self.available()].iter().all(|value| i64::try_from(*value).is_ok())
    }
}

struct Simulation {
    work: Work,
    wall: i64,
    model: HashMap<u8, Modelled>,
    entries: Vec<Entry>,
    lines: Vec<Line>,
    system: Vec<SystemLine>,
}

fn usd() -> Currency {
    Currency::find("USD", Category::Fiat).expect("USD is a currency")
}

fn account(number: u8) -> LedgerAccountId {
    AccountId(Id::from_bytes([number + 1; 12])).into()
}

impl Simulation {
    fn new() -> Simulation {
        let mut work = Work::new(IdGenerator::new([7; 5], 0));
        work.enter(Context::system(ClientId(Id::from_bytes([9; 12])), "test"));
        let mut model = HashMap::new();
        for number in 0..ACCOUNTS {
            let credit_limit = i64::from(number) * 50;
            let opened = Balance::opened(work.client(), account(number), usd(), Instant::default());
            work.balances.put(Balance { credit_limit, ..opened });
            model.insert(number, Modelled { credit_limit: i128::from(credit_limit), ..Modelled::default() });
        }
        work.keep();
        Simulation { work, wall: 1_000_000_000, model, entries: Vec::new(), lines: Vec::new(), system: Vec::new() }
    }

    fn apply(&mut self, operation: &Operation) {
        self.work.begin_batch(Instant::from_micros(self.wall));
        let settlement = |delta| Leg::System { system: System::Settlement, currency: usd(), delta };
        let leg = |number, delta, held| Leg::Account { account: account(number), delta, held };
        let (kind, forced, legs) = match *operation {
            Operation::Wait { micros } => {
                self.wall += micros;
                return;
            }
            Operation::Transfer { from, to, .. } if from == to => return,
            Operation::Transfer { from, to, amount } => {
                (EntryKind::Transfer, false, vec![leg(from, -amount, 0), leg(to, amount, 0)])
            }
            Operation::Fund { to, amount } => {
                (EntryKind::SimulatedFunding, false, vec![settlement(-amount), leg(to, amount, 0)])
            }
            Operation::Hold { on, amount } => (EntryKind::Hold, false, vec![leg(on, 0, amount)]),
            Operation::Release { on, amount } => {
                let release = i128::from(amount).min(self.model[&on].held) as i64;
                (EntryKind::HoldRelease, false, vec![leg(on, 0, -release)])
            }
            Operation::Clear { on, amount, held } => {
                let release = i128::from(held).min(self.model[&on].held) as i64;
                (EntryKind::Clearing, true, vec![leg(on, -amount, -release), settlement(amount)])
            }
        };
        let expected = self.expect(&legs, forced);
        let posting = Posting { reference: Some("r".to_owned()), forced, ..Posting::new(kind, &legs) };
        match (post(&mut self.work, posting), expected) {
            (Ok(_), Ok(model)) => {
                self.work.keep();
                self.model = model;
            }
            (Err(Stop::Refused(refusal)), Err(expected)) => {
                self.work.roll_back();
                assert_eq!(refusal.code(), expected, "{operation:?}");
            }
            (got, expected) => panic!("{operation:?}: got {got:?}, the model says {:?}", expected.map(|_| "yes")),
        }
        self.entries.append(&mut self.work.appended.entries);
        self.lines.append(&mut self.work.appended.lines);
        self.system.append(&mut self.work.appended.system_lines);
        self.work.take_changes();
    }

    /// What the model says: the new amounts, or the code of the refusal.
    fn expect(&self, legs: &[Leg], forced: bool) -> Result<HashMap<u8, Modelled>, &'static str> {
        let mut model = self.model.clone();
        for leg in legs {
            let Leg::Account { account: id, delta, held } = *leg else { continue };
            let number = (0..ACCOUNTS).find(|number| account(*number) == id).expect("an account of the model");
            let before = model[&number];
            let mut after = before;
            after.ledger += i128::from(delta);
            after.held += i128::from(held);
            if !after.fits() || (!forced && after.grows_too_large(before)) {
                return Err("amount_too_large");
            }
            if !forced && after.available() < 0 && after.available() < before.available() {
                return Err("insufficient_funds");
            }
            model.insert(number, after);
        }
        Ok(model)
    }

    fn check(&mut self) {
        for entry in &self.entries {
            let mut lines: Vec<&Line> = self.lines.iter().filter(|line| line.entry == entry.id).collect();
            lines.sort_by_key(|line| line.account);
            let system: Vec<SystemLine> = self.system.iter().filter(|line| line.entry == entry.id).cloned().collect();
            let sum: i128 = lines.iter().map(|line| i128::from(line.delta)).sum::<i128>()
                + system.iter().map(|line| i128::from(line.delta)).sum::<i128>();
            assert_eq!(sum, 0, "an entry does not balance");
            assert!(!lines.is_empty(), "an entry has no customer line");
            assert_eq!(entry_digest(entry, lines.into_iter(), &system), entry.digest);
        }
        for number in 0..ACCOUNTS {
            self.check_chain(number);
        }
    }

    fn check_chain(&mut self, number: u8) {
        let key = Key::of(self.work.client(), account(number).0);
        let head = self.work.balances.peek(key).expect("a balance").clone();
        let model = self.model[&number];
        assert_eq!((i128::from(head.ledger), i128::from(head.held)), (model.ledger, model.held));
        let (mut ledger, mut held, mut hash, mut at) = (0i128, 0i128, GENESIS, Instant::default());
        let chain = self.lines.iter().filter(|line| line.account == account(number));
        let mut count = 0;
        for (line, seq) in chain.zip(1..) {
            count = seq;
            let entry = self.entries.iter().find(|entry| entry.id == line.entry).expect("a line has its entry");
            ledger += i128::from(line.delta);
            held += i128::from(line.held_delta);
            assert_eq!(line.seq, seq, "the sequence has a gap");
            assert_eq!((i128::from(line.ledger_after), i128::from(line.held_after)), (ledger, held));
            assert!(line.at >= at && line.at >= entry.at, "time goes backwards along the chain");
            assert_eq!(line.hash, line_hash(&hash, &entry.digest, line), "the chain is broken");
            (hash, at) = (line.hash, line.at);
        }
        assert_eq!((head.seq, head.hash), (count, hash));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, max_shrink_iters: 2000, ..ProptestConfig::default() })]

    #[test]
    fn whatever_is_posted_the_books_are_right(operations in prop::collection::vec(operation(), 1..60)) {
        let mut simulation = Simulation::new();
        for operation in &operations {
            simulation.apply(operation);
            simulation.check();
        }
    }
}

#[test]
fn the_refusal_says_what_there_is_and_what_is_needed() {
    let mut simulation = Simulation::new();
    simulation.apply(&Operation::Fund { to: 0, amount: 1050 });
    let legs = [
        Leg::Account { account: account(0), delta: -1051, held: 0 },
        Leg::Account { account: account(1), delta: 1051, held: 0 },
    ];
    let posting = Posting::new(EntryKind::Transfer, &legs);
    let Err(Stop::Refused(Refusal::InsufficientFunds { available, needed, .. })) = post(&mut simulation.work, posting)
    else {
        panic!("a transfer of more than there is must be refused");
    };
    assert_eq!((available.as_str(), needed.as_str()), ("10.5", "10.51"));
}

#[test]
#[should_panic(expected = "does not balance")]
fn an_entry_that_does_not_balance_is_a_bug() {
    let mut simulation = Simulation::new();
    simulation.apply(&Operation::Fund { to: 0, amount: 10 });
    let legs = [Leg::Account { account: account(0), delta: -5, held: 0 }];
    let posting = Posting::new(EntryKind::Transfer, &legs);
    let _ = post(&mut simulation.work, posting);
}
