//! Samples of card programs.

use crate::cards::Brand;
use crate::catalogue::{SAMPLE_TIME, Sampled};
use crate::events::EventType;
use crate::ids::{ClientId, ProgramId};
use crate::money::{Category, Currency};
use crate::programs::{NumberRange, Program, ProgramSettings, ProgramStatus, ProgramView};
use crate::time::Instant;

use super::sample_id;

impl Sampled for ProgramView {
    fn sample(kind: EventType) -> ProgramView {
        let archived = kind == EventType::ProgramArchived;
        let at = |seconds: i64| Instant::from_micros(SAMPLE_TIME + seconds * 1_000_000);
        let first = kind == EventType::ProgramCreated;
        ProgramView::of(&Program {
            client: ClientId(sample_id(0)),
            id: ProgramId(sample_id(12)),
            name: "Employee cards".to_owned(),
            status: if archived { ProgramStatus::Archived } else { ProgramStatus::Active },
            settings: ProgramSettings {
                brand: Some(Brand::Visa),
                currency: Currency::find("USD", Category::Fiat),
                ranges: vec![NumberRange { brand: Brand::Visa, prefix: "40066612".to_owned(), length: 16 }],
                ..ProgramSettings::default()
            },
            event_seq: 0,
            version: if first { 1 } else { 2 },
            created_at: at(if first { 0 } else { -86_400 }),
            updated_at: at(0),
        })
    }
}
