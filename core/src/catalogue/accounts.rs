//! Samples of accounts.

use crate::accounts::{AccountStatus, AccountType, AccountView, BalanceView, CategoryWord, OwnerType};
use crate::catalogue::{SAMPLE_TIME, Sampled, sample_text};
use crate::events::EventType;
use crate::money::{Category, Currency};
use crate::time::Instant;
use crate::view::{Free, Money};

impl Sampled for AccountView {
    fn sample(kind: EventType) -> AccountView {
        let usd = Currency::find("USD", Category::Fiat).expect("a currency");
        let closed = kind == EventType::AccountClosed;
        let held = if closed { 0 } else { 50_000 };
        let at = Instant::from_micros(SAMPLE_TIME).to_string();
        AccountView {
            id: sample_text(3),
            owner_type: OwnerType::Business,
            owner_id: None,
            client: sample_text(0),
            name: "Primary USD Wallet".to_owned(),
            kind: AccountType::Checking,
            category: CategoryWord::Fiat,
            status: if closed { AccountStatus::Closed } else { AccountStatus::Active },
            currency: "USD".to_owned(),
            network: None,
            balance: Money::new(held, usd),
            available_balance: Money::new(held, usd),
            ledger_balance: Money::new(held, usd),
            held_balance: Money::new(0, usd),
            credit_limit: Money::new(0, usd),
            can_debit: true,
            can_credit: true,
            metadata: Free::object(None),
            spending_limits: Vec::new(),
            version: if kind == EventType::AccountCreated { 1 } else { 2 },
            created_at: at.clone(),
            updated_at: at,
        }
    }
}

impl Sampled for BalanceView {
    fn sample(_: EventType) -> BalanceView {
        let usd = Currency::find("USD", Category::Fiat).expect("a currency");
        BalanceView {
            currency: "USD".to_owned(),
            ledger_balance: Money::new(50_000, usd),
            held_balance: Money::new(2_550, usd),
            available_balance: Money::new(47_450, usd),
            change: Money::new(-2_550, usd),
            overdrawn: false,
            entry_id: sample_text(8),
        }
    }
}
