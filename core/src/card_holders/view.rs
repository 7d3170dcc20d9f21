//! The views of card holders. Events contain nothing personal, so that they never need to be erased.

use serde::Serialize;

use crate::audit::{Audited, Picture};
use crate::card_holders::{CardHolder, CardHolderStatus, Document, DocumentPart, FileRef, Personal, ReviewStatus};
use crate::cards::SpendingLimitView;
use crate::events::EventPart;
use crate::hash::hex;
use crate::limits::SpendingLimit;
use crate::money::{Category, Currency};
use crate::time::Instant;
use crate::view::Free;

/// Personal data.
#[derive(Clone, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Person)]
pub struct PersonView {
    /// Given name.
    #[schema(required = true, example = "Alex")]
    pub first_name: Option<String>,
    /// Family name.
    #[schema(required = true, example = "Johnson")]
    pub last_name: Option<String>,
    /// E-mail address.
    #[schema(required = true, example = "alex.johnson@example.com")]
    pub email: Option<String>,
    /// Phone number.
    #[schema(required = true, example = "+12125550198")]
    pub phone_number: Option<String>,
    /// Date of birth.
    #[schema(required = true, example = "1990-04-12")]
    pub date_of_birth: Option<String>,
    /// m, f or x.
    #[schema(required = true, example = "m")]
    pub gender: Option<String>,
    /// ISO 3166-1 alpha-2.
    #[schema(required = true, example = "US")]
    pub nationality: Option<String>,
}

/// Residential address.
#[derive(Clone, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Address)]
pub struct AddressView {
    /// Street and number.
    #[schema(required = true)]
    pub line1: Option<String>,
    /// City.
    #[schema(required = true)]
    pub city: Option<String>,
    /// State or region.
    #[schema(required = true)]
    pub state: Option<String>,
    /// Postal code.
    #[schema(required = true)]
    pub postal_code: Option<String>,
    /// ISO 3166-1 alpha-2.
    #[schema(required = true)]
    pub country_code: Option<String>,
}

/// URLs of the files of an identity document.
#[derive(Clone, Default, Serialize, utoipa::ToSchema)]
#[schema(as = DocumentUrls)]
pub struct UrlsView {
    /// URL of the front.
    #[schema(required = true)]
    pub main: Option<String>,
    /// URL of the back.
    #[schema(required = true)]
    pub back: Option<String>,
}

/// Properties of a file.
#[derive(Clone, Default, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = FileMeta)]
pub struct FileMetaView {
    /// Media type.
    #[schema(required = true, example = "image/png")]
    pub file_type: Option<String>,
    /// SHA-256 of the content, hexadecimal.
    #[schema(required = true)]
    pub content_hash: Option<String>,
}

impl FileMetaView {
    fn of(file: Option<&FileRef>) -> FileMetaView {
        FileMetaView {
            file_type: file.map(|file| file.file_type.clone()),
            content_hash: file.map(|file| file.content_hash.clone()),
        }
    }
}

/// An identity document.
#[derive(Clone, Default, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = IdentityDocument)]
pub struct IdentityView {
    /// Type of the document.
    #[serde(rename = "type")]
    #[schema(required = true, example = "international_passport")]
    pub kind: Option<String>,
    /// Document number.
    #[schema(required = true)]
    pub number: Option<String>,
    /// Issue date.
    #[schema(required = true)]
    pub issue_date: Option<String>,
    /// Expiry date.
    #[schema(required = true)]
    pub expiry_date: Option<String>,
    /// Issuing country, ISO 3166-1 alpha-2.
    #[schema(required = true)]
    pub issuing_country: Option<String>,
    /// Status of the review; null without a document.
    #[schema(required = true)]
    pub verification_status: Option<ReviewStatus>,
    /// Description.
    #[schema(required = true)]
    pub description: Option<String>,
    /// URLs of the files.
    pub urls: UrlsView,
    /// Properties of the file of the front.
    pub meta: FileMetaView,
}

/// A proof of address.
#[derive(Clone, Default, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ProofOfAddress)]
pub struct ProofView {
    /// Type of the document.
    #[serde(rename = "type")]
    #[schema(required = true, example = "utility_bill")]
    pub kind: Option<String>,
    /// Document number.
    #[schema(required = true)]
    pub document_id: Option<String>,
    /// Status of the review; null without a proof of address.
    #[schema(required = true)]
    pub verification_status: Option<ReviewStatus>,
    /// Description.
    #[schema(required = true)]
    pub description: Option<String>,
    /// URL of the file.
    #[schema(required = true)]
    pub url: Option<String>,
    /// Properties of the file.
    pub meta: FileMetaView,
}

/// Identity document and proof of address.
#[derive(Clone, Default, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Identification)]
pub struct IdentificationView {
    /// The identity document.
    pub document: IdentityView,
    /// The proof of address.
    pub proof_of_address: ProofView,
}

/// Intended use of the card.
#[derive(Clone, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = CardHolderMeta)]
pub struct MetaView {
    /// Source of funds.
    #[schema(required = true)]
    pub funding_source: Option<String>,
    /// Expected spending per month.
    #[schema(required = true)]
    pub monthly_transaction_value: Option<String>,
}

/// A card holder.
#[derive(Clone, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = CardHolder)]
pub struct CardHolderView {
    /// Id of the card holder: 24 lowercase hex characters.
    #[serde(rename = "_id")]
    #[schema(example = "665f1c4f4a4f4a4f4a4f4a4f", pattern = "^[0-9a-f]{24}$")]
    pub id: String,
    /// Full name; empty once erased.
    #[schema(example = "Alex Johnson")]
    pub name: String,
    /// Status. Cards of a card holder who is not active cannot be used.
    pub status: CardHolderStatus,
    /// Personal data.
    pub person: PersonView,
    /// Residential address.
    pub address: AddressView,
    /// Identity document and proof of address.
    pub identification: IdentificationView,
    /// Intended use of the card.
    pub meta: MetaView,
    /// Your own data.
    pub metadata: Free,
    /// Spending limits over all cards of the card holder.
    pub spending_limits: Vec<SpendingLimitView>,
    /// Paths of the fields, files and reviews that are missing for the verification.
    #[schema(example = json!(["identification.document.urls.main"]))]
    pub requirements: Vec<String>,
    /// Time at which the personal data was erased.
    #[schema(value_type = Option<String>, format = DateTime, required = true)]
    pub erased_at: Option<String>,
    /// Version of the object, from 1.
    pub version: i64,
    /// Time of creation.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: String,
    /// Time of the last change.
    #[schema(value_type = String, format = DateTime)]
    pub updated_at: String,
}

impl CardHolderView {
    pub fn of(holder: &CardHolder, personal: &Personal, now: Instant) -> CardHolderView {
        let (person, address, meta) = (&personal.person, &personal.address, &personal.meta);
        let (document, proof) = (&personal.identification.document, &personal.identification.proof_of_address);
        let files = &holder.files;
        let url = |file: &Option<FileRef>| {
            file.as_ref().map(|file| format!("/card-holders/{}/documents/{}", holder.id, file.id))
        };
        CardHolderView {
            id: holder.id.to_string(),
            name: holder.name.clone(),
            status: holder.status,
            person: PersonView {
                first_name: person.first_name.clone(),
                last_name: person.last_name.clone(),
                email: person.email.clone(),
                phone_number: person.phone_number.clone(),
                date_of_birth: person.date_of_birth.clone(),
                gender: person.gender.clone(),
                nationality: person.nationality.clone(),
            },
            address: AddressView {
                line1: address.line1.clone(),
                city: address.city.clone(),
                state: address.state.clone(),
                postal_code: address.postal_code.clone(),
                country_code: address.country_code.clone(),
            },
            identification: IdentificationView {
                document: IdentityView {
                    kind: document.r#type.clone(),
                    number: document.number.clone(),
                    issue_date: document.issue_date.clone(),
                    expiry_date: document.expiry_date.clone(),
                    issuing_country: document.issuing_country.clone(),
                    verification_status: holder.document_review(now),
                    description: document.description.clone(),
                    urls: UrlsView { main: url(&files.main), back: url(&files.back) },
                    meta: FileMetaView::of(files.main.as_ref()),
                },
                proof_of_address: ProofView {
                    kind: proof.r#type.clone(),
                    document_id: proof.document_id.clone(),
                    verification_status: holder.proof_status,
                    description: proof.description.clone(),
                    url: url(&files.proof),
                    meta: FileMetaView::of(files.proof.as_ref()),
                },
            },
            meta: MetaView {
                funding_source: meta.funding_source.clone(),
                monthly_transaction_value: meta.monthly_transaction_value.clone(),
            },
            metadata: Free::object(holder.metadata.as_deref()),
            spending_limits: limits(holder),
            requirements: requirements(holder, personal, now),
            erased_at: holder.erased_at.map(|at| at.to_string()),
            version: holder.version,
            created_at: holder.created_at.to_string(),
            updated_at: holder.updated_at.to_string(),
        }
    }
}

/// A text of which only the beginning and the end can be recognized.
fn masked(text: &str) -> String {
    let characters: Vec<char> = text.chars().collect();
    match characters.as_slice() {
        [first, .., last] if characters.len() > 5 => format!("{first}•••{last}"),
        _ => "•••".to_owned(),
    }
}

impl CardHolderView {
    /// The same for somebody who may recognize the card holder, but not learn their data: contact and birth in part, no
    /// address and documents, no free-form data.
    #[must_use]
    pub fn masked(mut self) -> CardHolderView {
        let person = &mut self.person;
        for text in [&mut person.email, &mut person.phone_number, &mut person.date_of_birth] {
            *text = text.as_deref().map(masked);
        }
        person.gender = None;
        let address = &mut self.address;
        for text in [&mut address.line1, &mut address.postal_code] {
            *text = text.as_deref().map(masked);
        }
        let document = &mut self.identification.document;
        document.number = document.number.as_deref().map(masked);
        (document.issue_date, document.expiry_date, document.description) = (None, None, None);
        document.urls = UrlsView { main: None, back: None };
        let proof = &mut self.identification.proof_of_address;
        proof.document_id = proof.document_id.as_deref().map(masked);
        (proof.description, proof.url) = (None, None);
        self.meta = MetaView { funding_source: None, monthly_transaction_value: None };
        self.metadata = Free::object(None);
        self
    }
}

fn limits(holder: &CardHolder) -> Vec<SpendingLimitView> {
    let view = |limit: &SpendingLimit| {
        let currency = Currency::find(limit.currency.as_deref().unwrap_or("USD"), Category::Fiat)?;
        Some(SpendingLimitView::of(limit, currency))
    };
    holder.limits.iter().filter_map(view).collect()
}

fn requirements(holder: &CardHolder, personal: &Personal, now: Instant) -> Vec<String> {
    if holder.erased_at.is_some() || holder.is_verified(now) {
        return Vec::new();
    }
    let mut missing = personal.missing();
    if holder.files.main.is_none() {
        missing.push("identification.document.urls.main");
    } else if holder.document_review(now) != Some(ReviewStatus::Verified) {
        missing.push("identification.document.verificationStatus");
    }
    if holder.files.proof.is_none() {
        missing.push("identification.proofOfAddress.url");
    } else if holder.proof_status != Some(ReviewStatus::Verified) {
        missing.push("identification.proofOfAddress.verificationStatus");
    }
    missing.into_iter().map(str::to_owned).collect()
}

/// A card holder in events, without personal data.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CardHolderNotice {
    /// Id of the card holder.
    #[serde(rename = "_id")]
    pub id: String,
    /// Status. Cards of a card holder who is not active cannot be used.
    pub status: CardHolderStatus,
    /// Whether identity document and proof of address are verified.
    pub verified: bool,
    /// Review status of the identity document.
    #[schema(required = true)]
    pub document_status: Option<ReviewStatus>,
    /// Review status of the proof of address.
    #[schema(required = true)]
    pub proof_of_address_status: Option<ReviewStatus>,
    /// Version of the object, from 1.
    pub version: i64,
    /// Time of creation.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: String,
    /// Time of the last change.
    #[schema(value_type = String, format = DateTime)]
    pub updated_at: String,
}

impl EventPart for CardHolderNotice {
    const NAME: &'static str = "cardHolder";
}

impl CardHolderNotice {
    pub fn of(holder: &CardHolder, now: Instant) -> CardHolderNotice {
        CardHolderNotice {
            id: holder.id.to_string(),
            status: holder.status,
            verified: holder.is_verified(now),
            document_status: holder.document_review(now),
            proof_of_address_status: holder.proof_status,
            version: holder.version,
            created_at: holder.created_at.to_string(),
            updated_at: holder.updated_at.to_string(),
        }
    }
}

/// A document of a card holder.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Document)]
pub struct DocumentView {
    /// Id of the object: 24 lowercase hex characters.
    #[serde(rename = "_id")]
    #[schema(example = "665f1c4f4a4f4a4f4a4f4a4f", pattern = "^[0-9a-f]{24}$")]
    pub id: String,
    /// The card holder.
    pub card_holder_id: String,
    /// Part of the identification.
    pub part: DocumentPart,
    /// Media type.
    #[schema(example = "image/png")]
    pub file_type: String,
    /// Size in bytes.
    pub size: i64,
    /// SHA-256 of the content, hexadecimal.
    pub content_hash: String,
    /// Status of the review.
    pub status: ReviewStatus,
    /// The reviewer's note.
    #[schema(required = true)]
    pub reason: Option<String>,
    /// Whether it is the current file of its part; a later upload replaces it.
    pub current: bool,
    /// URL of the download.
    pub url: String,
    /// Version of the object, from 1.
    pub version: i64,
    /// Time of the upload.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: String,
    /// Time of the last change.
    #[schema(value_type = String, format = DateTime)]
    pub updated_at: String,
}

impl DocumentView {
    pub fn of(document: &Document) -> DocumentView {
        DocumentView {
            id: document.id.to_string(),
            card_holder_id: document.card_holder.to_string(),
            part: document.part,
            file_type: document.file_type.clone(),
            size: document.size,
            content_hash: hex(&document.content_hash),
            status: document.status,
            reason: document.reason.clone(),
            current: document.current,
            url: format!("/card-holders/{}/documents/{}", document.card_holder, document.id),
            version: document.version,
            created_at: document.created_at.to_string(),
            updated_at: document.updated_at.to_string(),
        }
    }
}

impl Audited for CardHolder {
    const OBJECT: &'static str = "card_holder";

    fn picture(&self) -> Picture {
        // Members are listed here: a new member of a card holder's view counts as personal by default.
        // Personal data is only sealed again if it changed, so different sealed bytes are different data.
        Picture::of(&serde_json::json!({
            "status": self.status,
            "identification.document.verificationStatus": self.document_status,
            "identification.proofOfAddress.verificationStatus": self.proof_status,
            "documents": self.documents,
            "spendingLimits": limits(self),
            "erasedAt": self.erased_at.map(|at| at.to_string()),
        }))
        .with_hidden("name", self.name.as_bytes())
        .with_hidden("personalData", self.personal.as_deref().unwrap_or_default())
        .with_hidden("metadata", self.metadata.as_deref().unwrap_or_default().as_bytes())
    }
}

impl Audited for Document {
    const OBJECT: &'static str = "card_holder_document";

    fn picture(&self) -> Picture {
        Picture::of(&DocumentView::of(self)).without(&["contentHash", "url"]).hiding("reason")
    }
}
