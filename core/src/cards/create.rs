//! Issuing a card, optionally with its first funds, in one transaction.

use std::sync::Arc;

use crate::approvals::{ApprovalAction, Ask};
use crate::card_holders::{self, CardHolderStatus};
use crate::cards::money::{Texts, move_money};
use crate::cards::{
    Brand, Card, CardFingerprint, CardSecret, CardStatus, CardType, CardView, FundingMode, emit_card, find_payer, view,
};
use crate::events::EventType;
use crate::ids::{AccountId, CardHolderId, CardId, ClientId, Id, LedgerAccountId, ProgramId};
use crate::ledger::{Balance, EntryKind};
use crate::limits::{Counters, NewControls, SpendingControls};
use crate::money::{Currency, Decimal};
use crate::programs::{self, NumberRange, Program, ProgramStatus, check_loosening};
use crate::record::Key;
use crate::refusal::{Refusal, Stop};
use crate::table::Access;
use crate::time::Instant;
use crate::verb::Verb;
use crate::view::Pictured;
use crate::work::Work;

/// The expiry month of a card.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Expiry {
    pub year: i64,
    /// From 1 to 12.
    pub month: i64,
}

impl Expiry {
    pub fn next(self) -> Expiry {
        if self.month >= 12 {
            Expiry { year: self.year + 1, month: 1 }
        } else {
            Expiry { year: self.year, month: self.month + 1 }
        }
    }

    /// The first instant at which the card is expired: it is valid through the last instant of its month, in UTC.
    pub fn ends(self) -> Instant {
        let next = self.next();
        Instant::first_of_month(next.year, next.month).unwrap_or(Instant::from_micros(i64::MAX))
    }
}

/// A card number generated and sealed by the server.
#[derive(Clone, Debug)]
pub struct NewNumber {
    /// Sealed for this card's id.
    pub sealed: Vec<u8>,
    pub fingerprint: [u8; 32],
    pub bin: String,
    pub last4: String,
    /// The range it was drawn from.
    pub range: NumberRange,
}

#[derive(Clone, Debug)]
pub struct CreateCard {
    /// Chosen beforehand, because the number is sealed for it.
    pub id: CardId,
    pub debit_account: AccountId,
    pub card_holder: CardHolderId,
    /// The client's default program if `None`.
    pub program: Option<ProgramId>,
    pub kind: CardType,
    pub brand: Brand,
    /// The initial status. A physical card is inactive until it is activated.
    pub status: CardStatus,
    pub currency: Currency,
    pub metadata: Option<String>,
    pub controls: NewControls,
    /// Whether payments on the web need a second factor.
    pub enable_2fa: bool,
    /// First funds, in major units.
    pub amount: Option<Decimal>,
    pub disposable: bool,
    pub funding_mode: FundingMode,
    pub valid_from: Option<Instant>,
    pub valid_until: Option<Instant>,
    /// Whether the card locks to the first merchant it pays.
    pub merchant_lock: bool,
    pub cancel_after: Option<i64>,
    pub number: NewNumber,
    pub expiry: Expiry,
    pub verified_only: bool,
}

impl Verb for CreateCard {
    type Answer = Pictured<CardView>;

    fn home(&self) -> Option<Id> {
        Some(self.debit_account.0)
    }

    fn prefetch(&self, work: &mut Work, client: ClientId) {
        work.prefetch_account(client, self.debit_account, Access::Exclusive);
        work.card_holders.prefetch(Key::of(client, self.card_holder.0), Access::Exclusive);
        work.card_fingerprints.prefetch(CardFingerprint::key_of(&self.number.fingerprint), Access::Exclusive);
        work.programs.prefetch(Key::of(client, program_of(client, self).0), Access::Shared);
    }

    fn approvals(&self) -> Vec<Ask> {
        self.amount.map(|amount| Ask::of(ApprovalAction::CardFund).amount(amount)).into_iter().collect()
    }

    fn run(&self, work: &mut Work) -> Result<Pictured<CardView>, Stop> {
        create(work, self)
    }
}

/// If the funds cannot be moved, no card is issued.
fn create(work: &mut Work, command: &CreateCard) -> Result<Pictured<CardView>, Stop> {
    let account = find_payer(work, command.debit_account, command.currency)?;
    let holder = card_holders::find_for_update(work, command.card_holder, Some("/cardHolderId"))?;
    if holder.status != CardHolderStatus::Active {
        return Err(Refusal::CardHolderInactive { status: holder.status.as_str() }.into());
    }
    let now = work.now();
    let program = find_issuer(work, command)?;
    if command.verified_only && !holder.is_verified(now) {
        return Err(Refusal::CardHolderUnverified.into());
    }
    check_validity(command, now)?;
    let amount = first_money(command)?;
    if work.card_fingerprints.get_for_update(CardFingerprint::key_of(&command.number.fingerprint))?.is_some() {
        return Err(Refusal::NumberTaken.into());
    }
    let mut controls = command.controls.replacing(&SpendingControls::default(), now, now)?;
    controls.opened = command.controls.controls.opened.filter(|_| program.settings.can_loosen);
    check_loosening(&program.settings, &command.controls, None, command.currency)?;

    let card = new_card(work, command, controls);
    work.balances.put(Balance::opened(card.client, card.id.into(), card.currency, now));
    put_number(work, &card, &command.number);
    work.cards.put(card.clone());
    work.counters.put(Counters::new(card.client, card.id.0));
    card_holders::count_cards(work, card.card_holder, 1)?;
    crate::accounts::count_cards(work, account.id, 1)?;
    let shown = view(work, &card)?;
    let shown = emit_card(work, &card, EventType::CardCreated, shown)?;
    if amount == 0 {
        return Ok(shown);
    }
    move_money(work, EntryKind::CardFunding, &card, account.id, amount, Texts::default())?;
    Ok(view(work, &card)?.into())
}

fn program_of(client: ClientId, command: &CreateCard) -> ProgramId {
    command.program.unwrap_or_else(|| Program::default_of(client))
}

/// The program that issues the card, which must issue such cards.
fn find_issuer(work: &mut Work, command: &CreateCard) -> Result<Arc<Program>, Stop> {
    let id = program_of(work.client(), command);
    let program = programs::find(work, id, Some("/programId"))?;
    if program.status == ProgramStatus::Archived {
        return Err(Refusal::ProgramArchived { id }.into());
    }
    let settings = &program.settings;
    let mismatch = |field, what, wanted: &str| Err(Refusal::ProgramMismatch { field, what, wanted: wanted.to_owned() });
    if let Some(brand) = settings.brand.filter(|brand| *brand != command.brand) {
        return mismatch("/brand", "brand", brand.as_str())?;
    }
    if let Some(currency) = settings.currency.filter(|currency| *currency != command.currency) {
        return mismatch("/currency", "currency", currency.code())?;
    }
    if let Some(mode) = settings.funding_mode.filter(|mode| *mode != command.funding_mode) {
        return mismatch("/fundingMode", "fundingMode", mode.as_str())?;
    }
    // The number was drawn before the command, from the ranges that the program had then.
    let draws = |range: &NumberRange| range.brand == command.brand && command.number.range == *range;
    if !settings.ranges.iter().any(draws) {
        return Err(Refusal::Stale.into());
    }
    Ok(program)
}

fn first_money(command: &CreateCard) -> Result<i64, Refusal> {
    let Some(amount) = command.amount else { return Ok(0) };
    if command.funding_mode == FundingMode::OnDemand {
        return Err(Refusal::FundingModeMismatch { field: "/amount" });
    }
    let minor = crate::fields::positive(amount, command.currency, "/amount")?;
    if minor < 10i64.pow(u32::from(command.currency.exponent())) {
        return Err(Refusal::AmountBelowMinimum { field: "/amount", minimum: "1" });
    }
    Ok(minor)
}

fn check_validity(command: &CreateCard, now: Instant) -> Result<(), Refusal> {
    let fault = |field, why| Err(Refusal::ValidityInvalid { field, why });
    if let Some(until) = command.valid_until {
        if until <= now {
            return fault("/validUntil", "validUntil is in the past.");
        }
        if command.valid_from.is_some_and(|from| from >= until) {
            return fault("/validUntil", "validUntil must be later than validFrom.");
        }
    }
    if command.valid_from.is_some_and(|from| from >= command.expiry.ends()) {
        return fault("/validFrom", "validFrom is later than the end of the card's expiry month.");
    }
    Ok(())
}

/// A physical card cannot be used until it is activated.
pub(super) fn first_status(kind: CardType, requested: CardStatus) -> CardStatus {
    if kind == CardType::Physical { CardStatus::Inactive } else { requested }
}

fn new_card(work: &Work, command: &CreateCard, controls: SpendingControls) -> Card {
    let now = work.now();
    let own = LedgerAccountId::from(command.id);
    let status = first_status(command.kind, command.status);
    let mut card = Card {
        client: work.client(),
        id: command.id,
        debit_account: command.debit_account,
        card_holder: command.card_holder,
        program: program_of(work.client(), command),
        kind: command.kind,
        brand: command.brand,
        currency: command.currency,
        status,
        cancellation_reason: None,
        credit_account: None,
        metadata: crate::fields::unless_empty(command.metadata.clone()),
        controls,
        enable_2fa: command.enable_2fa,
        disposable: command.disposable,
        funding_mode: command.funding_mode,
        funds: if command.funding_mode == FundingMode::OnDemand { command.debit_account.into() } else { own },
        valid_from: command.valid_from,
        valid_until: command.valid_until,
        merchant_lock: command.merchant_lock,
        locked_merchant: None,
        cancel_after: command.cancel_after,
        bin: command.number.bin.clone(),
        last4: command.number.last4.clone(),
        expiry_month: command.expiry.month,
        expiry_year: command.expiry.year,
        pin_set: false,
        activated_at: (status == CardStatus::Active).then_some(now),
        replacement_for: None,
        replaced_by: None,
        history: Vec::new(),
        version: 1,
        created_at: now,
        updated_at: now,
    };
    card.set_status(status, None, now);
    card
}

/// Stores a card's new number and its fingerprint.
pub(super) fn put_number(work: &mut Work, card: &Card, number: &NewNumber) {
    let (client, id) = (card.client, card.id);
    work.card_fingerprints.put(CardFingerprint { fingerprint: number.fingerprint, client, card: id });
    let sealed = number.sealed.clone();
    work.card_secrets.put(CardSecret {
        client,
        card: id,
        number: sealed,
        pin: None,
        pin_failures: 0,
        wrong_tries: 0,
        wrong_tries_day: 0,
        pin_set_at: None,
    });
}
