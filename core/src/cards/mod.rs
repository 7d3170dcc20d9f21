//! Cards: issued to a card holder, funded from an account, controlled, shown, replaced and ended.

mod activate;
mod cancel;
pub mod categories;
mod controls;
mod create;
mod money;
mod pin;
mod record;
mod replace;
mod reveal;
mod sample;
mod update;
mod view;

pub use activate::{ActivateCard, activate};
pub(crate) use cancel::end_after_payments;
pub use cancel::{TerminateCard, terminate};
pub use controls::{
    Channels, Interval, MOST_LIMITS, NewControls, NewLimit, SpendingControls, SpendingLimit, settle_limits,
};
pub(crate) use create::expect as expect_create;
pub use create::{CreateCard, Expiry, NewNumber, create};
pub use money::{FundCard, WithdrawFromCard, fund, withdraw};
pub(crate) use money::{expect as expect_movement, return_money};
pub use pin::{SetPin, UnblockPin, set_pin, unblock_pin};
pub use record::{
    Brand, CancellationReason, Card, CardFingerprint, CardSecret, CardStatus, CardType, FrozenBy, FundingMode,
    PaymentReference, ReplaceReason, RevealPurpose, RevealToken, StatusChange,
};
pub use replace::{ReplaceCard, ReplacementNumber, replace};
pub use reveal::{
    IssueRevealToken, LookUpCard, PurgeRevealTokens, REMEMBERED_SECONDS, RevealTokenView, UseRevealToken, check_use,
    issue_reveal_token, look_up, purge_reveal_tokens, use_reveal_token,
};
pub use update::{CardEcho, UpdateCard, update};
pub use view::{CardView, MovementView, RevealView, SpendingLimitView};

use std::sync::Arc;

use serde::Serialize;

use crate::accounts::{Account, AccountStatus};
use crate::events::{EventType, Owner, emit};
use crate::ids::{AccountId, CardId};
use crate::ledger::Balance;
use crate::record::Key;
use crate::refusal::{Refusal, Stop};
use crate::work::Work;

/// The card of the running command's client, to be read.
pub(crate) fn find(work: &mut Work, id: CardId) -> Result<Arc<Card>, Stop> {
    let found = work.cards.get(Key::of(work.client(), id.0))?;
    Ok(found.ok_or(Refusal::CardNotFound)?)
}

/// The card of the running command's client, to be changed; refused when it ended.
fn find_live(work: &mut Work, id: CardId) -> Result<Arc<Card>, Stop> {
    let found = work.cards.get_to_change(Key::of(work.client(), id.0))?;
    let card = found.ok_or(Refusal::CardNotFound)?;
    not_canceled(&card)?;
    Ok(card)
}

fn not_canceled(card: &Card) -> Result<(), Refusal> {
    if card.status == CardStatus::Canceled { Err(Refusal::CardCanceled) } else { Ok(()) }
}

/// The balance a card spends.
fn funds_of(work: &mut Work, card: &Card) -> Result<Arc<Balance>, Stop> {
    Ok(work.balances.get_to_change(Key::of(work.client(), card.funds.0))?.expect("a card spends from a balance"))
}

/// The card as it is shown now.
fn view(work: &mut Work, card: &Card) -> Result<CardView, Stop> {
    Ok(CardView::of(card, &*funds_of(work, card)?))
}

fn owner(card: &Card) -> Owner {
    Owner::Card { id: card.id, holder: card.card_holder, account: card.debit_account }
}

/// Tells that something happened to a card.
fn tell(work: &mut Work, card: &Card, kind: EventType, what: &impl Serialize) -> Result<(), Stop> {
    emit(work, owner(card), kind, what)
}

/// An account that gives money to a card: active, debitable, of the card's currency.
fn find_payer(work: &mut Work, id: AccountId, currency: crate::money::Currency) -> Result<Arc<Account>, Stop> {
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
fn find_receiver(work: &mut Work, id: AccountId, currency: crate::money::Currency) -> Result<Arc<Account>, Stop> {
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

#[cfg(test)]
mod property_tests;
#[cfg(test)]
pub(crate) mod tests;
