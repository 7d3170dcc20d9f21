//! Card holders: who they are, their documents, whether they may hold cards.
//!
//! What is personal is sealed under a key of the card holder's own; the core keeps it and passes it on without being
//! able to read it. Erasing destroys that key.

mod create;
mod documents;
mod erase;
mod personal;
mod record;
mod sample;
mod update;
mod view;

pub use create::{CreateCardHolder, create};
pub use documents::{NewDocument, ReviewDocument, review};
pub use erase::{EraseCardHolder, erase};
pub use personal::{Address, DocumentText, Identification, Meta, Person, Personal, ProofText};
pub use record::{
    CardHolder, CardHolderStatus, Document, DocumentPart, FileRef, Files, ReviewStatus, SealedPersonal, SearchHashes,
};
pub use update::{UpdateCardHolder, update};
pub use view::{CardHolderNotice, CardHolderView, DocumentView, IdentificationView};

use std::sync::Arc;

use crate::ids::CardHolderId;
use crate::record::Key;
use crate::refusal::{Refusal, Stop};
use crate::work::Work;

/// The card holder of the running command's client, to be changed.
pub(crate) fn find_to_change(
    work: &mut Work,
    id: CardHolderId,
    field: Option<&'static str>,
) -> Result<Arc<CardHolder>, Stop> {
    let found = work.card_holders.get_to_change(Key::of(work.client(), id.0))?;
    Ok(found.ok_or(Refusal::CardHolderNotFound { field })?)
}

/// Counts a live card of the card holder, or one that ended.
pub(crate) fn count_cards(work: &mut Work, id: CardHolderId, by: i64) -> Result<(), Stop> {
    let holder = find_to_change(work, id, None)?;
    let mut counted = (*holder).clone();
    counted.live_cards += by;
    if counted.live_cards == 0 {
        counted.retain_from = work.now();
    }
    work.card_holders.put(counted);
    Ok(())
}

#[cfg(test)]
mod tests;
