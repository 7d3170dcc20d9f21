//! Closing an account: final, and only when nothing is left in it.

use crate::accounts::{AccountStatus, AccountView, UpdateAccount, update};
use crate::ids::AccountId;
use crate::refusal::Stop;
use crate::work::Work;

/// Closes an account.
#[derive(Clone, Debug)]
pub struct CloseAccount {
    /// Which.
    pub id: AccountId,
    /// The version the caller read.
    pub if_match: Option<i64>,
}

/// Closes the account; one that is closed already stays as it is.
pub fn close(work: &mut Work, command: &CloseAccount) -> Result<AccountView, Stop> {
    let status = Some(AccountStatus::Closed);
    update(work, &UpdateAccount { id: command.id, status, if_match: command.if_match, ..UpdateAccount::default() })
}
