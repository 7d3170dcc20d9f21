//! Setting and unblocking PINs. The PIN itself is known only to the vault.

use crate::approvals::{ApprovalAction, Ask};
use crate::cards::{CardSecret, CardView, emit_card, find_live, view};
use crate::events::EventType;
use crate::ids::{CardId, ClientId, Id};
use crate::record::Key;
use crate::refusal::{Refusal, Stop};
use crate::verb::Verb;
use crate::view::Pictured;
use crate::work::Work;

#[derive(Clone, Debug)]
pub struct SetPin {
    pub id: CardId,
    /// The PIN verification value, sealed for the card.
    pub sealed: Vec<u8>,
}

/// Resets the count of wrong PINs.
#[derive(Clone, Debug)]
pub struct UnblockPin {
    pub id: CardId,
}

fn secret(work: &mut Work, id: CardId) -> Result<std::sync::Arc<CardSecret>, Stop> {
    Ok(work.card_secrets.get_for_update(Key::of(work.client(), id.0))?.ok_or(Refusal::CardNotFound)?)
}

impl Verb for SetPin {
    type Answer = Pictured<CardView>;

    fn home(&self) -> Option<Id> {
        Some(self.id.0)
    }

    fn prefetch(&self, _: &mut Work, _: ClientId) {}

    fn run(&self, work: &mut Work) -> Result<Pictured<CardView>, Stop> {
        set_pin(work, self)
    }
}

/// Also resets the count of wrong PINs.
fn set_pin(work: &mut Work, command: &SetPin) -> Result<Pictured<CardView>, Stop> {
    let card = find_live(work, command.id)?;
    let secret = secret(work, command.id)?;
    let now = work.now();
    let pin = Some(command.sealed.clone());
    work.card_secrets.put(CardSecret { pin, pin_failures: 0, pin_set_at: Some(now), ..(*secret).clone() });
    let mut changed = (*card).clone();
    changed.pin_set = true;
    changed.touch(now);
    work.cards.put(changed.clone());
    work.audit("card", &changed.id.to_string(), serde_json::json!({ "pin": "changed" }));
    let shown = view(work, &changed)?;
    emit_card(work, &changed, EventType::CardUpdated, shown)
}

impl Verb for UnblockPin {
    type Answer = CardView;

    fn home(&self) -> Option<Id> {
        Some(self.id.0)
    }

    fn prefetch(&self, _: &mut Work, _: ClientId) {}

    fn approvals(&self) -> Vec<Ask> {
        vec![Ask::of(ApprovalAction::CardUnblock)]
    }

    fn run(&self, work: &mut Work) -> Result<CardView, Stop> {
        unblock_pin(work, self)
    }
}

fn unblock_pin(work: &mut Work, command: &UnblockPin) -> Result<CardView, Stop> {
    let card = find_live(work, command.id)?;
    let secret = secret(work, command.id)?;
    if secret.pin.is_none() {
        return Err(Refusal::PinNotSet.into());
    }
    work.card_secrets.put(CardSecret { pin_failures: 0, ..(*secret).clone() });
    work.audit("card", &card.id.to_string(), serde_json::json!({ "pinTries": "reset" }));
    view(work, &card)
}
