//! Bodies of calls on card holders. Creating a card holder is an update of an empty one, so both calls parse the parts
//! alike.

use paygen_core::card_holders::{CardHolderStatus, CardHolderView, ReviewStatus};

use super::fields::{CalendarDate, Email, Gender, Phone};
use crate::country::CountryCode;
use crate::fields::{DocumentNumber, Metadata, Text};
use crate::limits::SpendingLimits;

crate::body! {
    /// Personal data.
    pub struct PersonBody {
        /// Given name.
        change first_name: Text<1, 100> = "firstName", example "Alex";
        /// Family name.
        change last_name: Text<1, 100> = "lastName", example "Johnson";
        /// E-mail address.
        change email: Email = "email", example "alex.johnson@example.com";
        /// Phone number in E.164 format.
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
    /// Residential address.
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
    /// URLs of the files of an identity document. Read-only.
    pub struct UrlsBody {
        /// Read-only.
        change main: Text<0, 200> = "main";
        /// Read-only.
        change back: Text<0, 200> = "back";
    }
}

crate::body! {
    /// Properties of a file. Read-only.
    pub struct FileMetaBody {
        /// Read-only.
        change file_type: Text<0, 100> = "fileType";
        /// Read-only.
        change content_hash: Text<0, 100> = "contentHash";
    }
}

crate::body! {
    /// Data of an identity document.
    pub struct DocumentBody {
        /// Type of the document.
        change kind: Text<1, 64> = "type", example "international_passport";
        /// Document number.
        change number: DocumentNumber<1, 64> = "number", example "***9884";
        /// Issue date, YYYY-MM-DD.
        change issue_date: CalendarDate = "issueDate";
        /// Expiry date, YYYY-MM-DD.
        change expiry_date: CalendarDate = "expiryDate";
        /// Issuing country.
        change issuing_country: CountryCode = "issuingCountry";
        /// Description.
        change description: Text<1, 500> = "description";
        /// Read-only; set by a review.
        change verification_status: Text<0, 32> = "verificationStatus";
        /// Read-only.
        nullable urls: UrlsBody = "urls";
        /// Read-only.
        nullable meta: FileMetaBody = "meta";
    }
}

crate::body! {
    /// Data of a proof of address.
    pub struct ProofBody {
        /// Type of the document.
        change kind: Text<1, 64> = "type", example "utility_bill";
        /// Document number.
        change document_id: DocumentNumber<1, 64> = "documentId", example "45701434313";
        /// Description.
        change description: Text<1, 500> = "description";
        /// Read-only; set by a review.
        change verification_status: Text<0, 32> = "verificationStatus";
        /// Read-only.
        change url: Text<0, 200> = "url";
        /// Read-only.
        nullable meta: FileMetaBody = "meta";
    }
}

crate::body! {
    /// Identity document and proof of address.
    pub struct IdentificationBody {
        /// The identity document.
        change document: DocumentBody = "document";
        /// The proof of address.
        change proof_of_address: ProofBody = "proofOfAddress";
    }
}

crate::body! {
    /// Intended use of the card.
    pub struct MetaBody {
        /// Source of funds.
        change funding_source: Text<1, 100> = "fundingSource", example "salary";
        /// Expected spending per month.
        change monthly_transaction_value: Text<1, 100> = "monthlyTransactionValue", example "1000-5000";
    }
}

crate::body! {
    /// Creates a card holder. Required are a name, full or as first and last name, and an e-mail address or a phone
    /// number. The flat fields of the quickstart replace those of `person` and `address`.
    pub struct CreateCardHolderBody {
        /// Full name. Defaults to the first and last name.
        nullable name: Text<1, 200> = "name", example "Alex Johnson";
        /// Personal data.
        change person: PersonBody = "person";
        /// Residential address.
        change address: AddressBody = "address";
        /// Identity document and proof of address.
        change identification: IdentificationBody = "identification";
        /// Intended use of the card.
        change meta: MetaBody = "meta";
        /// Status. Defaults to active; cards of a card holder who is not active cannot be used.
        optional status: CardHolderStatus = "status", example "active";
        /// Your own data.
        nullable metadata: Metadata = "metadata";
        /// Spending limits over all cards of the card holder.
        nullable spending_limits: SpendingLimits = "spendingLimits";
        /// Same as person.firstName.
        change first_name: Text<1, 100> = "firstName";
        /// Same as person.lastName.
        change last_name: Text<1, 100> = "lastName";
        /// Same as person.email.
        change email: Email = "email";
        /// Same as person.phoneNumber.
        change phone_number: Phone = "phoneNumber";
        /// Same as address.line1.
        change address_line1: Text<1, 200> = "addressLine1";
        /// Same as address.city.
        change city: Text<1, 100> = "city";
        /// Same as address.state.
        change state: Text<1, 100> = "state";
        /// Same as address.postalCode.
        change postal_code: Text<1, 20> = "postalCode";
        /// Same as address.countryCode.
        change country: CountryCode = "country";
    }
}

crate::body! {
    /// Updates a card holder. Omitted fields keep their values, also inside `person`, `address`, `identification` and
    /// `meta`; null removes a value.
    pub struct UpdateCardHolderBody echoing CardHolderView {
        /// Full name.
        change name: Text<1, 200> = "name", example "Alex Johnson";
        /// Personal data.
        change person: PersonBody = "person";
        /// Residential address.
        change address: AddressBody = "address";
        /// Identity document and proof of address.
        change identification: IdentificationBody = "identification";
        /// Intended use of the card.
        change meta: MetaBody = "meta";
        /// Status. Cards of a card holder who is not active cannot be used.
        optional status: CardHolderStatus = "status", example "active";
        /// Your own data; replaces the stored object.
        change metadata: Metadata = "metadata";
        /// Spending limits over all cards of the card holder; replace the stored limits.
        change spending_limits: SpendingLimits = "spendingLimits";
    }
}

crate::body! {
    /// Data of uploaded documents.
    pub struct UploadBody {
        /// Data of the identity document.
        change document: DocumentBody = "document";
        /// Data of the proof of address.
        change proof_of_address: ProofBody = "proofOfAddress";
        /// Data of both documents.
        change identification: IdentificationBody = "identification";
    }
}

crate::body! {
    /// Reviews a document.
    pub struct ReviewDocumentBody {
        /// verified or rejected.
        required status: ReviewStatus = "status", example "verified";
        /// Reason.
        nullable reason: Text<1, 500> = "reason", example "The photograph matches.";
    }
}

/// Creates a card holder from a form. Objects are sent as JSON text; the flat fields replace those of `person` and
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
    /// JSON: spending limits over all cards of the card holder.
    #[schema(rename = "spendingLimits")]
    spending_limits: Option<String>,
    /// Same as person.firstName.
    #[schema(rename = "firstName")]
    first_name: Option<String>,
    /// Same as person.lastName.
    #[schema(rename = "lastName")]
    last_name: Option<String>,
    /// Same as person.email.
    email: Option<String>,
    /// Same as person.phoneNumber.
    #[schema(rename = "phoneNumber")]
    phone_number: Option<String>,
    /// Same as address.line1.
    #[schema(rename = "addressLine1")]
    address_line1: Option<String>,
    /// Same as address.city.
    city: Option<String>,
    /// Same as address.state.
    state: Option<String>,
    /// Same as address.postalCode.
    #[schema(rename = "postalCode")]
    postal_code: Option<String>,
    /// Same as address.countryCode.
    country: Option<String>,
    /// The front of the identity document: JPEG, PNG or PDF, at most 10 MiB.
    #[schema(rename = "documentMain", value_type = Option<String>, format = Binary)]
    document_main: Option<Vec<u8>>,
    /// The back of the identity document.
    #[schema(rename = "documentBack", value_type = Option<String>, format = Binary)]
    document_back: Option<Vec<u8>>,
    /// A proof of address.
    #[schema(rename = "proofOfAddress", value_type = Option<String>, format = Binary)]
    proof_of_address: Option<Vec<u8>>,
}

/// Uploads documents as a form. Objects are sent as JSON text.
#[derive(utoipa::ToSchema)]
#[schema(as = UploadDocumentsForm)]
#[allow(dead_code, reason = "only documents")]
pub struct UploadForm {
    /// JSON: data of the identity document.
    document: Option<String>,
    /// JSON: data of the proof of address. A part with a file name is the file itself.
    #[schema(rename = "proofOfAddress")]
    proof_of_address_text: Option<String>,
    /// JSON: document and proofOfAddress in one object.
    identification: Option<String>,
    /// The front of the identity document: JPEG, PNG or PDF, at most 10 MiB.
    #[schema(rename = "documentMain", value_type = Option<String>, format = Binary)]
    document_main: Option<Vec<u8>>,
    /// The back of the identity document.
    #[schema(rename = "documentBack", value_type = Option<String>, format = Binary)]
    document_back: Option<Vec<u8>>,
    /// A proof of address.
    #[schema(value_type = Option<String>, format = Binary)]
    proof_of_address: Option<Vec<u8>>,
}
