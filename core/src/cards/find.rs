//! Cards, what they spend and the accounts that give to them or take from them, as rules fetch them.

use std::sync::Arc;

use crate::accounts::{Account, AccountStatus};
use crate::cards::{Card, CardStatus, CardView};
use crate::events::{EventPart, EventType, Owner, emit};
use crate::ids::{AccountId, CardId};
use crate::ledger::Balance;
use crate::money::Currency;
use crate::record::Key;
use crate::refusal::{Refusal, Stop};
use crate::work::Work;

/// The card of the running command's client, to be read.
pub(crate) fn find(work: &mut Work, id: CardId) -> Result<Arc<Card>, Stop> {
    let found = work.cards.get(Key::of(work.client(), id.0))?;
    Ok(found.ok_or(Refusal::CardNotFound)?)
}

/// The card of the running command's client, to be changed; refused when it ended.
pub(super) fn find_live(work: &mut Work, id: CardId) -> Result<Arc<Card>, Stop> {
    let found = work.cards.get_for_update(Key::of(work.client(), id.0))?;
    let card = found.ok_or(Refusal::CardNotFound)?;
    not_canceled(&card)?;
    Ok(card)
}

pub(super) fn not_canceled(card: &Card) -> Result<(), Refusal> {
    if card.status == CardStatus::Canceled { Err(Refusal::CardCanceled) } else { Ok(()) }
}

/// The balance a card spends.
pub(super) fn funds_of(work: &mut Work, card: &Card) -> Result<Arc<Balance>, Stop> {
    Ok(work.balances.get_for_update(Key::of(work.client(), card.funds.0))?.expect("a card spends from a balance"))
}

/// The card as it is shown now.
pub(super) fn view(work: &mut Work, card: &Card) -> Result<CardView, Stop> {
    Ok(CardView::of(card, &*funds_of(work, card)?))
}

pub(crate) fn owner(card: &Card) -> Owner {
    Owner::Card { id: card.id, holder: card.card_holder, account: card.debit_account }
}

/// Tells that something happened to a card.
pub(super) fn emit_card(work: &mut Work, card: &Card, kind: EventType, what: &impl EventPart) -> Result<(), Stop> {
    emit(work, owner(card), kind, what)
}

/// An account that gives money to a card: active, debitable, of the card's currency.
pub(super) fn find_payer(work: &mut Work, id: AccountId, currency: Currency) -> Result<Arc<Account>, Stop> {
    let account = crate::accounts::find(work, id, Some("/debitAccountId"))?;
    if account.status != AccountStatus::Active {
        return Err(Refusal::AccountInactive { id: account.id, status: account.status.as_str() }.into());
    }
    if !account.can_debit {
        return Err(Refusal::DebitNotAllowed { id: account.id }.into());
    }
    if account.currency != currency {
        return Err(Refusal::CardCurrencyMismatch { account: account.currency, card: currency }.into());
    }
    Ok(account)
}

/// An account that takes money from a card: active, creditable, of the card's currency.
pub(super) fn find_receiver(work: &mut Work, id: AccountId, currency: Currency) -> Result<Arc<Account>, Stop> {
    let account = crate::accounts::find(work, id, Some("/creditAccountId"))?;
    if account.status != AccountStatus::Active {
        return Err(Refusal::AccountInactive { id: account.id, status: account.status.as_str() }.into());
    }
    if !account.can_credit {
        return Err(Refusal::CreditNotAllowed { id: account.id }.into());
    }
    if account.currency != currency {
        return Err(Refusal::CardCurrencyMismatch { account: account.currency, card: currency }.into());
    }
    Ok(account)
}
