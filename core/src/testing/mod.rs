//! A world in memory to run commands in, for tables of cases and for simulations.

pub mod simulation;

use std::collections::HashMap;

use crate::access::{Actor, Scopes};
use crate::accounts::{Account, AccountStatus, AccountType, CategoryWord, CreateAccount, OwnerType, UpdateAccount};
use crate::card_holders::{CardHolder, CardHolderStatus, CreateCardHolder, SealedPersonal, SearchHashes};
use crate::cards::{
    Brand, Card, CardSecret, CardStatus, CardType, CreateCard, Expiry, FundingMode, NewNumber, ReplaceCard,
    ReplaceReason, ReplacementNumber,
};
use crate::events::{Event, EventType};
use crate::ids::{AccountId, CardHolderId, CardId, ClientId, EntryId, Id, IdGenerator, LedgerAccountId};
use crate::ledger::{Balance, EntryKind, Leg, Line, Posting, System, SystemLine, Verifier, post};
use crate::limits::NewControls;
use crate::money::{Category, Currency, Decimal};
use crate::programs::{NumberRange, Program, ProgramSeed, ProgramTerms};
use crate::record::{Key, Record};
use crate::table::Access;
use crate::time::Instant;
use crate::work::{Appended, Changes, Context, Work};
use crate::{Command, Outcome, Request, Stop, execute};

/// The prefix of sealed content in tests: it must never appear in events or in the audit log.
pub(crate) const SEALED: &str = "sealed-content-";

/// A card holder's name in tests: personal, so it must never appear in events or in the audit log.
pub(crate) const NAME: &str = "Ada Plantedname";

/// One client's rows in memory, with a wall clock set by hand.
pub(crate) struct World {
    pub(crate) work: Work,
    pub(crate) wall: Instant,
    pub(crate) client: ClientId,
    /// Who runs the commands.
    pub(crate) actor: Actor,
    pub(crate) appended: Appended,
}

impl World {
    pub(crate) fn new() -> World {
        World::of(ClientId(Id::from_bytes([7; 12])), [3; 5])
    }

    /// The world of a client, with ids as made by a node.
    pub(crate) fn of(client: ClientId, node: [u8; 5]) -> World {
        World {
            work: Work::new(IdGenerator::new(node, 0)),
            wall: simulation::WALL,
            client,
            actor: Actor::System,
            appended: Appended::default(),
        }
    }

    /// Runs a command and commits it. Returns the outcome, or the refusal's code.
    pub(crate) fn run(&mut self, command: Command) -> Result<Outcome, &'static str> {
        let outcome = self.attempt(command)?;
        self.store();
        Ok(outcome)
    }

    /// As [`World::run`]; also returns what was committed.
    pub(crate) fn run_and_tell(&mut self, command: Command) -> (Result<Outcome, &'static str>, Option<Changes>) {
        match self.attempt(command) {
            Ok(outcome) => (Ok(outcome), Some(self.store())),
            Err(code) => (Err(code), None),
        }
    }

    /// Runs a command and crashes before the commit. Returns what the outcome would have been.
    pub(crate) fn rehearse(&mut self, command: Command) -> Result<Outcome, &'static str> {
        let ids = self.work.ids().clone();
        let done = self.attempt(command);
        self.work.roll_back();
        *self.work.ids() = ids;
        assert!(!self.work.has_changes(), "a crash left changes");
        done
    }

    fn attempt(&mut self, command: Command) -> Result<Outcome, &'static str> {
        let ids = self.work.ids().clone();
        self.work.begin_batch(self.wall);
        self.work.unlock_all();
        self.work.take_missing();
        if !matches!(command, Command::SeedProgram(_)) && self.program().is_none() {
            self.set_program(a_seed(ProgramTerms::default()).program(self.client, self.wall));
        }
        let context = Context { actor: self.actor, ..Context::system(self.client, "") };
        let request = Request::new(context, command);
        request.command.prefetch(&mut self.work, &request.context);
        for _ in 0..64 {
            match execute(&mut self.work, &request) {
                Ok(outcome) => return Ok(outcome),
                Err(Stop::Refused(refusal)) => {
                    assert!(!self.work.has_changes(), "a refusal left changes");
                    return Err(refusal.code());
                }
                Err(Stop::Missing) => {
                    self.work.lock_missing();
                    *self.work.ids() = ids.clone();
                }
            }
        }
        panic!("a command keeps asking for rows");
    }

    /// Commits the running command.
    fn store(&mut self) -> Changes {
        self.work.keep();
        let changes = self.work.take_changes();
        self.append(changes.appended.clone());
        changes
    }

    fn append(&mut self, new: Appended) {
        new.events.iter().for_each(check_members);
        self.appended.entries.extend(new.entries);
        self.appended.lines.extend(new.lines);
        self.appended.system_lines.extend(new.system_lines);
        self.appended.events.extend(new.events);
        self.appended.audit.extend(new.audit);
        self.appended.attempts.extend(new.attempts);
    }

    /// The program of cards that are issued without naming one.
    pub(crate) fn program(&self) -> Option<&Program> {
        self.work.programs.peek(Key::of(self.client, self.client.0))
    }

    /// Puts a program in place as if it had been stored before.
    pub(crate) fn set_program(&mut self, program: Program) {
        self.work.programs.load(program.key(), Some(program), Access::Shared);
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
    pub(crate) fn amounts(&self, account: impl Into<LedgerAccountId>) -> (i64, i64, i64) {
        let balance: &Balance = self.work.balances.peek(Key::of(self.client, account.into().0)).expect("a balance");
        (balance.ledger, balance.held, balance.available())
    }

    /// Changes an account's settings; must not be refused.
    pub(crate) fn set_account(&mut self, id: AccountId, change: impl Fn(UpdateAccount) -> UpdateAccount) {
        let command = change(UpdateAccount { id, may_adjust: true, ..UpdateAccount::default() });
        self.run(Command::UpdateAccount(Box::new(command))).expect("the account changes");
    }

    /// An active card holder without reviews.
    pub(crate) fn holder(&mut self) -> CardHolderId {
        let command = self.a_new_holder();
        let id = command.id;
        self.run(Command::CreateCardHolder(Box::new(command))).expect("the card holder is enrolled");
        id
    }

    pub(crate) fn a_new_holder(&mut self) -> CreateCardHolder {
        CreateCardHolder {
            id: CardHolderId(self.work.new_id()),
            name: NAME.to_owned(),
            key: format!("{SEALED}key").into_bytes(),
            personal: personal("first"),
            status: CardHolderStatus::Active,
            metadata: None,
            limits: Vec::new(),
            documents: Vec::new(),
        }
    }

    /// An active, virtual, prefunded card in USD, without money.
    pub(crate) fn a_new_card(&mut self, account: AccountId, holder: CardHolderId) -> CreateCard {
        let id = CardId(self.work.new_id());
        CreateCard {
            id,
            debit_account: account,
            card_holder: holder,
            program: None,
            kind: CardType::Virtual,
            brand: Brand::Visa,
            status: CardStatus::Active,
            currency: usd(),
            metadata: None,
            controls: NewControls::default(),
            enable_2fa: true,
            amount: None,
            disposable: false,
            funding_mode: FundingMode::Prefunded,
            valid_from: None,
            valid_until: None,
            merchant_lock: false,
            cancel_after: None,
            number: a_number(id),
            expiry: Expiry { year: 2029, month: 6 },
            verified_only: false,
        }
    }

    /// Issues a card; must not be refused.
    pub(crate) fn issue(&mut self, command: CreateCard) -> CardId {
        let id = command.id;
        self.run(Command::CreateCard(Box::new(command))).expect("the card is issued");
        id
    }

    /// A card with funds, in major units.
    pub(crate) fn card(&mut self, account: AccountId, holder: CardHolderId, amount: i64) -> CardId {
        let amount = (amount > 0).then(|| Decimal::new(amount, 0));
        let command = CreateCard { amount, ..self.a_new_card(account, holder) };
        self.issue(command)
    }

    /// Posts an amount imposed by the network, even below zero, and changes the held amount.
    pub(crate) fn impose(&mut self, card: CardId, delta: i64, held: i64) {
        self.work.unlock_all();
        self.work.enter(Context::system(self.client, "test"));
        self.work.balances.prefetch(Key::of(self.client, card.0), Access::Exclusive);
        self.work.lock_missing();
        let system = Leg::System { system: System::Network, currency: usd(), delta: -delta };
        let legs = [Leg::Account { account: card.into(), delta, held }, system];
        let posting =
            Posting { forced: true, ..Posting::new(EntryKind::Clearing, if delta == 0 { &legs[..1] } else { &legs }) };
        post(&mut self.work, posting).expect("what the network imposes is posted");
        self.store();
    }

    pub(crate) fn account_row(&self, id: AccountId) -> &Account {
        self.work.accounts.peek(Key::of(self.client, id.0)).expect("an account")
    }

    pub(crate) fn holder_row(&self, id: CardHolderId) -> &CardHolder {
        self.work.card_holders.peek(Key::of(self.client, id.0)).expect("a card holder")
    }

    pub(crate) fn card_row(&self, id: CardId) -> &Card {
        self.work.cards.peek(Key::of(self.client, id.0)).expect("a card")
    }

    pub(crate) fn secret_row(&self, id: CardId) -> Option<&CardSecret> {
        self.work.card_secrets.peek(Key::of(self.client, id.0))
    }

    /// The live cards that account and card holder count.
    pub(crate) fn live_cards(&self, account: AccountId, holder: CardHolderId) -> (i64, i64) {
        (self.account_row(account).live_cards, self.holder_row(holder).live_cards)
    }

    /// The types of an object's events, in order.
    pub(crate) fn events(&self, object: Id) -> Vec<&str> {
        let own = self.appended.events.iter().filter(|event| event.object_id == object);
        own.map(|event| event.kind.as_str()).collect()
    }

    /// Checks the invariants: the ledger verifies, events have no gaps, live cards are counted, and nothing sealed or
    /// personal is in events or the audit log.
    pub(crate) fn check(&self) {
        self.check_books();
        let mut sequences: HashMap<Id, i64> = HashMap::new();
        for event in &self.appended.events {
            let last = sequences.entry(event.object_id).or_default();
            *last += 1;
            assert_eq!(event.sequence, *last, "{} {}: the sequence has a gap", event.kind, event.object_id);
        }
        let bytes: Vec<String> = SEALED.bytes().map(|byte| byte.to_string()).collect();
        let hex: String = SEALED.bytes().map(|byte| format!("{byte:02x}")).collect();
        let texts = self.appended.events.iter().map(|event| &event.data);
        for text in texts.chain(self.appended.audit.iter().map(|entry| &entry.changes)) {
            for secret in [SEALED, NAME, &bytes.join(","), &hex] {
                assert!(!text.contains(secret), "{text} contains {secret}");
            }
        }
        self.check_live_cards();
    }

    fn check_books(&self) {
        let mut verifier = Verifier::default();
        let mut parts: HashMap<EntryId, (Vec<Line>, Vec<SystemLine>)> = HashMap::new();
        for line in &self.appended.lines {
            parts.entry(line.entry).or_default().0.push(line.clone());
        }
        for line in &self.appended.system_lines {
            parts.entry(line.entry).or_default().1.push(line.clone());
        }
        let digests: HashMap<EntryId, _> = self.appended.entries.iter().map(|entry| (entry.id, entry.digest)).collect();
        for line in &self.appended.lines {
            verifier.line(line, digests.get(&line.entry).expect("a line's entry"));
        }
        for entry in &self.appended.entries {
            let (own, system) = parts.remove(&entry.id).unwrap_or_default();
            verifier.entry(entry, &own, &system);
        }
        for (key, _) in self.work.balances.wanted() {
            if let Some(balance) = self.work.balances.peek(key) {
                verifier.balance(balance);
            }
        }
        let report = verifier.finish();
        assert!(report.is_clean(), "{report:?}");
    }

    fn check_live_cards(&self) {
        let mut live: HashMap<Id, i64> = HashMap::new();
        let cards = self.work.cards.wanted().filter_map(|(key, _)| self.work.cards.peek(key));
        for card in cards.filter(|card| card.status != CardStatus::Canceled) {
            *live.entry(card.debit_account.0).or_default() += 1;
            *live.entry(card.card_holder.0).or_default() += 1;
        }
        for account in self.work.accounts.wanted().filter_map(|(key, _)| self.work.accounts.peek(key)) {
            assert_eq!(account.live_cards, live.get(&account.id.0).copied().unwrap_or(0), "account {}", account.id);
        }
        for holder in self.work.card_holders.wanted().filter_map(|(key, _)| self.work.card_holders.peek(key)) {
            assert_eq!(holder.live_cards, live.get(&holder.id.0).copied().unwrap_or(0), "card holder {}", holder.id);
        }
    }
}

pub(crate) fn usd() -> Currency {
    Currency::find("USD", Category::Fiat).expect("USD is a currency")
}

/// A card number as the server would generate and seal it.
pub(crate) fn a_number(id: CardId) -> NewNumber {
    let mut fingerprint = [0; 32];
    fingerprint[..12].copy_from_slice(id.0.bytes());
    let last4 = format!("{:04}", u16::from(id.0.bytes()[11]));
    let (sealed, range) = (format!("{SEALED}number-{id}").into_bytes(), a_range());
    NewNumber { sealed, fingerprint, bin: range.prefix.clone(), last4, range }
}

/// The range of test cards.
pub(crate) fn a_range() -> NumberRange {
    NumberRange { brand: Brand::Visa, prefix: "400555".to_owned(), length: 16 }
}

/// What the program of test cards is made of.
pub(crate) fn a_seed(terms: ProgramTerms) -> ProgramSeed {
    ProgramSeed { terms, ranges: vec![a_range()] }
}

/// Personal data as the server would seal it.
pub(crate) fn personal(content: &str) -> SealedPersonal {
    SealedPersonal {
        sealed: format!("{SEALED}personal-{content}").into_bytes(),
        hashes: SearchHashes { email: Some([1; 32]), ..SearchHashes::default() },
        document_expires: None,
        has_document: false,
        has_proof: false,
    }
}

/// A checking account in USD.
pub fn a_new_account() -> CreateAccount {
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
        limits: Vec::new(),
        may_adjust: true,
    }
}

pub(crate) fn decimal(text: &str) -> Decimal {
    Decimal::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

pub(crate) fn everything() -> Scopes {
    Scopes::all()
}

/// The command that replaces a card, prepared as the server would.
pub(crate) fn replacement(world: &mut World, id: CardId, reason: ReplaceReason) -> ReplaceCard {
    let new_id = CardId(world.work.new_id());
    let number = if reason.needs_new_number() {
        ReplacementNumber::New(a_number(new_id))
    } else {
        let secret = world.secret_row(id).cloned();
        let (pin_before, fingerprint) = (secret.and_then(|secret| secret.pin), fingerprint_of(world, id));
        ReplacementNumber::Same {
            fingerprint,
            sealed: format!("{SEALED}number-again-{new_id}").into_bytes(),
            pin: pin_before.as_ref().map(|_| format!("{SEALED}pin-again-{new_id}").into_bytes()),
            pin_before,
        }
    };
    ReplaceCard { id, new_id, reason, number, expiry: Expiry { year: 2029, month: 6 }, if_match: None }
}

/// The fingerprint of a card's number.
pub(crate) fn fingerprint_of(world: &World, id: CardId) -> [u8; 32] {
    let rows = world.work.card_fingerprints.wanted();
    let mut rows = rows.filter_map(|(key, _)| world.work.card_fingerprints.peek(key));
    rows.find(|row| row.card == id).map_or([0; 32], |row| row.fingerprint)
}

/// An event must have the members that the catalogue lists for its type, in that order.
fn check_members(event: &Event) {
    let kind = EventType::parse(&event.kind).expect("a type of event");
    let expected: Vec<&str> = crate::catalogue::members(kind).iter().map(|member| member.name).collect();
    let members: serde_json::Map<String, serde_json::Value> = serde_json::from_str(&event.data).expect("an object");
    let count = members.keys().filter(|name| *name != "eventType" && !name.ends_with("Id")).count();
    let places = expected.iter().map(|name| event.data.find(&format!("\"{name}\":{{")).expect("a member"));
    assert!(places.is_sorted() && count == expected.len(), "{kind}: {:?}", members.keys());
}
