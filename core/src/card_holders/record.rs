//! The records of card holders and their documents.

use serde::{Deserialize, Serialize};

use crate::ids::{CardHolderId, ClientId, DocumentId, Id};
use crate::limits::SpendingLimit;
use crate::record::{Key, Kind, Record};
use crate::time::Instant;

crate::string_enum! {
    pub enum CardHolderStatus {
        Active = "active",
        Inactive = "inactive",
        Blocked = "blocked",
    }
}

crate::string_enum! {
    pub enum ReviewStatus {
        Pending = "pending",
        Verified = "verified",
        Rejected = "rejected",
        /// Verified until the document's expiry date passed.
        Expired = "expired",
    }
}

crate::string_enum! {
    pub enum DocumentPart {
        /// The front of the identity document.
        DocumentMain = "documentMain",
        DocumentBack = "documentBack",
        ProofOfAddress = "proofOfAddress",
    }
}

/// The current file of a part.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FileRef {
    /// The document's id, as hex.
    pub id: String,
    pub file_type: String,
    /// SHA-256 of its content, as hex.
    pub content_hash: String,
}

impl FileRef {
    pub fn document(&self) -> Option<DocumentId> {
        Id::parse(&self.id).map(DocumentId)
    }
}

/// The current files.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Files {
    /// The front of the identity document.
    pub main: Option<FileRef>,
    pub back: Option<FileRef>,
    pub proof: Option<FileRef>,
}

impl Files {
    pub fn part(&self, part: DocumentPart) -> Option<&FileRef> {
        match part {
            DocumentPart::DocumentMain => self.main.as_ref(),
            DocumentPart::DocumentBack => self.back.as_ref(),
            DocumentPart::ProofOfAddress => self.proof.as_ref(),
        }
    }

    /// Replaces the file of a part.
    pub fn set(&mut self, part: DocumentPart, file: FileRef) {
        match part {
            DocumentPart::DocumentMain => self.main = Some(file),
            DocumentPart::DocumentBack => self.back = Some(file),
            DocumentPart::ProofOfAddress => self.proof = Some(file),
        }
    }
}

/// Keyed hashes by which sealed fields are found.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SearchHashes {
    pub email: Option<[u8; 32]>,
    pub phone: Option<[u8; 32]>,
    pub birth_date: Option<[u8; 32]>,
    pub document_number: Option<[u8; 32]>,
}

/// Personal data as it is stored.
#[derive(Clone, Debug, PartialEq)]
pub struct SealedPersonal {
    /// All personal data but the name, sealed under the card holder's key.
    pub sealed: Vec<u8>,
    pub hashes: SearchHashes,
    /// The first instant after the identity document's expiry date.
    pub document_expires: Option<Instant>,
    /// Whether there is an identity document, as text or as a file.
    pub has_document: bool,
    pub has_proof: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub struct CardHolder {
    pub client: ClientId,
    pub id: CardHolderId,
    /// Empty once erased.
    pub name: String,
    pub status: CardHolderStatus,
    /// The key, sealed by the vault; `None` once erased.
    pub key: Option<Vec<u8>>,
    /// All other personal data, sealed; `None` once erased.
    pub personal: Option<Vec<u8>>,
    pub hashes: SearchHashes,
    pub metadata: Option<String>,
    /// `None` without an identity document.
    pub document_status: Option<ReviewStatus>,
    pub document_expires: Option<Instant>,
    /// `None` without a proof of address.
    pub proof_status: Option<ReviewStatus>,
    pub files: Files,
    /// Including replaced uploads.
    pub documents: i64,
    pub limits: Vec<SpendingLimit>,
    /// The number of cards that are not canceled.
    pub live_cards: i64,
    /// When the retention period began.
    pub retain_from: Instant,
    pub erased_at: Option<Instant>,
    pub event_seq: i64,
    pub version: i64,
    pub created_at: Instant,
    pub updated_at: Instant,
}

impl CardHolder {
    /// The review of the identity document at an instant: a verified document expires.
    pub fn document_review(&self, now: Instant) -> Option<ReviewStatus> {
        match self.document_status {
            Some(ReviewStatus::Verified) if self.document_expires.is_some_and(|at| at <= now) => {
                Some(ReviewStatus::Expired)
            }
            status => status,
        }
    }

    /// Whether identity document and proof of address are verified at an instant.
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

    fn key(&self) -> Key {
        Key::of(self.client, self.id.0)
    }

    fn variable_bytes(&self) -> usize {
        self.metadata.as_ref().map_or(0, String::len) + self.personal.as_ref().map_or(0, Vec::len)
    }
}

/// A file of a card holder. The content is sealed in the document store.
#[derive(Clone, Debug, PartialEq)]
pub struct Document {
    pub client: ClientId,
    pub id: DocumentId,
    pub card_holder: CardHolderId,
    pub part: DocumentPart,
    pub file_type: String,
    /// In bytes.
    pub size: i64,
    pub content_hash: [u8; 32],
    pub status: ReviewStatus,
    /// The reviewer's note, such as the reason of a rejection.
    pub reason: Option<String>,
    /// Whether no later upload has replaced it.
    pub current: bool,
    pub version: i64,
    pub created_at: Instant,
    pub updated_at: Instant,
}

impl Record for Document {
    const KIND: Kind = Kind::Document;

    fn key(&self) -> Key {
        Key::of(self.client, self.id.0)
    }
}
