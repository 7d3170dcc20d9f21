//! Fetching accounts and their balances, and the counts of cards on them.

use std::sync::Arc;

use crate::accounts::Account;
use crate::ids::AccountId;
use crate::ledger::Balance;
use crate::record::Key;
use crate::refusal::{Refusal, Stop};
use crate::work::Work;

/// Reads an account. `field` is where the body names it.
pub(crate) fn find(work: &mut Work, id: AccountId, field: Option<&'static str>) -> Result<Arc<Account>, Stop> {
    let found = work.accounts.get(Key::of(work.client(), id.0))?;
    Ok(found.ok_or(Refusal::AccountNotFound { id, field })?)
}

/// Fetches an account for update.
pub(crate) fn find_for_update(work: &mut Work, id: AccountId) -> Result<Arc<Account>, Stop> {
    let found = work.accounts.get_for_update(Key::of(work.client(), id.0))?;
    Ok(found.ok_or(Refusal::AccountNotFound { id, field: None })?)
}

/// Fetches the balance of an existing account for update.
pub(crate) fn balance_of(work: &mut Work, id: AccountId) -> Result<Arc<Balance>, Stop> {
    Ok(work.balances.get_for_update(Key::of(work.client(), id.0))?.expect("an account has a balance"))
}

/// Counts a card that spends from the account, or one that ended (`by` is -1).
pub(crate) fn count_cards(work: &mut Work, id: AccountId, by: i64) -> Result<(), Stop> {
    let account = find_for_update(work, id)?;
    work.accounts.put(Account { live_cards: account.live_cards + by, ..(*account).clone() });
    Ok(())
}

/// Counts a canceled card that is unsettled, or one that was settled (`by` is -1).
pub(crate) fn count_unsettled(work: &mut Work, id: AccountId, by: i64) -> Result<(), Stop> {
    let account = find_for_update(work, id)?;
    work.accounts.put(Account { unsettled_cards: account.unsettled_cards + by, ..(*account).clone() });
    Ok(())
}
