//! Canceling a card. It is final; available funds go to an account.

use crate::card_holders;
use crate::cards::money::{collect_debt, return_balance};
use crate::cards::{Card, CardStatus, CardView, emit_card, find_receiver, view};
use crate::events::EventType;
use crate::ids::{AccountId, CardId, ClientId, Id};
use crate::record::Key;
use crate::refusal::{Refusal, Stop};
use crate::table::Access;
use crate::verb::Verb;
use crate::view::Pictured;
use crate::work::Work;

/// The cancellation reason of a card that reached its maximum number of payments.
pub(crate) const CANCELED_AFTER_PAYMENTS: &str = "cancel_after";

/// Cancels a card.
#[derive(Clone, Debug)]
pub struct TerminateCard {
    pub id: CardId,
    pub if_match: Option<i64>,
}

impl Verb for TerminateCard {
    type Answer = Pictured<CardView>;

    fn home(&self) -> Option<Id> {
        Some(self.id.0)
    }

    fn prefetch(&self, work: &mut Work, client: ClientId) {
        work.prefetch_card(client, self.id, Access::Exclusive);
    }

    fn run(&self, work: &mut Work) -> Result<Pictured<CardView>, Stop> {
        terminate(work, self)
    }
}

/// Funds go to the debit account. Canceling a canceled card changes nothing.
fn terminate(work: &mut Work, command: &TerminateCard) -> Result<Pictured<CardView>, Stop> {
    let found = work.cards.get_for_update(Key::of(work.client(), command.id.0))?;
    let card = found.ok_or(Refusal::CardNotFound)?;
    crate::fields::check_version(command.if_match, card.version)?;
    if card.status == CardStatus::Canceled {
        return Ok(view(work, &card)?.into());
    }
    end(work, (*card).clone(), None, None)
}

/// Cancels a live card. Funds may always return to the debit account; another account named by the caller must accept
/// credits.
pub(super) fn end(
    work: &mut Work,
    mut card: Card,
    reason: Option<&str>,
    receiver: Option<AccountId>,
) -> Result<Pictured<CardView>, Stop> {
    let credit_account = match receiver {
        Some(id) if id != card.debit_account => find_receiver(work, id, card.currency)?.id,
        _ => card.debit_account,
    };
    return_balance(work, &card, credit_account)?;
    collect_debt(work, &card)?;
    let now = work.now();
    card.set_status(CardStatus::Canceled, reason, now);
    card.cancellation_reason = reason.map(str::to_owned);
    card.credit_account = Some(credit_account);
    card.touch(now);
    work.cards.put(card.clone());
    crate::cards::update_unsettled_count(work, &card, false)?;
    card_holders::count_cards(work, card.card_holder, -1)?;
    crate::accounts::count_cards(work, card.debit_account, -1)?;
    let shown = view(work, &card)?;
    emit_card(work, &card, EventType::CardTerminated, shown)
}

/// Cancels a card that has reached its maximum number of payments.
pub(crate) fn end_after_payments(work: &mut Work, card: Card) -> Result<(), Stop> {
    end(work, card, Some(CANCELED_AFTER_PAYMENTS), None).map(|_| ())
}
