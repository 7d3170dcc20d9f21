//! Changing an account's settings, and its balance if the credential may.

use crate::access::{Scope, Scopes};
use crate::accounts::checks::{check_closable, credit_limit, find_currency};
use crate::accounts::{
    Account, AccountStatus, AccountType, AccountView, CategoryWord, OwnerType, adjust, balance_of, find_for_update,
};
use crate::approvals::{ApprovalAction, Ask};
use crate::events::{EventType, Owner, emit};
use crate::fields::{Echo, check_read_only, check_version, not_negative, unless_empty};
use crate::ids::{AccountId, ClientId, Id};
use crate::ledger::{Balance, EntryKind};
use crate::limits::{NewLimit, divide_anew, start_limits};
use crate::money::{Currency, Decimal, MAX_MINOR_UNITS};
use crate::record::Key;
use crate::refusal::{Refusal, Stop};
use crate::table::Access;
use crate::verb::Verb;
use crate::work::Work;

/// Changes to an account; `None` keeps, `Some(None)` clears.
#[derive(Clone, Debug, Default)]
pub struct UpdateAccount {
    pub id: AccountId,
    pub owner_type: Option<OwnerType>,
    /// The caller's id of the owner.
    pub owner_id: Option<Option<String>>,
    pub name: Option<String>,
    pub kind: Option<AccountType>,
    pub category: Option<CategoryWord>,
    pub status: Option<AccountStatus>,
    pub currency: Option<String>,
    /// The network of a crypto account.
    pub network: Option<Option<String>>,
    /// The available balance to set, in major units.
    pub balance: Option<Decimal>,
    /// In major units.
    pub credit_limit: Option<Decimal>,
    pub can_debit: Option<bool>,
    pub can_credit: Option<bool>,
    /// Replaces the stored metadata.
    pub metadata: Option<Option<String>>,
    /// Replace the stored ones, with the currency of their amounts, which must be the account's.
    pub limits: Option<(Option<Currency>, Vec<NewLimit>)>,
    /// Read-only fields that were sent; they must equal the stored ones.
    pub echo: Echo,
    pub if_match: Option<i64>,
    /// Whether the credential has the scope to set balances.
    pub may_adjust: bool,
}

impl Verb for UpdateAccount {
    type Answer = AccountView;

    fn home(&self) -> Option<Id> {
        Some(self.id.0)
    }

    fn prefetch(&self, work: &mut Work, client: ClientId) {
        work.prefetch_account(client, self.id, Access::Exclusive);
    }

    fn approvals(&self) -> Vec<Ask> {
        let accounts = Scopes::from_iter([Scope::AccountsWrite]);
        let mut asks = Vec::new();
        if self.balance.is_some() {
            asks.push(Ask::of(ApprovalAction::AccountAdjust));
        }
        if self.limits.is_some() || self.credit_limit.is_some() {
            asks.push(Ask::of(ApprovalAction::LimitsChange).scopes(accounts));
        }
        if self.status == Some(AccountStatus::Closed) {
            asks.push(Ask::of(ApprovalAction::AccountClose));
        }
        asks
    }

    fn run(&self, work: &mut Work) -> Result<AccountView, Stop> {
        update(work, self)
    }
}

pub(super) fn update(work: &mut Work, command: &UpdateAccount) -> Result<AccountView, Stop> {
    let account = find_for_update(work, command.id)?;
    let balance = balance_of(work, command.id)?;
    check_version(command.if_match, account.version)?;
    check_read_only(&command.echo, &AccountView::of(&account, &balance))?;

    let mut changed = merge(&account, command);
    let mut money = (*balance).clone();
    change_currency(command, &account, &mut changed, &mut money)?;
    if let Some((currency, limits)) = &command.limits {
        // The account's currency changed after the amounts were converted.
        if currency.is_some_and(|currency| currency != changed.currency) {
            return Err(Refusal::Stale.into());
        }
        let now = work.now();
        changed.limits = start_limits(&account.limits, limits, now, now)?;
    } else if changed.currency != account.currency && !account.limits.is_empty() {
        return Err(Refusal::LimitsInCurrency { currency: account.currency }.into());
    }
    if let Some(limit) = command.credit_limit {
        money.credit_limit = credit_limit(limit, changed.currency, changed.kind)?;
    } else if money.credit_limit > 0 && changed.kind != AccountType::Credit {
        return Err(Refusal::CreditLimitNotAllowed.into());
    }
    if money.credit_limit > balance.credit_limit && money.available() > MAX_MINOR_UNITS {
        return Err(Refusal::AmountTooLarge { field: "/creditLimit" }.into());
    }
    if money.available() < 0 && money.credit_limit < balance.credit_limit {
        return Err(lowered_too_far(&balance, &money).into());
    }
    let change = balance_change(command, &balance, &money)?;
    let settings_differ = changed != *account || money.credit_limit != balance.credit_limit;
    if account.status == AccountStatus::Closed && (settings_differ || change != 0) {
        return Err(Refusal::AccountClosed.into());
    }
    let closes = changed.status == AccountStatus::Closed && account.status != AccountStatus::Closed;
    if closes {
        check_closable(&account, &balance)?;
    }

    if changed.limits != account.limits {
        divide_anew(work, command.id.0, &changed.limits, Some(changed.currency))?;
    }
    if settings_differ {
        changed.version += 1;
        changed.updated_at = work.now();
        work.accounts.put(changed.clone());
        if money != *balance {
            work.balances.put(money);
        }
        let view = AccountView::of(&changed, &*balance_of(work, command.id)?);
        let kind = if closes { EventType::AccountClosed } else { EventType::AccountUpdated };
        emit(work, Owner::Account(command.id), kind, view)?;
    }
    if change != 0 {
        adjust(work, &changed, change, EntryKind::Adjustment, Some(command.id.0))?;
    }
    let balance = work.balances.get(Key::of(work.client(), command.id.0))?.expect("an account has a balance");
    Ok(AccountView::of(&changed, &balance))
}

fn merge(account: &Account, command: &UpdateAccount) -> Account {
    let mut changed = account.clone();
    if let Some(owner_type) = command.owner_type {
        changed.owner_type = owner_type;
    }
    if let Some(owner_id) = &command.owner_id {
        changed.owner_id.clone_from(owner_id);
    }
    if let Some(name) = &command.name {
        changed.name.clone_from(name);
    }
    if let Some(kind) = command.kind {
        changed.kind = kind;
    }
    if let Some(status) = command.status {
        changed.status = status;
    }
    if let Some(network) = &command.network {
        changed.network.clone_from(network);
    }
    if let Some(can_debit) = command.can_debit {
        changed.can_debit = can_debit;
    }
    if let Some(can_credit) = command.can_credit {
        changed.can_credit = can_credit;
    }
    if let Some(metadata) = &command.metadata {
        changed.metadata = unless_empty(metadata.clone());
    }
    changed
}

/// Category and currency may only change before the first ledger entry, which fixes its currency, and while no cards
/// spend from the account.
fn change_currency(
    command: &UpdateAccount,
    account: &Account,
    changed: &mut Account,
    money: &mut Balance,
) -> Result<(), Refusal> {
    let category = command.category.unwrap_or(account.category);
    let code = command.currency.as_deref().unwrap_or(account.currency.code());
    let currency = find_currency(code, category)?;
    if (money.seq > 0 || account.live_cards > 0) && currency != account.currency {
        return Err(Refusal::AccountHasEntries { field: "/currency" });
    }
    if money.seq > 0 && category != account.category {
        return Err(Refusal::AccountHasEntries { field: "/category" });
    }
    if currency != account.currency && money.credit_limit > 0 && command.credit_limit.is_none() {
        return Err(Refusal::AccountHasEntries { field: "/currency" });
    }
    changed.category = category;
    changed.currency = currency;
    money.currency = currency;
    Ok(())
}

/// The amount to post. A balance equal to the stored one was sent back unchanged, even if it is negative.
fn balance_change(command: &UpdateAccount, stored: &Balance, changed: &Balance) -> Result<i64, Refusal> {
    let Some(wanted) = command.balance else { return Ok(0) };
    if wanted.to_minor(stored.currency.exponent()) == Some(stored.available()) {
        return Ok(0);
    }
    let wanted = not_negative(wanted, changed.currency, "/balance")?;
    if !command.may_adjust {
        return Err(Refusal::ScopeMissing { scope: "accounts:adjust" });
    }
    if command.if_match.is_none() {
        return Err(Refusal::IfMatchRequired);
    }
    wanted.checked_sub(changed.available()).ok_or(Refusal::AmountTooLarge { field: "/balance" })
}

fn lowered_too_far(before: &Balance, after: &Balance) -> Refusal {
    let exponent = before.currency.exponent();
    Refusal::InsufficientFunds {
        account: before.id.to_string(),
        available: crate::money::format_minor(before.available(), exponent),
        needed: crate::money::format_minor(before.credit_limit - after.credit_limit, exponent),
        currency: before.currency,
    }
}
