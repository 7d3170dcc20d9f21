//! Closing an account. It is final, and requires that nothing is left in the account.

use crate::accounts::update::update;
use crate::accounts::{AccountStatus, AccountView, UpdateAccount};
use crate::approvals::{ApprovalAction, Ask};
use crate::ids::{AccountId, ClientId, Id};
use crate::refusal::Stop;
use crate::table::Access;
use crate::verb::Verb;
use crate::work::Work;

#[derive(Clone, Debug)]
pub struct CloseAccount {
    pub id: AccountId,
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

    fn approvals(&self) -> Vec<Ask> {
        vec![Ask::of(ApprovalAction::AccountClose)]
    }

    fn run(&self, work: &mut Work) -> Result<AccountView, Stop> {
        close(work, self)
    }
}

/// Closing a closed account changes nothing.
fn close(work: &mut Work, command: &CloseAccount) -> Result<AccountView, Stop> {
    let status = Some(AccountStatus::Closed);
    update(work, &UpdateAccount { id: command.id, status, if_match: command.if_match, ..UpdateAccount::default() })
}
