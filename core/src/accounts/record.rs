//! The records of accounts and their details.

use crate::ids::{AccountId, ClientId, DetailId};
use crate::limits::SpendingLimit;
use crate::money::{Category, Currency};
use crate::record::{Key, Kind, Record};
use crate::time::Instant;

crate::string_enum! {
    pub enum OwnerType {
        User = "user",
        Business = "business",
        System = "system",
        Provider = "provider",
    }
}

crate::string_enum! {
    pub enum AccountType {
        Savings = "savings",
        Treasury = "treasury",
        Checking = "checking",
        /// May go below zero, down to its credit limit.
        Credit = "credit",
    }
}

crate::string_enum! {
    pub enum CategoryWord {
        /// ISO 4217.
        Fiat = "fiat",
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
    pub enum AccountStatus {
        Active = "active",
        Inactive = "inactive",
        Suspended = "suspended",
        /// Final.
        Closed = "closed",
    }
}

crate::string_enum! {
    pub enum DetailType {
        BankAccount = "bank_account",
        CryptoWallet = "crypto_wallet",
    }
}

/// An account's settings. Its amounts are in the [`crate::ledger::Balance`] with the same id.
#[derive(Clone, Debug, PartialEq)]
pub struct Account {
    pub client: ClientId,
    pub id: AccountId,
    pub owner_type: OwnerType,
    /// The caller's id of the owner.
    pub owner_id: Option<String>,
    pub name: String,
    pub kind: AccountType,
    pub category: CategoryWord,
    pub status: AccountStatus,
    pub currency: Currency,
    /// The network of a crypto account, or any text of the caller's.
    pub network: Option<String>,
    pub can_debit: bool,
    pub can_credit: bool,
    pub metadata: Option<String>,
    pub primary_bank_account: Option<DetailId>,
    pub primary_crypto_wallet: Option<DetailId>,
    /// The number of cards that are not canceled and spend from it.
    pub live_cards: i64,
    /// The number of its canceled cards that are unsettled: with money, a debt or a hold.
    pub unsettled_cards: i64,
    /// Limits of all cards that it funds, together.
    pub limits: Vec<SpendingLimit>,
    pub version: i64,
    pub created_at: Instant,
    pub updated_at: Instant,
}

impl Account {
    pub fn primary(&self, kind: DetailType) -> Option<DetailId> {
        match kind {
            DetailType::BankAccount => self.primary_bank_account,
            DetailType::CryptoWallet => self.primary_crypto_wallet,
        }
    }

    /// Sets the primary detail record of a type.
    pub fn set_primary(&mut self, kind: DetailType, id: Option<DetailId>) {
        match kind {
            DetailType::BankAccount => self.primary_bank_account = id,
            DetailType::CryptoWallet => self.primary_crypto_wallet = id,
        }
    }
}

impl Record for Account {
    const KIND: Kind = Kind::Account;

    fn key(&self) -> Key {
        Key::of(self.client, self.id.0)
    }

    fn variable_bytes(&self) -> usize {
        self.metadata.as_ref().map_or(0, String::len)
    }
}

/// A bank account or wallet address of an account.
#[derive(Clone, Debug, PartialEq)]
pub struct Detail {
    pub client: ClientId,
    pub id: DetailId,
    pub account: AccountId,
    pub kind: DetailType,
    /// A free-form JSON object.
    pub details: Option<String>,
    pub provider: Option<String>,
    pub is_primary: bool,
    pub version: i64,
    pub created_at: Instant,
    pub updated_at: Instant,
}

impl Record for Detail {
    const KIND: Kind = Kind::Detail;

    fn key(&self) -> Key {
        Key::of(self.client, self.id.0)
    }

    fn variable_bytes(&self) -> usize {
        self.details.as_ref().map_or(0, String::len)
    }
}
