//! Drawing commands: of every kind, about existing objects, ended ones and unknown ones.

use super::{Simulation, currency, questions};
use crate::Command;
use crate::accounts::{AccountStatus, AccountType, CloseAccount, CreateAccount, FundAccount, UpdateAccount};
use crate::authorizations::{
    Authorization, AuthorizationStatus, Authorize, ExpireAuthorization, IncrementAuthorization, ReleaseAuthorization,
    ReverseAuthorization, ReverseByReference,
};
use crate::card_holders::{CardHolderStatus, UpdateCardHolder};
use crate::cards::{
    ActivateCard, CardStatus, CardType, CreateCard, FundCard, FundingMode, ReplaceReason, SetPin, TerminateCard,
    UnblockPin, UpdateCard, WithdrawFromCard,
};
use crate::exceptions::ExceptionKind;
use crate::ids::{AccountId, AuthorizationId, CardId, Id, TransactionId};
use crate::limits::{Interval, NewControls, NewLimit, SpendingLimit};
use crate::messages::{
    AuthorizationType, Channel, Links, Match, Merchant, NetworkRequest, Presented, RequestedAmount, ThreeDs, Trace,
};
use crate::money::{Currency, Decimal};
use crate::programs::{Program, ProgramChanges, SeedProgram, UpdateProgram};
use crate::record::Key;
use crate::resolution::ResolveException;
use crate::testing::{SEALED, a_new_account, a_seed, replacement, usd};
use crate::transactions::{Clear, ForcePost, Refund, ReverseRefund, Transaction, Unmatched};
use crate::transfers::{CreateTransfer, ReverseTransfer};

impl Simulation {
    pub fn draw(&mut self) -> Command {
        if self.world.program().is_none() {
            let seed = a_seed(self.terms.program.clone());
            return Command::SeedProgram(Box::new(SeedProgram { seed }));
        }
        if !std::mem::replace(&mut self.has_responder, true) {
            return questions::create(self);
        }
        loop {
            if let Some(command) = self.try_draw() {
                return command;
            }
        }
    }

    /// A card, usually a usable one.
    fn card(&mut self) -> Option<CardId> {
        let live = |id: &CardId| self.world.card_row(*id).status == CardStatus::Active;
        let live: Vec<CardId> = self.cards.iter().copied().filter(live).collect();
        if live.is_empty() || self.dice.one_in(6) { self.dice.late(&self.cards) } else { self.dice.late(&live) }
    }

    fn account(&mut self) -> Option<AccountId> {
        self.dice.late(&self.accounts)
    }

    /// An amount, usually in dollars; in other currencies with a rate, a billing amount, or neither.
    fn requested(&mut self) -> RequestedAmount {
        let code = self.dice.of(&["USD", "USD", "USD", "USD", "USD", "EUR", "JPY", "GBP"]).expect("some");
        let currency = currency(code);
        let mut amount = self.dice.amount();
        if currency.exponent() == 0 {
            amount = Decimal::new(i64::try_from(100 + self.dice.below(4_000)).expect("small"), 0);
        }
        let (mut billing, mut rate) = (None, None);
        if code == "GBP" {
            match self.dice.below(3) {
                0 => billing = Some(self.dice.amount()),
                1 => rate = Some(Decimal::new(12_345, 4)),
                _ => {}
            }
        }
        RequestedAmount { amount, currency, billing, rate }
    }

    fn trace(&mut self) -> Trace {
        self.number += 1;
        let number = self.number;
        let transaction_id = format!("T{number}");
        Trace { stan: number.to_string(), rrn: String::new(), transaction_id, authorization_code: None }
    }

    /// The numbers of a message that posts money, sometimes those of an earlier one.
    fn numbers(&mut self, fresh: impl Fn(&mut Simulation) -> Trace) -> (Trace, String) {
        if self.dice.one_in(8)
            && let Some(at) = self.dice.below_len(self.numbers.len())
        {
            return self.numbers[at].clone();
        }
        let numbers = (fresh(self), self.dice.below(1_000_000).to_string());
        self.numbers.push(numbers.clone());
        numbers
    }

    /// A part of an amount in the merchant's currency, or everything that is left.
    fn part(&mut self, whole: i64, settled: i64, currency: Currency) -> RequestedAmount {
        let minor = if self.dice.one_in(3) { whole - settled } else { whole / 3 };
        let amount = Decimal::new(minor.max(1), currency.exponent());
        RequestedAmount { amount, currency, billing: None, rate: None }
    }

    fn merchant(&mut self) -> Merchant {
        let category = self.dice.of(&["5812", "5411", "7011"]).expect("some").to_owned();
        let country = self.dice.of(&["US", "NG"]).expect("some").to_owned();
        let merchant_id = if self.dice.one_in(10) { String::new() } else { format!("M{}", self.dice.below(3)) };
        Merchant { category, country, merchant_id, ..Merchant::default() }
    }

    fn channel(&mut self) -> Channel {
        self.dice.of(&[Channel::Pos, Channel::Web, Channel::Atm, Channel::Mobile]).expect("some")
    }

    pub(super) fn row(&self, id: AuthorizationId) -> &Authorization {
        self.world.work.authorizations.peek(Key::of(self.world.client, id.0)).expect("an authorization")
    }

    pub(super) fn posting_row(&self, id: TransactionId) -> &Transaction {
        self.world.work.transactions.peek(Key::of(self.world.client, id.0)).expect("a transaction")
    }

    /// An authorization, every other time an open one, and its trace.
    fn known(&mut self) -> Option<(AuthorizationId, Trace)> {
        let mut id = self.dice.late(&self.authorizations)?;
        if self.dice.one_in(2) {
            let open = |id: &AuthorizationId| self.row(*id).status == AuthorizationStatus::Approved;
            let open: Vec<AuthorizationId> = self.authorizations.iter().copied().filter(open).collect();
            id = self.dice.late(&open).unwrap_or(id);
        }
        Some((id, Trace { authorization_code: None, ..self.row(id).trace.clone() }))
    }

    fn unmatched(&mut self) -> Option<Unmatched> {
        Some(Unmatched { card: self.card()?, merchant: self.merchant(), channel: self.channel() })
    }

    fn try_draw(&mut self) -> Option<Command> {
        if self.accounts.len() < 4 {
            return Some(self.open_account());
        }
        if self.holders.len() < 3 {
            return Some(Command::CreateCardHolder(Box::new(self.world.a_new_holder())));
        }
        let terms = self.terms.clone();
        Some(match self.dice.below(100) {
            0..=2 => self.create_card()?,
            3..=8 => Command::FundCard(FundCard {
                id: self.card()?,
                debit_account: self.account()?,
                amount: self.dice.amount(),
                payment_reference: self.dice.one_in(5).then(|| self.dice.below(50).to_string()),
                narration: None,
            }),
            9..=11 => Command::WithdrawFromCard(WithdrawFromCard {
                id: self.card()?,
                credit_account: if self.dice.one_in(3) { self.account() } else { None },
                amount: self.dice.amount(),
                payment_reference: None,
                narration: None,
            }),
            12 => Command::TerminateCard(TerminateCard { id: self.card()?, if_match: None }),
            13 => {
                let id = self.card()?;
                let reason = self.dice.of(&[ReplaceReason::Lost, ReplaceReason::Damaged]).expect("some");
                Command::ReplaceCard(Box::new(replacement(&mut self.world, id, reason)))
            }
            14..=15 => self.transfer()?,
            16 => {
                let amount = self.dice.one_in(2).then(|| self.dice.amount());
                Command::ReverseTransfer(ReverseTransfer { id: self.dice.late(&self.transfers)?, amount, reason: None })
            }
            17..=18 => Command::FundAccount(FundAccount { id: self.account()?, amount: self.dice.amount() }),
            19 => self.toggle()?,
            20 => self.wind_down()?,
            21..=22 => self.change_card()?,
            23..=24 => {
                let (id, controls) = (self.card()?, Some(self.controls()));
                Command::UpdateCard(Box::new(UpdateCard { id, controls, ..UpdateCard::default() }))
            }
            25..=49 => self.authorize(false)?,
            50..=54 => questions::settle(self)?,
            55..=57 => self.authorize(true)?,
            58..=61 => Command::IncrementAuthorization(Box::new(IncrementAuthorization {
                id: self.known()?.0,
                requested: self.requested(),
                partial_allowed: self.dice.one_in(2),
                terms,
                asked: None,
            })),
            62..=66 => {
                let amount = self.dice.one_in(2).then(|| self.dice.amount());
                Command::ReverseAuthorization(ReverseAuthorization { id: self.known()?.0, amount })
            }
            67..=69 => self.reverse_by_reference()?,
            70..=74 => self.clear_part()?,
            75..=80 => self.clear()?,
            81..=83 => Command::ExpireAuthorization(ExpireAuthorization {
                id: self.known()?.0,
                when_due: !self.dice.one_in(4),
            }),
            84 => {
                let reason = "asked for".to_owned();
                Command::ReleaseAuthorization(ReleaseAuthorization { id: self.known()?.0, reason, if_match: None })
            }
            85..=88 => {
                let original = if self.dice.one_in(4) { None } else { self.dice.late(&self.captures) };
                let requested = (original.is_none() || self.dice.one_in(2)).then(|| self.requested());
                let part = original.filter(|_| self.dice.one_in(2)).map(|id| {
                    let row = self.posting_row(id);
                    (row.merchant_amount, row.merchant_refunded, row.merchant_currency)
                });
                let part = part.map(|(whole, refunded, currency)| self.part(whole, refunded, currency));
                let requested = part.or(requested);
                let unlinked = self.unmatched();
                let (trace, sequence) = self.numbers(Simulation::trace);
                Command::Refund(Box::new(Refund { original, unlinked, requested, trace, sequence, terms }))
            }
            89..=90 => Command::ReverseRefund(ReverseRefund { id: self.dice.late(&self.refunds)?, terms }),
            91..=92 => {
                let (what, requested) = (self.unmatched()?, self.requested());
                let (trace, sequence) = self.numbers(Simulation::trace);
                Command::ForcePost(Box::new(ForcePost { what, requested, trace, sequence, terms }))
            }
            93 => self.resolve()?,
            _ => {
                let from = self.sent.len().saturating_sub(20);
                let number = usize::try_from(self.dice.below(20)).expect("small");
                let again = self.sent.get(from + number)?;
                // The server draws a new id each time.
                (!matches!(again, Command::CreateCardHolder(_))).then(|| again.clone())?
            }
        })
    }

    fn open_account(&mut self) -> Command {
        let credit = self.dice.one_in(5);
        let currency = if self.dice.one_in(5) { "NGN" } else { "USD" };
        Command::CreateAccount(CreateAccount {
            currency: currency.to_owned(),
            balance: Decimal::new(2_000, 0),
            kind: if credit { AccountType::Credit } else { AccountType::Checking },
            credit_limit: if credit { Decimal::new(100, 0) } else { Decimal::ZERO },
            ..a_new_account()
        })
    }

    fn currency_of(&self, account: AccountId) -> Currency {
        self.world.account_row(account).currency
    }

    fn transfer(&mut self) -> Option<Command> {
        Some(Command::CreateTransfer(CreateTransfer {
            from: self.account()?,
            to: self.account()?,
            amount: self.dice.amount(),
            reference: None,
            narration: None,
            metadata: None,
        }))
    }

    fn create_card(&mut self) -> Option<Command> {
        let (account, holder) = (self.account()?, self.dice.of(&self.holders)?);
        let plain = self.world.a_new_card(account, holder);
        let on_demand = self.dice.one_in(4);
        Some(Command::CreateCard(Box::new(CreateCard {
            currency: self.currency_of(account),
            kind: if self.dice.one_in(6) { CardType::Physical } else { CardType::Virtual },
            amount: (!on_demand).then(|| Decimal::new(200, 0)),
            funding_mode: if on_demand { FundingMode::OnDemand } else { FundingMode::Prefunded },
            disposable: self.dice.one_in(10),
            cancel_after: self.dice.one_in(8).then_some(3),
            merchant_lock: self.dice.one_in(8),
            controls: self.controls(),
            ..plain
        })))
    }

    fn controls(&mut self) -> NewControls {
        let mut limits = Vec::new();
        for interval in [Interval::PerAuthorization, Interval::Daily, Interval::Monthly, Interval::AllTime] {
            if self.dice.one_in(4) {
                let categories = self.dice.of(&[None, None, Some("restaurants"), Some("5411")]).expect("some");
                let limit = SpendingLimit {
                    amount: Some(i64::try_from(self.dice.below(30_000)).expect("small")),
                    max_count: self.dice.one_in(4).then_some(5),
                    interval,
                    categories: categories.into_iter().map(str::to_owned).collect(),
                    time_zone: self.dice.of(&["UTC", "Africa/Lagos", "America/New_York"]).expect("some").to_owned(),
                    currency: None,
                    since: 0,
                };
                limits.push(NewLimit { limit, counting_since: None });
            }
        }
        NewControls { limits, ..NewControls::default() }
    }

    /// Suspends or resumes an account or card holder, or changes a card holder's limits.
    fn toggle(&mut self) -> Option<Command> {
        let stop = self.dice.one_in(4);
        if self.dice.one_in(2) {
            let id = self.dice.of(&self.holders)?;
            let status = Some(if stop { CardHolderStatus::Inactive } else { CardHolderStatus::Active });
            let mut limits = self.controls().limits;
            for new in &mut limits {
                new.limit.currency = self.dice.one_in(2).then(|| "USD".to_owned());
            }
            let command = UpdateCardHolder { id, status, limits: Some(limits), ..UpdateCardHolder::default() };
            return Some(Command::UpdateCardHolder(Box::new(command)));
        }
        if self.dice.one_in(2) {
            return Some(self.share_limits());
        }
        let status = Some(if stop { AccountStatus::Suspended } else { AccountStatus::Active });
        let id = self.account()?;
        let limits = self.dice.one_in(2).then(|| (Some(self.currency_of(id)), self.controls().limits));
        Some(Command::UpdateAccount(Box::new(UpdateAccount { id, status, limits, ..UpdateAccount::default() })))
    }

    /// Changes the limits that all cards of the program share.
    fn share_limits(&mut self) -> Command {
        let mut limits = self.controls().limits;
        for new in &mut limits {
            let code = if self.dice.one_in(4) { "NGN" } else { "USD" };
            new.limit.currency = Some(code.to_owned());
            new.limit.amount = new.limit.amount.map(|amount| amount * 10);
        }
        let settings = ProgramChanges { limits: Some(limits), ..ProgramChanges::default() };
        let id = Program::default_of(self.world.client);
        Command::UpdateProgram(Box::new(UpdateProgram { id, settings, ..UpdateProgram::default() }))
    }

    /// The next step of closing an account: cancel its cards, move its money, close it.
    fn wind_down(&mut self) -> Option<Command> {
        let account = self.doomed.filter(|id| self.accounts.contains(id)).or_else(|| self.account())?;
        self.doomed = Some(account);
        let cards = self.cards.iter().rev().map(|id| self.world.card_row(*id));
        let mut live = cards.filter(|card| card.debit_account == account && card.status != CardStatus::Canceled);
        if let Some(card) = live.next() {
            return Some(Command::TerminateCard(TerminateCard { id: card.id, if_match: None }));
        }
        let currency = self.currency_of(account);
        let (posted, ..) = self.world.amounts(account);
        let others: Vec<AccountId> =
            self.accounts.iter().copied().filter(|id| *id != account && self.currency_of(*id) == currency).collect();
        match self.dice.of(&others) {
            Some(to) if posted > 0 => Some(Command::CreateTransfer(CreateTransfer {
                from: account,
                to,
                amount: Decimal::new(posted, currency.exponent()),
                reference: None,
                narration: None,
                metadata: None,
            })),
            _ => Some(Command::CloseAccount(CloseAccount { id: account, if_match: None })),
        }
    }

    /// A PIN, an activation, or freezing or unfreezing a card.
    fn change_card(&mut self) -> Option<Command> {
        let id = self.card()?;
        Some(match self.dice.below(6) {
            0..=1 => {
                let sealed = format!("{SEALED}pin-{:030}", self.dice.below(1_000)).into_bytes();
                Command::SetPin(SetPin { id, sealed })
            }
            2 => Command::UnblockPin(UnblockPin { id }),
            3 => Command::ActivateCard(ActivateCard { id, by_holder: false, if_match: None }),
            _ => {
                let status = Some(if self.dice.one_in(4) { CardStatus::Inactive } else { CardStatus::Active });
                Command::UpdateCard(Box::new(UpdateCard { id, status, ..UpdateCard::default() }))
            }
        })
    }

    fn resolve(&mut self) -> Option<Command> {
        let rows = self.world.work.network_exceptions.wanted();
        let rows = rows.filter_map(|(key, _)| self.world.work.network_exceptions.peek(key));
        let mut ids: Vec<_> = rows.map(|row| row.id).collect();
        ids.sort_unstable();
        let id = self.dice.late(&ids)?;
        let row = self.world.work.network_exceptions.peek(Key::of(self.world.client, id.0)).expect("an exception");
        let (kind, any) = (row.kind, self.dice.one_in(10));
        let priced = any || kind == ExceptionKind::Unpriced;
        let by_rate = self.dice.one_in(2);
        let rate = (priced && by_rate).then(|| Decimal::new(12_345, 4));
        let billing = (priced && !by_rate).then(|| self.dice.amount());
        let account = if any || kind == ExceptionKind::Suspense { self.account() } else { None };
        let (note, terms) = ("looked at".to_owned(), self.terms.clone());
        let command = ResolveException { id, note, rate, billing, account, terms, if_match: None };
        Some(Command::ResolveException(Box::new(command)))
    }

    fn presented(&mut self, card: Option<CardId>) -> Presented {
        let pin = match self.dice.below(20) {
            0..=3 => Match::Match,
            4 => Match::Mismatch,
            5 => Match::NotSet,
            _ => Match::NotGiven,
        };
        let secret = card.and_then(|card| self.world.secret_row(card));
        let linked = card.filter(|_| secret.is_some()).map(|card| self.world.card_row(card));
        let links = linked.map(|card| Links {
            card_holder: card.card_holder,
            account: card.debit_account,
            funds: card.funds,
            program: card.program,
        });
        let pin_sealed = secret.and_then(|secret| secret.pin.clone());
        let pin = match (&pin_sealed, pin) {
            (Some(_), Match::NotSet) => Match::NotGiven,
            (None, Match::Match | Match::Mismatch) => Match::NotGiven,
            (_, pin) => pin,
        };
        let cvv = self.dice.of(&[Match::Match, Match::NotGiven]).expect("some");
        let cvv = if self.dice.one_in(40) { Match::Mismatch } else { cvv };
        // They may be outdated or unknown.
        let old = |links: Links| Links { account: AccountId(Id::from_bytes([9; 12])), ..links };
        let links = if self.dice.one_in(10) { links.map(old) } else { links };
        let links = links.filter(|_| !self.dice.one_in(3));
        Presented { card, expiry: Match::Match, cvv, pin, pin_sealed, links }
    }

    fn authorize(&mut self, advice: bool) -> Option<Command> {
        let kind = match self.dice.below(20) {
            0 => AuthorizationType::Deposit,
            1 => AuthorizationType::AccountVerification,
            2 => AuthorizationType::CashWithdrawal,
            _ => AuthorizationType::Purchase,
        };
        let mut requested = self.requested();
        if kind == AuthorizationType::AccountVerification {
            requested.amount = Decimal::ZERO;
            requested.billing = None;
        }
        // Sometimes the numbers are used again, the reversal came first, or an advice follows our own decision or
        // precedes it.
        let reused = self.dice.one_in(30);
        let beside = self.dice.one_in(if advice { 2 } else { 12 });
        let mut card = if self.dice.one_in(50) { None } else { Some(self.card()?) };
        let mut trace = self.trace();
        if reused || beside {
            let (id, known) = self.known()?;
            let row = self.row(id);
            if beside {
                (card, requested.currency) = (row.card, row.merchant_currency);
                (requested.billing, requested.rate) = (None, None);
                if requested.currency.exponent() == 0 {
                    requested.amount = Decimal::new(1_500, 0);
                }
            }
            trace = known;
            if self.dice.one_in(3) {
                self.number += 1;
                trace.stan = self.number.to_string();
            }
        }
        let three_ds = if self.dice.one_in(20) { ThreeDs::Offered } else { ThreeDs::None };
        let request = NetworkRequest {
            presented: self.presented(card),
            channel: self.channel(),
            kind,
            requested,
            merchant: self.merchant(),
            three_ds,
            partial_allowed: self.dice.one_in(4),
            estimated: self.dice.one_in(2),
            risk_score: self.dice.of(&[None, None, None, Some(10), Some(97)]).expect("some").filter(|_| reused),
            trace,
        };
        let advice = advice.then(|| !self.dice.one_in(4));
        let asking = questions::asking(self).filter(|_| advice.is_none());
        Some(Command::Authorize(Box::new(Authorize { request, advice, terms: self.terms.clone(), asking })))
    }

    fn reverse_by_reference(&mut self) -> Option<Command> {
        let (id, mut trace) = self.known()?;
        let row = self.row(id);
        let (mut card, whole, settled, foreign) =
            (row.card, row.merchant_amount, row.merchant_settled, row.merchant_currency);
        let mut amount = self.dice.one_in(2).then(|| self.dice.amount());
        let mut currency = usd();
        if self.dice.one_in(3) {
            // The reversal of the next authorization, which has not arrived yet; sometimes in parts.
            trace.transaction_id = format!("T{}", self.number + 1);
            trace.stan = self.dice.below(3).to_string();
            card = None;
        } else if self.dice.one_in(3) {
            (amount, currency) = (Some(self.part(whole, settled, foreign).amount), foreign);
        }
        let card = card.filter(|_| self.dice.one_in(2));
        let command = ReverseByReference { trace, card, amount, currency: Some(currency) };
        Some(Command::ReverseByReference(Box::new(command)))
    }

    /// Clears a part of an authorization in another currency: a third, or everything that is left.
    fn clear_part(&mut self) -> Option<Command> {
        let id = *self.parts.last()?;
        let row = self.row(id);
        let (whole, settled, currency) = (row.merchant_amount, row.merchant_settled, row.merchant_currency);
        let trace = Trace { authorization_code: None, ..row.trace.clone() };
        if row.status != AuthorizationStatus::Approved || settled >= whole {
            self.parts.pop();
            return None;
        }
        let rest = whole - settled;
        let minor = if rest > whole / 2 { whole / 3 } else { rest };
        let amount = Decimal::new(minor.max(1), currency.exponent());
        self.number += 1;
        Some(Command::Clear(Box::new(Clear {
            authorization: Some(id),
            trace,
            sequence: format!("part {}", self.number),
            requested: Some(RequestedAmount { amount, currency, billing: None, rate: None }),
            is_final: false,
            unmatched: None,
            terms: self.terms.clone(),
        })))
    }

    fn clear(&mut self) -> Option<Command> {
        let mut requested = self.dice.one_in(2).then(|| self.requested());
        let fresh = self.dice.one_in(12);
        let known = self.known()?;
        let (trace, sequence) = self.numbers(|own| if fresh { own.trace() } else { known.1.clone() });
        if self.dice.one_in(2) {
            let row = self.row(known.0);
            let (whole, settled, currency) = (row.merchant_amount, row.merchant_settled, row.merchant_currency);
            requested = Some(self.part(whole, settled, currency));
        }
        let is_final = self.dice.one_in(2);
        if let Some(requested) = requested.as_mut().filter(|_| is_final && self.dice.one_in(6)) {
            (requested.amount, requested.billing) = (Decimal::ZERO, None);
        }
        Some(Command::Clear(Box::new(Clear {
            authorization: None,
            trace,
            sequence,
            requested,
            is_final,
            unmatched: self.unmatched(),
            terms: self.terms.clone(),
        })))
    }
}
