//! Errors of the steps around a command; each interface renders them in its own format.

use paygen_core::Refusal;
use paygen_core::cards::Brand;
use paygen_engine::Unanswered;
use paygen_store::StoreError;

/// Why a step around a command failed.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    #[error("{0}")]
    Refused(#[from] Refusal),
    #[error(transparent)]
    Engine(#[from] Unanswered),
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The program has no number range of this brand.
    #[error("The program has no range of {0} numbers (numberRanges); it can issue no such card.")]
    NoNumbers(Brand),
    /// A defect in our code; the text is for the log alone.
    #[error("{0}")]
    Internal(String),
}
