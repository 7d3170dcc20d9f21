//! Closing an account: final, and only when nothing is left in it.

use crate::accounts::update::update;
use crate::accounts::{AccountStatus, AccountView, UpdateAccount};
use crate::ids::{AccountId, ClientId, Id};
use crate::refusal::Stop;
use crate::table::Access;
use crate::verb::Verb;
use crate::work::Work;

/// Closes an account.
#[derive(Clone, Debug)]
pub struct CloseAccount {
    /// Which.
    pub id: AccountId,
    /// The version the caller read.
    pub if_match: Option<i64>,
}

impl Verb for CloseAccount {
    type Answer = AccountView;

    fn home(&self) -> Option<Id> {
        Some(self.id.0)
    }

    fn prefetch(&self, work: &mut Work, client: ClientId) {
        work.prefetch_account(client, self.id, Access::Exclusive);
    }

    fn run(&self, work: &mut Work) -> Result<AccountView, Stop> {
        close(work, self)
    }
}

/// Closes the account; one that is closed already stays as it is.
fn close(work: &mut Work, command: &CloseAccount) -> Result<AccountView, Stop> {
    let status = Some(AccountStatus::Closed);
    update(work, &UpdateAccount { id: command.id, status, if_match: command.if_match, ..UpdateAccount::default() })
}
