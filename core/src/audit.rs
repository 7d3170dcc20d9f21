//! The audit log of changes: an entry for each object that a command changed, with the members in which the object as it
//! is shown differs from before. A new member of a view is audited without a line here.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use serde_json::value::RawValue;

use crate::hash::hex;
use crate::record::Record;
use crate::table::Touched;
use crate::work::Work;

/// A record whose changes are audited.
pub(crate) trait Audited: Record {
    /// The object's name in the audit log.
    const OBJECT: &'static str;

    fn picture(&self) -> Picture;
}

/// What the audit log shows of an object. Values are JSON texts, so that amounts and free-form JSON keep every digit.
#[derive(Debug, Default)]
pub(crate) struct Picture {
    members: BTreeMap<String, Box<RawValue>>,
    /// Members with secret or personal values: the log shows only that they changed.
    hidden: BTreeSet<&'static str>,
}

impl Picture {
    /// All members of a view but its id, client, version and times.
    pub(crate) fn of(view: &impl Serialize) -> Picture {
        let text = serde_json::to_string(view).expect("a view is plain JSON");
        let members = serde_json::from_str(&text).expect("a view is a JSON object");
        Picture { members, hidden: BTreeSet::new() }.without(&["_id", "client", "version", "createdAt", "updatedAt"])
    }

    /// Leaves members out.
    pub(crate) fn without(mut self, names: &[&str]) -> Picture {
        self.members.retain(|name, _| !names.contains(&name.as_str()));
        self
    }

    /// Hides the value of a member.
    pub(crate) fn hiding(mut self, name: &'static str) -> Picture {
        self.hidden.insert(name);
        self
    }

    /// Adds a member whose value is hidden.
    pub(crate) fn with_hidden(mut self, name: &'static str, value: &[u8]) -> Picture {
        let text = serde_json::value::to_raw_value(&hex(value)).expect("text is plain JSON");
        self.members.insert(name.to_owned(), text);
        self.hiding(name)
    }
}

#[derive(Serialize)]
#[serde(untagged)]
enum Difference<'a> {
    Shown { before: Option<&'a RawValue>, after: Option<&'a RawValue> },
    Hidden { changed: bool },
}

/// The members in which two pictures differ. A member that is absent counts as null.
fn differences<'a>(before: &'a Picture, after: &'a Picture) -> BTreeMap<&'a str, Difference<'a>> {
    let value =
        |of: &'a Picture, name: &str| of.members.get(name).map(|value| &**value).filter(|value| value.get() != "null");
    let names = before.members.keys().chain(after.members.keys());
    names
        .filter_map(|name| {
            let (was, now) = (value(before, name), value(after, name));
            if was.map(RawValue::get) == now.map(RawValue::get) {
                return None;
            }
            let hidden = before.hidden.contains(name.as_str()) || after.hidden.contains(name.as_str());
            let shown = Difference::Shown { before: was, after: now };
            Some((name.as_str(), if hidden { Difference::Hidden { changed: true } } else { shown }))
        })
        .collect()
}

fn append<R: Audited>(changed: Vec<Touched<R>>, work: &mut Work) {
    for Touched { before, after, .. } in changed {
        let Some(row) = after.as_ref().or(before.as_ref()) else { continue };
        let id = hex(row.key().id.as_slice());
        let picture = |row: Option<&R>| row.map(R::picture).unwrap_or_default();
        let (before, after) = (picture(before.as_deref()), picture(after.as_deref()));
        let changes = differences(&before, &after);
        if !changes.is_empty() {
            work.audit(R::OBJECT, &id, changes);
        }
    }
}

/// Adds an entry for every audited object that the running command changed.
pub(crate) fn audit_changes(work: &mut Work) {
    append(work.clock.changed_by_command(), work);
    append(work.clients.changed_by_command(), work);
    append(work.api_keys.changed_by_command(), work);
    append(work.tokens.changed_by_command(), work);
    append(work.accounts.changed_by_command(), work);
    append(work.details.changed_by_command(), work);
    append(work.transfers.changed_by_command(), work);
    append(work.card_holders.changed_by_command(), work);
    append(work.documents.changed_by_command(), work);
    append(work.cards.changed_by_command(), work);
    append(work.network_exceptions.changed_by_command(), work);
    append(work.webhooks.changed_by_command(), work);
    append(work.programs.changed_by_command(), work);
    append(work.responders.changed_by_command(), work);
    append(work.users.changed_by_command(), work);
    append(work.user_secrets.changed_by_command(), work);
    append(work.sessions.changed_by_command(), work);
    append(work.approvals.changed_by_command(), work);
    append(work.approval_policies.changed_by_command(), work);
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{Picture, differences};

    fn picture(view: serde_json::Value) -> Picture {
        Picture::of(&view)
            .without(&["balance"])
            .hiding("name")
            .with_hidden("sealed", view["_id"].to_string().as_bytes())
    }

    #[test]
    fn changed_members_are_shown_and_secret_ones_only_named() {
        let none = json!({});
        let one = json!({"_id": 1, "name": "A", "status": "active", "note": null, "balance": 1, "version": 1});
        let two = json!({"_id": 1, "name": "B", "status": "closed", "balance": 2, "version": 2});
        let changed = json!({"changed": true});
        for (case, before, after, expected) in [
            ("same", &one, &one, json!({})),
            ("changed", &one, &two, json!({"name": changed, "status": {"before": "active", "after": "closed"}})),
            (
                "other secret",
                &none,
                &one,
                json!({"name": changed, "sealed": changed, "status": {"before": null, "after": "active"}}),
            ),
        ] {
            let (before, after) = (picture(before.clone()), picture(after.clone()));
            let found = serde_json::to_value(differences(&before, &after)).expect("JSON");
            assert_eq!(found, expected, "{case}");
        }
    }

    #[test]
    fn numbers_keep_their_digits() {
        let view = |text: &str| Picture::of(&serde_json::value::RawValue::from_string(text.to_owned()).expect("JSON"));
        let (before, after) = (view(r#"{"amount":90071992547409930.10}"#), view(r#"{"amount":90071992547409930.20}"#));
        let found = serde_json::to_string(&differences(&before, &after)).expect("JSON");
        assert_eq!(found, r#"{"amount":{"before":90071992547409930.10,"after":90071992547409930.20}}"#);
    }
}
