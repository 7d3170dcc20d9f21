//! What is kept of a card holder and of their documents.

use serde::{Deserialize, Serialize};

use crate::ids::{CardHolderId, ClientId, DocumentId, Id};
use crate::limits::SpendingLimit;
use crate::record::{AuditValue, Key, Kind, Record};
use crate::time::Instant;

crate::string_enum! {
    /// Whether a card holder's cards can be used.
    pub enum CardHolderStatus {
        /// They can.
        Active = "active",
        /// They cannot for now.
        Inactive = "inactive",
        /// They were stopped.
        Blocked = "blocked",
    }
}

crate::string_enum! {
    /// How far the review of a document is.
    pub enum ReviewStatus {
        /// Nobody decided yet.
        Pending = "pending",
        /// It is good.
        Verified = "verified",
        /// It is not.
        Rejected = "rejected",
        /// It was good until its expiry date.
        Expired = "expired",
    }
}

crate::string_enum! {
    /// Which file.
    pub enum DocumentPart {
        /// The main side of the identity document.
        DocumentMain = "documentMain",
        /// Its back.
        DocumentBack = "documentBack",
        /// The proof of address.
        ProofOfAddress = "proofOfAddress",
    }
}

/// The file that stands for a part now.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FileRef {
    /// The document, as hex.
    pub id: String,
    /// Its media type.
    pub file_type: String,
    /// SHA-256 of its content, as hex.
    pub content_hash: String,
}

impl FileRef {
    /// The document.
    pub fn document(&self) -> Option<DocumentId> {
        Id::parse(&self.id).map(DocumentId)
    }
}

/// The files that stand for each part now.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Files {
    /// The main side of the identity document.
    pub main: Option<FileRef>,
    /// Its back.
    pub back: Option<FileRef>,
    /// The proof of address.
    pub proof: Option<FileRef>,
}

impl Files {
    /// The file of a part.
    pub fn part(&self, part: DocumentPart) -> Option<&FileRef> {
        match part {
            DocumentPart::DocumentMain => self.main.as_ref(),
            DocumentPart::DocumentBack => self.back.as_ref(),
            DocumentPart::ProofOfAddress => self.proof.as_ref(),
        }
    }

    /// Gives a part another file.
    pub fn set(&mut self, part: DocumentPart, file: FileRef) {
        match part {
            DocumentPart::DocumentMain => self.main = Some(file),
            DocumentPart::DocumentBack => self.back = Some(file),
            DocumentPart::ProofOfAddress => self.proof = Some(file),
        }
    }
}

/// What sealed fields are found by: keyed hashes of their values.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SearchHashes {
    /// Of the e-mail address.
    pub email: Option<[u8; 32]>,
    /// Of the phone number.
    pub phone: Option<[u8; 32]>,
    /// Of the date of birth.
    pub birth_date: Option<[u8; 32]>,
    /// Of the identity document's number.
    pub document_number: Option<[u8; 32]>,
}

/// Personal data as it is kept.
#[derive(Clone, Debug, PartialEq)]
pub struct SealedPersonal {
    /// Everything personal but the name, sealed under the card holder's key.
    pub sealed: Vec<u8>,
    /// What it is found by.
    pub hashes: SearchHashes,
    /// When the identity document expires: the first instant of the day after its expiry date.
    pub document_expires: Option<Instant>,
    /// Whether there is an identity document, in words or as a file to come.
    pub has_document: bool,
    /// Whether there is a proof of address.
    pub has_proof: bool,
}

/// A card holder.
#[derive(Clone, Debug, PartialEq)]
pub struct CardHolder {
    /// Whose.
    pub client: ClientId,
    /// Their id.
    pub id: CardHolderId,
    /// Their full name; empty once erased.
    pub name: String,
    /// Whether their cards can be used.
    pub status: CardHolderStatus,
    /// Their key, sealed by the vault; gone once erased.
    pub key: Option<Vec<u8>>,
    /// Everything else that is personal; gone once erased.
    pub personal: Option<Vec<u8>>,
    /// What they are found by.
    pub hashes: SearchHashes,
    /// The caller's own data, a JSON object.
    pub metadata: Option<String>,
    /// The review of the identity document, once there is one.
    pub document_status: Option<ReviewStatus>,
    /// When the identity document expires.
    pub document_expires: Option<Instant>,
    /// The review of the proof of address, once there is one.
    pub proof_status: Option<ReviewStatus>,
    /// The files that stand for each part now.
    pub files: Files,
    /// How many documents there are, later uploads included.
    pub documents: i64,
    /// Limits over all of their cards.
    pub limits: Vec<SpendingLimit>,
    /// How many of their cards are not canceled.
    pub live_cards: i64,
    /// Since when the time their data must be kept is running.
    pub retain_from: Instant,
    /// When they were erased.
    pub erased_at: Option<Instant>,
    /// The number of their last event.
    pub event_seq: i64,
    /// Counts changes.
    pub version: i64,
    /// When they were enrolled.
    pub created_at: Instant,
    /// When they last changed.
    pub updated_at: Instant,
}

impl CardHolder {
    /// The review of the identity document at an instant: a good one is good until its expiry date.
    pub fn document_review(&self, now: Instant) -> Option<ReviewStatus> {
        match self.document_status {
            Some(ReviewStatus::Verified) if self.document_expires.is_some_and(|at| at <= now) => {
                Some(ReviewStatus::Expired)
            }
            status => status,
        }
    }

    /// Whether identity document and proof of address are good at an instant.
    pub fn is_verified(&self, now: Instant) -> bool {
        self.document_review(now) == Some(ReviewStatus::Verified) && self.proof_status == Some(ReviewStatus::Verified)
    }

    /// Counts a change.
    pub fn touch(&mut self, now: Instant) {
        self.version += 1;
        self.updated_at = now;
    }
}

impl Record for CardHolder {
    const KIND: Kind = Kind::CardHolder;
    const HEAP_BYTES: usize = 400;
    const AUDITED: Option<&'static str> = Some("card_holder");

    fn key(&self) -> Key {
        Key::of(self.client, self.id.0)
    }

    fn variable_bytes(&self) -> usize {
        self.metadata.as_ref().map_or(0, String::len) + self.personal.as_ref().map_or(0, Vec::len)
    }

    fn audit_fields(&self) -> Vec<(&'static str, AuditValue)> {
        let status = |status: Option<ReviewStatus>| status.map(ReviewStatus::as_str).into();
        // The edge seals personal data anew only where it changed, so other sealed bytes are other data.
        vec![
            ("name", AuditValue::Hidden(self.name.clone().into_bytes())),
            ("personalData", AuditValue::Hidden(self.personal.clone().unwrap_or_default())),
            ("status", self.status.as_str().into()),
            ("metadata", AuditValue::Hidden(self.metadata.clone().unwrap_or_default().into_bytes())),
            ("identification.document.verificationStatus", status(self.document_status)),
            ("identification.proofOfAddress.verificationStatus", status(self.proof_status)),
            ("documents", self.documents.into()),
            ("spendingLimits", serde_json::to_value(&self.limits).unwrap_or_default().into()),
            ("erasedAt", self.erased_at.map(|at| at.to_string()).into()),
        ]
    }
}

/// A file of a card holder. Its content is sealed in the document store.
#[derive(Clone, Debug, PartialEq)]
pub struct Document {
    /// Whose.
    pub client: ClientId,
    /// Its id.
    pub id: DocumentId,
    /// Who it is of.
    pub card_holder: CardHolderId,
    /// Which part.
    pub part: DocumentPart,
    /// Its media type.
    pub file_type: String,
    /// How many bytes it has.
    pub size: i64,
    /// SHA-256 of its content.
    pub content_hash: [u8; 32],
    /// How far its review is.
    pub status: ReviewStatus,
    /// Why it was rejected, or whatever the reviewer noted.
    pub reason: Option<String>,
    /// Whether it stands for its part now; a later upload takes its place.
    pub current: bool,
    /// Counts changes.
    pub version: i64,
    /// When it was uploaded.
    pub created_at: Instant,
    /// When it last changed.
    pub updated_at: Instant,
}

impl Record for Document {
    const KIND: Kind = Kind::Document;
    const AUDITED: Option<&'static str> = Some("card_holder_document");

    fn key(&self) -> Key {
        Key::of(self.client, self.id.0)
    }

    fn audit_fields(&self) -> Vec<(&'static str, AuditValue)> {
        vec![
            ("cardHolderId", self.card_holder.to_string().into()),
            ("part", self.part.as_str().into()),
            ("status", self.status.as_str().into()),
            ("reason", AuditValue::Hidden(self.reason.clone().unwrap_or_default().into_bytes())),
            ("current", self.current.into()),
        ]
    }
}
