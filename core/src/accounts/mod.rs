//! Accounts and their detail records: opened, changed, closed, funded in the sandbox.

mod amounts;
mod check_digits;
mod checks;
mod close;
mod create;
mod details;
mod find;
mod fund;
mod record;
mod update;
mod view;

pub use amounts::adjust;
pub(crate) use amounts::emit_balance_updated;
pub(crate) use checks::{check_active, check_creditable, check_debitable};
pub use close::CloseAccount;
pub use create::CreateAccount;
pub use details::{CreateDetail, DeleteDetail, UpdateDetail};
pub(crate) use find::{balance_of, count_cards, count_unsettled, find, find_for_update};
pub use fund::FundAccount;
pub use record::{Account, AccountStatus, AccountType, CategoryWord, Detail, DetailType, OwnerType};
pub use update::UpdateAccount;
pub use view::{AccountView, BalanceView, DetailView};

#[cfg(test)]
mod tests;
