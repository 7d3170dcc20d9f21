//! The views of accounts, for answers and events.

use serde::Serialize;

use crate::accounts::{Account, AccountStatus, AccountType, CategoryWord, Detail, DetailType, OwnerType};
use crate::audit::{Audited, Picture};
use crate::events::EventPart;
use crate::ledger::Balance;
use crate::view::{Free, Money};

/// An account: its settings and what it holds, in major units of its currency.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Account)]
pub struct AccountView {
    /// Its id: 24 lowercase hex characters.
    #[serde(rename = "_id")]
    #[schema(example = "665f1c4f4a4f4a4f4a4f4a4f", pattern = "^[0-9a-f]{24}$")]
    pub id: String,
    /// Who the money belongs to.
    pub owner_type: OwnerType,
    /// Your own id of the owner.
    #[schema(required = true)]
    pub owner_id: Option<String>,
    /// The client it belongs to.
    #[schema(example = "665f1c4f4a4f4a4f4a4f4a4f", pattern = "^[0-9a-f]{24}$")]
    pub client: String,
    /// Its name.
    #[schema(example = "Primary USD Wallet")]
    pub name: String,
    /// What it is for.
    #[serde(rename = "type")]
    pub kind: AccountType,
    /// Fiat or crypto.
    pub category: CategoryWord,
    /// Whether it can be used.
    pub status: AccountStatus,
    /// ISO 4217 code, or USDC, USDT, BTC.
    #[schema(example = "USD")]
    pub currency: String,
    /// The network of a crypto account.
    #[schema(required = true)]
    pub network: Option<String>,
    /// What can be spent: the same as `availableBalance`.
    pub balance: Money,
    /// Posted, less held, plus the credit limit.
    pub available_balance: Money,
    /// What is posted.
    pub ledger_balance: Money,
    /// What is held by open authorizations.
    pub held_balance: Money,
    /// How far the posted balance may go below zero.
    pub credit_limit: Money,
    /// Whether it may be debited.
    pub can_debit: bool,
    /// Whether it may be credited.
    pub can_credit: bool,
    /// Your own data.
    pub metadata: Free,
    /// Counts changes to the settings; balances do not move it.
    pub version: i64,
    /// When it was opened, ISO 8601 in UTC.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: String,
    /// When its settings last changed.
    #[schema(value_type = String, format = DateTime)]
    pub updated_at: String,
}

impl EventPart for AccountView {
    const NAME: &'static str = "account";
}

impl AccountView {
    pub fn of(account: &Account, balance: &Balance) -> AccountView {
        let money = |minor| Money::new(minor, account.currency);
        AccountView {
            id: account.id.to_string(),
            owner_type: account.owner_type,
            owner_id: account.owner_id.clone(),
            client: account.client.to_string(),
            name: account.name.clone(),
            kind: account.kind,
            category: account.category,
            status: account.status,
            currency: account.currency.code().to_owned(),
            network: account.network.clone(),
            balance: money(balance.available()),
            available_balance: money(balance.available()),
            ledger_balance: money(balance.ledger),
            held_balance: money(balance.held),
            credit_limit: money(balance.credit_limit),
            can_debit: account.can_debit,
            can_credit: account.can_credit,
            metadata: Free::object(account.metadata.as_deref()),
            version: account.version,
            created_at: account.created_at.to_string(),
            updated_at: account.updated_at.to_string(),
        }
    }
}

/// The amounts of an account after a movement, as `account.balance.updated` tells them.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct BalanceView {
    /// The account's currency.
    pub currency: String,
    /// What is posted.
    pub ledger_balance: Money,
    /// What is held.
    pub held_balance: Money,
    /// What can be spent.
    pub available_balance: Money,
    /// What the movement added to the posted balance.
    pub change: Money,
    /// Whether less than nothing is available.
    pub overdrawn: bool,
    /// The ledger entry.
    pub entry_id: String,
}

impl EventPart for BalanceView {
    const NAME: &'static str = "balance";
}

impl BalanceView {
    /// The balance after the entry `entry_id` changed it by `change`.
    pub fn of(balance: &Balance, change: i64, entry_id: crate::ids::EntryId) -> BalanceView {
        let money = |minor| Money::new(minor, balance.currency);
        BalanceView {
            currency: balance.currency.code().to_owned(),
            ledger_balance: money(balance.ledger),
            held_balance: money(balance.held),
            available_balance: money(balance.available()),
            change: money(change),
            overdrawn: balance.available() < 0,
            entry_id: entry_id.to_string(),
        }
    }
}

/// A bank account or wallet address of an account.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = AccountDetail)]
pub struct DetailView {
    /// Its id.
    #[serde(rename = "_id")]
    #[schema(example = "665f1c4f4a4f4a4f4a4f4a4f", pattern = "^[0-9a-f]{24}$")]
    pub id: String,
    /// The account it hangs on.
    pub account_id: String,
    /// What kind of address.
    #[serde(rename = "type")]
    pub kind: DetailType,
    /// Free-form.
    pub details: Free,
    /// Who provides it.
    #[schema(required = true)]
    pub provider: Option<String>,
    /// Whether it is the primary one of its type on the account.
    pub is_primary: bool,
    /// Counts changes.
    pub version: i64,
    /// When it was made.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: String,
    /// When it last changed.
    #[schema(value_type = String, format = DateTime)]
    pub updated_at: String,
}

impl DetailView {
    pub fn of(detail: &Detail) -> DetailView {
        DetailView {
            id: detail.id.to_string(),
            account_id: detail.account.to_string(),
            kind: detail.kind,
            details: Free::object(detail.details.as_deref()),
            provider: detail.provider.clone(),
            is_primary: detail.is_primary,
            version: detail.version,
            created_at: detail.created_at.to_string(),
            updated_at: detail.updated_at.to_string(),
        }
    }
}

impl Audited for Account {
    const OBJECT: &'static str = "account";

    fn picture(&self) -> Picture {
        // Amounts are in another row.
        let no_funds = Balance::opened(self.client, self.id.into(), self.currency, self.created_at);
        Picture::of(&AccountView::of(self, &no_funds)).without(&[
            "balance",
            "availableBalance",
            "ledgerBalance",
            "heldBalance",
            "creditLimit",
        ])
    }
}

impl Audited for Detail {
    const OBJECT: &'static str = "account_detail";

    fn picture(&self) -> Picture {
        Picture::of(&DetailView::of(self)).hiding("details")
    }
}
