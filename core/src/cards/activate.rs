//! Activating a card that has reached its holder.

use crate::cards::update::thawed_by_holder;
use crate::cards::{CardStatus, CardView, emit_card, find_live, view};
use crate::events::EventType;
use crate::ids::{CardId, ClientId, Id};
use crate::refusal::{Refusal, Stop};
use crate::verb::Verb;
use crate::work::Work;

/// Activates a card.
#[derive(Clone, Debug)]
pub struct ActivateCard {
    /// Which.
    pub id: CardId,
    /// Whether it is the card holder who asks, with a token that is bound to them or the card.
    pub by_holder: bool,
    /// The version the caller read.
    pub if_match: Option<i64>,
}

impl Verb for ActivateCard {
    type Answer = CardView;

    fn home(&self) -> Option<Id> {
        Some(self.id.0)
    }

    fn prefetch(&self, _: &mut Work, _: ClientId) {}

    fn run(&self, work: &mut Work) -> Result<CardView, Stop> {
        activate(work, self)
    }
}

/// Activates the card, once: a card that was frozen later is thawed by a change of its status.
fn activate(work: &mut Work, command: &ActivateCard) -> Result<CardView, Stop> {
    let card = find_live(work, command.id)?;
    crate::fields::check_version(command.if_match, card.version)?;
    if card.activated_at.is_some() {
        return Err(Refusal::CardAlreadyActivated.into());
    }
    if command.by_holder {
        thawed_by_holder(&card)?;
    }
    let now = work.now();
    let mut activated = (*card).clone();
    activated.set_status(CardStatus::Active, Some("activated"), now);
    activated.activated_at = Some(now);
    activated.touch(now);
    work.cards.put(activated.clone());
    let shown = view(work, &activated)?;
    emit_card(work, &activated, EventType::CardUpdated, &shown)?;
    Ok(shown)
}
