//! Card holders: enrolled, changed, verified, erased.
//!
//! Personal data is sealed under a key of its own for each card holder. The core stores it and cannot read it. Erasing
//! destroys the key.

mod create;
mod documents;
mod erase;
mod find;
mod personal;
mod record;
mod update;
mod view;

pub use create::CreateCardHolder;
pub use documents::{NewDocument, ReviewDocument};
pub use erase::EraseCardHolder;
pub(crate) use find::{count_cards, find_for_update};
pub use personal::{Address, DocumentText, Identification, Meta, Person, Personal, ProofText};
pub use record::{
    CardHolder, CardHolderStatus, Document, DocumentPart, FileRef, Files, ReviewStatus, SealedPersonal, SearchHashes,
};
pub use update::UpdateCardHolder;
pub use view::{CardHolderNotice, CardHolderView, DocumentView, IdentificationView};

#[cfg(test)]
mod tests;
