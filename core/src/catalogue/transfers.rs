//! Samples of transfers.

use crate::catalogue::{SAMPLE_TIME, Sampled, sample_text};
use crate::events::EventType;
use crate::money::{Category, Currency};
use crate::time::Instant;
use crate::transfers::{TransferStatus, TransferView};
use crate::view::{Free, Money};

impl Sampled for TransferView {
    fn sample(kind: EventType) -> TransferView {
        let usd = Currency::find("USD", Category::Fiat).expect("a currency");
        let reversed = kind == EventType::TransferReversed;
        let at = Instant::from_micros(SAMPLE_TIME).to_string();
        TransferView {
            id: sample_text(9),
            from_account_id: sample_text(3),
            to_account_id: sample_text(10),
            amount: Money::new(2_500, usd),
            currency: "USD".to_owned(),
            reversed_amount: Money::new(if reversed { 2_500 } else { 0 }, usd),
            status: if reversed { TransferStatus::Reversed } else { TransferStatus::Posted },
            reference: Some("auto-topup-feb-24".to_owned()),
            narration: Some("Wallet to wallet".to_owned()),
            metadata: Free::object(None),
            entry_id: sample_text(8),
            reversal_entry_id: reversed.then(|| sample_text(11)),
            version: if reversed { 2 } else { 1 },
            created_at: at.clone(),
            updated_at: at,
        }
    }
}
