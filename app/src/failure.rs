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
    /// No number range of this brand is configured.
    #[error("No range of {0} numbers is configured (cards.ranges); no such card can be issued.")]
    NoNumbers(Brand),
    /// A defect in our code; the text is for the log alone.
    #[error("{0}")]
    Internal(String),
}
