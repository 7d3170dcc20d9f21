//! Ending a card: final; what is available on it goes to an account.

use crate::card_holders;
use crate::cards::money::{collect_debt, return_balance};
use crate::cards::{Card, CardStatus, CardView, emit_card, find_receiver, view};
use crate::events::EventType;
use crate::ids::{AccountId, CardId, ClientId, Id};
use crate::record::Key;
use crate::refusal::{Refusal, Stop};
use crate::table::Access;
use crate::verb::Verb;
use crate::work::Work;

/// Ends a card for good.
#[derive(Clone, Debug)]
pub struct TerminateCard {
    /// Which.
    pub id: CardId,
    /// The version the caller read.
    pub if_match: Option<i64>,
}

impl Verb for TerminateCard {
    type Answer = CardView;

    fn home(&self) -> Option<Id> {
        Some(self.id.0)
    }

    fn prefetch(&self, work: &mut Work, client: ClientId) {
        work.prefetch_card(client, self.id, Access::Exclusive);
    }

    fn run(&self, work: &mut Work) -> Result<CardView, Stop> {
        terminate(work, self)
    }
}

/// Ends the card, its money back to the debit account; one that ended already stays as it is.
fn terminate(work: &mut Work, command: &TerminateCard) -> Result<CardView, Stop> {
    let found = work.cards.get_for_update(Key::of(work.client(), command.id.0))?;
    let card = found.ok_or(Refusal::CardNotFound)?;
    crate::fields::check_version(command.if_match, card.version)?;
    if card.status == CardStatus::Canceled {
        return view(work, &card);
    }
    end(work, (*card).clone(), None, None)
}

/// Ends a live card. Its money goes back to the account it came from whatever that account's settings say; an account
/// named by the caller must be one that takes money.
pub(super) fn end(
    work: &mut Work,
    mut card: Card,
    reason: Option<&str>,
    receiver: Option<AccountId>,
) -> Result<CardView, Stop> {
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
    emit_card(work, &card, EventType::CardTerminated, &shown)?;
    Ok(shown)
}

/// Ends a card that has made as many payments as it was for.
pub(crate) fn end_after_payments(work: &mut Work, card: Card) -> Result<(), Stop> {
    end(work, card, Some("cancel_after"), None).map(|_| ())
}
