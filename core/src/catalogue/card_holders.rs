//! Samples of card holders.

use crate::card_holders::{CardHolderNotice, CardHolderStatus, ReviewStatus};
use crate::catalogue::{SAMPLE_TIME, Sampled, sample_text};
use crate::events::EventType;
use crate::time::Instant;

impl Sampled for CardHolderNotice {
    fn sample(kind: EventType) -> CardHolderNotice {
        let verified = kind == EventType::CardHolderVerified;
        let status = match kind {
            EventType::CardHolderVerified => Some(ReviewStatus::Verified),
            EventType::CardHolderRejected => Some(ReviewStatus::Rejected),
            EventType::CardHolderErased => None,
            _ => Some(ReviewStatus::Pending),
        };
        let at = Instant::from_micros(SAMPLE_TIME).to_string();
        CardHolderNotice {
            id: sample_text(2),
            status: if kind == EventType::CardHolderErased {
                CardHolderStatus::Blocked
            } else {
                CardHolderStatus::Active
            },
            verified,
            document_status: status,
            proof_of_address_status: status
                .map(|_| if verified { ReviewStatus::Verified } else { ReviewStatus::Pending }),
            version: if kind == EventType::CardHolderCreated { 1 } else { 2 },
            created_at: at.clone(),
            updated_at: at,
        }
    }
}
