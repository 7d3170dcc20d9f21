//! Card holders: who they are, their documents, whether they may hold cards.
//!
//! What is personal is sealed under a key of the card holder's own; the core keeps it and passes it on without being
//! able to read it. Erasing destroys that key.

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
