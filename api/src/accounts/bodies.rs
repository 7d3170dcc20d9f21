//! Bodies of calls on accounts.

use paygen_core::accounts::{AccountStatus, AccountType, AccountView, CategoryWord, DetailType, DetailView};
use paygen_core::money::Decimal;

use crate::fields::{DetailsObject, Metadata, OwnerTypeWord, Text};
use crate::limits::SpendingLimits;

crate::body! {
    /// Creates an account.
    pub struct CreateAccountBody {
        /// Type of the owner.
        required owner_type: OwnerTypeWord = "ownerType", example "business";
        /// Your id of the owner.
        nullable owner_id: Text<1, 128> = "ownerId", example "665f1c4f4a4f4a4f4a4f4a4f";
        /// The client. It is taken from the credential; if sent, it must be the credential's client.
        optional client: Text<1, 128> = "client";
        /// Name.
        required name: Text<1, 120> = "name", example "USD Wallet";
        /// What it is for.
        required kind: AccountType = "type", example "checking";
        /// Category of the currency.
        required category: CategoryWord = "category", example "fiat";
        /// ISO 4217 code, or USDC, USDT, BTC.
        required currency: Text<3, 8> = "currency", example "USD";
        /// Status. Defaults to active.
        optional status: AccountStatus = "status", example "active";
        /// Blockchain network of a crypto account.
        nullable network: Text<1, 64> = "network", example "ethereum";
        /// Opening balance, posted against the settlement account. Requires the scope accounts:adjust.
        optional balance: Decimal = "balance", example 0;
        /// Credit limit: how far the ledger balance may go below zero. Only for type credit.
        nullable credit_limit: Decimal = "creditLimit", example 0, at least 0.0;
        /// Whether the account can be debited. Defaults to true.
        optional can_debit: bool = "canDebit", example true;
        /// Whether the account can be credited. Defaults to true.
        optional can_credit: bool = "canCredit", example true;
        /// Your own data.
        nullable metadata: Metadata = "metadata";
        /// Limits of all cards that the account funds, together, in the account's currency.
        nullable spending_limits: SpendingLimits = "spendingLimits";
    }
}

crate::body! {
    /// Updates an account. Omitted fields keep their values.
    pub struct UpdateAccountBody echoing AccountView {
        /// Type of the owner.
        optional owner_type: OwnerTypeWord = "ownerType", example "business";
        /// Your id of the owner.
        change owner_id: Text<1, 128> = "ownerId";
        /// Read-only.
        optional client: Text<1, 128> = "client";
        /// Name.
        optional name: Text<1, 120> = "name", example "Primary USD Wallet";
        /// What it is for.
        optional kind: AccountType = "type", example "checking";
        /// Category of the currency. It cannot change once the account has ledger entries.
        optional category: CategoryWord = "category", example "fiat";
        /// Status; closed is final.
        optional status: AccountStatus = "status", example "active";
        /// The currency. It cannot change once the account has ledger entries.
        optional currency: Text<3, 8> = "currency", example "USD";
        /// Blockchain network of a crypto account.
        change network: Text<1, 64> = "network";
        /// The new available balance. The difference is posted against the settlement account; this requires the scope
        /// accounts:adjust and If-Match.
        optional balance: Decimal = "balance", example 0;
        /// Credit limit: how far the ledger balance may go below zero. Only for type credit.
        change credit_limit: Decimal = "creditLimit", at least 0.0;
        /// Whether the account can be debited.
        optional can_debit: bool = "canDebit", example true;
        /// Whether the account can be credited.
        optional can_credit: bool = "canCredit", example true;
        /// Your own data; replaces the stored object.
        change metadata: Metadata = "metadata";
        /// Limits of all cards that the account funds, together, in the account's currency; null removes all.
        change spending_limits: SpendingLimits = "spendingLimits";
        /// Read-only.
        optional available_balance: Decimal = "availableBalance";
        /// Read-only.
        optional ledger_balance: Decimal = "ledgerBalance";
        /// Read-only.
        optional held_balance: Decimal = "heldBalance";
    }
}

crate::body! {
    /// Adds a bank account or wallet address to an account.
    pub struct CreateDetailBody {
        /// Type of the detail.
        required kind: DetailType = "type", example "bank_account";
        /// Free-form data, such as iban, routingNumber, accountNumber, bankCode or address.
        nullable details: DetailsObject = "details";
        /// Provider.
        nullable provider: Text<1, 120> = "provider", example "acme-bank";
        /// Whether it becomes the primary detail of its type. Defaults to true for the first detail of a type.
        optional is_primary: bool = "isPrimary", example true;
    }
}

crate::body! {
    /// Updates an account detail. Omitted fields keep their values.
    pub struct UpdateDetailBody echoing DetailView {
        /// Type of the detail.
        optional kind: DetailType = "type", example "bank_account";
        /// Free-form data; replaces the stored object.
        change details: DetailsObject = "details";
        /// Provider.
        change provider: Text<1, 120> = "provider";
        /// Whether it is the primary detail of its type.
        optional is_primary: bool = "isPrimary", example true;
    }
}
