//! Personal data of card holders: sealed under the card holder's own key before a command is built, opened for callers
//! that may read it. It never appears in a log or an event.

use paygen_core::card_holders::{CardHolder, CardHolderView, Personal, SealedPersonal, SearchHashes};
use paygen_core::ids::{CardHolderId, ClientId};
use paygen_core::time::Instant;
use paygen_vault::{HolderKey, Vault};

use crate::Failure;

/// The fields by which sealed data is looked up, as named in the look-up hashes.
pub const EMAIL: &str = "email";
pub const PHONE: &str = "phone";
pub const BIRTH_DATE: &str = "birth_date";
pub const DOCUMENT_NUMBER: &str = "document_number";

const DAY: i64 = 86_400;

/// The key of a card holder; `None` once they are erased.
pub fn key(vault: &Vault, holder: &CardHolder) -> Result<Option<HolderKey>, Failure> {
    let open = |kept: &Vec<u8>| {
        let opened = vault.open_holder_key(holder.client.0.bytes(), holder.id.0.bytes(), kept);
        opened
            .map_err(|error| Failure::Internal(format!("the key of card holder {} does not open: {error}", holder.id)))
    };
    holder.key.as_ref().map(open).transpose()
}

/// Opens the personal data of a card holder; empty once they are erased.
pub fn open(vault: &Vault, holder: &CardHolder) -> Result<Personal, Failure> {
    let (Some(key), Some(sealed)) = (key(vault, holder)?, &holder.personal) else { return Ok(Personal::default()) };
    let failed = |why: String| Failure::Internal(format!("the data of card holder {} does not open: {why}", holder.id));
    let plain = key.open(&place(&holder.client, &holder.id), sealed).map_err(|error| failed(error.to_string()))?;
    serde_json::from_slice(&plain).map_err(|error| failed(error.to_string()))
}

/// The view of a card holder.
pub fn show(vault: &Vault, holder: &CardHolder, now: Instant) -> Result<CardHolderView, Failure> {
    Ok(CardHolderView::of(holder, &open(vault, holder)?, now))
}

/// Seals personal data. `has_document` and `has_proof` state whether the files are submitted with it.
pub fn seal(
    vault: &Vault,
    client: ClientId,
    id: CardHolderId,
    key: &HolderKey,
    personal: &Personal,
    (has_document, has_proof): (bool, bool),
) -> SealedPersonal {
    let plain = zeroize::Zeroizing::new(serde_json::to_vec(personal).unwrap_or_default());
    let hash = |field: &str, value: &Option<String>| {
        value.as_ref().map(|value| vault.search_hash(client.0.bytes(), field, value))
    };
    let (person, document) = (&personal.person, &personal.identification.document);
    let expires = document.expiry_date.as_deref().and_then(Instant::parse_date);
    SealedPersonal {
        sealed: key.seal(&place(&client, &id), &plain),
        hashes: SearchHashes {
            email: hash(EMAIL, &person.email),
            phone: hash(PHONE, &person.phone_number),
            birth_date: hash(BIRTH_DATE, &person.date_of_birth),
            document_number: hash(DOCUMENT_NUMBER, &document.number),
        },
        document_expires: expires.map(|date| date.plus_seconds(DAY)),
        has_document: has_document || !document.is_empty(),
        has_proof: has_proof || !personal.identification.proof_of_address.is_empty(),
    }
}

fn place<'a>(client: &'a ClientId, id: &'a CardHolderId) -> [&'a [u8]; 3] {
    [b"personal", client.0.bytes(), id.0.bytes()]
}
