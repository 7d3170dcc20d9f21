//! Documents of card holders: uploaded and reviewed.

use crate::card_holders::{
    CardHolder, CardHolderNotice, Document, DocumentPart, DocumentView, FileRef, ReviewStatus, SealedPersonal,
    find_for_update,
};
use crate::events::{EventType, Owner, emit};
use crate::hash::hex;
use crate::ids::{CardHolderId, ClientId, DocumentId, Id};
use crate::record::Key;
use crate::refusal::{Refusal, Stop};
use crate::verb::Verb;
use crate::work::Work;

/// An uploaded file, stored sealed, that becomes a document with this command.
#[derive(Clone, Debug)]
pub struct NewDocument {
    pub id: DocumentId,
    pub part: DocumentPart,
    pub file_type: &'static str,
    /// In bytes.
    pub size: i64,
    /// SHA-256 of its content.
    pub content_hash: [u8; 32],
}

#[derive(Clone, Debug)]
pub struct ReviewDocument {
    pub card_holder: CardHolderId,
    pub id: DocumentId,
    /// Verified or rejected.
    pub status: ReviewStatus,
    pub reason: Option<String>,
    pub if_match: Option<i64>,
}

/// New or changed statements about a document need a review.
pub(super) fn open_reviews(holder: &mut CardHolder, personal: &SealedPersonal) {
    if personal.has_document {
        holder.document_status.get_or_insert(ReviewStatus::Pending);
    }
    if personal.has_proof {
        holder.proof_status.get_or_insert(ReviewStatus::Pending);
    }
}

/// Adds files. Each replaces the previous file of its part, which needs a new review.
pub(super) fn add_documents(work: &mut Work, holder: &mut CardHolder, documents: &[NewDocument]) -> Result<(), Stop> {
    let mut replaced = Vec::new();
    for new in documents {
        if let Some(id) = holder.files.part(new.part).and_then(FileRef::document) {
            replaced.push(find_document(work, holder.id, id)?);
        }
    }
    let now = work.now();
    for old in replaced {
        work.documents.put(Document { current: false, version: old.version + 1, updated_at: now, ..old });
    }
    for (at, new) in documents.iter().enumerate() {
        let current = documents[at + 1..].iter().all(|later| later.part != new.part);
        work.documents.put(Document {
            client: holder.client,
            id: new.id,
            card_holder: holder.id,
            part: new.part,
            file_type: new.file_type.to_owned(),
            size: new.size,
            content_hash: new.content_hash,
            status: ReviewStatus::Pending,
            reason: None,
            current,
            version: 1,
            created_at: now,
            updated_at: now,
        });
        let file = FileRef {
            id: new.id.to_string(),
            file_type: new.file_type.to_owned(),
            content_hash: hex(&new.content_hash),
        };
        holder.files.set(new.part, file);
        holder.documents += 1;
        match new.part {
            DocumentPart::ProofOfAddress => holder.proof_status = Some(ReviewStatus::Pending),
            DocumentPart::DocumentMain | DocumentPart::DocumentBack => {
                holder.document_status = Some(ReviewStatus::Pending);
            }
        }
    }
    Ok(())
}

fn find_document(work: &mut Work, holder: CardHolderId, id: DocumentId) -> Result<Document, Stop> {
    let found = work.documents.get_for_update(Key::of(work.client(), id.0))?;
    let found = found.filter(|document| document.card_holder == holder);
    Ok((*found.ok_or(Refusal::DocumentNotFound)?).clone())
}

impl Verb for ReviewDocument {
    type Answer = DocumentView;

    fn home(&self) -> Option<Id> {
        Some(self.card_holder.0)
    }

    fn prefetch(&self, _: &mut Work, _: ClientId) {}

    fn run(&self, work: &mut Work) -> Result<DocumentView, Stop> {
        review(work, self)
    }
}

/// Front and back are one identity document: a review of one applies to both.
fn review(work: &mut Work, command: &ReviewDocument) -> Result<DocumentView, Stop> {
    let holder = find_for_update(work, command.card_holder, None)?;
    if holder.erased_at.is_some() {
        return Err(Refusal::CardHolderErased.into());
    }
    let document = find_document(work, command.card_holder, command.id)?;
    crate::fields::check_version(command.if_match, document.version)?;
    if !document.current {
        return Err(Refusal::DocumentReplaced.into());
    }
    let parts: &[DocumentPart] = match document.part {
        DocumentPart::ProofOfAddress => &[DocumentPart::ProofOfAddress],
        _ => &[DocumentPart::DocumentMain, DocumentPart::DocumentBack],
    };
    let ids: Vec<DocumentId> = parts.iter().filter_map(|part| holder.files.part(*part)?.document()).collect();
    let mut files = Vec::new();
    for id in ids {
        files.push(find_document(work, command.card_holder, id)?);
    }

    let now = work.now();
    let was_verified = holder.is_verified(now);
    let mut reviewed = document;
    for file in files {
        let file = Document {
            status: command.status,
            reason: command.reason.clone(),
            version: file.version + 1,
            updated_at: now,
            ..file
        };
        if file.id == reviewed.id {
            reviewed = file.clone();
        }
        work.documents.put(file);
    }
    let mut changed = (*holder).clone();
    match reviewed.part {
        DocumentPart::ProofOfAddress => changed.proof_status = Some(command.status),
        _ => changed.document_status = Some(command.status),
    }
    changed.touch(now);
    let kind = match command.status {
        ReviewStatus::Rejected => EventType::CardHolderRejected,
        _ if changed.is_verified(now) && !was_verified => EventType::CardHolderVerified,
        _ => EventType::CardHolderUpdated,
    };
    work.card_holders.put(changed.clone());
    emit(work, Owner::CardHolder(changed.id), kind, CardHolderNotice::of(&changed, now))?;
    Ok(DocumentView::of(&reviewed))
}
