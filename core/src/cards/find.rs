//! Fetching cards, their funds, and the accounts they exchange money with.

use std::sync::Arc;

use crate::accounts::{Account, check_creditable, check_debitable};
use crate::cards::{Card, CardStatus, CardView};
use crate::events::{EventPart, EventType, Owner, emit};
use crate::ids::{AccountId, CardId};
use crate::ledger::Balance;
use crate::money::Currency;
use crate::record::Key;
use crate::refusal::{Refusal, Stop};
use crate::view::Pictured;
use crate::work::Work;

/// Reads a card.
pub(crate) fn find(work: &mut Work, id: CardId) -> Result<Arc<Card>, Stop> {
    let found = work.cards.get(Key::of(work.client(), id.0))?;
    Ok(found.ok_or(Refusal::CardNotFound)?)
}

/// Fetches a card for update; refused if it is canceled.
pub(super) fn find_live(work: &mut Work, id: CardId) -> Result<Arc<Card>, Stop> {
    let found = work.cards.get_for_update(Key::of(work.client(), id.0))?;
    let card = found.ok_or(Refusal::CardNotFound)?;
    not_canceled(&card)?;
    Ok(card)
}

pub(super) fn not_canceled(card: &Card) -> Result<(), Refusal> {
    if card.status == CardStatus::Canceled { Err(Refusal::CardCanceled) } else { Ok(()) }
}

/// The balance a card spends from, for update.
pub(super) fn funds_of(work: &mut Work, card: &Card) -> Result<Arc<Balance>, Stop> {
    Ok(work.balances.get_for_update(Key::of(work.client(), card.funds.0))?.expect("a card spends from a balance"))
}

/// The card's view with its current balance.
pub(super) fn view(work: &mut Work, card: &Card) -> Result<CardView, Stop> {
    Ok(CardView::of(card, &*funds_of(work, card)?))
}

pub(crate) fn owner(card: &Card) -> Owner {
    Owner::Card { id: card.id, holder: card.card_holder, account: card.debit_account }
}

/// Emits an event of a card.
pub(super) fn emit_card<V: EventPart>(
    work: &mut Work,
    card: &Card,
    kind: EventType,
    what: V,
) -> Result<Pictured<V>, Stop> {
    emit(work, owner(card), kind, what)
}

/// An account that may fund a card: active, debitable, in the card's currency.
pub(super) fn find_payer(work: &mut Work, id: AccountId, currency: Currency) -> Result<Arc<Account>, Stop> {
    let account = crate::accounts::find(work, id, Some("/debitAccountId"))?;
    check_debitable(&account)?;
    if account.currency != currency {
        return Err(Refusal::CardCurrencyMismatch { account: account.currency, card: currency }.into());
    }
    Ok(account)
}

/// An account that may receive a card's funds: active, creditable, in the card's currency.
pub(super) fn find_receiver(work: &mut Work, id: AccountId, currency: Currency) -> Result<Arc<Account>, Stop> {
    let account = crate::accounts::find(work, id, Some("/creditAccountId"))?;
    check_creditable(&account)?;
    if account.currency != currency {
        return Err(Refusal::CardCurrencyMismatch { account: account.currency, card: currency }.into());
    }
    Ok(account)
}
