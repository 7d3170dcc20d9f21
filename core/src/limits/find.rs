//! Fetching counters.

use crate::ids::Id;
use crate::limits::Counters;
use crate::record::Key;
use crate::refusal::Stop;
use crate::work::Work;

/// The counters of an owner, for update; empty ones if there are none yet.
pub(crate) fn counters(work: &mut Work, owner: Id) -> Result<Counters, Stop> {
    let client = work.client();
    let found = work.counters.get_for_update(Key::of(client, owner))?;
    Ok(found.map_or_else(|| Counters::new(client, owner), |counters| (*counters).clone()))
}
