//! Checks of accounts: before they are opened, changed or closed, and before money moves.

use crate::accounts::{Account, AccountStatus, AccountType, CategoryWord};
use crate::fields::not_negative;
use crate::ledger::Balance;
use crate::money::{Currency, Decimal, format_minor};
use crate::refusal::Refusal;

pub(super) fn find_currency(code: &str, category: CategoryWord) -> Result<Currency, Refusal> {
    let unknown = || Refusal::CurrencyUnknown { code: code.to_owned(), category: category.as_str() };
    Currency::find(code, category.into()).ok_or_else(unknown)
}

pub(super) fn credit_limit(limit: Decimal, currency: Currency, kind: AccountType) -> Result<i64, Refusal> {
    let limit = not_negative(limit, currency, "/creditLimit")?;
    if limit > 0 && kind != AccountType::Credit {
        return Err(Refusal::CreditLimitNotAllowed);
    }
    Ok(limit)
}

/// The refusal names everything that prevents closing.
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

pub(crate) fn check_active(account: &Account) -> Result<(), Refusal> {
    match account.status {
        AccountStatus::Active => Ok(()),
        status => Err(Refusal::AccountInactive { id: account.id, status: status.as_str() }),
    }
}

/// The account must be active and allow debits.
pub(crate) fn check_debitable(account: &Account) -> Result<(), Refusal> {
    check_active(account)?;
    if account.can_debit { Ok(()) } else { Err(Refusal::DebitNotAllowed { id: account.id }) }
}

/// The account must be active and allow credits.
pub(crate) fn check_creditable(account: &Account) -> Result<(), Refusal> {
    check_active(account)?;
    if account.can_credit { Ok(()) } else { Err(Refusal::CreditNotAllowed { id: account.id }) }
}
