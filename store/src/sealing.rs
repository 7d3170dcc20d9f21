//! The data keys that a batch's content is sealed under. A commit is refused if one of them no longer exists.
//!
//! This makes it safe to delete a retired key while other nodes write. Deleting locks the key's row and then searches
//! for content under the key; a commit locks the rows of the keys it uses. So either the search sees the commit, or the
//! commit finds the key gone and stores nothing, however long its node was suspended in between.

use std::collections::BTreeSet;

use paygen_core::rotation::Sealed;
use paygen_core::table::Change;
use paygen_core::work::Changes;

use crate::StoreError;

/// The ids of the data keys used by the batch's new content.
pub(crate) fn relied_on(changes: &Changes) -> BTreeSet<String> {
    let mut ids = BTreeSet::new();
    for row in written(&changes.card_secrets) {
        ids.extend(named(&row.number));
        ids.extend(row.pin.as_deref().and_then(named));
    }
    for row in written(&changes.card_holders) {
        ids.extend(row.key.as_deref().and_then(named));
    }
    for row in written(&changes.webhooks) {
        ids.extend(named(&row.credentials));
    }
    for row in written(&changes.responders) {
        ids.extend(named(&row.credentials));
    }
    for row in written(&changes.user_secrets) {
        ids.extend(row.totp.as_deref().and_then(named));
    }
    // A response about a card holder is sealed under that card holder's key.
    for row in written(&changes.idempotency).filter(|row| row.subject.is_none()) {
        ids.extend(named(&row.body));
    }
    ids
}

fn written<R>(changes: &[Change<R>]) -> impl Iterator<Item = &R> {
    changes.iter().filter_map(|change| match change {
        Change::Insert(row) | Change::Update(row) => Some(&**row),
        Change::Delete(_) => None,
    })
}

/// Sealed content begins with version 1 and the eight hex characters of its key's id.
fn named(content: &[u8]) -> Option<String> {
    let (id, _) = content.strip_prefix(&[1])?.split_first_chunk::<8>()?;
    let id = std::str::from_utf8(id).ok()?;
    id.bytes().all(|byte| byte.is_ascii_hexdigit()).then(|| id.to_owned())
}

/// The error of a commit under a deleted key. The node loads the current keys within seconds.
pub(crate) fn key_gone() -> StoreError {
    StoreError::Unavailable("the data key that sealed this was deleted meanwhile; nothing is stored".to_owned())
}

/// The table, last key column and column of a kind of sealed content.
pub(crate) fn place_of(sealed: Sealed) -> (&'static str, &'static str, &'static str) {
    match sealed {
        Sealed::CardNumber => ("card_secrets", "card", "sealed_number"),
        Sealed::Pin => ("card_secrets", "card", "sealed_pin"),
        Sealed::HolderKey => ("card_holders", "id", "holder_key"),
        Sealed::WebhookCredentials => ("webhooks", "id", "credentials"),
        Sealed::ResponderCredentials => ("responders", "id", "credentials"),
        Sealed::Answer => ("idempotency", "key_hash", "body"),
        Sealed::SecondFactor => ("user_secrets", "user_id", "totp"),
    }
}
