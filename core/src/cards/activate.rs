//! Activating a card that its holder has received.

use crate::cards::update::thawed_by_holder;
use crate::cards::{CardStatus, CardView, emit_card, find_live, view};
use crate::events::EventType;
use crate::ids::{CardId, ClientId, Id};
use crate::refusal::{Refusal, Stop};
use crate::verb::Verb;
use crate::view::Pictured;
use crate::work::Work;

#[derive(Clone, Debug)]
pub struct ActivateCard {
    pub id: CardId,
    /// Whether the request uses a token bound to the card or card holder.
    pub by_holder: bool,
    pub if_match: Option<i64>,
}

impl Verb for ActivateCard {
    type Answer = Pictured<CardView>;

    fn home(&self) -> Option<Id> {
        Some(self.id.0)
    }

    fn prefetch(&self, _: &mut Work, _: ClientId) {}

    fn run(&self, work: &mut Work) -> Result<Pictured<CardView>, Stop> {
        activate(work, self)
    }
}

/// A card is activated once. Later, a frozen card is unfrozen by changing its status.
fn activate(work: &mut Work, command: &ActivateCard) -> Result<Pictured<CardView>, Stop> {
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
    emit_card(work, &activated, EventType::CardUpdated, shown)
}
