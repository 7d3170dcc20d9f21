//! Fetching card holders, and the count of their cards.

use std::sync::Arc;

use crate::card_holders::CardHolder;
use crate::ids::CardHolderId;
use crate::record::Key;
use crate::refusal::{Refusal, Stop};
use crate::work::Work;

/// Fetches a card holder for update. `field` is where the body names it.
pub(crate) fn find_for_update(
    work: &mut Work,
    id: CardHolderId,
    field: Option<&'static str>,
) -> Result<Arc<CardHolder>, Stop> {
    let found = work.card_holders.get_for_update(Key::of(work.client(), id.0))?;
    Ok(found.ok_or(Refusal::CardHolderNotFound { field })?)
}

/// Counts a live card, or one that ended (`by` is -1).
pub(crate) fn count_cards(work: &mut Work, id: CardHolderId, by: i64) -> Result<(), Stop> {
    let holder = find_for_update(work, id, None)?;
    let mut counted = (*holder).clone();
    counted.live_cards += by;
    if counted.live_cards == 0 {
        counted.retain_from = work.now();
    }
    work.card_holders.put(counted);
    Ok(())
}
