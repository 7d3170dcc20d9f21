//! Bodies of calls on accounts.

use paygen_core::accounts::{AccountStatus, AccountType, AccountView, CategoryWord, DetailType, DetailView};
use paygen_core::money::Decimal;

use crate::fields::{DetailsObject, Metadata, OwnerTypeWord, Text};

crate::body! {
    /// Opens an account.
    pub struct CreateAccountBody {
        /// Who the money belongs to.
        required owner_type: OwnerTypeWord = "ownerType", example "business";
        /// Your own id of the owner.
        nullable owner_id: Text<1, 128> = "ownerId", example "665f1c4f4a4f4a4f4a4f4a4f";
        /// The client: taken from the credential; where it is sent, it must be the credential's.
        optional client: Text<1, 128> = "client";
        /// Its name.
        required name: Text<1, 120> = "name", example "USD Wallet";
        /// What it is for.
        required kind: AccountType = "type", example "checking";
        /// Fiat or crypto.
        required category: CategoryWord = "category", example "fiat";
        /// ISO 4217 code, or USDC, USDT, BTC.
        required currency: Text<3, 8> = "currency", example "USD";
        /// Whether it can be used; active unless said.
        optional status: AccountStatus = "status", example "active";
        /// The network of a crypto account.
        nullable network: Text<1, 64> = "network", example "ethereum";
        /// Opening balance, booked against the settlement account; needs the scope accounts:adjust.
        optional balance: Decimal = "balance", example 0;
        /// How far the posted balance may go below zero; for type credit only.
        nullable credit_limit: Decimal = "creditLimit", example 0, at least 0.0;
        /// Whether it may be debited; true unless said.
        optional can_debit: bool = "canDebit", example true;
        /// Whether it may be credited; true unless said.
        optional can_credit: bool = "canCredit", example true;
        /// Your own data.
        nullable metadata: Metadata = "metadata";
    }
}

crate::body! {
    /// Changes an account. Fields left out stay as they are.
    pub struct UpdateAccountBody echoing AccountView {
        /// Who the money belongs to.
        optional owner_type: OwnerTypeWord = "ownerType", example "business";
        /// Your own id of the owner.
        change owner_id: Text<1, 128> = "ownerId";
        /// Read-only.
        optional client: Text<1, 128> = "client";
        /// Its name.
        optional name: Text<1, 120> = "name", example "Primary USD Wallet";
        /// What it is for.
        optional kind: AccountType = "type", example "checking";
        /// Fiat or crypto; fixed once there are ledger entries.
        optional category: CategoryWord = "category", example "fiat";
        /// Whether it can be used; closed is final.
        optional status: AccountStatus = "status", example "active";
        /// The currency; fixed once there are ledger entries.
        optional currency: Text<3, 8> = "currency", example "USD";
        /// The network of a crypto account.
        change network: Text<1, 64> = "network";
        /// The available balance it shall have: a difference is booked against the settlement account and needs the
        /// scope accounts:adjust and If-Match.
        optional balance: Decimal = "balance", example 0;
        /// How far the posted balance may go below zero; for type credit only.
        change credit_limit: Decimal = "creditLimit", at least 0.0;
        /// Whether it may be debited.
        optional can_debit: bool = "canDebit", example true;
        /// Whether it may be credited.
        optional can_credit: bool = "canCredit", example true;
        /// Your own data, replaced whole.
        change metadata: Metadata = "metadata";
        /// Read-only.
        optional available_balance: Decimal = "availableBalance";
        /// Read-only.
        optional ledger_balance: Decimal = "ledgerBalance";
        /// Read-only.
        optional held_balance: Decimal = "heldBalance";
    }
}

crate::body! {
    /// Hangs a detail record on an account.
    pub struct CreateDetailBody {
        /// What kind of address.
        required kind: DetailType = "type", example "bank_account";
        /// Free-form, such as iban, routingNumber, accountNumber and bankCode, or address.
        nullable details: DetailsObject = "details";
        /// Who provides it.
        nullable provider: Text<1, 120> = "provider", example "acme-bank";
        /// Whether it becomes the primary one of its type; the first of a type does unless told otherwise.
        optional is_primary: bool = "isPrimary", example true;
    }
}

crate::body! {
    /// Changes a detail record. Fields left out stay as they are.
    pub struct UpdateDetailBody echoing DetailView {
        /// What kind of address.
        optional kind: DetailType = "type", example "bank_account";
        /// Free-form, replaced whole.
        change details: DetailsObject = "details";
        /// Who provides it.
        change provider: Text<1, 120> = "provider";
        /// Whether it is the primary one of its type.
        optional is_primary: bool = "isPrimary", example true;
    }
}
