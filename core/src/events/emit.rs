//! Emitting events: assigns the sequence and appends the event to the batch.

use crate::events::{Event, EventPart, EventType, Owner, Part, data_of, part};
use crate::ids::EventId;
use crate::record::{Key, Record};
use crate::refusal::Stop;
use crate::table::Table;
use crate::view::Pictured;
use crate::work::Work;

/// Emits an event of `owner`. The owner's row must be held exclusively, because it counts the events.
/// Returns the picture that the event carries, which is what the command answers.
pub fn emit<V: EventPart>(work: &mut Work, owner: Owner, kind: EventType, what: V) -> Result<Pictured<V>, Stop> {
    let what = Pictured::from(what);
    emit_with(work, owner, kind, [part(&what)])?;
    Ok(what)
}

/// As [`emit`], with several members, in the order in which the catalogue lists them.
pub(crate) fn emit_with<const PARTS: usize>(
    work: &mut Work,
    owner: Owner,
    kind: EventType,
    parts: [Part<'_>; PARTS],
) -> Result<(), Stop> {
    let sequence = next_sequence(work, owner)?;
    let event = Event {
        client: work.client(),
        id: EventId(work.new_id()),
        kind: kind.as_str().to_owned(),
        object_type: owner.object_type().to_owned(),
        object_id: owner.id(),
        sequence,
        position: None,
        data: data_of(kind, owner, &parts),
        request_id: work.context().request_id.to_string(),
        created_at: work.now(),
    };
    work.appended.events.push(event);
    Ok(())
}

fn next_sequence(work: &mut Work, owner: Owner) -> Result<i64, Stop> {
    let key = Key::of(work.client(), owner.id());
    match owner {
        Owner::Account(_) | Owner::Card { .. } => count(&mut work.balances, key, |row| &mut row.event_seq),
        Owner::CardHolder(_) => count(&mut work.card_holders, key, |row| &mut row.event_seq),
        Owner::ApiKey(_) => count(&mut work.api_keys, key, |row| &mut row.event_seq),
        Owner::Webhook(_) => count(&mut work.webhooks, key, |row| &mut row.event_seq),
        Owner::Program(_) => count(&mut work.programs, key, |row| &mut row.event_seq),
        Owner::Responder(_) => count(&mut work.responders, key, |row| &mut row.event_seq),
    }
}

/// Increments the event counter of a row.
fn count<R: Record>(table: &mut Table<R>, key: Key, last: fn(&mut R) -> &mut i64) -> Result<i64, Stop> {
    let found = table.get_for_update(key)?.expect("what an event belongs to is there");
    let mut row = (*found).clone();
    *last(&mut row) += 1;
    let sequence = *last(&mut row);
    table.put(row);
    Ok(sequence)
}
