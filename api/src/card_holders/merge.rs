//! Merges a body into the stored data of a card holder. A body changes the fields it contains; read-only fields may be
//! sent back unchanged.

use paygen_core::card_holders::{
    Address, DocumentText, Identification, IdentificationView, Meta, Person, Personal, ProofText,
};
use paygen_core::time::Instant;

use super::bodies::{AddressBody, DocumentBody, FileMetaBody, IdentificationBody, MetaBody, PersonBody, ProofBody};
use crate::body::{Change, Faults};
use crate::problem::FieldProblem;

fn set<T: Into<String>>(into: &mut Option<String>, change: Change<T>) {
    match change {
        Change::Keep => {}
        Change::Clear => *into = None,
        Change::Set(value) => *into = Some(value.into()),
    }
}

/// Merges a part: null clears it completely.
pub fn part<T: Default, B>(into: &mut T, change: Change<B>, merge: impl FnOnce(&mut T, B)) {
    match change {
        Change::Keep => {}
        Change::Clear => *into = T::default(),
        Change::Set(body) => merge(into, body),
    }
}

/// Merges the person.
pub fn person(into: &mut Person, body: PersonBody) {
    set(&mut into.first_name, body.first_name);
    set(&mut into.last_name, body.last_name);
    set(&mut into.email, body.email);
    set(&mut into.phone_number, body.phone_number);
    set(&mut into.date_of_birth, body.date_of_birth);
    set(&mut into.gender, body.gender);
    set(&mut into.nationality, body.nationality);
}

/// Merges the address.
pub fn address(into: &mut Address, body: AddressBody) {
    set(&mut into.line1, body.line1);
    set(&mut into.city, body.city);
    set(&mut into.state, body.state);
    set(&mut into.postal_code, body.postal_code);
    set(&mut into.country_code, body.country_code);
}

/// Merges the purpose of the card.
pub fn meta(into: &mut Meta, body: MetaBody) {
    set(&mut into.funding_source, body.funding_source);
    set(&mut into.monthly_transaction_value, body.monthly_transaction_value);
}

/// Merges the identification; `shown` has the read-only values that may be sent back.
pub fn identification(
    into: &mut Identification,
    body: IdentificationBody,
    shown: &IdentificationView,
    faults: &mut Faults,
) {
    part(&mut into.document, body.document, |into, body| {
        document(into, body, shown, "/identification/document", faults);
    });
    part(&mut into.proof_of_address, body.proof_of_address, |into, body| {
        proof(into, body, shown, "/identification/proofOfAddress", faults);
    });
}

/// Merges an identity document.
pub fn document(
    into: &mut DocumentText,
    body: DocumentBody,
    shown: &IdentificationView,
    at: &str,
    faults: &mut Faults,
) {
    let shown = &shown.document;
    let status = shown.verification_status.map(|status| status.as_str());
    echo(body.verification_status, status, &format!("{at}/verificationStatus"), faults);
    if let Some(urls) = body.urls {
        echo(urls.main, shown.urls.main.as_deref(), &format!("{at}/urls/main"), faults);
        echo(urls.back, shown.urls.back.as_deref(), &format!("{at}/urls/back"), faults);
    }
    file_meta(body.meta, [&shown.meta.file_type, &shown.meta.content_hash], at, faults);
    set(&mut into.r#type, body.kind);
    set(&mut into.number, body.number);
    set(&mut into.issue_date, body.issue_date);
    set(&mut into.expiry_date, body.expiry_date);
    set(&mut into.issuing_country, body.issuing_country);
    set(&mut into.description, body.description);
}

/// Merges a proof of address.
pub fn proof(into: &mut ProofText, body: ProofBody, shown: &IdentificationView, at: &str, faults: &mut Faults) {
    let shown = &shown.proof_of_address;
    let status = shown.verification_status.map(|status| status.as_str());
    echo(body.verification_status, status, &format!("{at}/verificationStatus"), faults);
    echo(body.url, shown.url.as_deref(), &format!("{at}/url"), faults);
    file_meta(body.meta, [&shown.meta.file_type, &shown.meta.content_hash], at, faults);
    set(&mut into.r#type, body.kind);
    set(&mut into.document_id, body.document_id);
    set(&mut into.description, body.description);
}

fn file_meta(body: Option<FileMetaBody>, shown: [&Option<String>; 2], at: &str, faults: &mut Faults) {
    if let Some(meta) = body {
        echo(meta.file_type, shown[0].as_deref(), &format!("{at}/meta/fileType"), faults);
        echo(meta.content_hash, shown[1].as_deref(), &format!("{at}/meta/contentHash"), faults);
    }
}

/// A read-only field may be sent back unchanged. A review that was not opened yet may be sent as pending.
pub fn echo<T: Into<String>>(sent: Change<T>, shown: Option<&str>, at: &str, faults: &mut Faults) {
    let sent: Option<String> = match sent {
        Change::Keep => return,
        Change::Clear => None,
        Change::Set(text) => Some(text.into()),
    };
    let opening = shown.is_none() && at.ends_with("/verificationStatus") && sent.as_deref() == Some("pending");
    if sent.as_deref() != shown && !opening {
        faults.push(read_only(at));
    }
}

/// The error of a read-only field that was changed.
pub fn read_only(at: &str) -> FieldProblem {
    FieldProblem::new(at, "read_only_field", "is read-only; leave it out, or send it back as it is")
}

/// Checks across several fields.
pub fn check(personal: &Personal, now: Instant, faults: &mut Faults) {
    let mut fault = |at: &str, code: &str, message: &str| faults.push(FieldProblem::new(at, code, message));
    if personal.person.email.is_none() && personal.person.phone_number.is_none() {
        fault("/person/email", "required", "an e-mail address or a phone number is required");
    }
    let today = &now.to_string()[..10];
    if let Some(born) = personal.person.date_of_birth.as_deref()
        && !("1900-01-01"..today).contains(&born)
    {
        fault("/person/dateOfBirth", "range", "must be a date in the past, not before 1900-01-01");
    }
    let document = &personal.identification.document;
    if let (Some(issued), Some(expires)) = (&document.issue_date, &document.expiry_date)
        && expires <= issued
    {
        fault("/identification/document/expiryDate", "range", "must be after issueDate");
    }
}
