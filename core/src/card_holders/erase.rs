//! Erasing a card holder: the key is destroyed, plain fields are blanked, documents are deleted. All other copies of
//! personal data are sealed under the destroyed key.

use crate::card_holders::create::current;
use crate::card_holders::{CardHolder, CardHolderNotice, CardHolderStatus, Files, SearchHashes, find_for_update};
use crate::events::{EventType, Owner, emit};
use crate::ids::{CardHolderId, ClientId, DocumentId, Id};
use crate::record::Key;
use crate::refusal::{Refusal, Stop};
use crate::verb::Verb;
use crate::work::Work;

#[derive(Clone, Debug)]
pub struct EraseCardHolder {
    pub id: CardHolderId,
    pub documents: Vec<DocumentId>,
    /// The retention period after the last card ended.
    pub retention_seconds: i64,
    pub if_match: Option<i64>,
}

impl Verb for EraseCardHolder {
    type Answer = CardHolder;

    fn home(&self) -> Option<Id> {
        Some(self.id.0)
    }

    fn prefetch(&self, _: &mut Work, _: ClientId) {}

    fn run(&self, work: &mut Work) -> Result<CardHolder, Stop> {
        erase(work, self)
    }
}

/// Erasing twice changes nothing.
fn erase(work: &mut Work, command: &EraseCardHolder) -> Result<CardHolder, Stop> {
    let holder = find_for_update(work, command.id, None)?;
    crate::fields::check_version(command.if_match, holder.version)?;
    if holder.erased_at.is_some() {
        return Ok((*holder).clone());
    }
    if holder.live_cards > 0 {
        return Err(Refusal::CardHolderInUse { live_cards: holder.live_cards }.into());
    }
    let now = work.now();
    let until = holder.retain_from.plus_seconds(command.retention_seconds);
    if until > now {
        return Err(Refusal::RetentionNotOver { until: until.to_string() }.into());
    }
    if i64::try_from(command.documents.len()).ok() != Some(holder.documents) {
        return Err(Refusal::Stale.into());
    }
    let mut keys = Vec::new();
    for id in &command.documents {
        let key = Key::of(work.client(), id.0);
        let found = work.documents.get_for_update(key)?;
        if found.is_none_or(|document| document.card_holder != command.id) || keys.contains(&key) {
            return Err(Refusal::Stale.into());
        }
        keys.push(key);
    }

    for key in keys {
        work.documents.delete(key);
    }
    let mut erased = CardHolder {
        name: String::new(),
        status: CardHolderStatus::Blocked,
        key: None,
        personal: None,
        hashes: SearchHashes::default(),
        metadata: None,
        document_status: None,
        document_expires: None,
        proof_status: None,
        files: Files::default(),
        documents: 0,
        erased_at: Some(now),
        ..(*holder).clone()
    };
    erased.touch(now);
    work.card_holders.put(erased.clone());
    emit(work, Owner::CardHolder(erased.id), EventType::CardHolderErased, CardHolderNotice::of(&erased, now))?;
    current(work, erased.id)
}
