//! Changing a card: freezing and unfreezing, canceling, settings.

use crate::approvals::{ApprovalAction, Ask};
use crate::cards::cancel::end;
use crate::cards::{Card, CardStatus, CardType, CardView, FrozenBy, emit_card, view};
use crate::events::EventType;
use crate::fields::{Echo, check_read_only};
use crate::ids::{AccountId, CardId, ClientId, Id};
use crate::limits::{NewControls, SpendingControls};
use crate::programs::{self, check_loosening};
use crate::record::Key;
use crate::refusal::{Refusal, Stop};
use crate::table::Access;
use crate::verb::Verb;
use crate::view::Pictured;
use crate::work::Work;

/// Changes to a card; `None` keeps, `Some(None)` clears.
#[derive(Clone, Debug, Default)]
pub struct UpdateCard {
    pub id: CardId,
    /// `canceled` is final.
    pub status: Option<CardStatus>,
    pub cancellation_reason: Option<String>,
    /// The account that receives available funds on cancellation.
    pub credit_account: Option<AccountId>,
    /// Replaces the stored metadata.
    pub metadata: Option<Option<String>>,
    /// Replaces the stored controls.
    pub controls: Option<NewControls>,
    /// Whether the request uses a token bound to the card or card holder.
    pub by_holder: bool,
    /// Read-only fields that were sent; they must equal the stored ones.
    pub echo: Echo,
    pub if_match: Option<i64>,
}

impl Verb for UpdateCard {
    type Answer = Pictured<CardView>;

    fn home(&self) -> Option<Id> {
        Some(self.id.0)
    }

    fn prefetch(&self, work: &mut Work, client: ClientId) {
        work.prefetch_card(client, self.id, Access::Exclusive);
    }

    fn approvals(&self) -> Vec<Ask> {
        // Card holders change their own card with a token.
        if self.by_holder {
            return Vec::new();
        }
        let mut asks = Vec::new();
        if self.controls.is_some() {
            asks.push(Ask::of(ApprovalAction::LimitsChange));
        }
        if self.status == Some(CardStatus::Active) {
            asks.push(Ask::of(ApprovalAction::CardUnblock));
        }
        // The funds of a card that is canceled can go to any account.
        if self.credit_account.is_some() {
            asks.push(Ask::of(ApprovalAction::CardFund));
        }
        asks
    }

    fn run(&self, work: &mut Work) -> Result<Pictured<CardView>, Stop> {
        update(work, self)
    }
}

/// A canceled card can only be sent back unchanged.
fn update(work: &mut Work, command: &UpdateCard) -> Result<Pictured<CardView>, Stop> {
    let found = work.cards.get_for_update(Key::of(work.client(), command.id.0))?;
    let card = found.ok_or(Refusal::CardNotFound)?;
    crate::fields::check_version(command.if_match, card.version)?;
    let now = work.now();
    let stored = view(work, &card)?;
    check_read_only(&command.echo, &stored)?;
    if card.status == CardStatus::Canceled {
        return if says_the_same(command, &card, now)? { Ok(stored.into()) } else { Err(Refusal::CardCanceled.into()) };
    }
    let mut changed = (*card).clone();
    if let Some(metadata) = &command.metadata {
        changed.metadata = crate::fields::unless_empty(metadata.clone());
    }
    if let Some(controls) = &command.controls {
        changed.controls = controls.replacing(&card.controls, card.created_at, now)?;
        let program = programs::of_card(work, &card)?;
        check_loosening(&program.settings, controls, Some(&card.controls), card.currency)?;
        changed.controls.opened = changed.controls.opened.filter(|_| program.settings.can_loosen);
    }
    if command.status == Some(CardStatus::Canceled) {
        return end(work, changed, command.cancellation_reason.as_deref(), command.credit_account);
    }
    match command.status {
        Some(CardStatus::Active) if command.by_holder => thawed_by_holder(&card)?,
        // If both card holder and client freeze a card, only the client can unfreeze it.
        Some(CardStatus::Inactive) if !command.by_holder && card.frozen_by() == Some(FrozenBy::CardHolder) => {
            changed.set_status(CardStatus::Inactive, None, now);
            changed.set_frozen_by(Some(FrozenBy::Client));
        }
        _ => {}
    }
    if let Some(status) = command.status.filter(|status| *status != card.status) {
        switch(&mut changed, status, now)?;
        if status == CardStatus::Inactive {
            changed.set_frozen_by(Some(if command.by_holder { FrozenBy::CardHolder } else { FrozenBy::Client }));
        }
    }
    if changed == *card {
        return Ok(stored.into());
    }
    changed.touch(now);
    work.cards.put(changed.clone());
    let shown = view(work, &changed)?;
    emit_card(work, &changed, EventType::CardUpdated, shown)
}

/// Whether the change of a canceled card changes nothing.
fn says_the_same(command: &UpdateCard, card: &Card, now: crate::time::Instant) -> Result<bool, Refusal> {
    let replaced = |controls: &NewControls| controls.replacing(&card.controls, card.created_at, now);
    let controls = command.controls.as_ref().map(replaced).transpose()?;
    let controls = controls.map(|controls| SpendingControls { opened: card.controls.opened, ..controls });
    let metadata = command.metadata.as_ref().map(|metadata| crate::fields::unless_empty(metadata.clone()));
    Ok(command.status.is_none_or(|status| status == card.status)
        && command.cancellation_reason.as_ref().is_none_or(|reason| Some(reason) == card.cancellation_reason.as_ref())
        && command.credit_account.is_none_or(|account| Some(account) == card.credit_account)
        && metadata.is_none_or(|metadata| metadata == card.metadata)
        && controls.is_none_or(|controls| controls == card.controls))
}

/// A card holder may unfreeze a card only if the client did not freeze it.
pub(super) fn thawed_by_holder(card: &Card) -> Result<(), Refusal> {
    if card.frozen_by() == Some(FrozenBy::Client) { Err(Refusal::CardFrozenByClient) } else { Ok(()) }
}

fn switch(card: &mut Card, status: CardStatus, now: crate::time::Instant) -> Result<(), Refusal> {
    if status == CardStatus::Active && card.kind == CardType::Physical && card.activated_at.is_none() {
        return Err(Refusal::CardNotActivated);
    }
    card.set_status(status, None, now);
    if status == CardStatus::Active {
        card.activated_at.get_or_insert(now);
    }
    Ok(())
}
