//! Which data keys a batch's rows are sealed under: a commit is refused when one of them is no longer kept.
//!
//! This is what makes it safe to delete a retired key while others write. Deleting locks the key's row and then looks
//! for content under it; a commit locks the row of each key it relies on against being deleted. So either the commit
//! is seen by the look, or it finds the key gone and stores nothing, however long its node slept in between.

use std::collections::BTreeSet;
use std::sync::Arc;

use paygen_core::rotation::Sealed;
use paygen_core::table::{Change, Table};
use paygen_core::work::Work;

use crate::StoreError;

/// The ids of the data keys that the batch's new content names.
pub(crate) fn relied_on(work: &Work) -> BTreeSet<String> {
    let mut ids = BTreeSet::new();
    for row in written(&work.card_secrets) {
        ids.extend(named(&row.number));
        ids.extend(row.pin.as_deref().and_then(named));
    }
    for row in written(&work.card_holders) {
        ids.extend(row.key.as_deref().and_then(named));
    }
    for row in written(&work.webhooks) {
        ids.extend(named(&row.credentials));
    }
    // An answer about a card holder is sealed under their own key.
    for row in written(&work.idempotency).filter(|row| row.subject.is_none()) {
        ids.extend(named(&row.body));
    }
    ids
}

fn written<R: paygen_core::record::Record>(table: &Table<R>) -> impl Iterator<Item = Arc<R>> {
    table.changes().into_iter().filter_map(|change| match change {
        Change::Insert(row) | Change::Update(row) => Some(row),
        Change::Delete(_) => None,
    })
}

/// Sealed content begins with the version 1 and the eight hex characters of its key's id.
fn named(content: &[u8]) -> Option<String> {
    let (id, _) = content.strip_prefix(&[1])?.split_first_chunk::<8>()?;
    let id = std::str::from_utf8(id).ok()?;
    id.bytes().all(|byte| byte.is_ascii_hexdigit()).then(|| id.to_owned())
}

/// Why a commit under a key that is gone is refused. This node learns the present keys by itself, within seconds.
pub(crate) fn key_gone() -> StoreError {
    StoreError::Unavailable("the data key that sealed this was deleted meanwhile; nothing is stored".to_owned())
}

/// Table, last key column and column of a kind of sealed content.
pub(crate) fn place_of(sealed: Sealed) -> (&'static str, &'static str, &'static str) {
    match sealed {
        Sealed::CardNumber => ("card_secrets", "card", "sealed_number"),
        Sealed::Pin => ("card_secrets", "card", "sealed_pin"),
        Sealed::HolderKey => ("card_holders", "id", "holder_key"),
        Sealed::WebhookCredentials => ("webhooks", "id", "credentials"),
        Sealed::Answer => ("idempotency", "key_hash", "body"),
    }
}
