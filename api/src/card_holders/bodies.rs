//! Bodies of calls on card holders. Creating a card holder is an update of an empty one, so both calls parse the parts
//! alike.

use paygen_core::card_holders::{CardHolderStatus, CardHolderView, ReviewStatus};

use super::fields::{CalendarDate, Email, Gender, Phone};
use crate::country::CountryCode;
use crate::fields::{DocumentNumber, Metadata, Text};
use crate::limits::SpendingLimits;

crate::body! {
    /// Who they are.
    pub struct PersonBody {
        /// Given name.
        change first_name: Text<1, 100> = "firstName", example "Alex";
        /// Family name.
        change last_name: Text<1, 100> = "lastName", example "Johnson";
        /// E-mail address.
        change email: Email = "email", example "alex.johnson@example.com";
        /// Phone number with its country, E.164.
        change phone_number: Phone = "phoneNumber", example "+12125550198";
        /// Date of birth, YYYY-MM-DD.
        change date_of_birth: CalendarDate = "dateOfBirth", example "1990-04-12";
        /// m, f or x.
        change gender: Gender = "gender", example "m";
        /// Nationality.
        change nationality: CountryCode = "nationality", example "US";
    }
}

crate::body! {
    /// Where they live.
    pub struct AddressBody {
        /// Street and number.
        change line1: Text<1, 200> = "line1", example "210 West 77th Street";
        /// City.
        change city: Text<1, 100> = "city", example "New York";
        /// State or region.
        change state: Text<1, 100> = "state", example "New York";
        /// Postal code.
        change postal_code: Text<1, 20> = "postalCode", example "10024";
        /// Country.
        change country_code: CountryCode = "countryCode", example "US";
    }
}

crate::body! {
    /// Where the files of an identity document are. Read-only.
    pub struct UrlsBody {
        /// Read-only.
        change main: Text<0, 200> = "main";
        /// Read-only.
        change back: Text<0, 200> = "back";
    }
}

crate::body! {
    /// What a file is. Read-only.
    pub struct FileMetaBody {
        /// Read-only.
        change file_type: Text<0, 100> = "fileType";
        /// Read-only.
        change content_hash: Text<0, 100> = "contentHash";
    }
}

crate::body! {
    /// An identity document, in words.
    pub struct DocumentBody {
        /// What kind.
        change kind: Text<1, 64> = "type", example "international_passport";
        /// Its number.
        change number: DocumentNumber<1, 64> = "number", example "***9884";
        /// Issued on, YYYY-MM-DD.
        change issue_date: CalendarDate = "issueDate";
        /// Good until, YYYY-MM-DD.
        change expiry_date: CalendarDate = "expiryDate";
        /// Issued by.
        change issuing_country: CountryCode = "issuingCountry";
        /// Whatever there is to say.
        change description: Text<1, 500> = "description";
        /// Read-only: a review sets it.
        change verification_status: Text<0, 32> = "verificationStatus";
        /// Read-only.
        nullable urls: UrlsBody = "urls";
        /// Read-only.
        nullable meta: FileMetaBody = "meta";
    }
}

crate::body! {
    /// A proof of address, in words.
    pub struct ProofBody {
        /// What kind.
        change kind: Text<1, 64> = "type", example "utility_bill";
        /// Its number.
        change document_id: DocumentNumber<1, 64> = "documentId", example "45701434313";
        /// Whatever there is to say.
        change description: Text<1, 500> = "description";
        /// Read-only: a review sets it.
        change verification_status: Text<0, 32> = "verificationStatus";
        /// Read-only.
        change url: Text<0, 200> = "url";
        /// Read-only.
        nullable meta: FileMetaBody = "meta";
    }
}

crate::body! {
    /// How they identify themselves.
    pub struct IdentificationBody {
        /// The identity document.
        change document: DocumentBody = "document";
        /// The proof of address.
        change proof_of_address: ProofBody = "proofOfAddress";
    }
}

crate::body! {
    /// What the card is for.
    pub struct MetaBody {
        /// Where the money comes from.
        change funding_source: Text<1, 100> = "fundingSource", example "salary";
        /// About how much a month.
        change monthly_transaction_value: Text<1, 100> = "monthlyTransactionValue", example "1000-5000";
    }
}

crate::body! {
    /// Enrols a card holder. A name is needed, whole or as given and family name, and an e-mail address or a phone
    /// number. The flat fields of the quickstart work in place of `person` and `address`.
    pub struct CreateCardHolderBody {
        /// Full name; made of given and family name unless said.
        nullable name: Text<1, 200> = "name", example "Alex Johnson";
        /// Who they are.
        change person: PersonBody = "person";
        /// Where they live.
        change address: AddressBody = "address";
        /// How they identify themselves.
        change identification: IdentificationBody = "identification";
        /// What the card is for.
        change meta: MetaBody = "meta";
        /// Whether their cards can be used; active unless said.
        optional status: CardHolderStatus = "status", example "active";
        /// Your own data.
        nullable metadata: Metadata = "metadata";
        /// Limits over all of their cards.
        nullable spending_limits: SpendingLimits = "spendingLimits";
        /// As person.firstName.
        change first_name: Text<1, 100> = "firstName";
        /// As person.lastName.
        change last_name: Text<1, 100> = "lastName";
        /// As person.email.
        change email: Email = "email";
        /// As person.phoneNumber.
        change phone_number: Phone = "phoneNumber";
        /// As address.line1.
        change address_line1: Text<1, 200> = "addressLine1";
        /// As address.city.
        change city: Text<1, 100> = "city";
        /// As address.state.
        change state: Text<1, 100> = "state";
        /// As address.postalCode.
        change postal_code: Text<1, 20> = "postalCode";
        /// As address.countryCode.
        change country: CountryCode = "country";
    }
}

crate::body! {
    /// Changes a card holder. Fields left out stay as they are, inside `person`, `address`, `identification` and
    /// `meta` too; null clears.
    pub struct UpdateCardHolderBody echoing CardHolderView {
        /// Full name.
        change name: Text<1, 200> = "name", example "Alex Johnson";
        /// Who they are.
        change person: PersonBody = "person";
        /// Where they live.
        change address: AddressBody = "address";
        /// How they identify themselves.
        change identification: IdentificationBody = "identification";
        /// What the card is for.
        change meta: MetaBody = "meta";
        /// Whether their cards can be used.
        optional status: CardHolderStatus = "status", example "active";
        /// Your own data, replaced whole.
        change metadata: Metadata = "metadata";
        /// Limits over all of their cards, replaced whole.
        change spending_limits: SpendingLimits = "spendingLimits";
    }
}

crate::body! {
    /// What is said of uploaded documents.
    pub struct UploadBody {
        /// Of the identity document.
        change document: DocumentBody = "document";
        /// Of the proof of address.
        change proof_of_address: ProofBody = "proofOfAddress";
        /// Of both.
        change identification: IdentificationBody = "identification";
    }
}

crate::body! {
    /// Decides about a document.
    pub struct ReviewDocumentBody {
        /// verified or rejected.
        required status: ReviewStatus = "status", example "verified";
        /// Why.
        nullable reason: Text<1, 500> = "reason", example "The photograph matches.";
    }
}

/// A card holder to be enrolled, as a form. JSON parts are texts; the flat fields work in place of `person` and
/// `address`.
#[derive(utoipa::ToSchema)]
#[schema(as = CreateCardHolderForm)]
#[allow(dead_code, reason = "only documents")]
pub struct CreateForm {
    /// Full name.
    #[schema(example = "Alex Johnson")]
    name: Option<String>,
    /// JSON: firstName, lastName, email, phoneNumber, dateOfBirth, gender, nationality.
    person: Option<String>,
    /// JSON: line1, city, state, postalCode, countryCode.
    address: Option<String>,
    /// JSON: document, proofOfAddress.
    identification: Option<String>,
    /// JSON: fundingSource, monthlyTransactionValue.
    meta: Option<String>,
    /// active, inactive or blocked.
    status: Option<String>,
    /// JSON: your own data.
    metadata: Option<String>,
    /// JSON: limits over all of their cards.
    #[schema(rename = "spendingLimits")]
    spending_limits: Option<String>,
    /// As person.firstName.
    #[schema(rename = "firstName")]
    first_name: Option<String>,
    /// As person.lastName.
    #[schema(rename = "lastName")]
    last_name: Option<String>,
    /// As person.email.
    email: Option<String>,
    /// As person.phoneNumber.
    #[schema(rename = "phoneNumber")]
    phone_number: Option<String>,
    /// As address.line1.
    #[schema(rename = "addressLine1")]
    address_line1: Option<String>,
    /// As address.city.
    city: Option<String>,
    /// As address.state.
    state: Option<String>,
    /// As address.postalCode.
    #[schema(rename = "postalCode")]
    postal_code: Option<String>,
    /// As address.countryCode.
    country: Option<String>,
    /// The main side of the identity document: JPEG, PNG or PDF, at most 10 MiB.
    #[schema(rename = "documentMain", value_type = Option<String>, format = Binary)]
    document_main: Option<Vec<u8>>,
    /// Its back.
    #[schema(rename = "documentBack", value_type = Option<String>, format = Binary)]
    document_back: Option<Vec<u8>>,
    /// A proof of address.
    #[schema(rename = "proofOfAddress", value_type = Option<String>, format = Binary)]
    proof_of_address: Option<Vec<u8>>,
}

/// Documents, as a form. JSON parts are texts.
#[derive(utoipa::ToSchema)]
#[schema(as = UploadDocumentsForm)]
#[allow(dead_code, reason = "only documents")]
pub struct UploadForm {
    /// JSON: what is said of the identity document.
    document: Option<String>,
    /// JSON: what is said of the proof of address; with a file name, the file itself.
    #[schema(rename = "proofOfAddress")]
    proof_of_address_text: Option<String>,
    /// JSON: document and proofOfAddress in one.
    identification: Option<String>,
    /// The main side of the identity document: JPEG, PNG or PDF, at most 10 MiB.
    #[schema(rename = "documentMain", value_type = Option<String>, format = Binary)]
    document_main: Option<Vec<u8>>,
    /// Its back.
    #[schema(rename = "documentBack", value_type = Option<String>, format = Binary)]
    document_back: Option<Vec<u8>>,
    /// A proof of address.
    #[schema(value_type = Option<String>, format = Binary)]
    proof_of_address: Option<Vec<u8>>,
}
