//! Changing a card holder, optionally with new files.

use crate::card_holders::create::current;
use crate::card_holders::documents::{add_documents, open_reviews};
use crate::card_holders::{
    CardHolder, CardHolderNotice, CardHolderStatus, NewDocument, ReviewStatus, SealedPersonal, find_for_update,
};
use crate::events::{EventType, Owner, emit};
use crate::ids::{CardHolderId, ClientId, Id};
use crate::limits::{NewLimit, start_limits};
use crate::record::Key;
use crate::refusal::{Refusal, Stop};
use crate::table::Access;
use crate::verb::Verb;
use crate::work::Work;

/// Changes to a card holder; `None` keeps.
#[derive(Clone, Debug, Default)]
pub struct UpdateCardHolder {
    pub id: CardHolderId,
    /// The version whose personal data `personal` was merged with.
    pub based_on: Option<i64>,
    pub name: Option<String>,
    /// All other personal data; replaces the stored data.
    pub personal: Option<SealedPersonal>,
    /// Whether the text about the identity document changed.
    pub document_changed: bool,
    /// Whether the text about the proof of address changed.
    pub proof_changed: bool,
    pub status: Option<CardHolderStatus>,
    /// Replaces the stored metadata.
    pub metadata: Option<Option<String>>,
    /// Limits over all cards; replaces the stored ones.
    pub limits: Option<Vec<NewLimit>>,
    pub documents: Vec<NewDocument>,
    pub if_match: Option<i64>,
}

impl Verb for UpdateCardHolder {
    type Answer = CardHolder;

    fn home(&self) -> Option<Id> {
        Some(self.id.0)
    }

    fn prefetch(&self, work: &mut Work, client: ClientId) {
        work.card_holders.prefetch(Key::of(client, self.id.0), Access::Exclusive);
    }

    fn run(&self, work: &mut Work) -> Result<CardHolder, Stop> {
        update(work, self)
    }
}

fn update(work: &mut Work, command: &UpdateCardHolder) -> Result<CardHolder, Stop> {
    let holder = find_for_update(work, command.id, None)?;
    if holder.erased_at.is_some() {
        return Err(Refusal::CardHolderErased.into());
    }
    crate::fields::check_version(command.if_match, holder.version)?;
    if command.based_on.is_some_and(|version| version != holder.version) {
        return Err(Refusal::Stale.into());
    }
    let now = work.now();
    let mut changed = (*holder).clone();
    if let Some(name) = &command.name {
        changed.name.clone_from(name);
    }
    if let Some(status) = command.status {
        changed.status = status;
    }
    if let Some(metadata) = &command.metadata {
        changed.metadata = crate::fields::unless_empty(metadata.clone());
    }
    if let Some(limits) = &command.limits {
        changed.limits = start_limits(&holder.limits, limits, holder.created_at, now)?;
    }
    if let Some(personal) = &command.personal {
        changed.personal = Some(personal.sealed.clone());
        changed.hashes = personal.hashes.clone();
        changed.document_expires = personal.document_expires;
        open_reviews(&mut changed, personal);
        // The review was about the previous text.
        if command.document_changed {
            changed.document_status = personal.has_document.then_some(ReviewStatus::Pending);
        }
        if command.proof_changed {
            changed.proof_status = personal.has_proof.then_some(ReviewStatus::Pending);
        }
    }
    add_documents(work, &mut changed, &command.documents)?;
    if changed == *holder {
        return Ok((*holder).clone());
    }
    changed.touch(now);
    work.card_holders.put(changed.clone());
    emit(work, Owner::CardHolder(changed.id), EventType::CardHolderUpdated, CardHolderNotice::of(&changed, now))?;
    current(work, changed.id)
}
