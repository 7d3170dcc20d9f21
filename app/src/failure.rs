//! What goes wrong beside a command, for each way in to answer in its own words.

use paygen_core::Refusal;
use paygen_core::cards::Brand;
use paygen_engine::Unanswered;
use paygen_store::StoreError;

/// Why something beside a command could not be done.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// A rule refuses it.
    #[error("{0}")]
    Refused(#[from] Refusal),
    /// The engine did not answer.
    #[error(transparent)]
    Engine(#[from] Unanswered),
    /// The store could not be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// No range of this brand's numbers is configured.
    #[error("No range of {0} numbers is configured (cards.ranges); no such card can be issued.")]
    NoNumbers(Brand),
    /// A defect of ours, for the log alone.
    #[error("{0}")]
    Internal(String),
}
