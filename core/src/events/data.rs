//! The JSON of an event's data: the event type, the object it belongs to, and the members of the type.

use serde::Serialize;
use serde::ser::SerializeMap;
use serde_json::value::RawValue;

use crate::events::{EventType, Owner};
use crate::view::Pictured;

/// A view that is a member of the data of certain event types.
pub trait EventPart: Serialize {
    /// The member's name.
    const NAME: &'static str;
}

/// A member's name and JSON.
pub(crate) type Part<'a> = (&'static str, &'a RawValue);

/// The member for a view.
pub(crate) fn part<T: EventPart>(view: &Pictured<T>) -> Part<'_> {
    (T::NAME, view.json())
}

/// The JSON text of an event's data.
pub(crate) fn data_of(kind: EventType, owner: Owner, parts: &[Part<'_>]) -> String {
    serde_json::to_string(&Data { kind, owner, parts }).expect("event data is plain JSON")
}

/// `{"eventType": …, "<owner>Id": …, …}`. Events of a card also name its card holder and account.
struct Data<'a> {
    kind: EventType,
    owner: Owner,
    parts: &'a [Part<'a>],
}

impl Serialize for Data<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("eventType", &self.kind)?;
        map.serialize_entry(self.owner.names()[0], &self.owner.id().to_string())?;
        if let Owner::Card { holder, account, .. } = self.owner {
            map.serialize_entry("cardHolderId", &holder.to_string())?;
            map.serialize_entry("accountId", &account.to_string())?;
        }
        for (name, what) in self.parts {
            map.serialize_entry(name, what)?;
        }
        map.end()
    }
}
