//! Putting simulated money into an account; the sandbox only.

use crate::accounts::amounts::adjust;
use crate::accounts::{AccountStatus, AccountView, balance_of, find};
use crate::fields::positive;
use crate::ids::{AccountId, ClientId, Id};
use crate::ledger::EntryKind;
use crate::money::Decimal;
use crate::refusal::{Refusal, Stop};
use crate::table::Access;
use crate::verb::Verb;
use crate::work::Work;

/// Funds an account from nowhere.
#[derive(Clone, Debug)]
pub struct FundAccount {
    /// Which.
    pub id: AccountId,
    /// How much, in major units.
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

/// Funds the account; it must be active and allow credits.
fn fund(work: &mut Work, command: &FundAccount) -> Result<AccountView, Stop> {
    let account = find(work, command.id, None)?;
    if account.status != AccountStatus::Active {
        return Err(Refusal::AccountInactive { id: account.id, status: account.status.as_str() }.into());
    }
    if !account.can_credit {
        return Err(Refusal::CreditNotAllowed { id: account.id }.into());
    }
    let amount = positive(command.amount, account.currency, "/amount")?;
    adjust(work, &account, amount, EntryKind::SimulatedFunding, None)?;
    Ok(AccountView::of(&account, &*balance_of(work, command.id)?))
}
