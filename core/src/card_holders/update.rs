//! Changing a card holder, with or without new files.

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
    /// Who.
    pub id: CardHolderId,
    /// The version that `personal` was merged with.
    pub based_on: Option<i64>,
    /// Their full name.
    pub name: Option<String>,
    /// Everything else that is personal, whole.
    pub personal: Option<SealedPersonal>,
    /// Whether what is said of the identity document changed.
    pub document_changed: bool,
    /// Whether what is said of the proof of address changed.
    pub proof_changed: bool,
    /// Whether their cards can be used.
    pub status: Option<CardHolderStatus>,
    /// The caller's own data, replaced whole.
    pub metadata: Option<Option<String>>,
    /// Limits over all of their cards, replaced whole.
    pub limits: Option<Vec<NewLimit>>,
    /// Files that came along.
    pub documents: Vec<NewDocument>,
    /// The version the caller read.
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

/// Changes the card holder.
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
        // A review was about what was said then.
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
    emit(work, Owner::CardHolder(changed.id), EventType::CardHolderUpdated, &CardHolderNotice::of(&changed, now))?;
    current(work, changed.id)
}
