//! What is kept of an account and of its details.

use crate::ids::{AccountId, ClientId, DetailId};
use crate::money::{Category, Currency};
use crate::record::{AuditValue, Key, Kind, Record};
use crate::time::Instant;

crate::string_enum! {
    /// Who the money belongs to.
    pub enum OwnerType {
        /// A person.
        User = "user",
        /// A business.
        Business = "business",
        /// The operator itself.
        System = "system",
        /// A partner.
        Provider = "provider",
    }
}

crate::string_enum! {
    /// What the account is for.
    pub enum AccountType {
        /// Savings.
        Savings = "savings",
        /// Treasury.
        Treasury = "treasury",
        /// Checking.
        Checking = "checking",
        /// Credit: it may go below zero down to its credit limit.
        Credit = "credit",
    }
}

crate::string_enum! {
    /// Fiat or crypto.
    pub enum CategoryWord {
        /// A currency of ISO 4217.
        Fiat = "fiat",
        /// A crypto currency.
        Crypto = "crypto",
    }
}

impl From<CategoryWord> for Category {
    fn from(word: CategoryWord) -> Category {
        match word {
            CategoryWord::Fiat => Category::Fiat,
            CategoryWord::Crypto => Category::Crypto,
        }
    }
}

crate::string_enum! {
    /// Whether the account can be used.
    pub enum AccountStatus {
        /// It can be debited and credited.
        Active = "active",
        /// It was put to rest.
        Inactive = "inactive",
        /// It was stopped.
        Suspended = "suspended",
        /// It ended; this is final.
        Closed = "closed",
    }
}

crate::string_enum! {
    /// What kind of address a detail record is.
    pub enum DetailType {
        /// A bank account.
        BankAccount = "bank_account",
        /// A crypto wallet.
        CryptoWallet = "crypto_wallet",
    }
}

/// An account's settings. Its amounts are in the [`crate::ledger::Balance`] of the same id.
#[derive(Clone, Debug, PartialEq)]
pub struct Account {
    /// Whose.
    pub client: ClientId,
    /// Its id.
    pub id: AccountId,
    /// Who the money belongs to.
    pub owner_type: OwnerType,
    /// The caller's id of the owner.
    pub owner_id: Option<String>,
    /// Its name.
    pub name: String,
    /// What it is for.
    pub kind: AccountType,
    /// Fiat or crypto.
    pub category: CategoryWord,
    /// Whether it can be used.
    pub status: AccountStatus,
    /// Its currency.
    pub currency: Currency,
    /// The network of a crypto account, or whatever the caller keeps there.
    pub network: Option<String>,
    /// Whether it may be debited.
    pub can_debit: bool,
    /// Whether it may be credited.
    pub can_credit: bool,
    /// The caller's own data, a JSON object.
    pub metadata: Option<String>,
    /// The primary detail record of each type.
    pub primary_bank_account: Option<DetailId>,
    /// The primary detail record of each type.
    pub primary_crypto_wallet: Option<DetailId>,
    /// How many cards that are not canceled spend from it.
    pub live_cards: i64,
    /// How many ended cards behind which it stands have money, owe some, or await what is held on them.
    pub unsettled_cards: i64,
    /// Counts changes to the settings.
    pub version: i64,
    /// When it was opened.
    pub created_at: Instant,
    /// When its settings last changed.
    pub updated_at: Instant,
}

impl Account {
    /// The primary detail record of a type.
    pub fn primary(&self, kind: DetailType) -> Option<DetailId> {
        match kind {
            DetailType::BankAccount => self.primary_bank_account,
            DetailType::CryptoWallet => self.primary_crypto_wallet,
        }
    }

    /// Makes a detail record the primary one of its type.
    pub fn set_primary(&mut self, kind: DetailType, id: Option<DetailId>) {
        match kind {
            DetailType::BankAccount => self.primary_bank_account = id,
            DetailType::CryptoWallet => self.primary_crypto_wallet = id,
        }
    }
}

impl Record for Account {
    const KIND: Kind = Kind::Account;
    const AUDITED: Option<&'static str> = Some("account");

    fn key(&self) -> Key {
        Key::of(self.client, self.id.0)
    }

    fn variable_bytes(&self) -> usize {
        self.metadata.as_ref().map_or(0, String::len)
    }

    fn audit_fields(&self) -> Vec<(&'static str, AuditValue)> {
        vec![
            ("ownerType", self.owner_type.as_str().into()),
            ("ownerId", self.owner_id.clone().into()),
            ("name", self.name.clone().into()),
            ("type", self.kind.as_str().into()),
            ("category", self.category.as_str().into()),
            ("status", self.status.as_str().into()),
            ("currency", self.currency.code().into()),
            ("network", self.network.clone().into()),
            ("canDebit", self.can_debit.into()),
            ("canCredit", self.can_credit.into()),
            ("metadata", AuditValue::json(self.metadata.as_deref())),
        ]
    }
}

/// A bank account or wallet address hung on an account.
#[derive(Clone, Debug, PartialEq)]
pub struct Detail {
    /// Whose.
    pub client: ClientId,
    /// Its id.
    pub id: DetailId,
    /// The account it hangs on.
    pub account: AccountId,
    /// What kind of address.
    pub kind: DetailType,
    /// Free-form, a JSON object.
    pub details: Option<String>,
    /// Who provides it.
    pub provider: Option<String>,
    /// Whether it is the primary one of its type on the account.
    pub is_primary: bool,
    /// Counts changes.
    pub version: i64,
    /// When it was made.
    pub created_at: Instant,
    /// When it last changed.
    pub updated_at: Instant,
}

impl Record for Detail {
    const KIND: Kind = Kind::Detail;
    const AUDITED: Option<&'static str> = Some("account_detail");

    fn key(&self) -> Key {
        Key::of(self.client, self.id.0)
    }

    fn variable_bytes(&self) -> usize {
        self.details.as_ref().map_or(0, String::len)
    }

    fn audit_fields(&self) -> Vec<(&'static str, AuditValue)> {
        vec![
            ("accountId", self.account.to_string().into()),
            ("type", self.kind.as_str().into()),
            ("details", AuditValue::Hidden(self.details.clone().unwrap_or_default().into_bytes())),
            ("provider", self.provider.clone().into()),
            ("isPrimary", self.is_primary.into()),
        ]
    }
}
