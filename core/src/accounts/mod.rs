//! Accounts: who holds money, in which currency, and what may be done with it.

mod amounts;
mod check_digits;
mod close;
mod create;
mod details;
mod fund;
mod record;
mod sample;
mod update;
mod view;

pub use amounts::{adjust, minor};
pub(crate) use amounts::{not_negative, positive, tell_balance};
pub use close::{CloseAccount, close};
pub use create::{CreateAccount, create};
pub use details::{CreateDetail, DeleteDetail, DetailEcho, UpdateDetail, create_detail, delete_detail, update_detail};
pub use fund::{FundAccount, fund};
pub use record::{Account, AccountStatus, AccountType, CategoryWord, Detail, DetailType, OwnerType};
pub use update::{AccountEcho, UpdateAccount, update};
pub use view::{AccountView, BalanceView, DetailView};

use std::sync::Arc;

use crate::ids::AccountId;
use crate::ledger::Balance;
use crate::record::Key;
use crate::refusal::{Refusal, Stop};
use crate::work::Work;

/// The account of the running command's client, to be read.
pub(crate) fn find(work: &mut Work, id: AccountId, field: Option<&'static str>) -> Result<Arc<Account>, Stop> {
    let found = work.accounts.get(Key::of(work.client(), id.0))?;
    Ok(found.ok_or(Refusal::AccountNotFound { id, field })?)
}

/// The account of the running command's client, to be changed.
pub(crate) fn find_to_change(work: &mut Work, id: AccountId) -> Result<Arc<Account>, Stop> {
    let found = work.accounts.get_to_change(Key::of(work.client(), id.0))?;
    Ok(found.ok_or(Refusal::AccountNotFound { id, field: None })?)
}

/// The balance of an account that exists, to be changed.
pub(crate) fn balance_of(work: &mut Work, id: AccountId) -> Result<Arc<Balance>, Stop> {
    Ok(work.balances.get_to_change(Key::of(work.client(), id.0))?.expect("an account has a balance"))
}

/// Counts a card that spends from the account, or one that no longer does.
pub(crate) fn count_cards(work: &mut Work, id: AccountId, by: i64) -> Result<(), Stop> {
    let account = find_to_change(work, id)?;
    work.accounts.put(Account { live_cards: account.live_cards + by, ..(*account).clone() });
    Ok(())
}

/// Counts an ended card that has money, owes some or awaits some, or one that no longer does.
pub(crate) fn count_unsettled(work: &mut Work, id: AccountId, by: i64) -> Result<(), Stop> {
    let account = find_to_change(work, id)?;
    work.accounts.put(Account { unsettled_cards: account.unsettled_cards + by, ..(*account).clone() });
    Ok(())
}

/// Refuses when `If-Match` names another version.
pub(crate) fn check_version(if_match: Option<i64>, current: i64) -> Result<(), Refusal> {
    match if_match {
        Some(wanted) if wanted != current => Err(Refusal::VersionMismatch { current }),
        _ => Ok(()),
    }
}

/// Refuses when a read-only field that was sent along is not as the object is shown.
pub(crate) fn check_read_only(
    sent: &[(&'static str, serde_json::Value)],
    shown: &impl serde::Serialize,
) -> Result<(), Refusal> {
    if sent.is_empty() {
        return Ok(());
    }
    let shown = serde_json::to_value(shown).unwrap_or_default();
    match sent.iter().find(|(field, value)| shown.pointer(field) != Some(value)) {
        Some((field, _)) => Err(Refusal::ReadOnlyField { field }),
        None => Ok(()),
    }
}

/// An empty object says as much as none: it is shown the same, so writing it back changes nothing.
pub(crate) fn unless_empty(object: Option<String>) -> Option<String> {
    object.filter(|text| text != "{}")
}

#[cfg(test)]
mod tests;
