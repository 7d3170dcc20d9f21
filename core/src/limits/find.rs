//! Counters as rules fetch them.

use crate::ids::Id;
use crate::limits::Counters;
use crate::record::Key;
use crate::refusal::Stop;
use crate::work::Work;

/// The counters of a card or card holder.
pub(crate) fn counters(work: &mut Work, owner: Id) -> Result<Counters, Stop> {
    let client = work.client();
    let found = work.counters.get_for_update(Key::of(client, owner))?;
    Ok(found.map_or_else(|| Counters::new(client, owner), |counters| (*counters).clone()))
}
