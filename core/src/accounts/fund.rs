//! Simulated funding of an account, in the sandbox.

use crate::accounts::amounts::adjust;
use crate::accounts::{AccountView, balance_of, check_creditable, find};
use crate::fields::positive;
use crate::ids::{AccountId, ClientId, Id};
use crate::ledger::EntryKind;
use crate::money::Decimal;
use crate::refusal::Stop;
use crate::table::Access;
use crate::verb::Verb;
use crate::work::Work;

/// Funds an account from the settlement account.
#[derive(Clone, Debug)]
pub struct FundAccount {
    pub id: AccountId,
    /// In major units.
    pub amount: Decimal,
}

impl Verb for FundAccount {
    type Answer = AccountView;

    fn home(&self) -> Option<Id> {
        Some(self.id.0)
    }

    fn prefetch(&self, work: &mut Work, client: ClientId) {
        work.prefetch_account(client, self.id, Access::Shared);
    }

    fn run(&self, work: &mut Work) -> Result<AccountView, Stop> {
        fund(work, self)
    }
}

/// The account must be active and allow credits.
fn fund(work: &mut Work, command: &FundAccount) -> Result<AccountView, Stop> {
    let account = find(work, command.id, None)?;
    check_creditable(&account)?;
    let amount = positive(command.amount, account.currency, "/amount")?;
    adjust(work, &account, amount, EntryKind::SimulatedFunding, None)?;
    Ok(AccountView::of(&account, &*balance_of(work, command.id)?))
}
