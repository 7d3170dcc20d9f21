//! Closing an account: final, and only when nothing is left in it.

use crate::accounts::{Account, AccountStatus, AccountView, UpdateAccount, update};
use crate::ids::AccountId;
use crate::ledger::Balance;
use crate::money::format_minor;
use crate::refusal::{Refusal, Stop};
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

/// Refuses, naming everything that stands in the way.
pub(super) fn check_closable(account: &Account, balance: &Balance) -> Result<(), Refusal> {
    let exponent = balance.currency.exponent();
    let mut obstacles = Vec::new();
    if balance.ledger != 0 {
        obstacles.push(format!(
            "its ledger balance is {} {}",
            format_minor(balance.ledger, exponent),
            balance.currency
        ));
    }
    if balance.held != 0 {
        obstacles.push(format!("{} {} are held", format_minor(balance.held, exponent), balance.currency));
    }
    if account.live_cards > 0 {
        obstacles.push(format!("{} of its cards are not canceled", account.live_cards));
    }
    if account.unsettled_cards > 0 {
        obstacles.push(format!(
            "{} of its canceled cards have holds or owe money: let the holds end, fund what is owed",
            account.unsettled_cards
        ));
    }
    if obstacles.is_empty() { Ok(()) } else { Err(Refusal::AccountInUse { what: obstacles.join("; ") }) }
}
