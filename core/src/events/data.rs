//! The JSON of an event's data: the event type, the object it belongs to, and the members of the type.

use serde::Serialize;
use serde::ser::SerializeMap;
use serde_json::value::{RawValue, to_raw_value};

use crate::events::{EventType, Owner};

/// A view that is a member of the data of certain event types.
pub trait EventPart: Serialize {
    /// The member's name.
    const NAME: &'static str;
}

/// A member's name and JSON.
pub(crate) type Part = (&'static str, Box<RawValue>);

/// The member for a view.
pub(crate) fn part<T: EventPart>(view: &T) -> Part {
    (T::NAME, to_raw_value(view).expect("event data is plain JSON"))
}

/// The JSON text of an event's data.
pub(crate) fn data_of(kind: EventType, owner: Owner, parts: &[Part]) -> String {
    serde_json::to_string(&Data { kind, owner, parts }).expect("event data is plain JSON")
}

/// `{"eventType": …, "<owner>Id": …, …}`. Events of a card also name its card holder and account.
struct Data<'a> {
    kind: EventType,
    owner: Owner,
    parts: &'a [Part],
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
