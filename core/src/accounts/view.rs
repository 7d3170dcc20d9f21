//! The views of accounts, for answers and events.

use serde::Serialize;

use crate::accounts::{Account, AccountStatus, AccountType, CategoryWord, Detail, DetailType, OwnerType};
use crate::audit::{Audited, Picture};
use crate::cards::SpendingLimitView;
use crate::events::EventPart;
use crate::ledger::Balance;
use crate::view::{Free, Money};

/// An account: its settings and balances. Amounts are in major units of its currency.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Account)]
pub struct AccountView {
    /// Id of the object: 24 lowercase hex characters.
    #[serde(rename = "_id")]
    #[schema(example = "665f1c4f4a4f4a4f4a4f4a4f", pattern = "^[0-9a-f]{24}$")]
    pub id: String,
    /// Type of the owner.
    pub owner_type: OwnerType,
    /// Your id of the owner.
    #[schema(required = true)]
    pub owner_id: Option<String>,
    /// The client it belongs to.
    #[schema(example = "665f1c4f4a4f4a4f4a4f4a4f", pattern = "^[0-9a-f]{24}$")]
    pub client: String,
    /// Name.
    #[schema(example = "Primary USD Wallet")]
    pub name: String,
    /// What it is for.
    #[serde(rename = "type")]
    pub kind: AccountType,
    /// Category of the currency.
    pub category: CategoryWord,
    /// Status.
    pub status: AccountStatus,
    /// ISO 4217 code, or USDC, USDT, BTC.
    #[schema(example = "USD")]
    pub currency: String,
    /// Blockchain network of a crypto account.
    #[schema(required = true)]
    pub network: Option<String>,
    /// Same as `availableBalance`.
    pub balance: Money,
    /// Available balance: ledger balance, less held amounts, plus the credit limit.
    pub available_balance: Money,
    /// Ledger balance.
    pub ledger_balance: Money,
    /// Amount held by open authorizations.
    pub held_balance: Money,
    /// Credit limit: how far the ledger balance may go below zero.
    pub credit_limit: Money,
    /// Whether the account can be debited.
    pub can_debit: bool,
    /// Whether the account can be credited.
    pub can_credit: bool,
    /// Your own data.
    pub metadata: Free,
    /// Limits of all cards that the account funds, together; left out if there are none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    pub spending_limits: Vec<SpendingLimitView>,
    /// Version of the settings, from 1. Movements of money do not change it.
    pub version: i64,
    /// Time of creation, ISO 8601 in UTC.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: String,
    /// Time of the last change of the settings.
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
            spending_limits: account
                .limits
                .iter()
                .map(|limit| SpendingLimitView::of(limit, account.currency))
                .collect(),
            version: account.version,
            created_at: account.created_at.to_string(),
            updated_at: account.updated_at.to_string(),
        }
    }
}

/// The balances of an account after a movement, in the event `account.balance.updated`.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct BalanceView {
    /// The account's currency.
    pub currency: String,
    /// Ledger balance.
    pub ledger_balance: Money,
    /// Held amount.
    pub held_balance: Money,
    /// Available balance.
    pub available_balance: Money,
    /// Change of the ledger balance.
    pub change: Money,
    /// Whether the available balance is negative.
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
    /// Id of the object: 24 lowercase hex characters.
    #[serde(rename = "_id")]
    #[schema(example = "665f1c4f4a4f4a4f4a4f4a4f", pattern = "^[0-9a-f]{24}$")]
    pub id: String,
    /// The account.
    pub account_id: String,
    /// Type of the detail.
    #[serde(rename = "type")]
    pub kind: DetailType,
    /// Free-form data.
    pub details: Free,
    /// Provider.
    #[schema(required = true)]
    pub provider: Option<String>,
    /// Whether it is the account's primary detail of its type.
    pub is_primary: bool,
    /// Version of the object, from 1.
    pub version: i64,
    /// Time of creation.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: String,
    /// Time of the last change.
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
