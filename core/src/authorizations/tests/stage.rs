//! A card on a stage, and scripts of what happens to it.
//!
//! A line is a step and what is so after it: the status of the authorization (or the refusal), what is posted and held
//! on the card, what is on its account, amount and count of its all-time window, and the exceptions that are new.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use crate::accounts::CloseAccount;
use crate::authorizations::{
    Asking, Authorization, AuthorizationView, Authorize, ExpireAuthorization, IncrementAuthorization,
    ReleaseAuthorization, ReverseAuthorization, ReverseByReference, SettleAuthorization,
};
use crate::cards::{CardStatus, CreateCard, FundCard, ReplaceReason, TerminateCard, UpdateCard};
use crate::clock::AdvanceClock;
use crate::ids::{AccountId, AuthorizationId, CallId, CardHolderId, CardId, ExceptionId, Id, TransactionId};
use crate::ledger::System;
use crate::limits::windows::Starts;
use crate::limits::{Interval, SpendingLimit};
use crate::messages::{
    AuthorizationType, Channel, Match, Merchant, NetworkReference, NetworkRequest, Presented, ReferenceKind,
    RequestedAmount, ThreeDs, Trace,
};
use crate::money::{Currency, format_minor};
use crate::programs::{Program, ProgramSettings, Terms};
use crate::record::Key;
use crate::resolution::ResolveException;
use crate::responders::{Answer, AnswerWord, CallOutcome, CallResult, Responder};
use crate::testing::{World, decimal, replacement, usd};
use crate::transactions::{Clear, ForcePost, Refund, ReverseRefund, Transaction, TransactionView, Unmatched};
use crate::transfers::CreateTransfer;
use crate::{Command, Outcome};

pub(super) struct Stage {
    pub(super) world: World,
    pub(super) account: AccountId,
    pub(super) holder: CardHolderId,
    pub(super) card: CardId,
    pub(super) old: Option<CardId>,
    pub(super) terms: Terms,
    pub(super) currency: Currency,
    pub(super) billing: Option<&'static str>,
    pub(super) rate: Option<&'static str>,
    pub(super) kind: AuthorizationType,
    pub(super) category: &'static str,
    pub(super) merchant: &'static str,
    pub(super) country: &'static str,
    pub(super) pin: Match,
    pub(super) channel: Channel,
    /// Who is asked about requests.
    pub(super) responders: Vec<Responder>,
    calls: u8,
    posted: HashMap<String, TransactionId>,
    exceptions: usize,
    last: String,
}

impl Stage {
    /// A card with 100 USD; as much is left on its account.
    pub(super) fn new() -> Stage {
        Stage::with(|card| CreateCard { amount: Some(decimal("100")), ..card })
    }

    /// A card that differs from a plain one, on an account with 200 USD.
    pub(super) fn with(change: impl Fn(CreateCard) -> CreateCard) -> Stage {
        let mut world = World::new();
        let account = world.account(200);
        let holder = world.holder();
        let command = change(world.a_new_card(account, holder));
        let card = world.issue(command);
        Stage {
            world,
            account,
            holder,
            card,
            old: None,
            terms: Terms::default(),
            currency: usd(),
            billing: None,
            rate: None,
            kind: AuthorizationType::Purchase,
            category: "5812",
            merchant: "M1",
            country: "US",
            pin: Match::NotGiven,
            channel: Channel::Web,
            responders: Vec::new(),
            calls: 0,
            posted: HashMap::new(),
            exceptions: 0,
            last: String::new(),
        }
    }

    pub(super) fn request(&self, name: &str, amount: &str) -> NetworkRequest {
        let presented = Presented {
            card: Some(self.old.unwrap_or(self.card)).filter(|_| name.starts_with("old")).or(Some(self.card)),
            expiry: Match::NotGiven,
            cvv: Match::NotGiven,
            pin: self.pin,
            pin_sealed: self.world.secret_row(self.card).and_then(|secret| secret.pin.clone()),
            links: None,
        };
        NetworkRequest {
            presented,
            channel: self.channel,
            kind: self.kind,
            requested: self.requested(amount),
            merchant: self.shop(),
            three_ds: ThreeDs::None,
            partial_allowed: false,
            estimated: false,
            risk_score: None,
            trace: trace(name),
        }
    }

    pub(super) fn shop(&self) -> Merchant {
        Merchant {
            category: self.category.to_owned(),
            merchant_id: self.merchant.to_owned(),
            country: self.country.to_owned(),
            ..Merchant::default()
        }
        .trimmed()
    }

    fn requested(&self, amount: &str) -> RequestedAmount {
        let (billing, rate) = (self.billing.map(decimal), self.rate.map(decimal));
        RequestedAmount { amount: decimal(amount), currency: self.currency, billing, rate }
    }

    pub(super) fn terms(&self) -> Arc<Terms> {
        Arc::new(self.terms.clone())
    }

    pub(super) fn authorize(&mut self, request: NetworkRequest, advice: Option<bool>) -> Result<String, &'static str> {
        let terms = self.terms();
        self.calls += 1;
        let asking = Asking { responders: self.responders.clone().into(), call: call(self.calls) };
        self.run(Command::Authorize(Box::new(Authorize { request, advice, terms, asking: Some(asking) })))
    }

    /// Runs a command; gives the status it shows.
    pub(super) fn run(&mut self, command: Command) -> Result<String, &'static str> {
        let program = self.world.program().expect("a card was issued").clone();
        let settings = ProgramSettings { terms: self.terms.program.clone(), ..program.settings.clone() };
        self.world.set_program(Program { settings, ..program });
        let done = self.world.run(command);
        self.world.check();
        Ok(match done? {
            Outcome::Authorization(view) => said(&view),
            Outcome::MaybeAuthorization(view) => (*view).as_ref().map_or("waiting".to_owned(), said),
            Outcome::Transaction(view) => self.noted(&view),
            Outcome::MaybeTransaction(view) => (*view).as_ref().map_or("waiting".to_owned(), |view| self.noted(view)),
            _ => "done".to_owned(),
        })
    }

    fn noted(&mut self, view: &TransactionView) -> String {
        let id = TransactionId::parse(&view.id).expect("an id");
        self.posted.insert(self.last.clone(), id);
        let status = view.authorization_id.as_ref().and_then(|id| AuthorizationId::parse(id));
        status.map_or(view.kind.to_owned(), |id| self.row(id).status.to_string())
    }

    pub(super) fn id_of(&self, name: &str) -> AuthorizationId {
        let key = NetworkReference::key_of(self.world.client, ReferenceKind::Authorization, name);
        AuthorizationId(self.world.work.network_references.peek(key).expect("a known authorization").object)
    }

    pub(super) fn row(&self, id: AuthorizationId) -> &Authorization {
        self.world.work.authorizations.peek(Key::of(self.world.client, id.0)).expect("an authorization")
    }

    /// What a step posted last.
    pub(super) fn transaction(&self, name: &str) -> &Transaction {
        self.world.work.transactions.peek(Key::of(self.world.client, self.posted[name].0)).expect("a transaction")
    }

    /// What a window of the card has: amount and count.
    pub(super) fn used(&self, interval: Interval, categories: &[&str], zone: &str) -> (i64, i64) {
        let limit = SpendingLimit {
            amount: None,
            max_count: None,
            interval,
            categories: categories.iter().map(|text| (*text).to_owned()).collect(),
            time_zone: zone.to_owned(),
            currency: None,
            since: 0,
        };
        let set = &self.world.card_row(self.card).controls.spending_limits;
        let limit = set.iter().find(|set| set.identity() == limit.identity()).unwrap_or(&limit);
        let counters = self.world.work.counters.peek(Key::of(self.world.client, self.card.0)).expect("counters");
        counters.used(limit, usd(), &Starts::at(self.world.work.now()))
    }

    pub(super) fn system(&self, wanted: System) -> i64 {
        self.world.appended.system_lines.iter().filter(|line| line.system == wanted).map(|line| line.delta).sum()
    }

    pub(super) fn play(&mut self, name: &str, script: &[(&str, &str)]) {
        for (step, expected) in script {
            let done = self.step(step).unwrap_or_else(|code| format!("refused {code}"));
            assert_eq!(format!("{done} {}", self.state()), *expected, "{name}: {step}");
        }
    }

    /// How many messages did not fit.
    pub(super) fn exceptions(&self) -> usize {
        let rows = self.world.work.network_exceptions.wanted();
        rows.filter(|(key, _)| self.world.work.network_exceptions.peek(*key).is_some()).count()
    }

    fn state(&mut self) -> String {
        let pair = |(posted, held, _): (i64, i64, i64)| {
            let held = if held == 0 { String::new() } else { format!("-{}", format_minor(held, 2)) };
            format!("{}{held}", format_minor(posted, 2))
        };
        let mut text = pair(self.world.amounts(self.card));
        if let Some(old) = self.old {
            text += &format!(" old {}", pair(self.world.amounts(old)));
        }
        let (amount, count) = self.used(Interval::AllTime, &[], "UTC");
        text += &format!(" acct {} used {}x{count}", pair(self.world.amounts(self.account)), format_minor(amount, 2));
        let rows = self.world.work.network_exceptions.wanted();
        let rows = rows.filter_map(|(key, _)| self.world.work.network_exceptions.peek(key));
        let mut rows: Vec<_> = rows.map(|row| (row.id, row.kind, row.amount)).collect();
        rows.sort_by_key(|row| row.0);
        for (_, kind, amount) in &rows[self.exceptions..] {
            text += &format!(" !{kind} {}", format_minor(*amount, 2));
        }
        self.exceptions = rows.len();
        text
    }

    fn unmatched(&self) -> Unmatched {
        Unmatched { card: self.old.unwrap_or(self.card), merchant: self.shop(), channel: self.channel }
    }

    /// How many authorizations there are.
    pub(super) fn authorizations(&self) -> usize {
        let rows = self.world.work.authorizations.wanted();
        rows.filter(|(key, _)| self.world.work.authorizations.peek(*key).is_some()).count()
    }

    /// From now on another card with 100 USD is used, on the same account.
    pub(super) fn second_card(&mut self) {
        let card = self.world.a_new_card(self.account, self.holder);
        self.card = self.world.issue(CreateCard { amount: Some(decimal("100")), ..card });
    }

    /// The last exception of a kind.
    fn exception(&self, kind: &str) -> ExceptionId {
        let rows = self.world.work.network_exceptions.wanted();
        let rows = rows.filter_map(|(key, _)| self.world.work.network_exceptions.peek(key));
        rows.filter(|row| row.kind.as_str() == kind).map(|row| row.id).max_by_key(|id| id.0).expect("an exception")
    }

    pub(super) fn step(&mut self, step: &str) -> Result<String, &'static str> {
        let words: Vec<&str> = step.split(' ').collect();
        let name = words.get(1).copied().unwrap_or_default();
        let number = words.get(2).filter(|word| word.starts_with(|c: char| c.is_ascii_digit())).copied();
        let amount = number.map(|number| self.requested(number));
        let has = |word: &str| words.contains(&word);
        let sequence = words.iter().find(|word| word.starts_with('#')).map_or("1".to_owned(), |w| (*w).to_owned());
        let terms = self.terms();
        self.last = name.to_owned();
        let command = match words[0] {
            "auth" | "advice" => {
                let mut request = self.request(name, number.expect("an amount"));
                request.partial_allowed = has("partial");
                request.trace.stan = sequence;
                let advice = (words[0] == "advice").then(|| !has("no"));
                return self.authorize(request, advice);
            }
            "more" => Command::IncrementAuthorization(Box::new(IncrementAuthorization {
                id: self.id_of(name),
                requested: amount.expect("an amount"),
                partial_allowed: has("partial"),
                terms,
                asked: None,
            })),
            // A responder says yes, to less if there is an amount; no; or nothing.
            "yes" | "no" | "silent" => {
                let id = self.id_of(name);
                let decision = if words[0] == "yes" { AnswerWord::Approve } else { AnswerWord::Decline };
                let approved_amount = number.and_then(|number| decimal(number).to_minor(2));
                let answer = Answer { decision, approved_amount, reason: None, metadata: BTreeMap::new() };
                let outcome = match words[0] {
                    "yes" => CallOutcome::Approved,
                    "no" => CallOutcome::Declined,
                    _ => CallOutcome::Timeout,
                };
                let result = CallResult {
                    outcome,
                    status: None,
                    latency_ms: 1,
                    answer: Some(answer).filter(|_| words[0] != "silent"),
                    request: None,
                    excerpt: None,
                    error: None,
                };
                let call = self.row(id).responder.as_ref().expect("it was asked").call;
                let card = Some(self.card);
                Command::SettleAuthorization(Box::new(SettleAuthorization { id, card, call, result, terms }))
            }
            "rev" => {
                let id = self.id_of(name);
                Command::ReverseAuthorization(ReverseAuthorization { id, amount: number.map(decimal) })
            }
            "revref" => {
                let (amount, currency) = (number.map(decimal), Some(self.currency));
                let trace = Trace { stan: sequence, ..trace(name) };
                let card = Some(self.card);
                Command::ReverseByReference(Box::new(ReverseByReference { trace, card, amount, currency }))
            }
            "clear" => Command::Clear(Box::new(Clear {
                authorization: None,
                trace: trace(name),
                sequence,
                requested: amount,
                is_final: has("final"),
                unmatched: has("unmatched").then(|| self.unmatched()),
                terms,
            })),
            "force" => {
                let (what, requested) = (self.unmatched(), amount.expect("an amount"));
                Command::ForcePost(Box::new(ForcePost { what, requested, trace: trace(name), sequence, terms }))
            }
            "refund" => {
                let original = self.posted.get(name).copied();
                let unlinked = original.is_none().then(|| self.unmatched());
                self.last = format!("refund {name}");
                let trace = trace(name);
                Command::Refund(Box::new(Refund { original, unlinked, requested: amount, trace, sequence, terms }))
            }
            "unrefund" => {
                let id = self.posted[&format!("refund {name}")];
                self.last = format!("unrefund {name}");
                Command::ReverseRefund(ReverseRefund { id, terms })
            }
            "expire" | "due" => {
                let when_due = words[0] == "due";
                Command::ExpireAuthorization(ExpireAuthorization { id: self.id_of(name), when_due })
            }
            "release" => {
                let reason = "asked for".to_owned();
                Command::ReleaseAuthorization(ReleaseAuthorization { id: self.id_of(name), reason, if_match: None })
            }
            "days" => {
                let to = self.world.work.now().plus_seconds(86_400 * name.parse::<i64>().expect("a number"));
                Command::AdvanceClock(AdvanceClock { to, offset: None, strict: false })
            }
            "fund" => Command::FundCard(FundCard {
                id: self.card,
                debit_account: self.account,
                amount: decimal(name),
                payment_reference: None,
                narration: None,
            }),
            "empty" => {
                let to = self.world.account(0);
                let amount = decimal(&format_minor(self.world.amounts(self.account).0, 2));
                let (from, reference, narration, metadata) = (self.account, None, None, None);
                Command::CreateTransfer(CreateTransfer { from, to, amount, reference, narration, metadata })
            }
            "close" => Command::CloseAccount(CloseAccount { id: self.account, if_match: None }),
            // resolve KIND [rate R|billing B|account]
            "resolve" => {
                let value = |what: &str| words.iter().position(|word| *word == what).map(|at| decimal(words[at + 1]));
                let account =
                    has("account").then_some(self.account).or_else(|| has("other").then(|| self.world.account(50)));
                Command::ResolveException(Box::new(ResolveException {
                    id: self.exception(name),
                    note: "looked at".to_owned(),
                    rate: value("rate"),
                    billing: value("billing"),
                    account,
                    terms,
                    if_match: None,
                }))
            }
            "cancel" => Command::TerminateCard(TerminateCard { id: self.card, if_match: None }),
            "freeze" => Command::UpdateCard(Box::new(UpdateCard {
                id: self.card,
                status: Some(CardStatus::Inactive),
                ..UpdateCard::default()
            })),
            "replace" => {
                let reason = ReplaceReason::parse(name).expect("a reason");
                let command = replacement(&mut self.world, self.card, reason);
                self.old = Some(self.card);
                let new = command.new_id;
                let done = self.run(Command::ReplaceCard(Box::new(command)));
                self.card = new;
                return done;
            }
            other => panic!("{other}"),
        };
        self.run(command)
    }
}

fn call(number: u8) -> CallId {
    CallId(Id::from_bytes([number; 12]))
}

fn said(view: &AuthorizationView) -> String {
    view.reason.map_or_else(|| view.status.to_string(), |reason| format!("{} {reason}", view.status))
}

fn trace(name: &str) -> Trace {
    let name = name.to_owned();
    Trace { stan: "1".to_owned(), rrn: "2".to_owned(), transaction_id: name, authorization_code: None }
}
