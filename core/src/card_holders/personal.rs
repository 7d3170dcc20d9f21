//! Personal data as the edge reads and seals it. It has no way to be printed.

use serde::{Deserialize, Serialize};

macro_rules! texts {
    ($(#[$doc:meta])* $name:ident { $($(#[$field_doc:meta])* $field:ident,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
        #[serde(rename_all = "camelCase", default)]
        pub struct $name {
            $($(#[$field_doc])* #[serde(skip_serializing_if = "Option::is_none")] pub $field: Option<String>,)*
        }

        impl $name {
            /// Whether no field is set.
            pub fn is_empty(&self) -> bool {
                $(self.$field.is_none())&&*
            }
        }
    };
}

texts! {
    /// Who they are.
    Person {
        /// Given name.
        first_name,
        /// Family name.
        last_name,
        /// E-mail address.
        email,
        /// Phone number.
        phone_number,
        /// Date of birth, YYYY-MM-DD.
        date_of_birth,
        /// m, f or x.
        gender,
        /// ISO 3166-1 alpha-2.
        nationality,
    }
}

texts! {
    /// Where they live.
    Address {
        /// Street and number.
        line1,
        /// City.
        city,
        /// State or region.
        state,
        /// Postal code.
        postal_code,
        /// ISO 3166-1 alpha-2.
        country_code,
    }
}

texts! {
    /// An identity document, in words.
    DocumentText {
        /// What kind.
        r#type,
        /// Its number.
        number,
        /// Issued on, YYYY-MM-DD.
        issue_date,
        /// Good until, YYYY-MM-DD.
        expiry_date,
        /// Issued by, ISO 3166-1 alpha-2.
        issuing_country,
        /// Whatever there is to say.
        description,
    }
}

texts! {
    /// A proof of address, in words.
    ProofText {
        /// What kind.
        r#type,
        /// Its number.
        document_id,
        /// Whatever there is to say.
        description,
    }
}

texts! {
    /// What the card is for.
    Meta {
        /// Where the money comes from.
        funding_source,
        /// About how much a month.
        monthly_transaction_value,
    }
}

/// How they identify themselves.
#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Identification {
    pub document: DocumentText,
    pub proof_of_address: ProofText,
}

/// Everything personal but the name.
#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Personal {
    pub person: Person,
    /// Where they live.
    pub address: Address,
    pub identification: Identification,
    pub meta: Meta,
}

impl Personal {
    /// What is still missing of what a verification needs, as paths of fields.
    pub fn missing(&self) -> Vec<&'static str> {
        let person = &self.person;
        let address = &self.address;
        let document = &self.identification.document;
        let fields = [
            ("person.firstName", &person.first_name),
            ("person.lastName", &person.last_name),
            ("person.dateOfBirth", &person.date_of_birth),
            ("address.line1", &address.line1),
            ("address.city", &address.city),
            ("address.countryCode", &address.country_code),
            ("identification.document.type", &document.r#type),
            ("identification.document.number", &document.number),
        ];
        fields.into_iter().filter(|(_, value)| value.is_none()).map(|(path, _)| path).collect()
    }
}
