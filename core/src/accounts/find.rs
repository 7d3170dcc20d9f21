//! Accounts and their balances as the rules of other nouns fetch them, and the counts of cards on their rows.

use std::sync::Arc;

use crate::accounts::Account;
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
pub(crate) fn find_for_update(work: &mut Work, id: AccountId) -> Result<Arc<Account>, Stop> {
    let found = work.accounts.get_for_update(Key::of(work.client(), id.0))?;
    Ok(found.ok_or(Refusal::AccountNotFound { id, field: None })?)
}

/// The balance of an account that exists, to be changed.
pub(crate) fn balance_of(work: &mut Work, id: AccountId) -> Result<Arc<Balance>, Stop> {
    Ok(work.balances.get_for_update(Key::of(work.client(), id.0))?.expect("an account has a balance"))
}

/// Counts a card that spends from the account, or one that no longer does.
pub(crate) fn count_cards(work: &mut Work, id: AccountId, by: i64) -> Result<(), Stop> {
    let account = find_for_update(work, id)?;
    work.accounts.put(Account { live_cards: account.live_cards + by, ..(*account).clone() });
    Ok(())
}

/// Counts an ended card that has money, owes some or awaits some, or one that no longer does.
pub(crate) fn count_unsettled(work: &mut Work, id: AccountId, by: i64) -> Result<(), Stop> {
    let account = find_for_update(work, id)?;
    work.accounts.put(Account { unsettled_cards: account.unsettled_cards + by, ..(*account).clone() });
    Ok(())
}
