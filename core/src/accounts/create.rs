//! Opening an account.

use crate::access::{Scope, Scopes};
use crate::accounts::checks::{check_closable, credit_limit, find_currency};
use crate::accounts::{Account, AccountStatus, AccountType, AccountView, CategoryWord, OwnerType, adjust, balance_of};
use crate::approvals::{ApprovalAction, Ask};
use crate::events::{EventType, Owner, emit};
use crate::fields::{not_negative, unless_empty};
use crate::ids::{AccountId, ClientId, Id};
use crate::ledger::{Balance, EntryKind};
use crate::limits::{NewLimit, start_limits};
use crate::money::Decimal;
use crate::refusal::{Refusal, Stop};
use crate::verb::Verb;
use crate::view::Pictured;
use crate::work::Work;

/// Opens an account. An opening balance comes from the settlement account.
#[derive(Clone, Debug)]
pub struct CreateAccount {
    pub owner_type: OwnerType,
    /// The caller's id of the owner.
    pub owner_id: Option<String>,
    pub name: String,
    pub kind: AccountType,
    pub category: CategoryWord,
    pub currency: String,
    pub status: AccountStatus,
    pub network: Option<String>,
    pub balance: Decimal,
    /// In major units.
    pub credit_limit: Decimal,
    pub can_debit: bool,
    pub can_credit: bool,
    pub metadata: Option<String>,
    /// In the account's currency.
    pub limits: Vec<NewLimit>,
    /// Whether the credential has the scope to set balances.
    pub may_adjust: bool,
}

impl Verb for CreateAccount {
    type Answer = Pictured<AccountView>;

    fn home(&self) -> Option<Id> {
        None
    }

    fn prefetch(&self, _: &mut Work, _: ClientId) {}

    fn approvals(&self) -> Vec<Ask> {
        let accounts = Scopes::from_iter([Scope::AccountsWrite]);
        let mut asks = Vec::new();
        if self.balance != Decimal::ZERO {
            asks.push(Ask::of(ApprovalAction::AccountAdjust));
        }
        if self.credit_limit != Decimal::ZERO {
            asks.push(Ask::of(ApprovalAction::LimitsChange).scopes(accounts));
        }
        asks
    }

    fn run(&self, work: &mut Work) -> Result<Pictured<AccountView>, Stop> {
        create(work, self)
    }
}

fn create(work: &mut Work, command: &CreateAccount) -> Result<Pictured<AccountView>, Stop> {
    let currency = find_currency(&command.currency, command.category)?;
    let opening = not_negative(command.balance, currency, "/balance")?;
    let credit_limit = credit_limit(command.credit_limit, currency, command.kind)?;
    if opening > 0 && !command.may_adjust {
        return Err(Refusal::ScopeMissing { scope: "accounts:adjust" }.into());
    }

    let id = AccountId(work.new_id());
    let now = work.now();
    let account = Account {
        client: work.client(),
        id,
        owner_type: command.owner_type,
        owner_id: command.owner_id.clone(),
        name: command.name.clone(),
        kind: command.kind,
        category: command.category,
        status: command.status,
        currency,
        network: command.network.clone(),
        can_debit: command.can_debit,
        can_credit: command.can_credit,
        metadata: unless_empty(command.metadata.clone()),
        primary_bank_account: None,
        primary_crypto_wallet: None,
        live_cards: 0,
        unsettled_cards: 0,
        limits: start_limits(&[], &command.limits, now, now)?,
        version: 1,
        created_at: now,
        updated_at: now,
    };
    if command.status == AccountStatus::Closed {
        check_closable(
            &account,
            &Balance { ledger: opening, ..Balance::opened(work.client(), id.into(), currency, now) },
        )?;
    }
    work.balances.put(Balance { credit_limit, ..Balance::opened(work.client(), id.into(), currency, now) });
    work.accounts.put(account.clone());
    let view = AccountView::of(&account, &*balance_of(work, id)?);
    let view = emit(work, Owner::Account(id), EventType::AccountCreated, view)?;
    if opening == 0 {
        return Ok(view);
    }
    adjust(work, &account, opening, EntryKind::Adjustment, Some(id.0))?;
    Ok(AccountView::of(&account, &*balance_of(work, id)?).into())
}
