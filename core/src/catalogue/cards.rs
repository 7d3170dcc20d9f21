//! Samples of cards.

use crate::cards::{
    Brand, CardStatus, CardType, CardView, ChannelsView, FundingMode, MovementView, RevealPurpose, RevealView,
    SpendingControlsView, StatusChangeView,
};
use crate::catalogue::{SAMPLE_TIME, Sampled, sample_text};
use crate::events::EventType;
use crate::money::{Category, Currency};
use crate::time::Instant;
use crate::view::{Free, Money};

impl Sampled for CardView {
    fn sample(kind: EventType) -> CardView {
        let usd = Currency::find("USD", Category::Fiat).expect("a currency");
        let replaced = kind == EventType::CardReplaced;
        let ended = replaced || kind == EventType::CardTerminated;
        let held = Money::new(if ended { 0 } else { 10_000 }, usd);
        let status = if ended { CardStatus::Canceled } else { CardStatus::Active };
        let at = Instant::from_micros(SAMPLE_TIME).to_string();
        let change =
            |status: CardStatus| StatusChangeView { status: status.as_str().to_owned(), at: at.clone(), reason: None };
        CardView {
            id: sample_text(1),
            debit_account_id: sample_text(3),
            card_holder_id: sample_text(2),
            program_id: sample_text(12),
            kind: CardType::Virtual,
            brand: Brand::Visa,
            currency: "USD".to_owned(),
            status,
            cancellation_reason: ended.then(|| if replaced { "replaced" } else { "requested" }.to_owned()),
            credit_account_id: (ended && !replaced).then(|| sample_text(3)),
            balance: held,
            available_balance: held,
            masked_pan: "400555******0019".to_owned(),
            last4: "0019".to_owned(),
            bin: "400555".to_owned(),
            expiry_month: 4,
            expiry_year: 2030,
            funding_mode: FundingMode::Prefunded,
            metadata: Free::object(None),
            spending_controls: SpendingControlsView {
                channels: ChannelsView { atm: true, pos: true, web: true, mobile: true },
                allowed_categories: Vec::new(),
                blocked_categories: Vec::new(),
                allowed_merchants: Vec::new(),
                blocked_merchants: Vec::new(),
                allowed_countries: Vec::new(),
                blocked_countries: Vec::new(),
                spending_limits: Vec::new(),
            },
            enable_2fa: false,
            disposable: false,
            valid_from: None,
            valid_until: None,
            merchant_lock: false,
            locked_merchant_id: None,
            cancel_after: None,
            pin_set: false,
            activated_at: Some(at.clone()),
            replacement_for: None,
            replaced_by: replaced.then(|| sample_text(12)),
            status_history: [CardStatus::Active, CardStatus::Canceled]
                .into_iter()
                .take(1 + usize::from(ended))
                .map(change)
                .collect(),
            version: if kind == EventType::CardCreated { 1 } else { 2 },
            created_at: at.clone(),
            updated_at: at.clone(),
        }
    }
}

impl Sampled for MovementView {
    fn sample(kind: EventType) -> MovementView {
        let usd = Currency::find("USD", Category::Fiat).expect("a currency");
        let held = Money::new(if kind == EventType::CardFunded { 12_500 } else { 7_500 }, usd);
        MovementView {
            amount: Money::new(2_500, usd),
            currency: "USD".to_owned(),
            account_id: sample_text(3),
            payment_reference: Some("auto-topup-feb-24".to_owned()),
            narration: Some("Card funding".to_owned()),
            entry_id: sample_text(8),
            balance: held,
            available_balance: held,
        }
    }
}

impl Sampled for RevealView {
    fn sample(_: EventType) -> RevealView {
        RevealView { purpose: RevealPurpose::Reveal, address: Some("203.0.113.7".to_owned()) }
    }
}
